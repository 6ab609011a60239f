"""What has to wait, and who gets what arrives."""

import asyncio

import httpx

from shared.context.ctx import TenantFacts
from tests.kit.suite import Suite
from tests.orders.given import (
    fulfilments_of,
    given_confirmed,
    given_customer,
    given_product,
    given_stock,
    given_warehouse,
    stock_of,
)
from tests.orders.waiting import filled


def accounts(order: dict[str, object]) -> list[tuple[str, str]]:
    return [(line["reserved"], line["backordered"]) for line in order["lines"]]


async def order_now(orders: httpx.AsyncClient, order: dict[str, object]) -> dict[str, object]:
    return (await orders.get(f"/v1/orders/{order['id']}")).json()


async def test_what_is_missing_waits_in_a_fulfilment_of_its_own(orders: httpx.AsyncClient):
    product = await given_product(orders, stock=2)

    order = await given_confirmed(orders, {product["sku"]: 5}, backorder="allow")

    assert accounts(order) == [("2", "3")]
    found = [(f["state"], f["lines"][0]["quantity"]) for f in await fulfilments_of(orders, order)]
    assert sorted(found) == [("backordered", "3"), ("open", "2")]
    waiting = next(f for f in await fulfilments_of(orders, order) if f["state"] == "backordered")
    assert waiting["allowed_actions"] == ["reserve"]
    refused = await orders.post(f"/v1/fulfilments/{waiting['id']}/ship")
    assert (refused.status_code, refused.json()["code"]) == (409, "illegal_transition")


async def test_arrivals_go_to_who_was_confirmed_first(
    suite: Suite, tenant: TenantFacts, orders: httpx.AsyncClient
):
    product = await given_product(orders)
    first, second, third = [
        await given_confirmed(orders, {product["sku"]: 4}, backorder="allow") for _ in range(3)
    ]

    await given_stock(orders, product["sku"], 6)
    await filled(suite, tenant)

    assert [accounts(await order_now(orders, o)) for o in (first, second, third)] == [
        [("4", "0")],
        [("2", "2")],
        [("0", "4")],
    ]
    assert [f["state"] for f in await fulfilments_of(orders, first)] == ["open"]
    split = [(f["state"], f["lines"][0]["quantity"]) for f in await fulfilments_of(orders, second)]
    assert sorted(split) == [("backordered", "2"), ("open", "2")]
    await given_stock(orders, product["sku"], 20)
    await filled(suite, tenant)
    assert accounts(await order_now(orders, third)) == [("4", "0")]
    assert [f["state"] for f in await fulfilments_of(orders, second)] == ["open", "open"]
    assert (await stock_of(orders, product["sku"]))["reserved"] == "12"


async def test_a_backorder_is_filled_from_several_warehouses(
    suite: Suite, tenant: TenantFacts, orders: httpx.AsyncClient
):
    await given_warehouse(orders, "NORTH")
    product, other = await given_product(orders), await given_product(orders)
    order = await given_confirmed(orders, {product["sku"]: 5, other["sku"]: 1}, backorder="allow")

    await given_stock(orders, product["sku"], 2)
    await filled(suite, tenant)
    await given_stock(orders, product["sku"], 3, warehouse="NORTH")
    await filled(suite, tenant)
    await given_stock(orders, other["sku"], 1, warehouse="NORTH")
    await filled(suite, tenant)

    assert accounts(await order_now(orders, order)) == [("5", "0"), ("1", "0")]
    found = await fulfilments_of(orders, order)
    assert {f["state"] for f in found} == {"open"}
    for fulfilment in found:
        shipped = await orders.post(f"/v1/fulfilments/{fulfilment['id']}/ship")
        assert shipped.status_code == 200, shipped.text
    assert (await order_now(orders, order))["state"] == "completed"
    assert (await orders.get("/v1/stock-audit")).json()["differing"] == 0


async def test_a_backorder_filled_at_once_from_two_warehouses_is_split(
    suite: Suite, tenant: TenantFacts, orders: httpx.AsyncClient
):
    await given_warehouse(orders, "NORTH")
    product = await given_product(orders, stock=2)
    await given_stock(orders, product["sku"], 3, warehouse="NORTH")
    keeper = await given_confirmed(orders, {product["sku"]: 5})
    order = await given_confirmed(orders, {product["sku"]: 5}, backorder="allow")

    await orders.post(f"/v1/orders/{keeper['id']}/cancel")
    await filled(suite, tenant)

    assert accounts(await order_now(orders, order)) == [("5", "0")]
    found = await fulfilments_of(orders, order)
    assert sorted((f["state"], f["lines"][0]["quantity"]) for f in found) == [("open", "2"), ("open", "3")]
    assert (await orders.get("/v1/stock-audit")).json()["differing"] == 0


async def test_cancelling_an_order_while_it_is_filled_leaves_no_unit_behind(
    suite: Suite, tenant: TenantFacts, orders: httpx.AsyncClient
):
    product, customer = await given_product(orders), await given_customer(orders)
    waiting = [
        await given_confirmed(orders, {product["sku"]: 1}, backorder="allow", customer_id=customer["id"])
        for _ in range(12)
    ]

    await asyncio.gather(
        *(given_stock(orders, product["sku"], 1) for _ in range(8)),
        *(orders.post(f"/v1/orders/{order['id']}/cancel") for order in waiting[::2]),
    )
    await filled(suite, tenant)

    now = [await order_now(orders, order) for order in waiting]
    assert [o["state"] for o in now[::2]] == ["cancelled"] * 6
    assert [accounts(o) for o in now[1::2]] == [[("1", "0")]] * 6
    stock = await stock_of(orders, product["sku"])
    assert (stock["on_hand"], stock["reserved"], stock["backordered"]) == ("8", "6", "0")
    assert (await orders.get("/v1/stock-audit")).json()["differing"] == 0


async def test_a_cancelled_order_waits_no_more(suite: Suite, tenant: TenantFacts, orders: httpx.AsyncClient):
    product = await given_product(orders)
    order = await given_confirmed(orders, {product["sku"]: 3}, backorder="allow")

    cancelled = (await orders.post(f"/v1/orders/{order['id']}/cancel")).json()
    await given_stock(orders, product["sku"], 5)
    await filled(suite, tenant)

    assert (cancelled["state"], accounts(cancelled)) == ("cancelled", [("0", "0")])
    assert [f["state"] for f in await fulfilments_of(orders, order)] == ["cancelled"]
    assert (await stock_of(orders, product["sku"]))["reserved"] == "0"
