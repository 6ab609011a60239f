"""Order create and confirm, order to cash, and the lag from order to invoice."""

import asyncio
import random
import time
from typing import Any

from benchmarks.client import Connection, Measured, load
from benchmarks.server import Front, Shop

GBP = "GBP"


def wish(shop: Shop, number: int) -> dict[str, Any]:
    """An order of three lines, confirmed at once."""
    dice = random.Random(number)
    return {
        "customer_id": dice.choice(shop.customers),
        "channel": "api",
        "confirm": True,
        "lines": [{"sku": sku, "quantity": dice.randint(1, 9)} for sku in dice.sample(shop.skus, 3)],
    }


async def create_orders(server: Front, shop: Shop, *, total: int, concurrency: int) -> Measured:
    """Orders with three lines, created and confirmed, through the gateway."""

    async def operation(api: Connection, number: int) -> None:
        await api.call("POST", "/v1/orders", wish(shop, number))

    return await load(operation, lambda: server.connect(shop.token), total=total, concurrency=concurrency)


async def order_to_cash(
    server: Front, shop: Shop, *, total: int, concurrency: int, per_second: float | None = None
) -> tuple[Measured, Measured]:
    """Order accepted → shipped → invoice finalized → payment posted; returns the whole and order → invoice.

    With `per_second` the orders arrive at that pace instead of as fast as they can.
    """
    to_invoice = Measured(0.0)
    started = time.perf_counter()

    async def operation(api: Connection, number: int) -> None:
        if per_second is not None:
            await asyncio.sleep(max(0.0, started + number / per_second - time.perf_counter()))
        begun = time.perf_counter()
        order = await api.call("POST", "/v1/orders", wish(shop, number))
        await api.call("POST", f"/v1/fulfilments/{order['fulfilments'][0]['id']}/ship", {})
        invoice = await _await_invoice(api, order["id"])
        to_invoice.latencies.append(time.perf_counter() - begun)
        gross = invoice["totals"]["gross"]
        payment = {
            "customer_id": order["customer_id"],
            "amount": gross,
            "method": "bank_transfer",
            "allocations": [{"invoice_id": invoice["id"], "amount": gross}],
        }
        await api.call("POST", "/v1/payments", payment)

    whole = await load(operation, lambda: server.connect(shop.token), total=total, concurrency=concurrency)
    to_invoice.seconds = whole.seconds
    return whole, to_invoice


async def _await_invoice(api: Connection, order_id: str) -> Any:
    """The order's invoice as soon as there is one, asked for once, as docs/api.md advises."""
    deadline = time.perf_counter() + 30
    while True:
        page = await api.call("GET", f"/v1/invoices?order_id={order_id}", prefer="wait=10")
        if page["items"]:
            return page["items"][0]
        if time.perf_counter() > deadline:
            raise RuntimeError(f"no invoice for order {order_id} after 30 s")
