"""Fulfilments through the API: the way through the house, shipping in parts, taking back."""

from typing import Any
from uuid import uuid4

import httpx
import orjson
import pytest

from shared.context.ctx import TenantFacts
from tests.kit.suite import Suite
from tests.orders.given import facts_of, fulfilments_of, given_confirmed, given_product, stock_of


async def given_open(
    orders: httpx.AsyncClient, *quantities: int, **facts: Any
) -> tuple[dict[str, Any], dict[str, Any]]:
    """A confirmed order of new products and its one fulfilment."""
    skus = [(await given_product(orders, stock=100))["sku"] for _ in quantities]
    order = await given_confirmed(orders, dict(zip(skus, quantities, strict=True)), **facts)
    (fulfilment,) = await fulfilments_of(orders, order)
    return order, fulfilment


async def order_now(orders: httpx.AsyncClient, order: dict[str, Any]) -> dict[str, Any]:
    return (await orders.get(f"/v1/orders/{order['id']}")).json()


async def test_a_fulfilment_goes_through_the_house_step_by_step(orders: httpx.AsyncClient):
    order, fulfilment = await given_open(orders, 2)
    path = f"/v1/fulfilments/{fulfilment['id']}"
    seen = []

    for verb in ("release", "pick", "pack", "ship", "deliver"):
        answer = await orders.post(f"{path}/{verb}")
        assert answer.status_code == 200, answer.text
        assert answer.json() == (await orders.get(path)).json()
        now = await order_now(orders, order)
        seen.append((answer.json()["state"], now["state"], now["fulfilment_status"]))

    assert seen == [
        ("released", "processing", "unfulfilled"),
        ("picking", "processing", "unfulfilled"),
        ("packed", "processing", "unfulfilled"),
        ("shipped", "completed", "shipped"),
        ("delivered", "completed", "delivered"),
    ]
    entries = (await orders.get(f"{path}/timeline")).json()["items"]
    assert [e["verb"] for e in entries] == ["deliver", "ship", "pack", "pick", "release", "create"]


@pytest.mark.parametrize("steps", [(), ("release",), ("release", "pick"), ("release", "pick", "pack")])
async def test_shipping_is_possible_from_open_to_packed(orders: httpx.AsyncClient, steps: tuple[str, ...]):
    order, fulfilment = await given_open(orders, 2)
    for step in steps:
        await orders.post(f"/v1/fulfilments/{fulfilment['id']}/{step}")

    parcels = [{"carrier": "DHL", "tracking_number": "JD1"}, {"carrier": "Own van"}]
    answer = await orders.post(f"/v1/fulfilments/{fulfilment['id']}/ship", json={"parcels": parcels})

    assert answer.json()["state"] == "shipped"
    assert answer.json()["parcels"] == [parcels[0], {"carrier": "Own van", "tracking_number": None}]
    assert (await order_now(orders, order))["state"] == "completed"


@pytest.mark.parametrize("verb", ["pick", "pack", "deliver"])
async def test_steps_cannot_be_left_out(orders: httpx.AsyncClient, verb: str):
    _, fulfilment = await given_open(orders, 2)

    refused = await orders.post(f"/v1/fulfilments/{fulfilment['id']}/{verb}")

    assert (refused.status_code, refused.json()["code"]) == (409, "illegal_transition")
    assert refused.json()["allowed_actions"] == ["release", "ship", "cancel"]


async def test_what_is_not_shipped_stays_open_in_a_fulfilment_of_its_own(orders: httpx.AsyncClient):
    order, fulfilment = await given_open(orders, 5, 2)
    first, second = (line["id"] for line in order["lines"])

    body = {"lines": [{"order_line_id": first, "quantity": 3}]}
    shipped = (await orders.post(f"/v1/fulfilments/{fulfilment['id']}/ship", json=body)).json()

    assert [(p["order_line_id"], p["quantity"]) for p in shipped["lines"]] == [(first, "3")]
    now = await order_now(orders, order)
    assert (now["state"], now["fulfilment_status"]) == ("processing", "partially_shipped")
    assert [(li["reserved"], li["shipped"]) for li in now["lines"]] == [("2", "3"), ("2", "0")]
    _, rest = await fulfilments_of(orders, order)
    assert (rest["state"], rest["warehouse_id"]) == ("open", fulfilment["warehouse_id"])
    assert [(p["order_line_id"], p["quantity"]) for p in rest["lines"]] == [(first, "2"), (second, "2")]
    stock = await stock_of(orders, order["lines"][0]["sku"])
    assert (stock["on_hand"], stock["reserved"]) == ("97", "2")
    assert (await orders.post(f"/v1/fulfilments/{rest['id']}/ship")).status_code == 200
    assert (await order_now(orders, order))["state"] == "completed"


async def test_a_shipment_is_told_with_what_to_invoice(
    suite: Suite, tenant: TenantFacts, orders: httpx.AsyncClient
):
    order, fulfilment = await given_open(orders, 2, 1, external_ref="W-1", payment_terms_days=14)

    await orders.post(f"/v1/fulfilments/{fulfilment['id']}/ship")

    (fact,) = await facts_of(suite, tenant, "fulfilment.shipped")
    assert (fact["order_number"], fact["order_external_ref"]) == (order["number"], "W-1")
    assert (fact["payment_terms_days"], fact["customer"]["id"]) == (14, order["customer_id"])
    assert {name: fact[name] for name in ("net", "tax", "gross")} == order["totals"]
    assert fact["tax_breakdown"] == order["tax_breakdown"]
    ordering_keys = {
        f["ordering_key"] for f in await suite.outbox("orders", tenant.id) if ".customer." not in f["type"]
    }
    assert ordering_keys == {f"order:{order['id']}"}
    types = [f["type"] for f in await suite.outbox("orders", tenant.id)]
    assert types[-2:] == ["orders.fulfilment.shipped.v1", "orders.order.completed.v1"]


async def test_cancelling_the_order_after_a_shipment_ends_the_rest(
    suite: Suite, tenant: TenantFacts, orders: httpx.AsyncClient
):
    order, fulfilment = await given_open(orders, 5)
    part = {"order_line_id": order["lines"][0]["id"], "quantity": 2}
    await orders.post(f"/v1/fulfilments/{fulfilment['id']}/ship", json={"lines": [part]})

    ended = (await orders.post(f"/v1/orders/{order['id']}/cancel", json={"reason": "enough"})).json()

    assert (ended["state"], ended["fulfilment_status"]) == ("completed", "shipped")
    assert [(li["shipped"], li["cancelled"], li["reserved"]) for li in ended["lines"]] == [("2", "3", "0")]
    assert (await stock_of(orders, order["lines"][0]["sku"]))["reserved"] == "0"
    (fact,) = await facts_of(suite, tenant, "order.cancelled")
    assert fact["remainder_only"] is True
    assert len(await facts_of(suite, tenant, "order.completed")) == 1


async def test_a_cancelled_fulfilments_goods_are_promised_anew_at_once(orders: httpx.AsyncClient):
    service = await given_product(orders, tracked=False)
    goods = await given_product(orders, stock=5)
    order = await given_confirmed(orders, {goods["sku"]: 5, service["sku"]: 1})
    (fulfilment,) = await fulfilments_of(orders, order)

    cancelled = await orders.post(f"/v1/fulfilments/{fulfilment['id']}/cancel", json={"reason": "damaged"})
    again = await orders.post(f"/v1/fulfilments/{fulfilment['id']}/cancel")

    assert (cancelled.json()["state"], again.status_code) == ("cancelled", 409)
    now = await order_now(orders, order)
    assert [(li["reserved"], li["backordered"]) for li in now["lines"]] == [("5", "0"), ("1", "0")]
    assert now["state"] == "confirmed"
    found = [(f["state"], [p["sku"] for p in f["lines"]]) for f in await fulfilments_of(orders, order)]
    assert found[0] == ("cancelled", [goods["sku"], service["sku"]])
    assert sorted(found[1:]) == sorted([("open", [goods["sku"]]), ("open", [service["sku"]])])
    stock = await stock_of(orders, goods["sku"])
    assert (stock["reserved"], stock["available"], stock["backordered"]) == ("5", "0", "0")


async def test_lists_filter_by_order_and_state_and_page(orders: httpx.AsyncClient):
    order, fulfilment = await given_open(orders, 5)
    await given_open(orders, 1)
    part = {"order_line_id": order["lines"][0]["id"], "quantity": 2}
    await orders.post(f"/v1/fulfilments/{fulfilment['id']}/ship", json={"lines": [part]})

    own = await fulfilments_of(orders, order)
    open_ones = (await orders.get("/v1/fulfilments?state=open")).json()["items"]
    first = (await orders.get("/v1/fulfilments?limit=2")).json()
    rest = (await orders.get("/v1/fulfilments", params={"limit": 2, "cursor": first["next"]})).json()

    assert [f["state"] for f in own] == ["shipped", "open"]
    assert await fulfilments_of(orders, order, state="open") == [own[1]]
    assert len(open_ones) == 2
    assert len({f["id"] for f in first["items"] + rest["items"]}) == 3


@pytest.mark.parametrize(
    ("body", "status", "pointer", "code"),
    [
        ({"lines": []}, 422, "/lines", "too_short"),
        (
            {"lines": [{"order_line_id": "LINE", "quantity": 0}]},
            422,
            "/lines/0/quantity",
            "quantity_out_of_range",
        ),
        (
            {"lines": [{"order_line_id": "LINE", "quantity": 1.0}]},
            422,
            "/lines/0/quantity",
            "quantity_format",
        ),
        (
            {"lines": [{"order_line_id": str(uuid4()), "quantity": 1}]},
            422,
            "/lines/0/order_line_id",
            "unknown_line",
        ),
        (
            {"lines": [{"order_line_id": "LINE", "quantity": 1}] * 2},
            422,
            "/lines/1/order_line_id",
            "duplicate_line",
        ),
        ({"lines": [{"order_line_id": "LINE", "quantity": "2.000001"}]}, 409, None, "quantity_exceeded"),
        ({"parcels": [{"carrier": ""}]}, 422, "/parcels/0/carrier", "string_too_short"),
        ({"parcels": [{"tracking_number": "1"}]}, 422, "/parcels/0/carrier", "missing"),
        ({"weight": 3}, 422, "/weight", "extra_forbidden"),
        ([], 422, "", "model_attributes_type"),
    ],
)
async def test_a_bad_shipment_is_refused_and_nothing_leaves(
    suite: Suite,
    tenant: TenantFacts,
    orders: httpx.AsyncClient,
    body: Any,
    status: int,
    pointer: str | None,
    code: str,
):
    order, fulfilment = await given_open(orders, 2)
    text = orjson.dumps(body).replace(b"LINE", order["lines"][0]["id"].encode())

    answer = await orders.post(
        f"/v1/fulfilments/{fulfilment['id']}/ship", content=text, headers={"content-type": "application/json"}
    )

    assert answer.status_code == status, answer.text
    if pointer is None:
        assert answer.json()["code"] == code
    else:
        assert (pointer, code) in [(e["pointer"], e["code"]) for e in answer.json()["errors"]]
    assert (await orders.get(f"/v1/fulfilments/{fulfilment['id']}")).json() == fulfilment
    assert await order_now(orders, order) == order
    assert await facts_of(suite, tenant, "fulfilment.shipped") == []


async def test_fulfilments_of_another_tenant_do_not_exist(
    suite: Suite, stranger: TenantFacts, orders: httpx.AsyncClient
):
    order, fulfilment = await given_open(orders, 2)
    theirs = suite.client("orders", stranger)

    assert (await theirs.get(f"/v1/fulfilments/{fulfilment['id']}")).status_code == 404
    assert await fulfilments_of(theirs, order) == []
    for verb in ("release", "pick", "pack", "ship", "cancel", "deliver"):
        assert (await theirs.post(f"/v1/fulfilments/{fulfilment['id']}/{verb}")).status_code == 404
