"""From an order to money in the bank, through both services, as a clerk would go through it."""

from datetime import timedelta
from decimal import Decimal

import httpx
import orjson

from shared.context.ctx import TenantFacts
from tests.gateway.world import World
from tests.kit.suite import Suite, eventually
from tests.orders.waiting import filled
from tests.stories.steps import (
    a_customer,
    a_product,
    balances,
    confirmed,
    everything_agrees,
    fulfilments_of,
    invoices_of,
    listed,
    made,
    money,
    order_now,
    order_taken,
    paid,
    payment_status_becomes,
    refused,
    seen,
    shipped,
    stock_arrives,
    summed,
)


async def test_an_order_is_shipped_in_parts_invoiced_by_part_and_paid_in_parts(
    orders: httpx.AsyncClient, billing: httpx.AsyncClient
):
    customer = await a_customer(orders)
    lamp = await a_product(orders, "LAMP", "33.33", stock=10)
    desk = await a_product(orders, "DESK", "249.99", stock=5)
    order = await confirmed(orders, await order_taken(orders, customer, {lamp: 3, desk: 2}))
    assert (order["state"], order["totals"]["gross"]) == ("confirmed", money("719.96"))

    await shipped(orders, order, {lamp: 1, desk: 1})
    (first,) = await invoices_of(billing, order, 1)
    assert [(li["sku"], li["quantity"], li["unit_price"]) for li in first["lines"]] == [
        (lamp, "1", money("33.33")),
        (desk, "1", money("249.99")),
    ]
    assert first["totals"]["net"] == money("283.32")
    await shipped(orders, order)
    first, second = await invoices_of(billing, order, 2)
    assert (await order_now(orders, order))["state"] == "completed"
    for figure in ("net", "tax", "gross"):
        assert summed([first, second], figure) == Decimal(order["totals"][figure]["amount"])

    await paid(billing, customer, money("100.00"), (first, money("100.00")))
    await payment_status_becomes(orders, order, "part_paid")
    rest = Decimal(first["totals"]["gross"]["amount"]) - 100
    await paid(billing, customer, money(rest), (first, money(rest)))
    await paid(billing, customer, second["totals"]["gross"], (second, second["totals"]["gross"]))
    await payment_status_becomes(orders, order, "paid")

    one_lamp = [{"invoice_line_id": second["lines"][0]["id"], "quantity": 1}]
    note = await made(
        billing, "/v1/credit-notes", {"invoice_id": second["id"], "lines": one_lamp, "reason": "broken"}
    )
    credit = Decimal(note["totals"]["gross"]["amount"])
    stands = await balances(billing)
    assert note["unallocated"] == note["totals"]["gross"]
    assert (stands["1000"], stands["1100"]) == (Decimal("719.96"), -credit)
    assert stands["4000"] == Decimal(note["totals"]["net"]["amount"]) - Decimal(
        order["totals"]["net"]["amount"]
    )
    await everything_agrees(orders, billing)


async def test_what_is_not_there_is_refused_or_waits_and_is_filled_in_the_order_of_confirmation(
    suite: Suite, tenant: TenantFacts, orders: httpx.AsyncClient, billing: httpx.AsyncClient
):
    customer = await a_customer(orders)
    lamp = await a_product(orders, "LAMP", "10.00", stock=2)
    impatient = await order_taken(orders, customer, {lamp: 5})
    problem = await refused(orders, f"/v1/orders/{impatient['id']}/confirm")
    assert (problem["code"], (await order_now(orders, impatient))["state"]) == ("insufficient_stock", "draft")

    patient = [
        await order_taken(orders, customer, {lamp: 3}, backorder="allow", confirm=True) for _ in range(2)
    ]
    waiting = [(await order_now(orders, order))["lines"][0]["backordered"] for order in patient]
    assert waiting == ["1", "3"]
    await stock_arrives(orders, lamp, 3)
    await filled(suite, tenant)
    waiting = [(await order_now(orders, order))["lines"][0]["backordered"] for order in patient]
    assert waiting == ["0", "1"]

    for fulfilment in [f for order in patient for f in await fulfilments_of(orders, order)]:
        await made(orders, f"/v1/fulfilments/{fulfilment['id']}/ship")
    await suite.settled()
    first = await listed(billing, "/v1/invoices", order_id=patient[0]["id"])
    second = await listed(billing, "/v1/invoices", order_id=patient[1]["id"])
    assert (summed(first, "net"), summed(second, "net")) == (Decimal("30.00"), Decimal("20.00"))
    assert (await order_now(orders, patient[1]))["state"] == "processing"
    await everything_agrees(orders, billing)


async def test_what_is_cancelled_after_a_part_was_shipped_is_never_invoiced(
    suite: Suite, orders: httpx.AsyncClient, billing: httpx.AsyncClient
):
    customer = await a_customer(orders)
    lamp = await a_product(orders, "LAMP", "10.00", stock=5)
    order = await order_taken(orders, customer, {lamp: 5}, confirm=True)
    await shipped(orders, order, {lamp: 2})

    left = await made(orders, f"/v1/orders/{order['id']}/cancel", {"reason": "changed their mind"})
    (invoice,) = await invoices_of(billing, order, 1)
    await paid(billing, customer, invoice["totals"]["gross"], (invoice, invoice["totals"]["gross"]))

    assert (left["state"], left["lines"][0]["shipped"], left["lines"][0]["cancelled"]) == (
        "completed",
        "2",
        "3",
    )
    await payment_status_becomes(orders, order, "paid")
    await suite.settled()
    assert await invoices_of(billing, order, 1) != []
    (stock,) = (await seen(orders, "/v1/stock", sku=lamp))["items"]
    assert (stock["on_hand"], stock["reserved"]) == ("3", "0")
    await everything_agrees(orders, billing)


async def test_a_held_order_goes_out_only_after_its_release(
    orders: httpx.AsyncClient, billing: httpx.AsyncClient
):
    customer = await a_customer(orders)
    lamp = await a_product(orders, "LAMP", "10.00", stock=5)
    order = await order_taken(orders, customer, {lamp: 1}, confirm=True)
    held = await made(orders, f"/v1/orders/{order['id']}/holds", {"reason": "credit check"})
    (fulfilment,) = await fulfilments_of(orders, order)

    problem = await refused(orders, f"/v1/fulfilments/{fulfilment['id']}/ship")
    await made(orders, f"/v1/orders/{order['id']}/holds/{held['holds'][0]['id']}/release")
    await shipped(orders, order)

    assert problem["code"] == "order_on_hold"
    assert len(await invoices_of(billing, order, 1)) == 1
    await everything_agrees(orders, billing)


async def test_what_is_paid_too_much_stays_as_credit_and_settles_the_next_invoice(
    orders: httpx.AsyncClient, billing: httpx.AsyncClient
):
    customer = await a_customer(orders)
    lamp = await a_product(orders, "LAMP", "10.00", stock=5)
    bought = []
    for _ in range(2):
        order = await order_taken(orders, customer, {lamp: 1}, confirm=True)
        await shipped(orders, order)
        bought.append((order, (await invoices_of(billing, order, 1))[0]))
    (_, first), (second_order, second) = bought

    payment = await paid(billing, customer, money("20.00"), (first, money("12.00")))
    (credit,) = await listed(billing, "/v1/credits", customer_id=customer)
    share = {"allocations": [{"invoice_id": second["id"], "amount": money("8.00")}]}
    await made(billing, f"/v1/payments/{payment['id']}/allocate", share)

    assert credit["unallocated"] == money("8.00")
    assert (await refused(billing, f"/v1/payments/{payment['id']}/allocate", share))[
        "code"
    ] == "over_allocated"
    await payment_status_becomes(orders, second_order, "part_paid")
    assert (await seen(billing, f"/v1/invoices/{second['id']}"))["open"] == money("4.00")
    assert await listed(billing, "/v1/credits", customer_id=customer) == []
    await everything_agrees(orders, billing)


async def test_books_of_two_currencies_are_kept_apart(orders: httpx.AsyncClient, billing: httpx.AsyncClient):
    customer = await a_customer(orders)
    at_home = await a_product(orders, "LAMP", "10.00", stock=5)
    abroad = await a_product(orders, "LAMP-JP", "1500", stock=5, currency="JPY")
    for sku, currency in ((at_home, "GBP"), (abroad, "JPY")):
        order = await order_taken(orders, customer, {sku: 2}, confirm=True, currency=currency)
        await shipped(orders, order)
        (invoice,) = await invoices_of(billing, order, 1)
        assert invoice["totals"] == order["totals"]

    assert (await balances(billing, "JPY"))["1100"] == Decimal(3600)
    assert (await balances(billing, "GBP"))["1100"] == Decimal("24.00")
    mixed = await billing.post(
        "/v1/payments",
        json={
            "customer_id": customer,
            "amount": money("24.00"),
            "allocations": [{"invoice_id": invoice["id"], "amount": money("24.00")}],
        },
    )
    assert mixed.status_code in (409, 422), mixed.text
    await everything_agrees(orders, billing, "GBP")
    await everything_agrees(orders, billing, "JPY")


BUCKETS = ("current", "days_1_30", "days_31_60", "days_61_90", "days_over_90")


async def test_months_pass_on_the_test_clock_and_an_unpaid_invoice_grows_old(
    suite: Suite, tenant: TenantFacts, orders: httpx.AsyncClient, billing: httpx.AsyncClient
):
    customer = await a_customer(orders)
    lamp = await a_product(orders, "LAMP", "10.00", stock=5)
    order = await order_taken(orders, customer, {lamp: 1}, confirm=True, payment_terms_days=10)
    await shipped(orders, order)
    (invoice,) = await invoices_of(billing, order, 1)

    async def told_overdue() -> list[str]:
        rows = await suite.outbox("billing", tenant.id)
        told = [
            orjson.loads(r["envelope"])["data"] for r in rows if r["type"] == "billing.invoice.overdue.v1"
        ]
        return [fact["invoice_id"] for fact in told]

    later, buckets = tenant, []
    for days in (0, 25, 30, 30, 30):
        later = await suite.advance_clock(later, timedelta(days=days))
        clerk = suite.client("billing", later)
        (row,) = (await seen(clerk, "/v1/reports/aging"))["rows"]
        assert row["total"] == money("12.00")
        buckets += [bucket for bucket in BUCKETS if row[bucket] == money("12.00")]
        if days:
            await eventually(told_overdue)
    assert buckets == list(BUCKETS)
    assert await told_overdue() == [invoice["id"]]
    assert [i["id"] for i in await listed(clerk, "/v1/invoices", overdue="true")] == [invoice["id"]]

    await paid(clerk, customer, money("12.00"), (invoice, money("12.00")))
    assert await listed(clerk, "/v1/invoices", overdue="true") == []
    await payment_status_becomes(orders, order, "paid")
    await everything_agrees(suite.client("orders", later), clerk)


async def test_a_company_is_taken_on_trades_is_suspended_and_comes_back(open_world: World):
    operator = await open_world.operator()
    tenant = await open_world.given_tenant(name="New Shop", kind="live")
    shop = await open_world.given_client(
        tenant, "orders:read", "orders:write", "billing:read", "billing:write"
    )
    api = shop.http
    customer = await a_customer(api)
    lamp = await a_product(api, "LAMP", "10.00", stock=5)
    order = await order_taken(api, customer, {lamp: 2}, confirm=True, channel="web")
    await shipped(api, order)
    (invoice,) = await invoices_of(api, order, 1)

    await made(operator, f"/v1/tenants/{tenant['id']}/suspend", {"reason": "unpaid fees"})
    locked_out = await api.get("/v1/orders")
    await made(operator, f"/v1/tenants/{tenant['id']}/resume")
    await paid(api, customer, invoice["totals"]["gross"], (invoice, invoice["totals"]["gross"]))

    assert (locked_out.status_code, locked_out.json()["code"]) == (403, "tenant_suspended")
    await payment_status_becomes(api, order, "paid")
    await everything_agrees(api, api)
    timeline = await listed(api, f"/v1/orders/{order['id']}/timeline")
    assert [entry["verb"] for entry in timeline][:2] == ["create", "confirm"]
