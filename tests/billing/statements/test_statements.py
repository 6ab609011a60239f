"""Statements: what a customer owed, what moved it, what it owes; whatever kind of document it was."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from io import BytesIO
from typing import Any
from uuid import uuid4

import httpx
import pytest
from pypdf import PdfReader

from shared.context.ctx import TenantFacts
from tests.billing.given import (
    delivered,
    given_customer,
    given_draft,
    given_invoice,
    given_payment,
    line,
    money,
    pay,
    shipment,
)
from tests.kit.suite import Suite

LATER = timedelta(days=40)


async def statement_of(billing: httpx.AsyncClient, customer_id: str, **query: str) -> dict[str, Any]:
    answer = await billing.get(f"/v1/customers/{customer_id}/statement", params=query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def moves(account: dict[str, Any]) -> list[tuple[str, str | None, str, str]]:
    return [(x["kind"], x["number"], x["amount"]["amount"], x["balance"]["amount"]) for x in account["lines"]]


async def test_every_movement_stands_on_it_and_sums_to_what_is_owed(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    customer_id = str(await given_customer(suite, tenant))
    first, second, third = [
        await given_invoice(billing, line(price), customer_id=customer_id)
        for price in ("100.00", "50.00", "10.00")
    ]
    payment = await given_payment(billing, first, "70.00")
    part = [{"invoice_line_id": second["lines"][0]["id"], "quantity": "0.5"}]
    note = await billing.post(
        "/v1/credit-notes", json={"invoice_id": second["id"], "reason": "x", "lines": part}
    )
    assert (await billing.post(f"/v1/invoices/{third['id']}/void")).status_code == 200
    (cancelling,) = (await billing.get(f"/v1/credit-notes?invoice_id={third['id']}")).json()["items"]
    await given_invoice(billing, line("99.00"))  # somebody else's
    await given_draft(billing, line("1.00"), customer_id=customer_id)

    statement = await statement_of(billing, customer_id)

    (account,) = statement["accounts"]
    assert moves(account) == [
        ("invoice", first["number"], "120.00", "120.00"),
        ("invoice", second["number"], "60.00", "180.00"),
        ("invoice", third["number"], "12.00", "192.00"),
        ("payment", None, "-70.00", "122.00"),
        ("credit_note", note.json()["number"], "-30.00", "92.00"),
        ("credit_note", cancelling["number"], "-12.00", "80.00"),
    ]
    assert (account["opening"], account["closing"], account["overdue"]) == tuple(
        map(money, ("0.00", "80.00", "0.00"))
    )
    assert account["lines"][3]["document_id"] == payment["id"]
    assert account["lines"][5]["document_id"] == cancelling["id"]
    assert (statement["customer_name"], statement["to"]) == ("Jane", datetime.now(UTC).date().isoformat())
    aged = (await billing.get("/v1/reports/aging")).json()["rows"]
    assert next(r for r in aged if r["customer_id"] == customer_id)["total"] == account["closing"]


async def test_what_was_before_is_the_opening_balance_and_days_decide_what_is_overdue(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    customer_id = str(await given_customer(suite, tenant))
    old = await given_invoice(billing, line("100.00"), customer_id=customer_id, payment_terms_days=30)
    await given_payment(billing, old, "20.00")
    tenant = await suite.advance_clock(tenant, LATER)
    billing = suite.client("billing", tenant)
    new = await given_invoice(billing, line("10.00"), customer_id=customer_id)
    await given_payment(billing, old, "40.00")
    today = date.fromisoformat(new["issued_on"])

    (late,) = (await statement_of(billing, customer_id, **{"from": str(today - timedelta(days=5))}))[
        "accounts"
    ]
    before = str(today - timedelta(days=6))
    (early,) = (await statement_of(billing, customer_id, **{"from": old["issued_on"], "to": before}))[
        "accounts"
    ]

    assert (late["opening"], late["closing"]) == (money("100.00"), money("72.00"))
    assert moves(late) == [
        ("invoice", new["number"], "12.00", "112.00"),
        ("payment", None, "-40.00", "72.00"),
    ]
    assert late["overdue"] == money("60.00")
    assert [(x["document_id"], x["number"], x["open"]) for x in late["overdue_items"]] == [
        (old["id"], old["number"], money("60.00"))
    ]
    assert (early["opening"], early["closing"], early["overdue"]) == (
        money("0.00"),
        money("100.00"),
        money("100.00"),
    )


async def test_currencies_stand_apart_and_credit_is_owed_to_the_customer(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    customer_id = str(await given_customer(suite, tenant))
    yen = await given_invoice(billing, line("1000", currency="JPY"), currency="JPY", customer_id=customer_id)
    pounds = await given_invoice(billing, line("1.00"), customer_id=customer_id)
    assert (await pay(billing, pounds, "5.00", of="")).status_code == 201

    accounts = (await statement_of(billing, customer_id))["accounts"]

    assert [(a["currency"], a["closing"]["amount"]) for a in accounts] == [("GBP", "-3.80"), ("JPY", "1200")]
    assert yen["totals"]["gross"] == accounts[1]["closing"]


async def test_one_who_is_known_by_a_shipment_only_has_one_too_and_a_stranger_none(
    suite: Suite, tenant: TenantFacts, stranger: TenantFacts, billing: httpx.AsyncClient
):
    shipped = shipment("10.00")
    await delivered(suite, tenant, shipped)
    path = f"/v1/customers/{shipped.customer.id}/statement"

    (account,) = (await statement_of(billing, str(shipped.customer.id)))["accounts"]

    assert [row[0] for row in moves(account)] == ["invoice"]
    assert (await suite.client("billing", stranger).get(path)).status_code == 404
    assert (await billing.get(f"/v1/customers/{uuid4()}/statement")).status_code == 404
    reversed_ = await billing.get(path, params={"from": "2026-02-01", "to": "2026-01-01"})
    assert reversed_.json()["errors"][0]["pointer"] == "/query/from"


async def test_money_that_moves_back_and_what_is_given_up_stand_on_it_too(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    customer_id = str(await given_customer(suite, tenant))
    invoice = await given_invoice(billing, line("100.00"), customer_id=customer_id)
    bounced = await given_payment(billing, invoice, "50.00")
    more = (await pay(billing, invoice, "130.00", of="70.00")).json()

    async def made(path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = await billing.post(path, json=body)
        assert answer.status_code in (200, 201), answer.text
        found: dict[str, Any] = answer.json()
        return found

    assert (
        await billing.post(f"/v1/payments/{bounced['id']}/reverse", json={"reason": "bounced"})
    ).is_success
    refund = {
        "payment_id": more["id"],
        "amount": money("5.00"),
        "method": "bank_transfer",
        "reason": "too much",
    }
    await made("/v1/refunds", refund)
    fee = {"invoice_id": invoice["id"], "amount": money("2.00"), "kind": "bank_fee", "reason": "fee"}
    given_up = await made("/v1/write-offs", fee)
    await made(f"/v1/write-offs/{given_up['id']}/reverse", {"reason": "it came"})

    (account,) = (await statement_of(billing, customer_id))["accounts"]

    assert [(x["kind"], x["amount"]["amount"]) for x in account["lines"]] == [
        ("invoice", "120.00"),
        ("payment", "-50.00"),
        ("payment", "-130.00"),
        ("payment_reversal", "50.00"),
        ("refund", "5.00"),
        ("bank_fee", "-2.00"),
        ("bank_fee_reversal", "2.00"),
    ]
    aged = (await billing.get("/v1/reports/aging")).json()["rows"]
    assert next(r for r in aged if r["customer_id"] == customer_id)["total"] == account["closing"]


async def test_it_is_there_on_paper(suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient):
    customer_id = str(await given_customer(suite, tenant, name="Jane & Sons"))
    invoices = [await given_invoice(billing, line("100.00"), customer_id=customer_id) for _ in range(3)]
    later = suite.client("billing", await suite.advance_clock(tenant, LATER))

    answer = await later.get(
        f"/v1/customers/{customer_id}/statement/pdf", params={"from": invoices[0]["issued_on"]}
    )

    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/pdf")
    text = "\n".join(page.extract_text() for page in PdfReader(BytesIO(answer.content)).pages)
    total = sum(Decimal(invoice["totals"]["gross"]["amount"]) for invoice in invoices)
    assert {"Jane & Sons", f"{total}", *(f"{invoice['number']}" for invoice in invoices)} <= {
        word for word in (*(i["number"] for i in invoices), "Jane & Sons", f"{total}") if word in text
    }
    assert "Overdue" in text


@pytest.mark.parametrize(
    ("currency", "amount", "of_ten"),
    [
        ("GBP", "9999999999999.99", "99999999999999.90"),
        ("JPY", "999999999999999", "9999999999999990"),
        ("KWD", "999999999999.999", "9999999999999.990"),
    ],
)
async def test_what_is_owed_may_be_more_than_one_document_may_state(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient, currency: str, amount: str, of_ten: str
):
    customer_id = str(await given_customer(suite, tenant))
    body = {"customer_id": customer_id, "amount": money(amount, currency)}
    for _ in range(10):
        assert (await billing.post("/v1/payments", json=body)).status_code == 201
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).date().isoformat()

    account = (await statement_of(billing, customer_id))["accounts"][-1]
    later = (await statement_of(billing, customer_id, **{"from": tomorrow, "to": tomorrow}))["accounts"][-1]

    owed = money(f"-{of_ten}", currency)
    assert account["closing"] == account["lines"][-1]["balance"] == later["opening"] == owed
    paper = await billing.get(f"/v1/customers/{customer_id}/statement/pdf")
    assert paper.status_code == 200, paper.text
