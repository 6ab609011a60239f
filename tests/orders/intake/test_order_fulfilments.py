"""An order names its fulfilments in every answer, so that nobody has to ask for what confirming has just planned."""

from typing import Any

import httpx

from tests.orders.given import (
    fulfilments_of,
    given_confirmed,
    given_order,
    given_product,
    given_stock,
    given_warehouse,
)


async def shown(orders: httpx.AsyncClient, order: dict[str, Any]) -> list[dict[str, Any]]:
    """What a single read and a list show of an order's fulfilments, which is the same."""
    single = (await orders.get(f"/v1/orders/{order['id']}")).json()
    (listed,) = (await orders.get("/v1/orders", params={"customer_id": order["customer_id"]})).json()["items"]
    assert single == listed
    found: list[dict[str, Any]] = single["fulfilments"]
    assert found == [
        {key: f[key] for key in ("id", "state", "warehouse_id")} for f in await fulfilments_of(orders, order)
    ]
    return found


async def ship(orders: httpx.AsyncClient, fulfilment: dict[str, Any], line: str, quantity: int) -> None:
    body = {"lines": [{"order_line_id": line, "quantity": quantity}]}
    answer = await orders.post(f"/v1/fulfilments/{fulfilment['id']}/ship", json=body)
    assert answer.status_code == 200, answer.text


async def test_a_confirmed_order_names_its_open_fulfilment_which_can_be_shipped(orders: httpx.AsyncClient):
    product = await given_product(orders, stock=5)

    order = await given_confirmed(orders, {product["sku"]: 2})

    (fulfilment,) = order["fulfilments"]
    assert fulfilment["state"] == "open"
    assert await shown(orders, order) == [fulfilment]
    shipped = await orders.post(f"/v1/fulfilments/{fulfilment['id']}/ship")
    assert (shipped.status_code, shipped.json()["warehouse_id"]) == (200, fulfilment["warehouse_id"])
    assert [f["state"] for f in await shown(orders, order)] == ["shipped"]


async def test_a_draft_has_no_fulfilments_until_it_is_confirmed(orders: httpx.AsyncClient):
    product = await given_product(orders, stock=5)
    order = await given_order(orders, {product["sku"]: 2})
    assert order["fulfilments"] == []
    assert await shown(orders, order) == []

    confirmed = (await orders.post(f"/v1/orders/{order['id']}/confirm")).json()

    assert [f["state"] for f in confirmed["fulfilments"]] == ["open"]
    assert await shown(orders, order) == confirmed["fulfilments"]


async def test_after_a_partial_shipment_both_fulfilments_are_named_with_their_states(
    orders: httpx.AsyncClient,
):
    product = await given_product(orders, stock=5)
    order = await given_confirmed(orders, {product["sku"]: 5})
    (first,) = order["fulfilments"]

    await ship(orders, first, order["lines"][0]["id"], 3)

    now = await shown(orders, order)
    assert [f["state"] for f in now] == ["shipped", "open"]
    assert now[0]["id"] == first["id"]
    ended = (await orders.post(f"/v1/orders/{order['id']}/cancel", json={"reason": "enough"})).json()
    assert [(f["id"], f["state"]) for f in ended["fulfilments"]] == [
        (now[0]["id"], "shipped"),
        (now[1]["id"], "cancelled"),
    ]


async def test_held_orders_name_their_fulfilments_beside_their_holds(orders: httpx.AsyncClient):
    product = await given_product(orders, stock=5)
    order = await given_confirmed(orders, {product["sku"]: 2})

    held = (await orders.post(f"/v1/orders/{order['id']}/holds", json={"reason": "fraud?"})).json()

    assert (len(held["holds"]), held["fulfilments"]) == (1, order["fulfilments"])
    assert (await orders.get(f"/v1/orders/{order['id']}")).json() == held
    released = await orders.post(f"/v1/orders/{order['id']}/holds/{held['holds'][0]['id']}/release")
    assert (released.json()["holds"], released.json()["fulfilments"]) == ([], order["fulfilments"])


async def test_fulfilments_are_named_in_the_order_they_were_made_whatever_lines_they_are_about(
    orders: httpx.AsyncClient,
):
    here, there = await given_product(orders, stock=5), await given_product(orders)
    place = await given_warehouse(orders)
    await given_stock(orders, there["sku"], 5, warehouse=place["code"])
    order = await given_confirmed(orders, {here["sku"]: 2, there["sku"]: 2})
    one, two = order["fulfilments"]
    assert await shown(orders, order) == [one, two]

    await ship(orders, one, order["lines"][0]["id"], 1)

    rest = (await shown(orders, order))[2]
    held = (await orders.post(f"/v1/orders/{order['id']}/holds", json={"reason": "wait"})).json()
    assert [f["id"] for f in held["fulfilments"]] == [one["id"], two["id"], rest["id"]]
    assert [f["warehouse_id"] for f in held["fulfilments"]] == [
        one["warehouse_id"],
        place["id"],
        one["warehouse_id"],
    ]
