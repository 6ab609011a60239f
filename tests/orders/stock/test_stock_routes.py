"""Warehouses, adjustments and stock through the API."""

import asyncio

import asyncpg
import httpx
import pytest

from shared.context.ctx import TenantFacts
from tests.kit.suite import Suite
from tests.orders.given import given_ctx, given_product, given_stock, given_warehouse, stock_of

ADJUST = {"sku": "TEA", "delta": 5, "reason": "delivery"}


async def on_hand_and_ledger(orders: httpx.AsyncClient) -> tuple[str, list[tuple[str, str]]]:
    ledger = (await orders.get("/v1/stock-adjustments?sku=TEA")).json()["items"]
    return (await stock_of(orders, "TEA"))["on_hand"], [(m["delta"], m["on_hand"]) for m in ledger]


async def test_main_is_there_once_however_often_a_tenant_is_provisioned(
    suite: Suite, tenant: TenantFacts, orders: httpx.AsyncClient
):
    await suite.provision(tenant)
    await suite.provision(tenant)

    (main,) = (await orders.get("/v1/warehouses")).json()["items"]

    assert main["code"] == "MAIN"
    assert (await orders.get(f"/v1/warehouses/{main['id']}")).json() == main


async def test_a_warehouse_is_added_once(suite: Suite, orders: httpx.AsyncClient, stranger: TenantFacts):
    created = await orders.post("/v1/warehouses", json={"code": "NORTH", "name": "North"})

    assert created.status_code == 201
    assert (await orders.get(created.headers["location"])).json() == created.json()
    again = await orders.post("/v1/warehouses", json={"code": "NORTH", "name": "Other"})
    assert (again.status_code, again.json()["code"]) == (409, "already_exists")
    listed = (await orders.get("/v1/warehouses?code=NORTH")).json()["items"]
    assert listed == [created.json()]
    other = suite.client("orders", stranger)
    assert (await other.get(created.headers["location"])).status_code == 404


async def test_an_adjustment_shows_the_stock_that_came_of_it(orders: httpx.AsyncClient):
    await given_product(orders, "TEA")

    made = await orders.post("/v1/stock-adjustments", json=ADJUST | {"delta": "5.5"})

    assert made.status_code == 201, made.text
    shown = made.json()
    assert shown.items() >= {
        "sku": "TEA", "warehouse": "MAIN", "kind": "adjustment", "delta": "5.5", "on_hand": "5.5",
        "reserved": "0", "available": "5.5", "reason": "delivery", "actor_id": "client-of-a-test",
    }.items()  # fmt: skip
    kept = await orders.get(made.headers["location"])
    assert kept.status_code == 200
    assert kept.json().items() <= shown.items()
    assert (await stock_of(orders, "TEA")).items() >= {"on_hand": "5.5", "backordered": "0"}.items()


async def test_a_count_replaces_what_was_expected(orders: httpx.AsyncClient):
    await given_product(orders, "TEA", stock=5)
    count = {"sku": "TEA", "set_to": 3, "expected": 5, "reason": "stock take"}

    first = await orders.post("/v1/stock-adjustments", json=count)
    second = await orders.post("/v1/stock-adjustments", json=count)

    assert (first.status_code, first.json()["delta"], first.json()["on_hand"]) == (201, "-2", "3")
    assert (second.status_code, second.json()["code"], second.json()["on_hand"]) == (
        409,
        "stock_changed",
        "3",
    )
    assert await on_hand_and_ledger(orders) == ("3", [("-2", "3"), ("5", "5")])


async def test_more_than_is_available_cannot_be_taken(orders: httpx.AsyncClient):
    await given_product(orders, "TEA", stock=5)

    refused = await orders.post("/v1/stock-adjustments", json=ADJUST | {"delta": -6})

    assert (refused.status_code, refused.json()["code"]) == (409, "insufficient_stock")
    assert refused.json()["available"] == "5"
    assert await on_hand_and_ledger(orders) == ("5", [("5", "5")])


async def test_what_is_sold_without_stock_has_none(orders: httpx.AsyncClient):
    await given_product(orders, "TEA", tracked=False)

    refused = await orders.post("/v1/stock-adjustments", json=ADJUST)

    assert (refused.status_code, refused.json()["code"]) == (409, "not_tracked")
    assert (await orders.get("/v1/stock?sku=TEA")).json()["items"] == []


@pytest.mark.parametrize(
    ("change", "pointer", "code"),
    [
        ({"sku": "COFFEE"}, "/sku", "unknown_sku"),
        ({"warehouse": "MOON"}, "/warehouse", "unknown_warehouse"),
        ({"delta": 0}, "", "nothing_to_adjust"),
        ({"delta": 1.5}, "/delta", "quantity_format"),
        ({"delta": None}, "", "delta_or_count"),
        ({"set_to": 4, "expected": 2}, "", "delta_or_count"),
        ({"delta": None, "set_to": 4}, "", "delta_or_count"),
        ({"delta": None, "set_to": 4, "expected": 4}, "", "nothing_to_adjust"),
        ({"expected": 4}, "", "delta_or_count"),
        ({"delta": None, "set_to": -1, "expected": 5}, "/set_to", "quantity_out_of_range"),
        ({"reason": ""}, "/reason", "string_too_short"),
    ],
)
async def test_a_bad_adjustment_names_the_field(
    orders: httpx.AsyncClient, change: dict, pointer: str, code: str
):
    await given_product(orders, "TEA", stock=5)

    answer = await orders.post("/v1/stock-adjustments", json=ADJUST | change)

    assert answer.status_code == 422, answer.text
    assert [(e["pointer"], e["code"]) for e in answer.json()["errors"]] == [(pointer, code)]
    assert await on_hand_and_ledger(orders) == ("5", [("5", "5")])


async def test_more_than_can_be_written_is_refused(orders: httpx.AsyncClient):
    await given_product(orders, "TEA", stock=10**12)

    answer = await orders.post("/v1/stock-adjustments", json=ADJUST)

    assert answer.json()["errors"][0]["code"] == "quantity_out_of_range"
    assert (await stock_of(orders, "TEA"))["on_hand"] == str(10**12)


async def test_stock_is_shown_by_warehouse_page_by_page(orders: httpx.AsyncClient):
    await given_warehouse(orders, "NORTH")
    await given_product(orders, "TEA", stock=1)
    await given_product(orders, "CUP", stock=2)
    await given_stock(orders, "CUP", 3, warehouse="NORTH")

    pages, cursor = [], None
    while not pages or cursor:
        page = (
            await orders.get("/v1/stock", params={"limit": 1} | ({"cursor": cursor} if cursor else {}))
        ).json()
        pages.append([(s["sku"], s["warehouse"], s["on_hand"]) for s in page["items"]])
        cursor = page["next"]

    assert [len(p) for p in pages] == [1, 1, 1]
    assert sorted(p[0] for p in pages) == [("CUP", "MAIN", "2"), ("CUP", "NORTH", "3"), ("TEA", "MAIN", "1")]
    assert pages[2][0][0] == "TEA"
    north = (await orders.get("/v1/stock?warehouse=NORTH")).json()["items"]
    assert [(s["sku"], s["on_hand"]) for s in north] == [("CUP", "3")]
    assert (await orders.get("/v1/stock?cursor=AAAA")).status_code == 422


async def test_the_ledger_is_read_page_by_page(orders: httpx.AsyncClient):
    await given_warehouse(orders, "NORTH")
    await given_product(orders, "TEA", stock=1)
    await given_stock(orders, "TEA", 2)
    await given_stock(orders, "TEA", 4, warehouse="NORTH")

    first = (await orders.get("/v1/stock-adjustments?sku=TEA&limit=2")).json()
    second = (
        await orders.get("/v1/stock-adjustments", params={"sku": "TEA", "limit": 2, "cursor": first["next"]})
    ).json()

    shown = [(m["warehouse"], m["delta"], m["on_hand"]) for m in first["items"] + second["items"]]
    assert shown == [("NORTH", "4", "4"), ("MAIN", "2", "3"), ("MAIN", "1", "1")]
    assert second["next"] is None
    at_main = (await orders.get("/v1/stock-adjustments?warehouse=MAIN")).json()["items"]
    assert [m["delta"] for m in at_main] == ["2", "1"]


async def test_counts_at_the_same_moment_win_once(orders: httpx.AsyncClient):
    await given_product(orders, "TEA", stock=5)
    count = {"sku": "TEA", "expected": 5, "reason": "stock take"}

    answers = await asyncio.gather(
        *(orders.post("/v1/stock-adjustments", json=count | {"set_to": 10 + n}) for n in range(8))
    )

    assert sorted(a.status_code for a in answers) == [201] + [409] * 7
    on_hand, ledger = await on_hand_and_ledger(orders)
    assert len(ledger) == 2
    assert on_hand == ledger[0][1]


async def test_withdrawals_at_the_same_moment_never_go_below_nothing(orders: httpx.AsyncClient):
    await given_product(orders, "TEA", stock=5)

    answers = await asyncio.gather(
        *(orders.post("/v1/stock-adjustments", json=ADJUST | {"delta": -1}) for _ in range(12))
    )

    assert sorted(a.status_code for a in answers) == [201] * 5 + [409] * 7
    on_hand, ledger = await on_hand_and_ledger(orders)
    assert (on_hand, [after for _, after in ledger]) == ("0", ["0", "1", "2", "3", "4", "5"])


async def test_first_deliveries_at_the_same_moment_all_count(orders: httpx.AsyncClient):
    await given_product(orders, "TEA")
    await given_warehouse(orders, "NORTH")

    await asyncio.gather(
        *(given_stock(orders, "TEA", 1, warehouse=("MAIN", "NORTH")[n % 2]) for n in range(12))
    )

    assert (await stock_of(orders, "TEA"))["on_hand"] == "6"
    assert (await stock_of(orders, "TEA", warehouse="NORTH"))["on_hand"] == "6"
    assert (await orders.get("/v1/stock-audit")).json()["differences"] == []


async def test_the_ledger_cannot_be_rewritten(suite: Suite, tenant: TenantFacts, orders: httpx.AsyncClient):
    await given_product(orders, "TEA", stock=5)

    for forbidden in ("update stock_movements set delta = 9", "delete from stock_movements"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with given_ctx(suite, tenant) as ctx:
                await ctx.sql.execute(forbidden)


async def test_strangers_and_the_unauthorised_see_nothing(
    suite: Suite, tenant: TenantFacts, stranger: TenantFacts, orders: httpx.AsyncClient
):
    await given_product(orders, "TEA")
    made = await given_stock(orders, "TEA", 5)
    other = suite.client("orders", stranger)

    assert (await other.get(f"/v1/stock-adjustments/{made['id']}")).status_code == 404
    for path in ("/v1/stock", "/v1/stock-adjustments"):
        assert (await other.get(path)).json()["items"] == []
        assert (await suite.anonymous("orders").get(path)).status_code == 401
    assert (await other.post("/v1/stock-adjustments", json=ADJUST)).status_code == 422
    reader = suite.client("orders", tenant, scopes={"orders:read"})
    assert (await reader.post("/v1/stock-adjustments", json=ADJUST)).status_code == 403
    assert (await stock_of(orders, "TEA"))["on_hand"] == "5"
