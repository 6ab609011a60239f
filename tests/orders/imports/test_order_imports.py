"""Order files through the API: the good orders in, once, and a reason for each refusal."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit
from uuid import UUID

import httpx
import pytest

from shared.background.jobs import start_job
from shared.blobs.refs import BlobRef
from shared.blobs.store import Blobs, StoreAway
from shared.context.ctx import Actor, TenantFacts
from shared.context.unit_of_work import unit_of_work
from shared.values.ids import new_id
from tests.kit.suite import Suite, blobs_url, eventually
from tests.orders.given import given_customer, given_product
from tests.orders.imports.given_imports import HEADER, OPTIONS, codes, finished, given_import, imported, row


async def test_rows_with_one_reference_make_one_order_with_the_rows_figures(orders: httpx.AsyncClient):
    job = await imported(orders, HEADER + row() + row(sku="S2", quantity=1, price="0") + row("A2"))

    assert (job["state"], job["orders_created"], job["rows_total"], job["rows_done"]) == ("done", 2, 3, 3)
    order = (await orders.get("/v1/orders?external_ref=A1")).json()["items"][0]
    assert order["state"] == "confirmed"
    assert order["channel"] == "import"
    assert [(line["sku"], line["quantity"]) for line in order["lines"]] == [("S1", "2"), ("S2", "1")]
    assert order["totals"]["net"] == {"amount": "3.00", "currency": "GBP"}
    customers = (await orders.get("/v1/customers?external_ref=C1")).json()["items"]
    assert [c["id"] for c in customers] == [order["customer_id"]]


async def test_a_bad_row_refuses_its_order_and_the_others_go_on(orders: httpx.AsyncClient):
    content = (
        HEADER
        + row("A1")
        + row("A1", quantity=-1)
        + row("A2", customer="")
        + row("A3", price="x")
        + row("A4")
    )

    job = await imported(orders, content)

    assert (job["orders_created"], job["orders_failed"], job["rows_failed"]) == (1, 3, 4)
    assert await codes(orders, job) == {
        1: "order_refused",
        2: "negative_quantity",
        3: "customer_missing",
        4: "price_invalid",
    }
    assert len((await orders.get("/v1/orders")).json()["items"]) == 1


async def test_a_file_sent_twice_takes_its_orders_in_once(orders: httpx.AsyncClient):
    content = HEADER + row("A1") + row("A2")
    first = await imported(orders, content)

    second = await imported(orders, content)

    assert (first["orders_created"], second["orders_created"], second["orders_skipped"]) == (2, 0, 2)
    assert await codes(orders, second, "skipped") == {1: "already_imported", 2: "already_imported"}
    assert len((await orders.get("/v1/orders")).json()["items"]) == 2


async def test_two_imports_of_one_file_at_once_take_its_orders_in_once(suite: Suite, tenant: TenantFacts):
    orders = suite.client("orders", tenant)
    content = HEADER + "".join(row(f"R{n}") for n in range(40))

    jobs = await asyncio.gather(*(given_import(orders, content) for _ in range(3)))
    done = [await finished(orders, job) for job in jobs]

    assert sum(j["orders_created"] for j in done) == 40
    assert len((await orders.get("/v1/orders?limit=200")).json()["items"]) == 40


async def test_dirty_files_leave_a_report_and_the_good_orders_in(orders: httpx.AsyncClient):
    bad = {
        2: b"B1,S1,caf\xe9,1,1.00,C1,,GB\n",
        3: b"B2,S1,half a row,1\n",
        4: b"B3,S1," + b"x" * 10_000_000 + b",1,1.00,C1,,GB\n",
        5: b"B4,S1,=HYPERLINK(1),1,1.00,C1,,GB\n",
        6: b'B5,S1,"open quote,1,1.00,C1,,GB\n',
        8: b"B6,S1,Thing,1e3,1.00,C1,,GB\n",
        9: b"B7,S1,Thing,1,1.00,C1,32/13/2026,GB\n",
        10: b"B8,,Thing,1,1.00,C1,,GB\n",
        11: b",S1,Thing,1,1.00,C1,,GB\n",
        12: b"B9,S1,Thing,1,1.0000001,C1,,GB\n",
    }
    good = {1: row("G1").encode(), 7: row("G2").encode(), 13: row("G3").encode()}
    lines = good | bad
    content = HEADER.encode() + b"".join(lines[n] for n in sorted(lines))

    job = await imported(orders, content)

    assert (job["state"], job["orders_created"]) == ("done", 3)
    assert await codes(orders, job) == {
        2: "encoding_invalid",
        3: "row_shape",
        4: "cell_too_long",
        5: "formula_refused",
        6: "quote_unclosed",
        8: "quantity_invalid",
        9: "date_invalid",
        10: "sku_missing",
        11: "order_ref_missing",
        12: "price_invalid",
    }


@pytest.mark.parametrize(
    ("content", "code"),
    [("wrong,columns\n1,2\n", "column_missing"), (HEADER, "file_empty"), (b"\xff\xfe", "file_empty")],
)
async def test_an_unreadable_file_fails_as_a_whole_with_its_reason(
    orders: httpx.AsyncClient, content: str | bytes, code: str
):
    job = await imported(orders, content)

    assert (job["state"], job["error"]["code"], job["orders_created"]) == ("failed", code, 0)


async def test_reject_all_takes_everything_or_nothing(orders: httpx.AsyncClient):
    content = HEADER + row("A1") + row("A2", quantity="none")

    refused = await imported(orders, content, on_error="reject_all")
    taken = await imported(orders, HEADER + row("A1") + row("A2"), on_error="reject_all")

    assert (refused["state"], refused["error"]["code"], refused["orders_created"]) == (
        "failed",
        "rejected",
        0,
    )
    assert await codes(orders, refused) == {1: "order_refused", 2: "quantity_invalid"}
    assert (taken["state"], taken["orders_created"]) == ("done", 2)


async def test_reject_all_undoes_orders_when_stock_refuses_a_later_one(orders: httpx.AsyncClient):
    await given_product(orders, sku="T1", stock=3)
    content = HEADER + row("A1", sku="T1", quantity=2) + row("A2", sku="T1", quantity=2)

    job = await imported(orders, content, on_error="reject_all")

    assert (job["state"], job["orders_created"]) == ("failed", 0)
    assert (await orders.get("/v1/orders")).json()["items"] == []


async def test_short_stock_refuses_only_the_orders_it_is_short_for(orders: httpx.AsyncClient):
    await given_product(orders, sku="T1", stock=3)
    content = (
        HEADER
        + row("A1", sku="T1", quantity=2)
        + row("A2", sku="T1", quantity=2)
        + row("A3", sku="T1", quantity=1)
    )

    job = await imported(orders, content)

    assert (job["orders_created"], await codes(orders, job)) == (2, {2: "insufficient_stock"})


async def test_what_is_missing_is_refused_where_it_may_not_be_made(orders: httpx.AsyncClient):
    await given_customer(orders, external_ref="C1")

    job = await imported(orders, HEADER + row("A1") + row("A2", customer="C9"), create_missing=[])

    assert await codes(orders, job) == {1: "unknown_sku", 2: "unknown_customer"}


async def test_json_lines_are_read_too(orders: httpx.AsyncClient):
    lines = [
        {"order_ref": "J1", "sku": "S1", "quantity": 2, "unit_price": "1.25", "customer_ref": "C1"},
        {"order_ref": "J2", "sku": "S1", "quantity": {}, "customer_ref": "C1"},
    ]
    content = "\n".join(json.dumps(line) for line in lines) + "\n{broken\n"

    job = await imported(orders, content, format="jsonl")

    assert (job["orders_created"], await codes(orders, job)) == (1, {2: "json_invalid", 3: "json_invalid"})


async def test_bad_options_name_the_field(orders: httpx.AsyncClient):
    answer = await orders.post(
        "/v1/order-imports",
        files={"file": ("a.csv", b"x", "text/csv")},
        data={"options": json.dumps({"format": "xls", "colour": 1})},
    )

    assert answer.status_code == 422
    assert {e["pointer"] for e in answer.json()["errors"]} == {"/options/format", "/options/colour"}


async def test_the_same_upload_under_one_key_is_one_import(orders: httpx.AsyncClient):
    files = {"file": ("a.csv", (HEADER + row()).encode(), "text/csv")}
    request = orders.build_request(
        "POST", "/v1/order-imports", files=files, data={"options": json.dumps(OPTIONS)},
        headers={"idempotency-key": "once"},
    )  # fmt: skip
    content, headers = await request.aread(), dict(request.headers)

    first = await orders.post("/v1/order-imports", content=content, headers=headers)
    second = await orders.post("/v1/order-imports", content=content, headers=headers)

    assert (first.status_code, second.json()["id"]) == (202, first.json()["id"])
    assert second.headers["idempotency-replayed"] == "true"


async def test_another_company_sees_nothing_of_an_import(
    suite: Suite, orders: httpx.AsyncClient, stranger: TenantFacts
):
    job = await imported(orders, HEADER + row())
    other = suite.client("orders", stranger)

    for path in ("", "/rows", "/timeline"):
        assert (await other.get(f"/v1/order-imports/{job['id']}{path}")).status_code == 404
    assert (await other.post(f"/v1/order-imports/{job['id']}/cancel")).status_code == 404


async def test_the_real_sample_goes_in_where_it_is_at_hand(orders: httpx.AsyncClient):
    sample = Path(__file__).parents[4] / "shared" / "data" / "online_retail_sample.csv"
    if not sample.exists():
        pytest.skip("the UCI sample lies outside the project and is not here")
    options = {
        "mapping": {
            "order_ref": "InvoiceNo", "sku": "StockCode", "description": "Description", "quantity": "Quantity",
            "unit_price": "UnitPrice", "customer_ref": "CustomerID", "ordered_at": "InvoiceDate", "country": "Country",
        },
        "date_format": "%m/%d/%y %H:%M",
    }  # fmt: skip

    job = await imported(orders, sample.read_bytes(), **options)

    assert (job["orders_created"], job["orders_failed"], job["rows_failed"]) == (61, 5, 11)
    page = (await orders.get("/v1/orders?limit=200")).json()["items"]
    assert sum(int(o["totals"]["net"]["amount"].replace(".", "")) for o in page) == 2_470_288
    assert sum(len(o["lines"]) for o in page) == 988


async def blob_state(suite: Suite, tenant: TenantFacts) -> str | None:
    async with suite["orders"].app_db.transaction(tenant.id) as tx:
        found: str | None = await tx.sql.fetchval("select state from blobs")
        return found


def kept_file(tenant: TenantFacts) -> Path:
    (found,) = (Path(unquote(urlsplit(blobs_url()).path)) / str(tenant.id) / "orders").iterdir()
    return found


@contextmanager
def without_store(suite: Suite) -> Iterator[None]:
    """The store gives nothing, as while its server is away."""
    blobs = suite["orders"].ports.get(Blobs)
    given = blobs.open

    async def away(ref: BlobRef) -> AsyncIterator[bytes]:
        raise StoreAway("for a test")

    blobs.open = away  # type: ignore[method-assign]
    try:
        yield
    finally:
        blobs.open = given  # type: ignore[method-assign]


async def test_a_file_lies_in_the_store_and_is_let_go_of_when_its_import_has_ended(
    suite: Suite, tenant: TenantFacts
):
    orders = suite.client("orders", tenant)
    content = HEADER + row()
    with without_store(suite):
        job = await given_import(orders, content)
        assert await blob_state(suite, tenant) == "kept"
        assert kept_file(tenant).read_bytes() == content.encode()

    await finished(orders, job)

    assert await blob_state(suite, tenant) == "deleted"
    async with suite["orders"].app_db.transaction(tenant.id) as tx:
        assert await tx.sql.fetchval("select count(*) from order_import_files") == 0


async def test_an_import_waits_for_a_store_that_is_away(suite: Suite, tenant: TenantFacts):
    orders = suite.client("orders", tenant)

    with without_store(suite):
        job = await given_import(orders, HEADER + row())

        async def met() -> bool:
            async with suite["orders"].worker_db.transaction(None) as tx:
                return bool(
                    await tx.sql.fetchval("select attempts > 0 from jobs where id = $1", UUID(job["id"]))
                )

        await eventually(met)
    async with suite["orders"].worker_db.transaction(None) as tx:  # as after the lease's 15 seconds
        await tx.sql.execute("update jobs set lease_until = now() where id = $1", UUID(job["id"]))
    done = await finished(orders, job)

    assert (done["state"], done["orders_created"]) == ("done", 1)


async def test_a_cancelled_import_lets_go_of_its_file(suite: Suite, tenant: TenantFacts):
    orders = suite.client("orders", tenant)
    with without_store(suite):
        job = await given_import(orders, HEADER + row())

        answer = await orders.post(f"/v1/order-imports/{job['id']}/cancel")

    assert answer.json()["state"] == "cancelled"
    assert await blob_state(suite, tenant) == "deleted"


async def test_a_refused_import_leaves_no_file(suite: Suite, tenant: TenantFacts):
    orders = suite.client("orders", tenant)

    answer = await orders.post(
        "/v1/order-imports", files={"file": ("a.csv", b"x")}, data={"options": "{not json"}
    )
    empty = await orders.post("/v1/order-imports", files={"file": ("a.csv", b"")})

    assert (answer.status_code, empty.status_code) == (422, 422)
    assert empty.json()["errors"][0]["pointer"] == "/file"
    async with suite["orders"].app_db.transaction(tenant.id) as tx:
        assert [r["state"] for r in await tx.sql.fetch("select state from blobs")] == ["abandoned"] * 2


async def test_a_file_from_before_files_were_blobs_is_read_where_it_lies(suite: Suite, tenant: TenantFacts):
    """What a release before has left: the bytes in `order_import_files`, a job that waits, half of the rows done."""
    orders, import_id = suite.client("orders", tenant), new_id()
    content = (HEADER + row("A1") + row("A2")).encode()
    async with unit_of_work(suite["orders"], tenant, Actor("of-before"), request_id="before") as ctx:
        await ctx.sql.execute(
            "insert into order_imports (tenant_id, id, state, file_name, options, rows_done) "
            "values ($1, $2, 'running', 'old.csv', $3, 1)",
            tenant.id, import_id, json.dumps(OPTIONS),
        )  # fmt: skip
        await ctx.sql.execute(
            "insert into order_import_files values ($1, $2, $3)", tenant.id, import_id, content
        )
        await ctx.sql.execute(
            "insert into order_import_rows (tenant_id, id, import_id, row, order_ref, status) "
            "values ($1, $2, $3, 1, 'A1', 'failed')",
            tenant.id, new_id(), import_id,
        )  # fmt: skip
        await start_job(ctx, "order_import", import_id)

    done = await finished(orders, {"id": str(import_id)})

    assert (done["state"], done["orders_created"], done["rows_done"]) == ("done", 1, 2)
    assert [o["external_ref"] for o in (await orders.get("/v1/orders")).json()["items"]] == ["A2"]


async def test_a_job_that_is_taken_up_after_its_import_has_ended_does_nothing(
    suite: Suite, tenant: TenantFacts
):
    """Killed between the import's end and its own, a job is run once more; its file is gone by then."""
    orders = suite.client("orders", tenant)
    job = await imported(orders, HEADER + row())
    async with suite["orders"].worker_db.transaction(None) as tx:
        await tx.sql.execute(
            "update jobs set state = 'running', lease_until = now() - interval '1 s' where id = $1",
            UUID(job["id"]),
        )
    suite["orders"].jobs.queued()

    async def over() -> str | None:
        async with suite["orders"].worker_db.transaction(None) as tx:
            found: str = await tx.sql.fetchval("select state from jobs where id = $1", UUID(job["id"]))
            return found if found not in ("pending", "running") else None

    assert await eventually(over) == "done"
    assert (await finished(orders, job)) == job


async def test_an_import_whose_file_is_damaged_fails_with_the_reason(suite: Suite, tenant: TenantFacts):
    orders = suite.client("orders", tenant)
    with without_store(suite):
        job = await given_import(orders, HEADER + row())
        kept_file(tenant).write_bytes(b"x" * len(HEADER + row()))
    async with suite["orders"].worker_db.transaction(None) as tx:
        await tx.sql.execute("update jobs set lease_until = now() where id = $1", UUID(job["id"]))

    done = await finished(orders, job)

    assert (done["state"], done["error"]["code"], done["orders_created"]) == ("failed", "file_lost", 0)
