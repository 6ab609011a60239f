"""Many at once: stock is never promised twice, a key takes effect once, nobody deadlocks."""

import asyncio
from collections import Counter
from decimal import Decimal

import httpx
import pytest

from services.orders.intake.bulk import create_orders
from services.orders.intake.schemas import OrderIn
from services.orders.stock.rules import InsufficientStock
from shared.context.batch import Batch
from shared.context.ctx import Ctx, TenantFacts
from shared.values.faults import Invalid
from tests.kit.suite import Suite
from tests.orders.given import (
    fulfilments_of,
    given_confirmed,
    given_ctx,
    given_customer,
    given_order,
    given_product,
    stock_of,
)


async def audit_is_clean(orders: httpx.AsyncClient) -> bool:
    return (await orders.get("/v1/stock-audit")).json()["differing"] == 0


async def test_sixty_buyers_of_ten_units_make_ten_orders(orders: httpx.AsyncClient):
    product, customer = await given_product(orders, stock=10), await given_customer(orders)
    body = {
        "customer_id": customer["id"],
        "lines": [{"sku": product["sku"], "quantity": 1}],
        "confirm": True,
    }

    answers = await asyncio.gather(*(orders.post("/v1/orders", json=body) for _ in range(60)))

    assert Counter(a.status_code for a in answers) == {201: 10, 409: 50}
    assert {a.json()["code"] for a in answers if a.status_code == 409} == {"insufficient_stock"}
    numbers = sorted(a.json()["number"] for a in answers if a.status_code == 201)
    assert [int(number[-6:]) for number in numbers] == list(range(1, 11))
    assert (await stock_of(orders, product["sku"]))["reserved"] == "10"
    assert await audit_is_clean(orders)


async def test_orders_of_the_same_products_in_any_order_do_not_deadlock(orders: httpx.AsyncClient):
    skus = [(await given_product(orders, stock=100))["sku"] for _ in range(3)]
    customer = await given_customer(orders)

    def body(n: int) -> dict[str, object]:
        turned = skus[n % 3 :] + skus[: n % 3]
        lines = [{"sku": sku, "quantity": 1} for sku in (turned if n % 2 else turned[::-1])]
        return {"customer_id": customer["id"], "lines": lines, "confirm": True}

    answers = await asyncio.gather(*(orders.post("/v1/orders", json=body(n)) for n in range(30)))

    assert {a.status_code for a in answers} == {201}
    assert [(await stock_of(orders, sku))["reserved"] for sku in skus] == ["30"] * 3


async def test_the_same_key_twenty_times_at_once_is_one_order(orders: httpx.AsyncClient):
    product, customer = await given_product(orders, stock=10), await given_customer(orders)
    body = {
        "customer_id": customer["id"],
        "lines": [{"sku": product["sku"], "quantity": 1}],
        "confirm": True,
    }

    def send() -> object:
        return orders.post("/v1/orders", json=body, headers={"idempotency-key": "one"})

    answers = await asyncio.gather(*(send() for _ in range(20)))
    last = await send()

    assert {a.status_code for a in answers} <= {201, 409}
    assert {a.json()["code"] for a in answers if a.status_code == 409} <= {"in_progress"}
    assert {a.json()["id"] for a in [*answers, last] if a.status_code == 201} == {last.json()["id"]}
    assert len((await orders.get("/v1/orders")).json()["items"]) == 1
    assert (await stock_of(orders, product["sku"]))["reserved"] == "1"


async def test_a_batch_of_orders_is_taken_in_whole_or_not_at_all(
    suite: Suite, tenant: TenantFacts, orders: httpx.AsyncClient
):
    product, customer = await given_product(orders, stock=10), await given_customer(orders)

    def wishes(*quantities: int, sku: str = product["sku"]) -> list[OrderIn]:
        return [
            OrderIn(
                customer_id=customer["id"],
                lines=[{"sku": sku, "quantity": n}],
                confirm=True,
                backorder="allow" if n > 10 else "reject",
            )
            for n in quantities
        ]

    def taken(ctx: Ctx, given: list[OrderIn]) -> Batch[tuple[OrderIn]]:
        return Batch([(ctx, (each,)) for each in given])

    async with given_ctx(suite, tenant) as ctx:
        made = await create_orders(taken(ctx, wishes(3, 4, 12)))
        with pytest.raises(InsufficientStock):
            async with ctx.savepoint():
                await create_orders(taken(ctx, wishes(1, 5)))
        with pytest.raises(Invalid) as refused:
            await create_orders(taken(ctx, [*wishes(1), *wishes(1, sku="NONE")]))

    assert [e.pointer for e in refused.value.errors] == ["/1/lines/0/sku"]
    stored = (await orders.get("/v1/orders")).json()["items"]
    assert [o["number"] for o in stored[::-1]] == [o.number for o in made]
    assert [o["lines"][0]["reserved"] for o in stored[::-1]] == ["3", "4", "3"]
    assert (await stock_of(orders, product["sku"]))["reserved"] == "10"
    assert await audit_is_clean(orders)


async def test_a_draft_confirmed_many_times_at_once_is_confirmed_once(orders: httpx.AsyncClient):
    product = await given_product(orders, stock=10)
    order = await given_order(orders, {product["sku"]: 2})

    answers = await asyncio.gather(*(orders.post(f"/v1/orders/{order['id']}/confirm") for _ in range(8)))

    assert Counter(a.status_code for a in answers) == {200: 1, 409: 7}
    assert (await stock_of(orders, product["sku"]))["reserved"] == "2"


async def test_a_fulfilment_shipped_many_times_at_once_leaves_once(
    suite: Suite, tenant: TenantFacts, orders: httpx.AsyncClient
):
    product = await given_product(orders, stock=10)
    order = await given_confirmed(orders, {product["sku"]: 3})
    (fulfilment,) = await fulfilments_of(orders, order)

    answers = await asyncio.gather(
        *(orders.post(f"/v1/fulfilments/{fulfilment['id']}/ship") for _ in range(8))
    )

    assert Counter(a.status_code for a in answers) == {200: 1, 409: 7}
    stock = await stock_of(orders, product["sku"])
    assert (stock["on_hand"], stock["reserved"]) == ("7", "0")
    facts = Counter(f["type"] for f in await suite.outbox("orders", tenant.id))
    assert (facts["orders.fulfilment.shipped.v1"], facts["orders.order.completed.v1"]) == (1, 1)


async def test_cancelling_and_shipping_at_once_do_one_of_both(orders: httpx.AsyncClient):
    product = await given_product(orders, stock=60)
    found = []
    for _ in range(12):
        order = await given_confirmed(orders, {product["sku"]: 5})
        (fulfilment,) = await fulfilments_of(orders, order)
        found.append((order, fulfilment))

    calls = []
    for order, fulfilment in found:
        calls.append(orders.post(f"/v1/fulfilments/{fulfilment['id']}/ship"))
        calls.append(orders.post(f"/v1/orders/{order['id']}/cancel"))
        calls.append(orders.post(f"/v1/fulfilments/{fulfilment['id']}/cancel"))
    answers = await asyncio.gather(*calls)

    assert {a.status_code for a in answers} <= {200, 409}
    shipped = Decimal(0)
    for order, _ in found:
        now = (await orders.get(f"/v1/orders/{order['id']}")).json()
        (line,) = now["lines"]
        accounts = [Decimal(line[a]) for a in ("reserved", "backordered", "shipped", "cancelled")]
        assert sum(accounts) == 5
        assert now["state"] == ("completed" if line["shipped"] == "5" else "cancelled")
        shipped += Decimal(line["shipped"])
    stock = await stock_of(orders, product["sku"])
    assert (Decimal(stock["on_hand"]), stock["reserved"]) == (60 - shipped, "0")
    assert await audit_is_clean(orders)
