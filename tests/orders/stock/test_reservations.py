"""Promises under competition: reserve, release and ship by many at once."""

import asyncio
import random
from dataclasses import replace
from decimal import Decimal
from uuid import UUID

import httpx
import pytest

from services.orders.stock import actions
from services.orders.stock.rules import Allocation, Demand, InsufficientStock, Reservation, StockRowMissing
from shared.context.ctx import TenantFacts
from shared.values.ids import new_id
from tests.kit.suite import Suite
from tests.orders.given import given_ctx, given_product, given_stock, given_warehouse, stock_of
from tests.orders.stock.stock_harness import given_waiting_line


def demand(product: dict, quantity: int | str) -> Demand:
    return Demand(new_id(), UUID(product["id"]), product["sku"], Decimal(quantity))


async def reserve(
    suite: Suite, tenant: TenantFacts, demands: list[Demand], *, allow_backorder: bool = False
) -> Reservation:
    async with given_ctx(suite, tenant) as ctx:
        return await actions.reserve(ctx, demands, allow_backorder=allow_backorder)


async def test_stock_is_promised_and_given_back(suite: Suite, tenant: TenantFacts, orders: httpx.AsyncClient):
    tea = await given_product(orders, "TEA", stock=10)
    (main,) = (await orders.get("/v1/warehouses")).json()["items"]
    wanted = demand(tea, "2.5")

    made = await reserve(suite, tenant, [wanted])
    promised = await stock_of(orders, "TEA")
    async with given_ctx(suite, tenant) as ctx:
        await actions.release(ctx, made.allocations)

    main_id = UUID(main["id"])
    assert made == Reservation(
        (Allocation(wanted.line_id, wanted.product_id, main_id, Decimal("2.5")),), {}, main_id
    )
    assert (promised["on_hand"], promised["reserved"], promised["available"]) == ("10", "2.5", "7.5")
    assert (await stock_of(orders, "TEA"))["reserved"] == "0"


async def test_shipping_takes_the_promise_and_the_goods(
    suite: Suite, tenant: TenantFacts, orders: httpx.AsyncClient
):
    tea = await given_product(orders, "TEA", stock=10)
    made = await reserve(suite, tenant, [demand(tea, 3), demand(tea, 1)])
    fulfilment_id = new_id()

    async with given_ctx(suite, tenant) as ctx:
        await actions.consume(ctx, made.allocations, reference_id=fulfilment_id)

    left = await stock_of(orders, "TEA")
    assert (left["on_hand"], left["reserved"]) == ("6", "0")
    newest = (await orders.get("/v1/stock-adjustments?sku=TEA")).json()["items"][0]
    assert (newest["kind"], newest["delta"], newest["on_hand"]) == ("shipment", "-4", "6")
    assert (newest["reference_id"], newest["actor_id"]) == (str(fulfilment_id), "a-test")
    assert (await orders.get("/v1/stock-audit")).json() == {"checked": 1, "differing": 0, "differences": []}


async def test_an_order_gets_everything_or_nothing(
    suite: Suite, tenant: TenantFacts, orders: httpx.AsyncClient
):
    tea, cup = await given_product(orders, "TEA", stock=10), await given_product(orders, "CUP", stock=3)

    with pytest.raises(InsufficientStock) as refused:
        await reserve(suite, tenant, [demand(tea, 1), demand(cup, 2), demand(cup, 2)])

    assert refused.value.code == "insufficient_stock"
    assert refused.value.facts["lines"] == [{"sku": "CUP", "requested": "4", "available": "3"}]
    assert (await stock_of(orders, "TEA"))["reserved"] == "0"


async def test_what_is_missing_may_wait(suite: Suite, tenant: TenantFacts, orders: httpx.AsyncClient):
    tea, cup = await given_product(orders, "TEA", stock=3), await given_product(orders, "CUP")
    first, second, never = demand(tea, 2), demand(tea, 2), demand(cup, 5)

    made = await reserve(suite, tenant, [first, second, never], allow_backorder=True)

    assert [(a.line_id, a.quantity) for a in made.allocations] == [(first.line_id, 2), (second.line_id, 1)]
    assert made.backordered == {second.line_id: 1, never.line_id: 5}
    assert (await stock_of(orders, "TEA"))["available"] == "0"


async def test_sixty_buyers_of_ten_units_get_exactly_ten(
    suite: Suite, tenant: TenantFacts, orders: httpx.AsyncClient
):
    tea = await given_product(orders, "TEA", stock=10)

    outcomes = await asyncio.gather(
        *(reserve(suite, tenant, [demand(tea, 1)]) for _ in range(60)), return_exceptions=True
    )

    assert sum(isinstance(o, Reservation) for o in outcomes) == 10
    assert sum(isinstance(o, InsufficientStock) for o in outcomes) == 50
    assert (await stock_of(orders, "TEA"))["available"] == "0"


async def test_sixty_patient_buyers_of_ten_units_wait_for_fifty(
    suite: Suite, tenant: TenantFacts, orders: httpx.AsyncClient
):
    tea = await given_product(orders, "TEA", stock=10)

    made = await asyncio.gather(
        *(reserve(suite, tenant, [demand(tea, 1)], allow_backorder=True) for _ in range(60))
    )

    assert sum(len(m.allocations) for m in made) == 10
    assert sum(sum(m.backordered.values()) for m in made) == 50


async def test_shuffled_orders_over_two_warehouses_neither_deadlock_nor_lose_a_unit(
    suite: Suite, tenant: TenantFacts, orders: httpx.AsyncClient
):
    await given_warehouse(orders, "NORTH")
    goods = [await given_product(orders, f"P{n}", stock=20) for n in range(5)]
    for product in goods:
        await given_stock(orders, product["sku"], 20, warehouse="NORTH")
    fate = random.Random(7)

    async def buy_then(n: int) -> tuple[Decimal, Decimal]:
        demands = [demand(p, fate.randint(1, 3)) for p in fate.sample(goods, 5)]
        made = await reserve(suite, tenant, demands)
        parts = fate.sample(made.allocations, len(made.allocations))
        bought = sum((d.quantity for d in demands), Decimal(0))
        if n % 3 == 2:
            return Decimal(0), bought
        async with given_ctx(suite, tenant) as ctx:
            if n % 3 == 0:
                await actions.release(ctx, parts)
                return Decimal(0), Decimal(0)
            await actions.consume(ctx, parts, reference_id=new_id())
        return bought, Decimal(0)

    outcomes = await asyncio.gather(*(buy_then(n) for n in range(40)), return_exceptions=True)

    failures = [o for o in outcomes if isinstance(o, Exception)]
    assert [f for f in failures if not isinstance(f, InsufficientStock)] == []
    done = [o for o in outcomes if isinstance(o, tuple)]
    assert len(done) >= 14
    levels = (await orders.get("/v1/stock")).json()["items"]
    assert sum(Decimal(s["on_hand"]) for s in levels) == 200 - sum(shipped for shipped, _ in done)
    assert sum(Decimal(s["reserved"]) for s in levels) == sum(held for _, held in done)
    audit = (await orders.get("/v1/stock-audit")).json()
    assert all(d["on_hand"] == d["moved"] for d in audit["differences"])


async def test_releases_and_shipments_at_the_same_moment_all_count(
    suite: Suite, tenant: TenantFacts, orders: httpx.AsyncClient
):
    tea = await given_product(orders, "TEA", stock=40)
    made = [await reserve(suite, tenant, [demand(tea, 2)]) for _ in range(20)]

    async def end(n: int) -> None:
        async with given_ctx(suite, tenant) as ctx:
            if n % 2:
                await actions.release(ctx, made[n].allocations)
            else:
                await actions.consume(ctx, made[n].allocations, reference_id=new_id())

    await asyncio.gather(*(end(n) for n in range(20)))

    left = await stock_of(orders, "TEA")
    assert (left["on_hand"], left["reserved"]) == ("20", "0")
    ledger = (await orders.get("/v1/stock-adjustments?sku=TEA")).json()["items"]
    assert sorted((m["on_hand"] for m in ledger), key=int) == [str(n) for n in range(20, 41, 2)]


async def test_a_backorder_is_never_written_past_an_arrival_in_a_new_warehouse(
    suite: Suite, tenant: TenantFacts, orders: httpx.AsyncClient
):
    """While an order is about to wait, an arrival anywhere must wait for it, and then see its line."""
    await given_warehouse(orders, "NORTH")
    tea = await given_product(orders, "TEA")

    async with given_ctx(suite, tenant) as ctx:
        made = await actions.reserve(ctx, [demand(tea, 2)], allow_backorder=True)
        arrival = asyncio.create_task(given_stock(orders, "TEA", 5, warehouse="NORTH"))
        waiting, _ = await asyncio.wait({arrival}, timeout=0.3)
        assert waiting == set()
    assert list(made.backordered.values()) == [2]
    assert (await arrival)["on_hand"] == "5"


async def test_more_than_was_promised_cannot_be_given_back(
    suite: Suite, tenant: TenantFacts, orders: httpx.AsyncClient
):
    tea = await given_product(orders, "TEA", stock=5)
    made = await reserve(suite, tenant, [demand(tea, 2)])

    async def give_back() -> None:
        async with given_ctx(suite, tenant) as ctx:
            await actions.release(ctx, made.allocations)

    await give_back()
    with pytest.raises(Exception, match="stock_items_reserved_check"):
        await give_back()

    assert (await stock_of(orders, "TEA"))["reserved"] == "0"


async def test_shipping_from_where_nothing_ever_lay_is_a_fault_of_ours(
    suite: Suite, tenant: TenantFacts, orders: httpx.AsyncClient
):
    tea = await given_product(orders, "TEA", stock=5)
    made = await reserve(suite, tenant, [demand(tea, 2)])
    elsewhere = replace(made.allocations[0], warehouse_id=new_id())

    for wrong in ([elsewhere], [*made.allocations, elsewhere]):
        with pytest.raises(StockRowMissing):
            async with given_ctx(suite, tenant) as ctx:
                await actions.consume(ctx, wrong, reference_id=new_id())

    left = await stock_of(orders, "TEA")
    assert (left["on_hand"], left["reserved"]) == ("5", "2")


async def test_what_is_promised_or_awaited_stays_tracked(
    suite: Suite, tenant: TenantFacts, orders: httpx.AsyncClient
):
    tea, cup = await given_product(orders, "TEA", stock=5), await given_product(orders, "CUP")
    await reserve(suite, tenant, [demand(tea, 2)])
    await given_waiting_line(suite, tenant, orders, cup, backordered=1)

    for product in (tea, cup):
        untracked = await orders.patch(
            f"/v1/products/{product['id']}", json={"tracked": False}, headers={"if-match": "1"}
        )
        assert (untracked.status_code, untracked.json()["code"]) == (409, "stock_in_use")


async def test_the_audit_finds_what_counters_and_facts_disagree_on(
    suite: Suite, tenant: TenantFacts, orders: httpx.AsyncClient
):
    tea, cup = await given_product(orders, "TEA", stock=5), await given_product(orders, "CUP", stock=5)
    made = await reserve(suite, tenant, [demand(tea, 2)])
    main_id = made.main_warehouse_id
    await given_waiting_line(
        suite, tenant, orders, tea, reserved=2, fulfilment="picking", warehouse_id=main_id
    )
    await given_waiting_line(
        suite, tenant, orders, cup, reserved=1, fulfilment="shipped", warehouse_id=main_id
    )

    clean = (await orders.get("/v1/stock-audit")).json()
    async with given_ctx(suite, tenant) as ctx:
        await ctx.sql.execute(
            "update stock_items set reserved = 1 where tenant_id = $1 and product_id = $2",
            tenant.id,
            UUID(tea["id"]),
        )
        await ctx.sql.execute(
            "update stock_items set on_hand = 7 where tenant_id = $1 and product_id = $2",
            tenant.id,
            UUID(cup["id"]),
        )
    found = (await orders.get("/v1/stock-audit")).json()

    assert clean == {"checked": 2, "differing": 0, "differences": []}
    assert (found["checked"], found["differing"]) == (2, 2)
    cups, teas = found["differences"]
    assert teas == {
        "sku": "TEA", "warehouse": "MAIN", "on_hand": "5", "moved": "5", "reserved": "1", "promised": "2",
    }  # fmt: skip
    assert (cups["on_hand"], cups["moved"]) == ("7", "5")


async def test_another_tenant_s_product_is_nothing_to_promise(
    suite: Suite, stranger: TenantFacts, orders: httpx.AsyncClient
):
    tea = await given_product(orders, "TEA", stock=5)

    with pytest.raises(InsufficientStock):
        await reserve(suite, stranger, [demand(tea, 1)])

    assert (await stock_of(orders, "TEA"))["reserved"] == "0"
