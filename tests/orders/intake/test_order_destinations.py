"""Where an order goes: what it says itself, else its customer's addresses, and once confirmed always there."""

from typing import Any

import httpx
import orjson
import pytest

from shared.context.ctx import TenantFacts
from tests.kit.suite import Suite
from tests.orders.given import (
    fulfilments_of,
    given_confirmed,
    given_customer,
    given_order,
    given_product,
    given_stock,
)


def address(line1: str) -> dict[str, Any]:
    rest = {"line2": None, "city": "Leeds", "region": None, "postal_code": "LS1 1AA", "country": "GB"}
    return {"line1": line1} | rest


HOME, DEPOT, GIVEN, MOVED = map(address, ("Home", "Depot", "Given", "Moved"))
CUSTOMERS = [
    ({"billing_address": HOME, "shipping_address": DEPOT}, DEPOT),
    ({"billing_address": HOME}, HOME),
    ({"billing_address": None}, None),
]


async def order_now(orders: httpx.AsyncClient, order: dict[str, Any]) -> dict[str, Any]:
    return (await orders.get(f"/v1/orders/{order['id']}")).json()


async def moves(orders: httpx.AsyncClient, customer: dict[str, Any], **facts: Any) -> None:
    answer = await orders.patch(
        f"/v1/customers/{customer['id']}", json=facts, headers={"if-match": str(customer["version"])}
    )
    assert answer.status_code == 200, answer.text


async def facts_of(suite: Suite, tenant: TenantFacts, kind: str) -> list[dict[str, Any]]:
    found = await suite.outbox("orders", tenant.id)
    return [orjson.loads(f["envelope"])["data"] for f in found if f["type"] == f"orders.{kind}.v1"]


@pytest.mark.parametrize("in_one_step", [True, False])
@pytest.mark.parametrize(("facts", "expected"), CUSTOMERS)
@pytest.mark.parametrize("given", [None, GIVEN])
async def test_the_destination_is_fixed_at_confirmation(
    suite: Suite,
    tenant: TenantFacts,
    orders: httpx.AsyncClient,
    facts: dict[str, Any],
    expected: dict[str, Any] | None,
    given: dict[str, Any] | None,
    in_one_step: bool,
):
    customer, sku = await given_customer(orders, **facts), (await given_product(orders, stock=5))["sku"]
    order = await given_order(
        orders, {sku: 2}, customer_id=customer["id"], ship_to=given, confirm=in_one_step
    )
    if not in_one_step:
        assert order["ship_to"] == (given or expected)
        assert (await order_now(orders, order))["ship_to"] == (given or expected)
        assert (await orders.get("/v1/orders")).json()["items"][0]["ship_to"] == (given or expected)
        order = (await orders.post(f"/v1/orders/{order['id']}/confirm")).json()

    await moves(orders, customer, billing_address=MOVED, shipping_address=MOVED)

    expected = given or expected
    assert order["ship_to"] == (await order_now(orders, order))["ship_to"] == expected
    (fulfilment,) = await fulfilments_of(orders, order)
    assert fulfilment["ship_to"] == expected
    shipped = (await orders.post(f"/v1/fulfilments/{fulfilment['id']}/ship")).json()
    assert shipped["ship_to"] == expected
    assert [f["ship_to"] for f in await facts_of(suite, tenant, "order.confirmed")] == [expected]
    assert [f["ship_to"] for f in await facts_of(suite, tenant, "fulfilment.shipped")] == [expected]


async def test_a_draft_follows_its_customer_until_it_names_a_destination(orders: httpx.AsyncClient):
    customer = await given_customer(orders, shipping_address=DEPOT)
    other = await given_customer(orders, shipping_address=None, billing_address=HOME)
    draft = await given_order(orders, customer_id=customer["id"])
    path, seen = f"/v1/orders/{draft['id']}", [draft["ship_to"]]

    await moves(orders, customer, shipping_address=MOVED)
    seen.append((await order_now(orders, draft))["ship_to"])
    changes = ({"customer_id": other["id"]}, {"ship_to": GIVEN}, {"payment_terms_days": 3}, {"ship_to": None})
    for version, change in enumerate(changes, start=1):
        answer = await orders.patch(path, json=change, headers={"if-match": str(version)})
        assert answer.json() == await order_now(orders, draft), answer.text
        seen.append(answer.json()["ship_to"])
    confirmed = (await orders.post(f"{path}/confirm")).json()
    late = await orders.patch(path, json={"ship_to": GIVEN}, headers={"if-match": str(confirmed["version"])})

    assert seen == [DEPOT, MOVED, HOME, GIVEN, GIVEN, HOME]
    assert confirmed["ship_to"] == HOME
    assert (late.status_code, late.json()["code"]) == (409, "illegal_transition")


async def redirected(
    orders: httpx.AsyncClient, fulfilment: dict[str, Any], to: dict[str, Any] | None, **headers: str
) -> httpx.Response:
    version = {"if-match": str(fulfilment["version"])}
    return await orders.patch(
        f"/v1/fulfilments/{fulfilment['id']}", json={"ship_to": to}, headers=version | headers
    )


async def test_the_desk_sends_a_fulfilment_elsewhere_until_it_is_packed(
    suite: Suite, tenant: TenantFacts, orders: httpx.AsyncClient
):
    sku = (await given_product(orders, stock=5))["sku"]
    order = await given_confirmed(orders, {sku: 2}, ship_to=GIVEN)
    (fulfilment,) = await fulfilments_of(orders, order)
    path, places = f"/v1/fulfilments/{fulfilment['id']}", []

    for verb, to in (("release", MOVED), ("pick", None), ("pack", DEPOT)):
        answer = await redirected(orders, fulfilment, to)
        assert answer.status_code == 200, answer.text
        assert answer.json() == (await orders.get(path)).json()
        places.append(answer.json()["ship_to"])
        fulfilment = (await orders.post(f"{path}/{verb}")).json()
    refused = await redirected(orders, fulfilment, HOME)
    shipped = (await orders.post(f"{path}/ship")).json()
    gone = await redirected(orders, shipped, HOME)

    assert places == [MOVED, GIVEN, DEPOT]
    for answer in (refused, gone):
        assert (answer.status_code, answer.json()["code"]) == (409, "illegal_transition")
        assert "until it is packed" in answer.json()["detail"]
    assert (shipped["ship_to"], (await order_now(orders, order))["ship_to"]) == (DEPOT, GIVEN)
    assert [f["ship_to"] for f in await facts_of(suite, tenant, "fulfilment.shipped")] == [DEPOT]
    entries = (await orders.get(f"{path}/timeline")).json()["items"]
    assert [e["verb"] for e in entries].count("redirect") == 3


@pytest.mark.parametrize(
    ("change", "headers", "status", "code"),
    [
        ({"ship_to": GIVEN}, {}, 428, "if_match_required"),
        ({"ship_to": GIVEN}, {"if-match": "9"}, 412, "version_mismatch"),
        ({}, {"if-match": "1"}, 422, "missing"),
        (
            {"ship_to": {"line1": "x", "city": "y", "country": "XX"}},
            {"if-match": "1"},
            422,
            "unknown_country",
        ),
        ({"ship_to": GIVEN, "state": "packed"}, {"if-match": "1"}, 422, "extra_forbidden"),
    ],
)
async def test_a_bad_redirection_changes_nothing(
    orders: httpx.AsyncClient, change: dict[str, Any], headers: dict[str, str], status: int, code: str
):
    order = await given_confirmed(orders)
    (fulfilment,) = await fulfilments_of(orders, order)

    answer = await orders.patch(f"/v1/fulfilments/{fulfilment['id']}", json=change, headers=headers)

    assert answer.status_code == status, answer.text
    assert code in [answer.json()["code"], *(e["code"] for e in answer.json().get("errors", []))]
    assert await fulfilments_of(orders, order) == [fulfilment]


async def test_what_is_split_off_or_reopened_goes_where_it_was_sent(orders: httpx.AsyncClient):
    goods, service = await given_product(orders, stock=4), await given_product(orders, tracked=False)
    order = await given_confirmed(
        orders, {goods["sku"]: 7, service["sku"]: 1}, ship_to=GIVEN, backorder="allow"
    )
    opened = next(f for f in await fulfilments_of(orders, order) if f["state"] == "open")
    redirecting = (await redirected(orders, opened, MOVED)).json()
    part = next(p for p in redirecting["lines"] if p["sku"] == goods["sku"])

    body = {"lines": [{"order_line_id": part["order_line_id"], "quantity": 1}]}
    await orders.post(f"/v1/fulfilments/{opened['id']}/ship", json=body)
    rest = next(f for f in await fulfilments_of(orders, order) if f["state"] == "open")
    await orders.post(f"/v1/fulfilments/{rest['id']}/cancel")
    await given_stock(orders, goods["sku"], 3)

    found = await fulfilments_of(orders, order)
    places = {(f["state"], p["sku"], p["quantity"], f["ship_to"]["line1"]) for f in found for p in f["lines"]}
    assert places == {
        ("shipped", goods["sku"], "1", "Moved"),
        ("cancelled", goods["sku"], "3", "Moved"),
        ("cancelled", service["sku"], "1", "Moved"),
        ("open", goods["sku"], "3", "Moved"),
        ("open", service["sku"], "1", "Moved"),
        ("open", goods["sku"], "3", "Given"),
    }
    assert (await orders.get("/v1/stock-audit")).json()["differing"] == 0
