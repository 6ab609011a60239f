"""Payments that did not come in after all, and money put on the wrong invoice: undone, with all that hung on it."""

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest

from shared.context.ctx import TenantFacts
from tests.billing.given import (
    assert_tied_out,
    balances,
    close_month,
    events_of,
    get_invoice,
    given_invoice,
    given_payment,
    line,
    money,
    pay,
)
from tests.kit.suite import Suite, eventually

REASON = {"reason": "The bank sent it back"}


def undo(payment: dict[str, Any], verb: str = "reverse") -> str:
    return f"/v1/payments/{payment['id']}/{verb}"


def today() -> str:
    return datetime.now(UTC).date().isoformat()


async def reversed_(billing: httpx.AsyncClient, payment: dict[str, Any], **facts: str) -> dict[str, Any]:
    answer = await billing.post(undo(payment), json=REASON | facts)
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


@pytest.mark.parametrize(("currency", "price"), [("GBP", "10.00"), ("JPY", "1000"), ("TND", "10.125")])
async def test_a_reversed_payment_leaves_its_invoices_open_and_the_books_as_before(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient, currency: str, price: str
):
    first = await given_invoice(billing, line(price, currency=currency), currency=currency)
    second = await given_invoice(
        billing, line(price, currency=currency), currency=currency, customer_id=first["customer_id"]
    )
    gross = first["totals"]["gross"]["amount"]
    one = Decimal(1).scaleb(-max(0, len(gross.partition(".")[2])))
    paid = await given_payment(billing, first, str(Decimal(gross) * 3 - one), of=gross)
    rest = {"allocations": [{"invoice_id": second["id"], "amount": money(str(one), currency)}]}
    assert (await billing.post(undo(paid, "allocate"), json=rest)).status_code == 200

    shown = await reversed_(billing, paid)

    assert (shown["state"], shown["unallocated"]["amount"], shown["allocations"]) == (
        "reversed",
        str(Decimal(gross) * 0),
        [],
    )
    assert (shown["reversed_on"], shown["allowed_actions"]) == (today(), [])
    for invoice in (first, second):
        now = await get_invoice(billing, invoice["id"])
        assert (now["payment_status"], now["open"], now["paid"]["amount"]) == (
            "unpaid",
            invoice["totals"]["gross"],
            str(Decimal(gross) * 0),
        )
        assert now["allowed_actions"] == ["send", "void", "write_off"]
        last = (await billing.get(f"/v1/invoices/{invoice['id']}/timeline")).json()["items"][0]
        assert (last["verb"], REASON["reason"] in last["why"]) == ("reopen", True)
    entries = (await billing.get(f"/v1/journal-entries?source_id={paid['id']}")).json()["items"]
    assert [(e["source"], e["reverses_id"] is not None) for e in entries] == [
        ("payment_reversal", True),
        ("payment", False),
    ]
    (fact,) = await events_of(suite, tenant, "billing.payment.reversed.v1")
    assert (fact["reason"], fact["amount"]) == (REASON["reason"], paid["amount"])
    assert {(a["invoice_id"], a["amount"]["amount"], a["payment_status"]) for a in fact["allocations"]} == {
        (first["id"], gross, "unpaid"),
        (second["id"], str(one), "unpaid"),
    }
    moves = (await billing.get(undo(paid, "timeline"))).json()["items"]
    assert [(m["verb"], m["to_state"], m["why"]) for m in moves] == [
        ("reverse", "reversed", REASON["reason"]),
        ("allocate", "recorded", None),
        ("create", "recorded", None),
    ]
    await assert_tied_out(suite, tenant, billing)


async def test_a_day_is_possible_from_receipt_to_today_and_in_an_open_month(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    now = datetime.now(UTC).date()
    invoice = await given_invoice(billing)
    received = (now - timedelta(days=10)).isoformat()
    paid = (await pay(billing, invoice, "20.00", of="12.00", received_on=received)).json()
    later = (now + timedelta(days=1)).isoformat()
    earlier = (now - timedelta(days=11)).isoformat()

    refused = [
        await billing.post(undo(paid), json=REASON | {"effective_on": day}) for day in (later, earlier)
    ]
    assert [(r.status_code, r.json()["errors"][0]["pointer"], r.json()["code"]) for r in refused] == [
        (422, "/effective_on", "date_out_of_range"),
        (422, "/effective_on", "before_original"),
    ]
    await close_month(billing)
    closed = await billing.post(undo(paid), json=REASON)

    assert (closed.status_code, closed.json()["code"]) == (409, "period_closed")
    assert (await get_invoice(billing, invoice["id"]))["paid"] == money("12.00")
    assert (await billing.get(f"/v1/payments/{paid['id']}")).json()["state"] == "recorded"
    assert await events_of(suite, tenant, "billing.payment.reversed.v1") == []
    await assert_tied_out(suite, tenant, billing)


async def test_aging_of_any_day_knows_what_bounced_since(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    now = datetime.now(UTC).date()
    invoice = await given_invoice(billing)
    paid = (await pay(billing, invoice, "12.00", received_on=(now - timedelta(days=3)).isoformat())).json()
    tenant = await suite.advance_clock(tenant, timedelta(days=5))
    billing = suite.client("billing", tenant)

    shown = await reversed_(billing, paid, effective_on=(now + timedelta(days=2)).isoformat())

    assert shown["reversed_on"] == (now + timedelta(days=2)).isoformat()
    for days, total in ((-3, "-12.00"), (0, "0.00"), (1, "0.00"), (2, "12.00"), (5, "12.00")):
        day = (now + timedelta(days=days)).isoformat()
        aging = (await billing.get("/v1/reports/aging", params={"as_of": day})).json()
        assert (day, aging["totals"]["total"]["amount"]) == (day, total)
    await assert_tied_out(suite, tenant, billing)


async def test_what_was_taken_back_later_cannot_be_undone_before(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    """Else the books of those days would show more taken out of the payment than came in."""
    now = datetime.now(UTC).date()
    invoice = await given_invoice(billing)
    paid = await given_payment(billing, invoice, "12.00")
    tenant = await suite.advance_clock(tenant, timedelta(days=4))
    billing = suite.client("billing", tenant)
    back = {"allocations": [{"invoice_id": invoice["id"]}]}
    assert (await billing.post(undo(paid, "deallocate"), json=back)).status_code == 200

    early = {"effective_on": (now + timedelta(days=2)).isoformat()}
    refused = await billing.post(undo(paid), json=REASON | early)

    assert (refused.status_code, refused.json()["code"]) == (422, "not_open_then")
    assert (await reversed_(billing, paid, effective_on=(now + timedelta(days=4)).isoformat()))["state"]
    await assert_tied_out(suite, tenant, billing)


async def test_of_two_reversals_one_wins_and_the_other_learns_the_state(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    invoice = await given_invoice(billing)
    paid = await given_payment(billing, invoice, "12.00")

    answers = await asyncio.gather(*(billing.post(undo(paid), json=REASON) for _ in range(6)))

    assert sorted(a.status_code for a in answers) == [200] + [409] * 5
    lost = next(a.json() for a in answers if a.status_code == 409)
    assert (lost["code"], lost["state"], lost["allowed_actions"]) == ("illegal_transition", "reversed", [])
    assert len(await events_of(suite, tenant, "billing.payment.reversed.v1")) == 1
    assert (await balances(billing))["1000"] == 0
    await assert_tied_out(suite, tenant, billing)


async def test_a_part_or_all_is_deallocated_and_allocated_elsewhere(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    wrong = await given_invoice(billing)
    right = await given_invoice(billing, customer_id=wrong["customer_id"])
    paid = await given_payment(billing, wrong, "12.00")
    part = {"allocations": [{"invoice_id": wrong["id"], "amount": money("5.00")}]}

    back = (await billing.post(undo(paid, "deallocate"), json=part)).json()
    assert (back["unallocated"], back["allocations"][0]["amount"]) == (money("5.00"), money("7.00"))
    now = await get_invoice(billing, wrong["id"])
    assert (now["payment_status"], now["open"], now["paid"]) == ("part_paid", money("5.00"), money("7.00"))
    too_much = await billing.post(
        undo(paid, "deallocate"),
        json={"allocations": [{"invoice_id": wrong["id"], "amount": money("7.01")}]},
    )
    never = await billing.post(undo(paid, "deallocate"), json={"allocations": [{"invoice_id": right["id"]}]})
    assert [(r.status_code, r.json()["code"]) for r in (too_much, never)] == [(409, "not_allocated")] * 2
    assert too_much.json()["allocated"] == money("7.00")

    whole = {"allocations": [{"invoice_id": wrong["id"]}]}
    assert (await billing.post(undo(paid, "deallocate"), json=whole)).json()["allocations"] == []
    there = {"allocations": [{"invoice_id": right["id"], "amount": money("12.00")}]}
    assert (await billing.post(undo(paid, "allocate"), json=there)).json()["unallocated"] == money("0.00")

    states = [(await get_invoice(billing, i["id"]))["payment_status"] for i in (wrong, right)]
    assert states == ["unpaid", "paid"]
    facts = await events_of(suite, tenant, "billing.payment.deallocated.v1")
    assert [(f["allocations"][0]["amount"], f["unallocated"]) for f in facts] == [
        (money("5.00"), money("5.00")),
        (money("7.00"), money("12.00")),
    ]
    await assert_tied_out(suite, tenant, billing)


async def test_an_invoice_settled_by_a_payment_is_voided_after_the_advice_was_followed(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    invoice = await given_invoice(billing)
    paid = await given_payment(billing, invoice, "1.00")
    assert "void" not in (await get_invoice(billing, invoice["id"]))["allowed_actions"]
    refused = (await billing.post(f"/v1/invoices/{invoice['id']}/void")).json()
    assert "eallocate" in refused["detail"]

    back = {"allocations": [{"invoice_id": invoice["id"]}]}
    assert (await billing.post(undo(paid, "deallocate"), json=back)).status_code == 200

    assert "void" in (await get_invoice(billing, invoice["id"]))["allowed_actions"]
    assert (await billing.post(f"/v1/invoices/{invoice['id']}/void")).status_code == 200
    await assert_tied_out(suite, tenant, billing)


async def test_an_invoice_that_is_open_again_past_its_due_date_is_told_to_be_overdue(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    invoice = await given_invoice(billing, payment_terms_days=3)
    paid = await given_payment(billing, invoice, "12.00")
    tenant = await suite.advance_clock(tenant, timedelta(days=5))
    billing = suite.client("billing", tenant)
    assert await events_of(suite, tenant, "billing.invoice.overdue.v1") == []

    await reversed_(billing, paid)

    async def told() -> bool:
        return len(await events_of(suite, tenant, "billing.invoice.overdue.v1")) == 1

    await eventually(told)


async def test_allocating_against_a_void_leaves_one_of_both(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    for _ in range(4):
        invoice = await given_invoice(billing)
        paid = await given_payment(billing, invoice, "12.00", of="")
        share = {"allocations": [{"invoice_id": invoice["id"], "amount": money("12.00")}]}

        allocated, voided = await asyncio.gather(
            billing.post(undo(paid, "allocate"), json=share),
            billing.post(f"/v1/invoices/{invoice['id']}/void"),
        )

        assert sorted([allocated.status_code, voided.status_code]) == [200, 409]
    await assert_tied_out(suite, tenant, billing)


async def test_a_reversed_payment_can_be_neither_allocated_nor_reversed_nor_refunded(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    invoice = await given_invoice(billing)
    paid = await given_payment(billing, invoice, "12.00", of="")
    await reversed_(billing, paid)
    share = {"allocations": [{"invoice_id": invoice["id"], "amount": money("1.00")}]}
    refund = {"payment_id": paid["id"], "amount": money("1.00"), "reason": "again"}

    answers = [
        await billing.post(undo(paid, "allocate"), json=share),
        await billing.post(undo(paid, "deallocate"), json={"allocations": [{"invoice_id": invoice["id"]}]}),
        await billing.post(undo(paid), json=REASON),
        await billing.post("/v1/refunds", json=refund),
    ]

    assert [(a.status_code, a.json()["code"], a.json()["state"]) for a in answers] == [
        (409, "illegal_transition", "reversed")
    ] * 4
