"""Tax codes through the API."""

import asyncio
import itertools
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import orjson

from services.billing.tax import queries
from shared.context.ctx import TenantFacts
from shared.values.tax_codes import tax_code_id
from tests.billing.given import given_draft, given_invoice, line
from tests.kit.suite import Suite


async def tax_codes_told(suite: Suite, tenant: TenantFacts) -> list[dict[str, Any]]:
    """What billing has told of tax codes, oldest first."""
    rows = await suite.outbox("billing", tenant.id)
    kind = "billing.tax_code.changed.v1"
    return [orjson.loads(row["envelope"])["data"] for row in rows if row["type"] == kind]


REDUCED = {"code": "books", "name": "Books", "rate": "5", "valid_from": "2020-01-01"}


async def test_a_new_tenant_has_the_codes_of_its_country(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    found = {c["code"]: c for c in (await billing.get("/v1/tax-codes")).json()["items"]}

    assert {code: c["rate"] for code, c in found.items()} == {
        "standard": "20",
        "reduced": "5",
        "zero": "0",
        "exempt": "0",
    }
    assert found["standard"]["id"] == str(tax_code_id(tenant.id, "standard", date(2011, 1, 4)))
    assert await suite.outbox("billing", tenant.id) == [] or all(
        not row["type"].startswith("billing.tax_code") for row in await suite.outbox("billing", tenant.id)
    )


async def test_provisioning_again_keeps_what_the_tenant_changed(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    path = f"/v1/tax-codes/{tax_code_id(tenant.id, 'standard', date(2011, 1, 4))}"
    await billing.patch(path, json={"name": "VAT"}, headers={"if-match": "1"})

    await suite.provision(tenant)

    assert (await billing.get(path)).json()["name"] == "VAT"


async def test_a_change_is_told_with_its_version(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    made = (await billing.post("/v1/tax-codes", json=REDUCED)).json()
    path = f"/v1/tax-codes/{made['id']}"

    changed = await billing.patch(path, json={"rate": "6"}, headers={"if-match": '"1"'})
    stale = await billing.patch(path, json={"rate": "7"}, headers={"if-match": "1"})
    blind = await billing.patch(path, json={"rate": "7"})

    assert (changed.status_code, changed.json()["rate"], changed.json()["version"]) == (200, "6", 2)
    assert (stale.status_code, blind.status_code) == (412, 428)
    emitted = [
        r for r in await suite.outbox("billing", tenant.id) if r["type"] == "billing.tax_code.changed.v1"
    ]
    assert len(emitted) == 2


async def test_a_rate_changes_on_a_day(suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient):
    await billing.post("/v1/tax-codes", json=REDUCED)
    later = REDUCED | {"rate": "7.5", "valid_from": "2026-03-01"}

    assert (await billing.post("/v1/tax-codes", json=later)).status_code == 201
    assert (await billing.post("/v1/tax-codes", json=later)).json()["code"] == "already_exists"

    before = await given_draft(billing, line("100.00", tax_code="books"), delivered_on="2026-02-28")
    after = await given_draft(billing, line("100.00", tax_code="books"), delivered_on="2026-03-01")
    assert before["totals"]["tax"]["amount"] == "5.00"
    assert after["totals"]["tax"]["amount"] == "7.50"


async def test_a_rate_until_further_notice_ends_the_day_before_the_next_and_both_are_told(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    made = (await billing.post("/v1/tax-codes", json=REDUCED)).json()

    await billing.post("/v1/tax-codes", json=REDUCED | {"rate": "7.5", "valid_from": "2026-03-01"})

    first = (await billing.get(f"/v1/tax-codes/{made['id']}")).json()
    assert (first["valid_to"], first["version"]) == ("2026-02-28", 2)
    facts = [(d["rate"], d["valid_to"], d["version"]) for d in await tax_codes_told(suite, tenant)]
    assert facts == [("5", None, 1), ("5", "2026-02-28", 2), ("7.5", None, 1)]


async def test_an_overlap_is_refused_naming_the_field_and_the_code_in_the_way(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    first = (await billing.post("/v1/tax-codes", json=REDUCED | {"valid_to": "2020-12-31"})).json()
    second = (await billing.post("/v1/tax-codes", json=REDUCED | {"valid_from": "2022-01-01"})).json()

    async def post(**changes: object) -> tuple[int, str, str, str]:
        answer = (await billing.post("/v1/tax-codes", json=REDUCED | {"rate": "9"} | changes)).json()
        return answer["status"], answer["code"], answer["errors"][0]["pointer"], answer["overlaps"]["id"]

    clash = (409, "validity_overlaps")
    into_the_first = await post(valid_from="2020-12-31", valid_to="2021-06-30")
    before_both = await post(valid_from="2019-01-01")
    into_the_second = await post(valid_from="2021-01-01")
    a_while_only = await post(valid_from="2023-01-01", valid_to="2023-06-30")
    extended = await billing.patch(
        f"/v1/tax-codes/{first['id']}", json={"valid_to": "2022-01-01"}, headers={"if-match": "1"}
    )
    without_end = await billing.patch(
        f"/v1/tax-codes/{first['id']}", json={"valid_to": None}, headers={"if-match": "1"}
    )

    assert into_the_first == (*clash, "/valid_from", first["id"])
    assert before_both == (*clash, "/valid_to", first["id"])
    assert into_the_second == (*clash, "/valid_to", second["id"])
    assert a_while_only == (*clash, "/valid_from", second["id"])
    for answer in (extended, without_end):
        assert (answer.status_code, answer.json()["code"]) == clash
        assert answer.json()["errors"][0]["pointer"] == "/valid_to"
        assert answer.json()["overlaps"]["id"] == second["id"]
    between = REDUCED | {"valid_from": "2021-01-01", "valid_to": "2021-12-31"}
    assert (await billing.post("/v1/tax-codes", json=between)).status_code == 201
    assert len(await tax_codes_told(suite, tenant)) == 3


async def test_of_overlapping_codes_that_come_at_once_exactly_one_is_made(billing: httpx.AsyncClient):
    """Each overlaps each: the days up to and from the 15th of June."""
    bodies = [
        REDUCED | {"valid_from": f"2026-06-{1 + n:02}", "valid_to": f"2026-06-{15 + n:02}"} for n in range(8)
    ]

    answers = await asyncio.gather(*(billing.post("/v1/tax-codes", json=body) for body in bodies))

    made = [a.json()["id"] for a in answers if a.status_code == 201]
    assert len(made) == 1
    refused = [a.json() for a in answers if a.status_code != 201]
    assert {(r["status"], r["code"], r["overlaps"]["id"]) for r in refused} == {
        (409, "validity_overlaps", made[0])
    }


async def test_of_successors_that_come_at_once_no_day_gets_two_rates(billing: httpx.AsyncClient):
    await billing.post("/v1/tax-codes", json=REDUCED)
    bodies = [REDUCED | {"rate": f"{6 + n}", "valid_from": f"2026-06-{1 + n:02}"} for n in range(8)]

    answers = await asyncio.gather(*(billing.post("/v1/tax-codes", json=body) for body in bodies))

    assert {a.status_code for a in answers} <= {201, 409}
    assert any(a.status_code == 201 for a in answers)
    rows = (await billing.get("/v1/tax-codes", params={"code": "books"})).json()["items"]
    ordered = sorted(rows, key=lambda r: r["valid_from"])
    assert len(rows) == 1 + sum(a.status_code == 201 for a in answers)
    for row, following in itertools.pairwise(ordered):
        assert date.fromisoformat(row["valid_to"]) + timedelta(days=1) == date.fromisoformat(
            following["valid_from"]
        )
    assert ordered[-1]["valid_to"] is None


async def test_a_tenant_whose_country_changes_keeps_the_codes_it_has(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    await suite.provision(replace(tenant, country="DE", version=tenant.version + 1))

    rows = (await billing.get("/v1/tax-codes", params={"code": "standard"})).json()["items"]
    assert [row["rate"] for row in rows] == ["20"]


async def test_the_rate_of_a_day_is_found_by_index_under_row_level_security(
    suite: Suite, tenant: TenantFacts
):
    async with suite["billing"].app_db.transaction(tenant.id) as tx:
        await tx.sql.execute("set local enable_seqscan = off; set local enable_bitmapscan = off")
        values = (tenant.id, ["standard"], date(2026, 1, 1))
        plan = [row[0] for row in await tx.sql.fetch(f"explain {queries.HOLDING}", *values)]

    conditions = [line for line in plan if "Index Cond" in line]
    assert any("tax_codes_code_key" in line for line in plan), plan
    assert all(column in conditions[0] for column in ("tenant_id", "code", "valid_from")), plan


async def test_a_code_that_has_ended_or_not_begun_is_unknown(billing: httpx.AsyncClient):
    await billing.post("/v1/tax-codes", json=REDUCED | {"valid_to": "2020-12-31"})
    body = {"customer_id": "0190a5f2-0000-7000-8000-000000000000", "customer": {"name": "J"}}
    lines = [line(), line(tax_code="books"), line(tax_code="nope")]

    answer = await billing.post("/v1/invoices", json=body | {"lines": lines})

    assert (answer.status_code, answer.json()["code"]) == (422, "unknown_tax_code")
    assert [e["pointer"] for e in answer.json()["errors"]] == ["/lines/1/tax_code", "/lines/2/tax_code"]


async def test_codes_are_found_in_one_statement(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    async with suite["billing"].app_db.transaction(tenant.id) as tx:
        rows = await tx.sql.fetch(queries.HOLDING, tenant.id, ["standard", "zero", "nope"], date(2026, 1, 1))

    assert {r["code"]: r["rate"] for r in rows} == {"standard": Decimal(20), "zero": Decimal(0)}


async def test_nonsense_is_refused_by_field(suite: Suite, stranger: TenantFacts, billing: httpx.AsyncClient):
    async def codes(**changes: object) -> tuple[int, str, list[str]]:
        answer = (await billing.post("/v1/tax-codes", json=REDUCED | changes)).json()
        return answer["status"], answer["code"], [e["pointer"] for e in answer["errors"]]

    assert await codes(category="E") == (422, "rate_not_allowed", ["/rate"])
    assert await codes(valid_to="2019-12-31") == (422, "validity_reversed", ["/valid_to"])
    assert await codes(rate=5.0) == (422, "invalid", ["/rate"])
    assert await codes(rate="101") == (422, "invalid", ["/rate"])
    assert await codes(shoe_size=44) == (422, "invalid", ["/shoe_size"])
    made = (await billing.post("/v1/tax-codes", json=REDUCED)).json()
    assert (await suite.client("billing", stranger).get(f"/v1/tax-codes/{made['id']}")).status_code == 404


async def test_a_rate_that_an_invoice_states_stays_and_the_first_such_invoice_is_named(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    made = (await billing.post("/v1/tax-codes", json=REDUCED)).json()
    path = f"/v1/tax-codes/{made['id']}"
    await given_draft(billing, line("100.00", tax_code="books"))
    assert (await billing.patch(path, json={"rate": "6"}, headers={"if-match": "1"})).status_code == 200
    first = await given_invoice(billing, line("100.00", tax_code="books"))
    await given_invoice(billing, line("100.00", tax_code="books"))

    refused = await billing.patch(path, json={"rate": "7"}, headers={"if-match": "2"})
    named = await billing.patch(path, json={"name": "Books and maps"}, headers={"if-match": "2"})
    tomorrow = (datetime.now(UTC).date() + timedelta(days=1)).isoformat()
    anew = await billing.post("/v1/tax-codes", json=REDUCED | {"rate": "7", "valid_from": tomorrow})

    assert (refused.status_code, refused.json()["code"]) == (409, "rate_used")
    assert (refused.json()["invoice_id"], refused.json()["number"]) == (first["id"], first["number"])
    assert (named.status_code, named.json()["rate"], anew.status_code) == (200, "6", 201)
