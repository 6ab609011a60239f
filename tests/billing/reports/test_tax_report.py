"""The base and tax of sales by code, category and rate, as returns ask for them, from what was posted."""

from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import httpx

from shared.context.ctx import TenantFacts
from tests.billing.given import (
    assert_tied_out,
    delivered,
    given_invoice,
    line,
    money,
    shipment,
)
from tests.billing.ledger.books import entry_body
from tests.kit.suite import Suite

CATEGORIES = {"S": "20", "Z": "0", "E": "0", "AE": "0", "K": "0", "G": "0", "O": "0"}
PRICES = {"S": "10.00", "Z": "20.00", "E": "30.00", "AE": "40.00", "K": "50.00", "G": "60.00", "O": "70.00"}


async def report(billing: httpx.AsyncClient, **query: str) -> dict[str, Any]:
    answer = await billing.get("/v1/reports/tax", params=query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def figures(found: dict[str, Any]) -> dict[str, list[str]]:
    """By code: base and tax of sales, base and tax of credit notes."""
    names = ("sales_base", "sales_tax", "credit_base", "credit_tax")
    return {row["tax_code"]: [row[name]["amount"] for name in names] for row in found["rows"]}


async def given_codes(billing: httpx.AsyncClient) -> None:
    for category, rate in CATEGORIES.items():
        body = {"code": f"c-{category}", "name": category, "category": category, "rate": rate}
        assert (await billing.post("/v1/tax-codes", json=body)).status_code == 201


async def given_sale_of_all(billing: httpx.AsyncClient) -> dict[str, Any]:
    """An invoice of two units in each category."""
    lines = [line(price, quantity="2", tax_code=f"c-{category}") for category, price in PRICES.items()]
    return await given_invoice(billing, *lines)


async def test_every_category_leaves_its_base_in_the_ledger(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    await given_codes(billing)
    invoice = await given_sale_of_all(billing)
    one_of_each = [{"invoice_line_id": x["id"], "quantity": 1} for x in invoice["lines"]]
    note = await billing.post(
        "/v1/credit-notes", json={"invoice_id": invoice["id"], "lines": one_of_each, "reason": "back"}
    )
    assert note.status_code == 201, note.text

    found = await report(billing)

    assert figures(found) == {
        "c-S": ["20.00", "4.00", "10.00", "2.00"],
        **{
            f"c-{category}": [f"{2 * int(price[:-3])}.00", "0.00", price, "0.00"]
            for category, price in PRICES.items()
            if category != "S"
        },
    }
    assert {row["tax_code"]: (row["category"], row["rate"]) for row in found["rows"]} == {
        f"c-{category}": (category, rate) for category, rate in CATEGORIES.items()
    }
    assert (found["base"], found["tax"]) == (money("280.00"), money("2.00"))
    assert found["output_tax"] == {
        "account": "2200",
        "posted": money("2.00"),
        "explained": money("2.00"),
        "difference": money("0.00"),
    }
    await assert_tied_out(suite, tenant, billing)


async def test_the_postings_of_a_sale_say_what_they_are(billing: httpx.AsyncClient):
    await given_codes(billing)
    invoice = await given_invoice(billing, line("10.00", tax_code="c-S"), line("5.00", tax_code="c-Z"))

    entry = (await billing.get(f"/v1/journal-entries/{invoice['journal_entry_id']}")).json()

    said = [(x["account"], (x["credit"] or {}).get("amount"), x["dimensions"]) for x in entry["lines"]]
    taxed = {"tax_code": "c-S", "tax_category": "S", "tax_rate": "20", "tax_base": "10.00"}
    assert said == [
        ("1100", None, {}),
        ("4000", "10.00", taxed),
        ("4000", "5.00", {"tax_code": "c-Z", "tax_category": "Z", "tax_rate": "0", "tax_base": "5.00"}),
        ("2200", "2.00", taxed),
    ]


async def test_shipments_count_in_their_days_and_a_void_in_its_own(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    await delivered(suite, tenant, shipment("10.00", cost="4.00"))
    invoice = await given_invoice(billing, line("5.00"))
    sold = datetime.now(UTC).date()
    tenant = await suite.advance_clock(tenant, timedelta(days=3))
    later = suite.client("billing", tenant)
    assert (await later.post(f"/v1/invoices/{invoice['id']}/void")).status_code == 200
    voided = (sold + timedelta(days=3)).isoformat()

    days = [{"from": str(sold), "to": str(sold)}, {"from": voided, "to": voided}]
    first, last = [await report(later, **day) for day in days]
    both = await report(later, **{"from": str(sold), "to": voided})

    assert figures(first) == {"standard": ["15.00", "3.00", "0.00", "0.00"]}
    assert figures(last) == {"standard": ["-5.00", "-1.00", "0.00", "0.00"]}
    assert figures(both) == {"standard": ["10.00", "2.00", "0.00", "0.00"]}
    await assert_tied_out(suite, tenant, later)


async def test_currencies_are_kept_apart(suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient):
    await given_invoice(billing, line("10.00"))
    await given_invoice(billing, line("1000", currency="JPY"), currency="JPY")

    assert figures(await report(billing)) == {"standard": ["10.00", "2.00", "0.00", "0.00"]}
    assert figures(await report(billing, currency="JPY")) == {"standard": ["1000", "200", "0", "0"]}
    await assert_tied_out(suite, tenant, billing)


async def test_what_was_posted_by_hand_is_the_difference(billing: httpx.AsyncClient):
    await given_invoice(billing, line("10.00"))
    paid_over = entry_body(150, debit="2200", credit="1000", on=datetime.now(UTC).date())
    assert (await billing.post("/v1/journal-entries", json=paid_over)).status_code == 201

    tax = (await report(billing))["output_tax"]

    assert (tax["posted"], tax["explained"], tax["difference"]) == (
        money("0.50"),
        money("2.00"),
        money("-1.50"),
    )


async def as_superuser(suite: Suite, statement: str, tenant: TenantFacts) -> None:
    """Past the triggers: how entries of the release before look, and damage."""
    sql = await asyncpg.connect(suite.url)
    try:
        await sql.execute("set session_replication_role = replica; set search_path = billing")
        await sql.execute(statement, tenant.id)
    finally:
        await sql.close()


async def test_entries_of_the_release_before_are_read_from_their_documents(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    await given_codes(billing)
    invoice, voided = await given_sale_of_all(billing), await given_sale_of_all(billing)
    await billing.post("/v1/credit-notes", json={"invoice_id": invoice["id"], "reason": "back"})
    await billing.post(f"/v1/invoices/{voided['id']}/void")
    await delivered(suite, tenant, shipment("0.00", cost="4.00"))
    before = await report(billing)

    await as_superuser(
        suite,
        "update postings set dimensions = case account when '2200' then "
        "jsonb_build_object('tax_code', dimensions->'tax_code') else '{}' end where tenant_id = $1",
        tenant,
    )
    await given_invoice(billing, line("1.00", tax_code="c-O"))
    after = await report(billing)

    assert figures(before)["c-S"] == ["20.00", "4.00", "20.00", "4.00"]
    assert figures(after) == figures(before) | {"c-O": ["141.00", "0.00", "140.00", "0.00"]}
    await assert_tied_out(suite, tenant, billing)


async def test_the_tie_out_finds_tax_that_documents_do_not_state(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    await given_invoice(billing, line("10.00"))

    await as_superuser(
        suite, "update postings set amount_minor = -100 where account = '2200' and tenant_id = $1", tenant
    )

    found = (await billing.get("/v1/reports/tie-out")).json()["differences"]
    (tax,) = [d for d in found if d["check"] == "output_tax_against_documents"]
    assert (tax["subject"], tax["expected"], tax["found"]) == ("standard", money("2.00"), money("1.00"))
