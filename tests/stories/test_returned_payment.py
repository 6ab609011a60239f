"""A payment that comes back, as shop and bookkeeper see it: unpaid again, paid again, too much, and refunded."""

from datetime import UTC, datetime

import httpx

from shared.context.ctx import TenantFacts
from tests.kit.suite import Suite
from tests.stories.steps import (
    Document,
    a_customer,
    a_product,
    balances,
    everything_agrees,
    invoices_of,
    listed,
    made,
    money,
    order_taken,
    paid,
    payment_status_becomes,
    refused,
    seen,
    shipped,
)


async def owed_by(billing: httpx.AsyncClient, customer: str) -> tuple[str, str]:
    """What a customer owes on open invoices, and its credit, by today's aging."""
    rows = (await seen(billing, "/v1/reports/aging"))["rows"]
    row = next((row for row in rows if row["customer_id"] == customer), None)
    return (row["current"]["amount"], row["credits"]["amount"]) if row else ("0.00", "0.00")


async def statement_of(billing: httpx.AsyncClient, customer: str) -> list[tuple[str, str]]:
    """Each movement of the customer's account, and what was owed after it."""
    (account,) = (await seen(billing, f"/v1/customers/{customer}/statement"))["accounts"]
    return [(line["kind"], line["balance"]["amount"]) for line in account["lines"]]


async def invoice_now(billing: httpx.AsyncClient, invoice: Document) -> Document:
    return await seen(billing, f"/v1/invoices/{invoice['id']}")


async def test_a_payment_bounces_and_comes_again_with_too_much(
    suite: Suite, tenant: TenantFacts, orders: httpx.AsyncClient, billing: httpx.AsyncClient
):
    customer = await a_customer(orders)
    await a_product(orders, "LAMP", "50.00", stock=10)
    order = await order_taken(orders, customer, {"LAMP": 2}, confirm=True)
    await shipped(orders, order)
    (invoice,) = await invoices_of(billing, order, 1)
    gross = invoice["totals"]["gross"]
    assert gross == money("120.00")

    # Paid by direct debit.
    first = await paid(billing, customer, gross, (invoice, gross))
    await payment_status_becomes(orders, order, "paid")
    assert await owed_by(billing, customer) == ("0.00", "0.00")
    await everything_agrees(orders, billing)

    # The bank sends it back: the order is unpaid again, and the aging shows it.
    why = {"reason": "Returned by the bank: account closed"}
    assert (await refused(billing, f"/v1/invoices/{invoice['id']}/void"))["code"] == "invoice_settled"
    await made(billing, f"/v1/payments/{first['id']}/reverse", why)
    await payment_status_becomes(orders, order, "unpaid")
    assert await owed_by(billing, customer) == ("120.00", "0.00")
    assert (await balances(billing)).get("1000") is None
    again = await refused(billing, f"/v1/payments/{first['id']}/reverse", why)
    assert (again["code"], again["state"]) == ("illegal_transition", "reversed")
    await everything_agrees(orders, billing)

    # The customer pays again, and too much.
    second = await paid(billing, customer, money("150.00"), (invoice, gross))
    await payment_status_becomes(orders, order, "paid")
    assert await owed_by(billing, customer) == ("0.00", "-30.00")
    await everything_agrees(orders, billing)

    # What is too much goes back, and no more than that.
    back = {"payment_id": second["id"], "amount": money("30.01"), "reason": "Paid too much"}
    assert (await refused(billing, "/v1/refunds", back))["unallocated"] == money("30.00")
    refund = await made(billing, "/v1/refunds", back | {"amount": money("30.00")})
    assert (await refused(billing, f"/v1/payments/{second['id']}/reverse", why))["refund_id"] == refund["id"]
    assert await owed_by(billing, customer) == ("0.00", "0.00")
    stands = await balances(billing)
    assert {code: str(stands[code]) for code in ("1000", "4000", "2200")} == {
        "1000": "120.00",
        "4000": "-100.00",
        "2200": "-20.00",
    }
    await everything_agrees(orders, billing)

    # All of it comes back in the end: credited, and the money returned.
    note = await made(billing, "/v1/credit-notes", {"invoice_id": invoice["id"], "reason": "All returned"})
    await payment_status_becomes(orders, order, "credited")
    await made(
        billing,
        "/v1/refunds",
        {"credit_note_id": note["id"], "amount": gross, "reason": "All returned", "method": "card"},
    )
    assert await owed_by(billing, customer) == ("0.00", "0.00")
    assert await balances(billing) == {}
    await everything_agrees(orders, billing)

    # Who looks at it in a year finds each step, the customer on its statement, too.
    assert await statement_of(billing, customer) == [
        ("invoice", "120.00"),
        ("payment", "0.00"),
        ("payment_reversal", "120.00"),
        ("payment", "-30.00"),
        ("refund", "0.00"),
        ("credit_note", "-120.00"),
        ("refund", "0.00"),
    ]
    moves = [m["verb"] for m in await listed(billing, f"/v1/payments/{first['id']}/timeline")]
    assert moves == ["create", "reverse"]
    entries = await listed(billing, "/v1/journal-entries", **{"from": datetime.now(UTC).date().isoformat()})
    assert [e["source"] for e in entries] == [
        "invoice",
        "payment",
        "payment_reversal",
        "payment",
        "refund",
        "credit_note",
        "refund",
    ]


async def test_a_short_payment_is_let_go_and_the_order_is_paid(
    suite: Suite, tenant: TenantFacts, orders: httpx.AsyncClient, billing: httpx.AsyncClient
):
    customer = await a_customer(orders)
    await a_product(orders, "LAMP", "50.00", stock=10)
    order = await order_taken(orders, customer, {"LAMP": 2}, confirm=True)
    await shipped(orders, order)
    (invoice,) = await invoices_of(billing, order, 1)

    await paid(billing, customer, money("116.40"), (invoice, money("116.40")))
    await payment_status_becomes(orders, order, "part_paid")
    discount = {
        "invoice_id": invoice["id"],
        "amount": money("3.60"),
        "kind": "cash_discount",
        "reason": "3 %",
    }
    given = await made(billing, "/v1/write-offs", discount)
    await payment_status_becomes(orders, order, "paid")

    assert given["tax"] == money("0.60")
    assert (await invoice_now(billing, invoice))["payment_status"] == "paid"
    report = await seen(billing, "/v1/reports/tax")
    assert (report["base"], report["tax"]) == (money("97.00"), money("19.40"))
    await everything_agrees(orders, billing)

    # The discount was taken too late: it is claimed after all.
    await made(billing, f"/v1/write-offs/{given['id']}/reverse", {"reason": "After ten days"})
    await payment_status_becomes(orders, order, "part_paid")
    assert await owed_by(billing, customer) == ("3.60", "0.00")
    await everything_agrees(orders, billing)
