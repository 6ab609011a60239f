"""A stock take finds less than is promised, seen from the desk to the books."""

import httpx

from tests.gateway.world import Caller
from tests.kit.suite import eventually
from tests.stories.steps import (
    Document,
    a_customer,
    a_product,
    everything_agrees,
    fulfilments_of,
    invoices_of,
    made,
    order_now,
    order_taken,
    paid,
    payment_status_becomes,
    refused,
    seen,
    shipped,
    stock_arrives,
)


async def accounts(api: httpx.AsyncClient, *orders: Document) -> list[tuple[str, str]]:
    found = [(await order_now(api, order))["lines"][0] for order in orders]
    return [(line["reserved"], line["backordered"]) for line in found]


async def test_a_count_takes_promises_back_and_goods_bring_them_again(acme: Caller):
    """Three buyers of ten: two units break, four were never there; who waits is served in turn, and invoiced once."""
    api = acme.http
    buyer = await a_customer(api)
    tea = await a_product(api, "TEA", "6.40", stock=10)
    first, second, third = [await order_taken(api, buyer, {tea: n}, confirm=True) for n in (4, 4, 2)]
    one_more = {"customer_id": buyer, "confirm": True, "lines": [{"sku": tea, "quantity": 1}]}
    assert (await refused(api, "/v1/orders", one_more))["code"] == "insufficient_stock"

    broken = await made(api, "/v1/stock-adjustments", {"sku": tea, "delta": -2, "reason": "broken"})
    count = {"sku": tea, "set_to": 4, "expected": 8, "reason": "stock take"}
    counted = await made(api, "/v1/stock-adjustments", count)

    assert [(x["order_number"], x["quantity"]) for x in broken["lost"]] == [(third["number"], "2")]
    assert [(x["order_number"], x["quantity"]) for x in counted["lost"]] == [(second["number"], "4")]
    assert await accounts(api, first, second, third) == [("4", "0"), ("0", "4"), ("0", "2")]
    (waiting,) = await fulfilments_of(api, third, state="backordered")
    answer = await refused(api, f"/v1/fulfilments/{waiting['id']}/reserve")
    assert (answer["code"], answer["lines"][0]["requested"]) == ("insufficient_stock", "2")
    assert (await refused(api, f"/v1/fulfilments/{waiting['id']}/ship"))["allowed_actions"] == ["reserve"]

    await shipped(api, first)
    await stock_arrives(api, tea, 5)
    late = await order_taken(api, buyer, {tea: 3}, backorder="allow", confirm=True)
    assert await accounts(api, second, third, late) == [("4", "0"), ("1", "1"), ("0", "3")]
    await made(api, f"/v1/orders/{second['id']}/cancel", {"reason": "waited too long"})
    assert await accounts(api, third, late) == [("2", "0"), ("3", "0")]

    for order in (third, late):
        for fulfilment in await fulfilments_of(api, order):
            await made(api, f"/v1/fulfilments/{fulfilment['id']}/ship")
    invoices = [
        *await invoices_of(api, first, 1),
        *await invoices_of(api, third, 2),
        *await invoices_of(api, late, 1),
    ]
    for invoice in invoices:
        await paid(api, buyer, invoice["totals"]["gross"], (invoice, invoice["totals"]["gross"]))
    for order in (first, third, late):
        await payment_status_becomes(api, order, "paid")
        assert (await order_now(api, order))["state"] == "completed"

    async def agrees() -> bool:
        await everything_agrees(api, api)
        return True

    await eventually(agrees)
    stock = (await seen(api, "/v1/stock", sku=tea))["items"][0]
    assert [stock[n] for n in ("on_hand", "reserved", "short", "backordered")] == ["0", "0", "0", "0"]
