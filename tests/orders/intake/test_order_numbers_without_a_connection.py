"""A lease of order numbers whose connection breaks is an outage, never a bug."""

import asyncpg
import httpx

from shared.context.ctx import TenantFacts
from shared.database import rls
from tests.kit.suite import Suite
from tests.orders.given import given_customer, given_product


async def test_an_order_meets_a_broken_lease_with_503_and_the_next_one_goes_through(
    suite: Suite, tenant: TenantFacts, orders: httpx.AsyncClient
):
    sku = (await given_product(orders, stock=90))["sku"]
    customer = await given_customer(orders)
    order = {"customer_id": customer["id"], "confirm": True, "lines": [{"sku": sku, "quantity": 1}]}
    assert (await orders.post("/v1/orders", json=order)).status_code == 201

    statuses = []
    for _ in range(5):
        await cut_connections(suite)
        statuses += [(await orders.post("/v1/orders", json=order)).status_code for _ in range(2)]

    assert set(statuses) <= {201, 503}
    assert statuses[1::2] == [201] * 5


async def cut_connections(suite: Suite) -> None:
    sql = await asyncpg.connect(suite.url)
    try:
        await sql.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where usename = $1 "
            "and datname = current_database()",
            rls.app_role("orders"),
        )
    finally:
        await sql.close()
