"""Refunds: money that goes back, never more than is left, and what happens when it comes back."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest

from services.billing.ledger import actions as ledger
from services.billing.ledger.rules import Entry, Posting
from shared.context.ctx import TenantFacts
from shared.values.ids import new_id
from shared.values.money import Money
from tests.billing.given import (
    assert_tied_out,
    balances,
    events_of,
    get_invoice,
    given_invoice,
    given_payment,
    money,
)
from tests.kit.suite import Suite


async def given_overpaid(billing: httpx.AsyncClient) -> tuple[dict[str, Any], dict[str, Any]]:
    """An invoice of 12.00, and 20.00 that came in for it."""
    invoice = await given_invoice(billing)
    return invoice, await given_payment(billing, invoice, "20.00", of="12.00")


async def refund(billing: httpx.AsyncClient, amount: str, **facts: Any) -> httpx.Response:
    body = {"amount": money(amount), "reason": "Paid too much", **facts}
    return await billing.post("/v1/refunds", json=body)


async def test_what_is_left_of_a_payment_goes_back(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    _, payment = await given_overpaid(billing)

    answer = await refund(billing, "8.00", payment_id=payment["id"])

    made = answer.json()
    assert answer.status_code == 201, answer.text
    assert (made["state"], made["method"], made["allowed_actions"]) == ("paid", "bank_transfer", ["reverse"])
    assert made["customer_id"] == payment["customer_id"]
    assert (await billing.get(answer.headers["location"])).json() == made
    now = (await billing.get(f"/v1/payments/{payment['id']}")).json()
    assert (now["unallocated"], now["refunded"]) == (money("0.00"), money("8.00"))
    assert now["allowed_actions"] == ["deallocate"]
    (entry,) = (await billing.get(f"/v1/journal-entries?source_id={made['id']}")).json()["items"]
    assert [(x["account"], x["debit"], x["credit"]) for x in entry["lines"]] == [
        ("1100", money("8.00"), None),
        ("1000", None, money("8.00")),
    ]
    (fact,) = await events_of(suite, tenant, "billing.refund.paid.v1")
    assert (fact["payment_id"], fact["amount"]) == (payment["id"], money("8.00"))
    timeline = (await billing.get(f"/v1/refunds/{made['id']}/timeline")).json()["items"]
    assert [(m["verb"], m["to_state"], m["why"]) for m in timeline] == [("pay", "paid", "Paid too much")]
    of_payment = (await billing.get(f"/v1/payments/{payment['id']}/timeline")).json()["items"]
    assert of_payment[0]["verb"] == "refund"
    assert (await balances(billing))["1000"] == 12
    await assert_tied_out(suite, tenant, billing)


async def test_a_credit_note_is_paid_out_in_cash(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    invoice = await given_invoice(billing)
    await given_payment(billing, invoice, "12.00")
    note = (
        await billing.post("/v1/credit-notes", json={"invoice_id": invoice["id"], "reason": "All returned"})
    ).json()
    assert note["unallocated"] == money("12.00")
    assert "refund" in note["allowed_actions"]

    made = (await refund(billing, "12.00", credit_note_id=note["id"], method="cash")).json()

    now = (await billing.get(f"/v1/credit-notes/{note['id']}")).json()
    assert (now["unallocated"], now["refunded"]) == (money("0.00"), money("12.00"))
    assert "refund" not in now["allowed_actions"]
    stands = await balances(billing)
    assert (stands["1000"], stands["1010"], stands.get("1100", 0)) == (12, -12, 0)
    assert (await get_invoice(billing, invoice["id"]))["payment_status"] == "credited"
    listed = (await billing.get("/v1/refunds", params={"credit_note_id": note["id"]})).json()["items"]
    assert listed == [made]
    assert (await billing.get("/v1/refunds", params={"payment_id": note["id"]})).json()["items"] == []
    await assert_tied_out(suite, tenant, billing)


async def test_never_more_goes_back_than_is_left_however_many_come_at_once(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    _, payment = await given_overpaid(billing)

    answers = await asyncio.gather(*(refund(billing, "3.00", payment_id=payment["id"]) for _ in range(6)))

    assert sorted(a.status_code for a in answers) == [201, 201, 409, 409, 409, 409]
    refused = next(a.json() for a in answers if a.status_code == 409)
    assert (refused["code"], refused["unallocated"]) == ("over_refunded", money("2.00"))
    await assert_tied_out(suite, tenant, billing)


async def test_the_database_itself_keeps_refunds_within_what_is_left(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    _, payment = await given_overpaid(billing)
    item = UUID(payment["id"])
    over = Entry(
        postings=[Posting("1100", Money(801, "GBP"), item), Posting("1000", Money(-801, "GBP"))],
        effective_on=datetime.now(UTC).date(),
        memo="Refund of more than is left",
        source="refund",
        source_id=new_id(),
    )

    with pytest.raises(asyncpg.PostgresError, match="open_item_exceeded"):
        async with suite.work("billing", tenant) as ctx:
            await ledger.post_entry(ctx, over)


async def test_a_refund_and_a_reversal_at_once_leave_one_of_both(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    for _ in range(4):
        _, payment = await given_overpaid(billing)

        back, undone = await asyncio.gather(
            refund(billing, "8.00", payment_id=payment["id"]),
            billing.post(f"/v1/payments/{payment['id']}/reverse", json={"reason": "Bounced"}),
        )

        assert (back.status_code, undone.status_code) in ((201, 409), (409, 200))
        if undone.status_code == 409:
            assert undone.json()["code"] == "payment_refunded"
            assert undone.json()["refund_id"] == back.json()["id"]
    await assert_tied_out(suite, tenant, billing)


async def test_a_refund_that_comes_back_is_credit_again_and_the_payment_can_be_reversed(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    invoice, payment = await given_overpaid(billing)
    made = (await refund(billing, "8.00", payment_id=payment["id"])).json()
    undo = f"/v1/payments/{payment['id']}/reverse"
    assert (await billing.post(undo, json={"reason": "Bounced"})).json()["code"] == "payment_refunded"
    why = {"reason": "Account closed"}

    answers = await asyncio.gather(
        *(billing.post(f"/v1/refunds/{made['id']}/reverse", json=why) for _ in range(4))
    )

    assert sorted(a.status_code for a in answers) == [200, 409, 409, 409]
    assert next(a.json()["state"] for a in answers if a.status_code == 409) == "returned"
    now = (await billing.get(f"/v1/payments/{payment['id']}")).json()
    assert (now["unallocated"], now["refunded"]) == (money("8.00"), money("0.00"))
    assert len(await events_of(suite, tenant, "billing.refund.returned.v1")) == 1
    assert (await billing.post(undo, json={"reason": "Bounced"})).status_code == 200
    assert (await get_invoice(billing, invoice["id"]))["open"] == money("12.00")
    await assert_tied_out(suite, tenant, billing)


async def test_a_refund_names_its_source_its_currency_and_a_possible_day(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    invoice, payment = await given_overpaid(billing)
    day = datetime.now(UTC).date()
    of = {"payment_id": payment["id"]}

    answers = [
        await refund(billing, "1.00"),
        await refund(billing, "1.00", **of, credit_note_id=invoice["id"]),
        await refund(billing, "0.00", **of),
        await billing.post("/v1/refunds", json={"amount": money("1.00", "EUR"), "reason": "x", **of}),
        await refund(billing, "1.00", **of, refunded_on=(day + timedelta(days=1)).isoformat()),
        await refund(billing, "1.00", **of, refunded_on=(day - timedelta(days=1)).isoformat()),
        await refund(billing, "1.00", payment_id=invoice["id"]),
    ]

    assert [a.status_code for a in answers] == [422] * 6 + [404]
    assert [a.json()["errors"][0]["code"] for a in answers[:6]] == [
        "payment_or_credit_note",
        "payment_or_credit_note",
        "amount_not_positive",
        "currency_mismatch",
        "date_out_of_range",
        "before_original",
    ]


async def test_money_that_settled_an_invoice_until_later_cannot_have_gone_back_before(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    day = datetime.now(UTC).date()
    invoice, payment = await given_overpaid(billing)
    tenant = await suite.advance_clock(tenant, timedelta(days=3))
    billing = suite.client("billing", tenant)
    back = {"allocations": [{"invoice_id": invoice["id"]}]}
    await billing.post(f"/v1/payments/{payment['id']}/deallocate", json=back)
    early = (day + timedelta(days=1)).isoformat()

    refused = await refund(billing, "8.01", payment_id=payment["id"], refunded_on=early)
    fine = await refund(billing, "8.00", payment_id=payment["id"], refunded_on=early)
    rest = await refund(billing, "12.00", payment_id=payment["id"])

    assert (refused.status_code, refused.json()["code"]) == (422, "not_open_then")
    assert (fine.status_code, rest.status_code) == (201, 201)
    for days, total in ((0, "-8.00"), (1, "0.00"), (2, "0.00"), (3, "12.00")):
        as_of = (day + timedelta(days=days)).isoformat()
        aging = (await billing.get("/v1/reports/aging", params={"as_of": as_of})).json()
        assert (days, aging["totals"]["total"]["amount"]) == (days, total)
    await assert_tied_out(suite, tenant, billing)


async def test_an_entry_of_a_document_says_what_undoes_it(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    invoice, payment = await given_overpaid(billing)
    made = (await refund(billing, "8.00", payment_id=payment["id"])).json()
    await billing.post(f"/v1/refunds/{made['id']}/reverse", json={"reason": "Returned"})
    await billing.post(f"/v1/payments/{payment['id']}/reverse", json={"reason": "Bounced"})
    fee = {"invoice_id": invoice["id"], "amount": money("1.00"), "kind": "bank_fee", "reason": "Bank"}
    await billing.post("/v1/write-offs", json=fee)
    advice = {}

    for entry in (await billing.get("/v1/journal-entries")).json()["items"]:
        refused = (await billing.post(f"/v1/journal-entries/{entry['id']}/reverse")).json()
        assert (refused["status"], refused["code"]) == (409, "control_account")
        advice[entry["source"]] = refused["detail"]

    assert {source: text.partition("; ")[2] for source, text in advice.items()} == {
        "invoice": "void or credit the invoice instead.",
        "payment": "reverse the payment (POST /v1/payments/{id}/reverse) instead.",
        "payment_reversal": "record it anew instead.",
        "refund": "reverse the refund (POST /v1/refunds/{id}/reverse) instead.",
        "refund_reversal": "record it anew instead.",
        "bank_fee": "reverse the write-off (POST /v1/write-offs/{id}/reverse) instead.",
    }
