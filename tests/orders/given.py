"""What a test of orders begins with: customers, products and stock, made through the API."""

from contextlib import AbstractAsyncContextManager
from typing import Any
from uuid import uuid4

import httpx
import orjson

from shared.context.ctx import Ctx, TenantFacts
from tests.kit.suite import Suite

ADDRESS = {"line1": "1 High Street", "city": "Leeds", "postal_code": "LS1 1AA", "country": "GB"}


async def facts_of(suite: Suite, tenant: TenantFacts, kind: str) -> list[dict[str, Any]]:
    """The payloads of the facts of a kind (`order.confirmed`) that orders told of a tenant, oldest first."""
    return [
        orjson.loads(f["envelope"])["data"]
        for f in await suite.outbox("orders", tenant.id)
        if f["type"] == f"orders.{kind}.v1"
    ]


async def given_customer(orders: httpx.AsyncClient, **facts: Any) -> dict[str, Any]:
    """A customer with an address."""
    return await _made(orders, "/v1/customers", {"name": "Jane Buyer", "billing_address": ADDRESS} | facts)


async def given_product(
    orders: httpx.AsyncClient,
    sku: str | None = None,
    *,
    price: str = "10.00",
    currency: str = "GBP",
    stock: int | str | None = None,
    **facts: Any,
) -> dict[str, Any]:
    """A product at a price; with `stock` that many of it lie in MAIN."""
    sku = sku or f"SKU-{uuid4().hex[:12]}"
    body = {"sku": sku, "name": f"Product {sku}", "unit_price": {"amount": price, "currency": currency}}
    product = await _made(orders, "/v1/products", body | facts)
    if stock is not None:
        await given_stock(orders, sku, stock)
    return product


async def given_stock(
    orders: httpx.AsyncClient, sku: str, quantity: int | str, *, warehouse: str = "MAIN"
) -> dict[str, Any]:
    """So many more of a product in a warehouse."""
    body = {"sku": sku, "warehouse": warehouse, "delta": quantity, "reason": "delivery"}
    return await _made(orders, "/v1/stock-adjustments", body)


async def given_warehouse(
    orders: httpx.AsyncClient, code: str = "NORTH", name: str = "North"
) -> dict[str, Any]:
    """Another warehouse beside MAIN."""
    return await _made(orders, "/v1/warehouses", {"code": code, "name": name})


async def stock_of(orders: httpx.AsyncClient, sku: str, *, warehouse: str = "MAIN") -> dict[str, Any]:
    """The stock row of a product in a warehouse."""
    answer = await orders.get("/v1/stock", params={"sku": sku, "warehouse": warehouse})
    assert answer.status_code == 200, answer.text
    (row,) = answer.json()["items"]
    return row


def given_ctx(suite: Suite, tenant: TenantFacts) -> AbstractAsyncContextManager[Ctx]:
    """One transaction of the orders service, to call actions that have no route of their own."""
    return suite.work("orders", tenant)


async def _made(orders: httpx.AsyncClient, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = await orders.post(path, json=body)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def given_order(orders: httpx.AsyncClient, lines: Any = None, **facts: Any) -> dict[str, Any]:
    """An order; lines as `{sku: quantity}` or as the API takes them, by default one of a new untracked product."""
    if lines is None:
        lines = {(await given_product(orders, tracked=False))["sku"]: 1}
    if isinstance(lines, dict):
        lines = [{"sku": sku, "quantity": quantity} for sku, quantity in lines.items()]
    customer_id = facts.pop("customer_id", None) or (await given_customer(orders))["id"]
    return await _made(orders, "/v1/orders", {"customer_id": customer_id, "lines": lines} | facts)


async def given_confirmed(orders: httpx.AsyncClient, lines: Any = None, **facts: Any) -> dict[str, Any]:
    """A confirmed order."""
    return await given_order(orders, lines, confirm=True, **facts)


async def fulfilments_of(
    orders: httpx.AsyncClient, order: dict[str, Any], **query: Any
) -> list[dict[str, Any]]:
    """An order's fulfilments, oldest first."""
    answer = await orders.get("/v1/fulfilments", params={"order_id": order["id"], "limit": 200} | query)
    assert answer.status_code == 200, answer.text
    return list(reversed(answer.json()["items"]))
