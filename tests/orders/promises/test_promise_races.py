"""Many at once, over real connections: nobody is overtaken, nothing is promised twice, nobody deadlocks."""

import asyncio
from collections import Counter
from decimal import Decimal
from typing import Any
from uuid import UUID

import httpx
import pytest

from services.orders.book import queries as book
from shared.context.ctx import TenantFacts
from tests.kit.suite import Suite
from tests.orders.given import (
    fulfilments_of,
    given_confirmed,
    given_ctx,
    given_customer,
    given_product,
    given_stock,
    stock_of,
)
from tests.orders.promises.promise_state import assert_clean
from tests.orders.waiting import filled


async def order_now(orders: httpx.AsyncClient, order: dict[str, Any]) -> dict[str, Any]:
    return (await orders.get(f"/v1/orders/{order['id']}")).json()


async def reserved(orders: httpx.AsyncClient, order: dict[str, Any]) -> list[str]:
    return [line["reserved"] for line in (await order_now(orders, order))["lines"]]


def wish(customer: dict[str, Any], sku: str, quantity: int, backorder: str = "reject") -> dict[str, Any]:
    lines = [{"sku": sku, "quantity": quantity}]
    return {"customer_id": customer["id"], "lines": lines, "backorder": backorder, "confirm": True}


@pytest.mark.parametrize("freed_by", ["order", "fulfilment", "delivery"])
async def test_new_orders_of_the_same_moment_overtake_nobody_who_waits(
    suite: Suite, tenant: TenantFacts, orders: httpx.AsyncClient, freed_by: str
):
    product, customer = await given_product(orders, stock=4), await given_customer(orders)
    sku = product["sku"]
    keeper = await given_confirmed(orders, {sku: 4}, customer_id=customer["id"])
    waiting = [await given_confirmed(orders, {sku: 2}, backorder="allow") for _ in range(3)]
    (kept,) = await fulfilments_of(orders, keeper)
    free = {
        "order": lambda: orders.post(f"/v1/orders/{keeper['id']}/cancel"),
        "fulfilment": lambda: orders.post(f"/v1/fulfilments/{kept['id']}/cancel"),
        "delivery": lambda: given_stock(orders, sku, 4),
    }[freed_by]

    news = (wish(customer, sku, 2, "allow" if n % 2 else "reject") for n in range(10))
    answers = await asyncio.gather(
        *(orders.post("/v1/orders", json=body) for body in news), free(), return_exceptions=True
    )
    await filled(suite, tenant)

    assert [a for a in answers if isinstance(a, Exception)] == []
    assert Counter(a.status_code for a in answers[:-1]) == {201: 5, 409: 5}
    assert [a.json()["lines"][0]["reserved"] for a in answers[:-1] if a.status_code == 201] == ["0"] * 5
    served = [["0"], ["0"], ["0"]] if freed_by == "fulfilment" else [["2"], ["2"], ["0"]]
    assert [await reserved(orders, order) for order in waiting] == served
    await assert_clean(suite, tenant, orders)


async def test_while_the_first_in_turn_is_held_by_somebody_its_stock_is_nobody_elses(
    suite: Suite, tenant: TenantFacts, orders: httpx.AsyncClient
):
    product, customer = await given_product(orders, stock=3), await given_customer(orders)
    sku = product["sku"]
    keeper = await given_confirmed(orders, {sku: 3})
    first = await given_confirmed(orders, {sku: 2}, backorder="allow")
    second = await given_confirmed(orders, {sku: 1}, backorder="allow")

    async with given_ctx(suite, tenant) as ctx:
        await book.lock_orders(ctx, [UUID(first["id"])])
        cancelled = await orders.post(f"/v1/orders/{keeper['id']}/cancel")
        refused = await orders.post("/v1/orders", json=wish(customer, sku, 1))
        third = (await orders.post("/v1/orders", json=wish(customer, sku, 1, "allow"))).json()
        behind = (await fulfilments_of(orders, second))[0]
        busy = await orders.post(f"/v1/fulfilments/{behind['id']}/reserve")
    await filled(suite, tenant)

    assert cancelled.status_code == 200
    assert (refused.status_code, refused.json()["lines"][0]["available"]) == (409, "0")
    assert (third["lines"][0]["reserved"], third["lines"][0]["backordered"]) == ("0", "1")
    assert (busy.status_code, busy.json()["code"]) == (409, "in_progress")
    assert [await reserved(orders, order) for order in (first, second, third)] == [["2"], ["1"], ["0"]]
    await assert_clean(suite, tenant, orders)


async def test_of_what_is_left_over_new_orders_may_have_the_rest_meanwhile(
    suite: Suite, tenant: TenantFacts, orders: httpx.AsyncClient
):
    product, customer = await given_product(orders), await given_customer(orders)
    sku = product["sku"]
    first = await given_confirmed(orders, {sku: 2}, backorder="allow")

    async with given_ctx(suite, tenant) as ctx:
        await book.lock_orders(ctx, [UUID(first["id"])])
        await given_stock(orders, sku, 5)
        too_much = await orders.post("/v1/orders", json=wish(customer, sku, 4))
        rest = await orders.post("/v1/orders", json=wish(customer, sku, 3))
    await filled(suite, tenant)

    assert (too_much.status_code, too_much.json()["lines"][0]["available"]) == (409, "3")
    assert (rest.status_code, await reserved(orders, first)) == (201, ["2"])
    await assert_clean(suite, tenant, orders)


async def test_counts_and_orders_of_the_same_moment_promise_only_what_is_there(
    suite: Suite, tenant: TenantFacts, orders: httpx.AsyncClient
):
    product, customer = await given_product(orders, stock=20), await given_customer(orders)
    sku = product["sku"]
    early = [await given_confirmed(orders, {sku: 2}, customer_id=customer["id"]) for _ in range(4)]
    count = {"sku": sku, "set_to": 6, "expected": 20, "reason": "stock take"}

    answers = await asyncio.gather(
        *(orders.post("/v1/orders", json=wish(customer, sku, 2, "allow")) for _ in range(6)),
        orders.post("/v1/stock-adjustments", json=count),
        *(orders.post("/v1/orders", json=wish(customer, sku, 2, "reject")) for _ in range(6)),
    )
    await filled(suite, tenant)

    assert {a.status_code for a in answers} <= {201, 409}
    assert answers[6].status_code == 201, answers[6].text
    assert [await reserved(orders, order) for order in early] == [["2"], ["2"], ["2"], ["0"]]
    stock = await stock_of(orders, sku)
    assert (stock["on_hand"], stock["reserved"], stock["available"], stock["short"]) == ("6", "6", "0", "0")
    await assert_clean(suite, tenant, orders)


async def test_counts_shipments_and_cancellations_of_the_same_moment_agree(
    suite: Suite, tenant: TenantFacts, orders: httpx.AsyncClient
):
    product, customer = await given_product(orders, stock=24), await given_customer(orders)
    sku = product["sku"]
    taken = [await given_confirmed(orders, {sku: 2}, customer_id=customer["id"]) for _ in range(12)]
    works = [(await fulfilments_of(orders, order))[0] for order in taken]
    less = {"sku": sku, "delta": -5, "reason": "broken"}

    answers = await asyncio.gather(
        *(orders.post(f"/v1/fulfilments/{work['id']}/ship") for work in works[::3]),
        *(orders.post("/v1/stock-adjustments", json=less) for _ in range(3)),
        *(orders.post(f"/v1/fulfilments/{work['id']}/cancel") for work in works[1::3]),
        *(orders.post(f"/v1/orders/{order['id']}/cancel") for order in taken[2::3]),
    )
    await filled(suite, tenant)

    assert {a.status_code for a in answers} <= {200, 201, 409}, [a.text for a in answers if a.is_error]
    shipped = sum(a.status_code == 200 for a in answers[:4]) * 2
    lost = sum(a.status_code == 201 for a in answers[4:7]) * 5
    assert Decimal((await stock_of(orders, sku))["on_hand"]) == 24 - shipped - lost
    await assert_clean(suite, tenant, orders)


async def test_a_fulfilment_reserved_many_times_at_once_is_promised_once(
    suite: Suite, tenant: TenantFacts, orders: httpx.AsyncClient
):
    product = await given_product(orders)
    order = await given_confirmed(orders, {product["sku"]: 3}, backorder="allow")
    (waiting,) = await fulfilments_of(orders, order)
    async with given_ctx(suite, tenant) as ctx:
        await book.lock_orders(ctx, [UUID(order["id"])])
        await given_stock(orders, product["sku"], 5)
        await ctx.sql.execute(
            "delete from due_times where tenant_id = $1 and kind = 'stock.arrived'", tenant.id
        )

    answers = await asyncio.gather(
        *(orders.post(f"/v1/fulfilments/{waiting['id']}/reserve") for _ in range(6))
    )

    assert Counter(a.status_code for a in answers) == {200: 1, 409: 5}
    assert {a.json()["code"] for a in answers if a.is_error} <= {"illegal_transition"}
    (opened,) = await fulfilments_of(orders, order)
    assert (opened["id"], opened["state"]) == (waiting["id"], "open")
    assert (await stock_of(orders, product["sku"]))["reserved"] == "3"
    await assert_clean(suite, tenant, orders)


async def test_orders_that_wait_for_each_others_goods_are_cancelled_at_once_without_deadlock(
    suite: Suite, tenant: TenantFacts, orders: httpx.AsyncClient
):
    customer = await given_customer(orders)
    one, two = [(await given_product(orders, stock=8))["sku"] for _ in range(2)]
    pairs = []
    for _ in range(8):
        has_one = await given_confirmed(orders, {one: 1}, customer_id=customer["id"])
        has_two = await given_confirmed(orders, {two: 1}, customer_id=customer["id"])
        pairs.append((has_one, has_two))
    crossed = [
        await given_confirmed(orders, {one: 1, two: 1}, customer_id=customer["id"], backorder="allow")
        for _ in range(8)
    ]

    gone = [order for pair in pairs for order in pair] + crossed[::2]
    answers = await asyncio.gather(*(orders.post(f"/v1/orders/{o['id']}/cancel") for o in gone))
    await filled(suite, tenant)

    assert {a.status_code for a in answers} == {200}
    assert [await reserved(orders, order) for order in crossed[1::2]] == [["1", "1"]] * 4
    await assert_clean(suite, tenant, orders)
