"""Fulfilments shipped at once leave what they leave one by one: the same rows, facts and timeline."""

import os
from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from gateway.service import SERVICE as GATEWAY
from services.all import SERVICES
from services.orders.fulfilment import actions, bulk
from services.orders.fulfilment.schemas import ShipIn
from services.orders.service import SERVICE as ORDERS
from tests.kit import postgres
from tests.kit.footprint import footprint, work_apart, work_in_batches
from tests.kit.suite import Suite, migrated_database, running_suite
from tests.orders.given import fulfilments_of, given_confirmed, given_customer, given_product


@pytest.fixture(scope="module")
async def alone(admin_url: str) -> AsyncIterator[Suite]:
    """Orders without billing, whose invoices would come back as facts in the meantime."""
    name = f"backoffice_alone_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}_{os.getpid()}"
    url = await migrated_database(admin_url, (*SERVICES, GATEWAY), name)
    async with running_suite(url, [ORDERS]) as running:
        yield running
    await postgres.drop_database(admin_url, name)


async def left(suite: Suite, *, size: int | None) -> list[str]:
    """What three shipments leave, made by batches of a size, or without one each by itself."""
    tenant = await suite.new_tenant()
    orders = suite.client("orders", tenant)
    customer = (await given_customer(orders))["id"]
    for sku, stock in (("LAMP", 9), ("DESK", 5), ("HELP", None)):
        await given_product(orders, sku, stock=stock, tracked=stock is not None)
    shipments: list[tuple[UUID, ShipIn | None]] = []
    for ref, lines in (("all", {"LAMP": 2, "HELP": 1}), ("some", {"LAMP": 3}), ("parcels", {"DESK": 5})):
        order = await given_confirmed(orders, lines, customer_id=customer, external_ref=ref)
        (fulfilment,) = await fulfilments_of(orders, order)
        part = [{"order_line_id": order["lines"][0]["id"], "quantity": 2}]
        wanted = {
            "all": None,
            "some": ShipIn.model_validate({"lines": part}),
            "parcels": ShipIn.model_validate({"parcels": [{"carrier": "Post", "tracking_number": "T1"}]}),
        }
        shipments.append((UUID(fulfilment["id"]), wanted[ref]))
    if size is None:
        await work_apart(suite, "orders", tenant, actions.ship_fulfilment, shipments)
    else:
        await work_in_batches(suite, "orders", tenant, bulk.ship_fulfilments, shipments, size=size)
    return await footprint(suite, "orders", tenant)


@pytest.mark.parametrize("size", [1, 3])
async def test_fulfilments_shipped_at_once_leave_what_they_leave_one_by_one(alone: Suite, size: int):
    apart = await left(alone, size=None)

    assert await left(alone, size=size) == apart
    assert sum(row.startswith("outbox ") and "fulfilment.shipped" in row for row in apart) == 3
    assert sum(row.startswith("outbox ") and "order.completed" in row for row in apart) == 2
