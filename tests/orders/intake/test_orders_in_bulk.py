"""Orders taken in at once leave what they leave one by one: the same rows, facts and timeline."""

from datetime import timedelta
from typing import Any

import pytest

from services.orders.intake import actions, bulk
from services.orders.intake.schemas import OrderIn
from tests.kit.footprint import NOW, footprint, work_apart, work_in_batches
from tests.kit.suite import Suite
from tests.orders.given import given_customer, given_product, given_warehouse


async def left(suite: Suite, *, size: int | None) -> list[str]:
    """What four orders leave, taken in by batches of a size, or without one each by itself."""
    tenant = await suite.new_tenant()
    orders = suite.client("orders", tenant)
    await given_warehouse(orders)
    customer = (await given_customer(orders))["id"]
    for sku, stock in (("LAMP", 9), ("DESK", 2), ("HELP", None)):
        await given_product(orders, sku, stock=stock, tracked=stock is not None)

    def wish(ref: str, lines: dict[str, int], **facts: Any) -> tuple[OrderIn]:
        named = [{"sku": sku, "quantity": quantity} for sku, quantity in lines.items()]
        return (OrderIn(customer_id=customer, external_ref=ref, lines=named, **facts),)

    wishes = [
        wish("draft", {"LAMP": 1}),
        wish("earlier", {"LAMP": 2, "HELP": 1}, confirm=True, ordered_at=NOW - timedelta(days=400)),
        wish("whole", {"LAMP": 3, "DESK": 1}, confirm=True),
        wish("waits", {"DESK": 4}, confirm=True, backorder="allow", payment_terms_days=7),
    ]
    if size is None:
        await work_apart(suite, "orders", tenant, actions.create_order, wishes)
    else:
        await work_in_batches(suite, "orders", tenant, bulk.create_orders, wishes, size=size)
    return await footprint(suite, "orders", tenant)


@pytest.mark.parametrize("size", [1, 4])
async def test_orders_taken_in_at_once_leave_what_they_leave_one_by_one(suite: Suite, size: int):
    apart = await left(suite, size=None)

    assert await left(suite, size=size) == apart
    assert sum(row.startswith("orders ") for row in apart) == 4
    assert sum(row.startswith("outbox ") and "order.confirmed" in row for row in apart) == 3
