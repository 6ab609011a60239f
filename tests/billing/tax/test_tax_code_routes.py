"""Tax codes through the API."""

from datetime import date
from decimal import Decimal

import httpx

from services.billing.tax import queries
from shared.context.ctx import TenantFacts
from shared.values.tax_codes import tax_code_id
from tests.billing.given import given_draft, line
from tests.kit.suite import Suite

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
    told = [r for r in await suite.outbox("billing", tenant.id) if r["type"] == "billing.tax_code.changed.v1"]
    assert len(told) == 2


async def test_a_rate_changes_on_a_day(suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient):
    await billing.post("/v1/tax-codes", json=REDUCED)
    later = REDUCED | {"rate": "7.5", "valid_from": "2026-03-01"}

    assert (await billing.post("/v1/tax-codes", json=later)).status_code == 201
    assert (await billing.post("/v1/tax-codes", json=later)).json()["code"] == "already_exists"

    before = await given_draft(billing, line("100.00", tax_code="books"), delivered_on="2026-02-28")
    after = await given_draft(billing, line("100.00", tax_code="books"), delivered_on="2026-03-01")
    assert before["totals"]["tax"]["amount"] == "5.00"
    assert after["totals"]["tax"]["amount"] == "7.50"


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
