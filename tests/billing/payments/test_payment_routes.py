"""Payments through the API: allocation, credit, refusals, races."""

import asyncio
from uuid import uuid4

import httpx
import pytest

from shared.context.ctx import TenantFacts
from tests.billing.given import (
    assert_tied_out,
    balances,
    events_of,
    get_invoice,
    given_customer,
    given_draft,
    given_invoice,
    given_payment,
    line,
    money,
    pay,
)
from tests.kit.suite import Suite


async def test_a_payment_settles_its_invoice_and_is_told(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    order_id = str(uuid4())
    invoice = await given_invoice(billing, source_refs={"order_id": order_id})

    payment = await given_payment(billing, invoice, "12.00")

    assert (payment["unallocated"], payment["method"]) == (money("0.00"), "bank_transfer")
    assert [(a["invoice_id"], a["amount"]) for a in payment["allocations"]] == [
        (invoice["id"], money("12.00"))
    ]
    paid = await get_invoice(billing, invoice["id"])
    assert (paid["payment_status"], paid["open"], paid["paid"]) == ("paid", money("0.00"), money("12.00"))
    assert paid["version"] > invoice["version"]
    assert {k: int(v) for k, v in (await balances(billing)).items() if v} == {
        "1000": 12,
        "4000": -10,
        "2200": -2,
    }
    (recorded,) = await events_of(suite, tenant, "billing.payment.recorded.v1")
    assert recorded["allocations"][0]["payment_status"] == "paid"
    assert recorded["allocations"][0]["open"] == money("0.00")
    assert recorded["allocations"][0]["source_refs"]["order_id"] == order_id
    (settled,) = await events_of(suite, tenant, "billing.invoice.paid.v1")
    assert (settled["invoice_id"], settled["gross"]) == (invoice["id"], money("12.00"))
    await assert_tied_out(suite, tenant, billing)


async def test_parts_settle_step_by_step(suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient):
    invoice = await given_invoice(billing)

    await given_payment(billing, invoice, "5.00")
    half = await get_invoice(billing, invoice["id"])
    await given_payment(billing, invoice, "7.00")

    assert (half["payment_status"], half["open"], half["paid"]) == ("part_paid", money("7.00"), money("5.00"))
    assert (await get_invoice(billing, invoice["id"]))["payment_status"] == "paid"
    assert len(await events_of(suite, tenant, "billing.invoice.paid.v1")) == 1
    await assert_tied_out(suite, tenant, billing)


async def test_what_is_not_allocated_stays_as_credit_and_settles_later(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    first = await given_invoice(billing)
    second = await given_invoice(billing, customer_id=first["customer_id"])
    payment = await given_payment(billing, first, "20.00", of="12.00")
    unspent = f"/v1/credits?customer_id={first['customer_id']}"
    assert [(c["kind"], c["unallocated"]) for c in (await billing.get(unspent)).json()["items"]] == [
        ("payment", money("8.00"))
    ]

    share = {"allocations": [{"invoice_id": second["id"], "amount": money("8.00")}]}
    allocated = await billing.post(f"/v1/payments/{payment['id']}/allocate", json=share)
    again = await billing.post(f"/v1/payments/{payment['id']}/allocate", json=share)

    assert allocated.status_code == 200, allocated.text
    assert (allocated.json()["unallocated"], len(allocated.json()["allocations"])) == (money("0.00"), 2)
    assert (again.status_code, again.json()["code"]) == (409, "over_allocated")
    assert (await billing.get(unspent)).json()["items"] == []
    assert (await get_invoice(billing, second["id"]))["open"] == money("4.00")
    (fact,) = await events_of(suite, tenant, "billing.payment.allocated.v1")
    assert fact["allocations"][0]["payment_status"] == "part_paid"
    await assert_tied_out(suite, tenant, billing)


async def test_a_payment_on_account_needs_a_known_customer(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    known = {"customer_id": str(await given_customer(suite, tenant)), "amount": money("5.00")}

    taken = await billing.post("/v1/payments", json=known | {"received_on": "2026-01-05", "reference": "R1"})
    refused = await billing.post("/v1/payments", json=known | {"customer_id": str(uuid4())})

    assert taken.status_code == 201, taken.text
    assert (taken.json()["received_on"], taken.json()["unallocated"]) == ("2026-01-05", money("5.00"))
    assert (refused.status_code, refused.json()["code"]) == (422, "unknown_customer")
    listed = (await billing.get(f"/v1/payments?customer_id={known['customer_id']}")).json()["items"]
    assert listed == [taken.json()] == [(await billing.get(f"/v1/payments/{taken.json()['id']}")).json()]
    await assert_tied_out(suite, tenant, billing)


async def test_nothing_is_ever_over_allocated_and_a_refusal_stores_nothing(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    invoice, other, draft = (
        await given_invoice(billing),
        await given_invoice(billing),
        await given_draft(billing),
    )
    twice = [{"invoice_id": invoice["id"], "amount": money("1.00")}] * 2
    foreign = [{"invoice_id": other["id"], "amount": money("1.00")}]
    absent = [{"invoice_id": str(uuid4()), "amount": money("1.00")}]
    unfinished = [{"invoice_id": draft["id"], "amount": money("1.00")}]

    too_much = await pay(billing, invoice, "12.01")
    beyond = await pay(billing, invoice, "5.00", of="5.01")
    refusals = [
        (await pay(billing, invoice, "5.00", allocations=wrong)).json()
        for wrong in (twice, foreign, absent, unfinished)
    ]
    euros = await billing.post(
        "/v1/payments",
        json={
            "customer_id": invoice["customer_id"],
            "amount": money("5.00", "EUR"),
            "allocations": [{"invoice_id": invoice["id"], "amount": money("5.00", "EUR")}],
        },
    )

    assert (too_much.status_code, too_much.json()["code"]) == (409, "over_allocated")
    assert too_much.json()["open"] == money("12.00")
    assert (beyond.status_code, beyond.json()["code"]) == (409, "over_allocated")
    assert [(r["status"], r["code"]) for r in refusals] == [
        (422, "duplicate"),
        (409, "invoice_mismatch"),
        (422, "unknown_invoice"),
        (409, "invoice_mismatch"),
    ]
    assert (euros.status_code, euros.json()["code"]) == (409, "invoice_mismatch")
    assert (await pay(billing, invoice, "0.00")).status_code == 422
    assert (await billing.get("/v1/payments")).json()["items"] == []
    await assert_tied_out(suite, tenant, billing)


async def test_payments_racing_for_one_invoice_never_settle_more_than_it(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    invoice = await given_invoice(billing, line("100.00", tax_code="zero"))

    answers = await asyncio.gather(*(pay(billing, invoice, "15.00") for _ in range(20)))

    assert sorted(a.status_code for a in answers) == [201] * 6 + [409] * 14
    assert {a.json()["code"] for a in answers if a.status_code == 409} == {"over_allocated"}
    assert (await get_invoice(billing, invoice["id"]))["open"] == money("10.00")
    await assert_tied_out(suite, tenant, billing)


async def test_payments_over_the_same_invoices_in_any_order_do_not_deadlock(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    customer_id = str(uuid4())
    invoices = [await given_invoice(billing, customer_id=customer_id) for _ in range(5)]

    async def settle(n: int) -> int:
        order = invoices[n % 5 :] + invoices[: n % 5]
        shares = [{"invoice_id": i["id"], "amount": money("1.00")} for i in order]
        return (await pay(billing, invoices[0], "5.00", allocations=shares)).status_code

    assert await asyncio.gather(*(settle(n) for n in range(12))) == [201] * 12
    assert {(await get_invoice(billing, i["id"]))["payment_status"] for i in invoices} == {"paid"}
    assert len(await events_of(suite, tenant, "billing.invoice.paid.v1")) == 5
    await assert_tied_out(suite, tenant, billing)


async def test_paying_and_voiding_at_once_ends_in_one_of_the_two(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    for _ in range(5):
        invoice = await given_invoice(billing)

        paid, voided = await asyncio.gather(
            pay(billing, invoice, "12.00"), billing.post(f"/v1/invoices/{invoice['id']}/void")
        )

        assert sorted([paid.status_code == 201, voided.status_code == 200]) == [False, True]
    await assert_tied_out(suite, tenant, billing)


async def test_the_same_key_records_a_payment_once(billing: httpx.AsyncClient):
    invoice = await given_invoice(billing)
    body = {"customer_id": invoice["customer_id"], "amount": money("5.00")}

    answers = [
        await billing.post("/v1/payments", json=body, headers={"idempotency-key": "p-1"}) for _ in range(2)
    ]

    assert answers[0].json() == answers[1].json()
    assert len((await billing.get("/v1/payments")).json()["items"]) == 1


async def test_payments_of_others_are_absent(suite: Suite, stranger: TenantFacts, billing: httpx.AsyncClient):
    invoice = await given_invoice(billing)
    payment = await given_payment(billing, invoice, "1.00")
    other = suite.client("billing", stranger)

    assert (await other.get(f"/v1/payments/{payment['id']}")).status_code == 404
    theft = {"allocations": [{"invoice_id": invoice["id"], "amount": money("1.00")}]}
    assert (await other.post(f"/v1/payments/{payment['id']}/allocate", json=theft)).status_code == 404
    assert (await pay(other, invoice, "1.00")).json()["code"] == "unknown_invoice"


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
async def test_a_day_the_database_takes_for_infinite_is_refused(billing: httpx.AsyncClient, day: str):
    invoice = await given_invoice(billing)

    refused = await pay(billing, invoice, "12.00", received_on=day)

    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, "date_out_of_range")


async def test_cash_goes_into_the_till_and_counts_as_money(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    invoice = await given_invoice(billing)

    answers = await asyncio.gather(
        *(pay(billing, invoice, amount, method=m) for amount, m in (("5.00", "cash"), ("7.00", "card")))
    )

    assert [a.status_code for a in answers] == [201, 201]
    stands = await balances(billing)
    assert (stands["1010"], stands["1000"]) == (5, 7)
    flow = (await billing.get("/v1/reports/cash-flow")).json()
    assert (flow["net_change"], flow["closing"]) == (money("12.00"), money("12.00"))
    await assert_tied_out(suite, tenant, billing)
