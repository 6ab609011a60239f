"""A void is a credit note of its own: numbered, with its lines and figures, counted once."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import httpx
import pytest
from lxml import etree

from shared.context.ctx import Actor, TenantFacts
from tests.billing.given import (
    ADDRESS,
    assert_tied_out,
    balances,
    close_month,
    delivered,
    events_of,
    get_invoice,
    given_invoice,
    given_seller,
    line,
    money,
    reopen_month,
    shipment,
)
from tests.kit.suite import Suite


async def void(
    billing: httpx.AsyncClient, invoice: dict[str, Any], reason: str | None = None
) -> httpx.Response:
    return await billing.post(
        f"/v1/invoices/{invoice['id']}/void", json={"reason": reason} if reason else None
    )


async def notes_of(billing: httpx.AsyncClient, invoice: dict[str, Any]) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await billing.get(f"/v1/credit-notes?invoice_id={invoice['id']}")).json()[
        "items"
    ]
    return items


async def test_the_credit_note_takes_back_every_line_under_its_own_number(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    await given_seller(billing)
    lines = [
        line("10.00", quantity="3", discount_percent="5"),
        line("0.50", tax_code="reduced"),
        line(tax_code="exempt"),
    ]
    invoice = await given_invoice(billing, *lines, customer={"name": "Jane", "billing_address": ADDRESS})

    voided = await void(billing, invoice, "wrong buyer")

    assert (voided.status_code, voided.json()["state"], voided.json()["open"]) == (
        200,
        "voided",
        money("0.00"),
    )
    (note,) = await notes_of(billing, invoice)
    assert (note["cancels"], note["reason"], note["unallocated"]) == (True, "wrong buyer", money("0.00"))
    assert note["number"].startswith("CN-")
    assert note["totals"] == invoice["totals"]
    assert note["tax_breakdown"] == invoice["tax_breakdown"]
    figures = ("quantity", "unit_price", "discount", "net", "tax", "gross", "tax_code")
    assert [[x[f] for f in figures] for x in note["lines"]] == [
        [x[f] for f in figures] for x in invoice["lines"]
    ]
    entry = (await billing.get(f"/v1/journal-entries/{note['journal_entry_id']}")).json()
    assert (entry["reverses_id"], entry["source"]) == (invoice["journal_entry_id"], "void")
    assert not any((await balances(billing)).values())
    data = etree.fromstring((await billing.get(f"/v1/credit-notes/{note['id']}/xml")).content)
    assert data.findtext(".//{*}ExchangedDocument/{*}TypeCode") == "381"
    assert data.findtext(".//{*}InvoiceReferencedDocument/{*}IssuerAssignedID") == invoice["number"]
    assert (await billing.get(f"/v1/credit-notes/{note['id']}/pdf")).content.startswith(b"%PDF-")
    (of_invoice,) = await events_of(suite, tenant, "billing.invoice.voided.v1")
    (of_note,) = await events_of(suite, tenant, "billing.credit_note.finalized.v1")
    assert (of_invoice["credit_note_id"], of_invoice["credit_note_number"]) == (note["id"], note["number"])
    assert (of_note["credit_note_id"], of_note["cancels"], of_note["allocations"]) == (note["id"], True, [])
    await assert_tied_out(suite, tenant, billing)


async def test_the_cost_of_a_shipment_and_what_a_return_asks_for_are_taken_back_once(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    shipped = shipment("10.00", cost="4.00")
    await delivered(suite, tenant, shipped)
    (invoice,) = (await billing.get(f"/v1/invoices?order_id={shipped.order_id}")).json()["items"]

    await void(billing, invoice)

    (note,) = await notes_of(billing, invoice)
    assert note["reason"] == f"Cancels invoice {invoice['number']}"
    assert not any((await balances(billing)).values())
    rows = (await billing.get("/v1/reports/tax")).json()["rows"]
    assert [row["tax"]["amount"] for row in rows if Decimal(row["tax"]["amount"])] == []
    assert (await billing.get(f"/v1/credits?customer_id={invoice['customer_id']}")).json()["items"] == []
    await assert_tied_out(suite, tenant, billing)


async def test_an_invoice_of_nothing_is_cancelled_by_a_credit_note_of_nothing(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    invoice = await given_invoice(billing, line("0.00"))

    assert (await void(billing, invoice)).json()["state"] == "voided"

    (note,) = await notes_of(billing, invoice)
    assert (note["totals"]["gross"], note["journal_entry_id"]) == (money("0.00"), None)
    await assert_tied_out(suite, tenant, billing)


async def test_of_many_who_void_at_once_one_does_and_no_number_is_lost(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    invoice, other = await given_invoice(billing), await given_invoice(billing)

    answers = await asyncio.gather(*(void(billing, invoice) for _ in range(8)))

    assert sorted(answer.status_code for answer in answers) == [200, *[409] * 7]
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {
        "illegal_transition"
    }
    assert (await void(billing, other)).status_code == 200
    numbers = [(await notes_of(billing, each))[0]["number"][-6:] for each in (invoice, other)]
    assert numbers == ["000001", "000002"]


async def test_a_cancelling_credit_note_settles_nothing_else_and_cannot_be_repeated(
    billing: httpx.AsyncClient,
):
    invoice = await given_invoice(billing)
    other = await given_invoice(billing, customer_id=invoice["customer_id"])
    await void(billing, invoice)
    (note,) = await notes_of(billing, invoice)

    share = {"allocations": [{"invoice_id": other["id"], "amount": money("1.00")}]}
    spent = await billing.post(f"/v1/credit-notes/{note['id']}/allocate", json=share)
    again = await billing.post("/v1/credit-notes", json={"invoice_id": invoice["id"], "reason": "again"})

    assert (spent.status_code, again.status_code, again.json()["code"]) == (409, 409, "not_creditable")


async def test_in_a_closed_month_nothing_is_cancelled_and_no_number_is_taken(billing: httpx.AsyncClient):
    invoice = await given_invoice(billing)
    month = await close_month(billing)

    assert (await void(billing, invoice)).json()["code"] == "period_closed"
    await reopen_month(billing, month)

    assert ((await get_invoice(billing, invoice["id"]))["state"], await notes_of(billing, invoice)) == (
        "finalized",
        [],
    )
    assert (await void(billing, invoice)).status_code == 200
    assert (await notes_of(billing, invoice))[0]["number"].endswith("-000001")


@pytest.mark.parametrize("approver", ["ben"])
async def test_an_approved_void_has_its_credit_note_too(suite: Suite, tenant: TenantFacts, approver: str):
    ann, ben = (suite.client("billing", tenant, actor=Actor(name)) for name in ("ann", approver))
    limit = {"void_approval_limit": money("1.00")}
    assert (await ann.patch("/v1/invoice-settings", json=limit, headers={"if-match": "1"})).status_code == 200
    invoice = await given_invoice(ann)
    asked = await void(ann, invoice, "mistake")
    assert (asked.status_code, await notes_of(ann, invoice)) == (202, [])

    assert (await ben.post(f"/v1/billing-approvals/{asked.json()['id']}/approve")).status_code == 200

    (note,) = await notes_of(ann, invoice)
    assert (note["cancels"], note["reason"]) == (True, "mistake")
    await assert_tied_out(suite, tenant, ann)
