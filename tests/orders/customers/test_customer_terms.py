"""A customer's terms: orders that say nothing take them, and shipments state them."""

import httpx
import pytest

from shared.context.ctx import TenantFacts
from tests.kit.suite import Suite
from tests.orders.given import (
    facts_of,
    fulfilments_of,
    given_customer,
    given_product,
)


@pytest.mark.parametrize(
    ("customers", "stated", "holds"),
    [
        (None, {}, 30),
        (7, {}, 7),
        (0, {}, 0),
        (7, {"payment_terms_days": 14}, 14),
        (7, {"payment_terms_days": 0}, 0),
    ],
)
async def test_an_order_takes_the_customers_terms_unless_it_states_its_own(
    suite: Suite,
    tenant: TenantFacts,
    orders: httpx.AsyncClient,
    customers: int | None,
    stated: dict[str, int],
    holds: int,
):
    customer = await given_customer(
        orders, payment_terms_days=customers, language="de", buyer_reference="PO 7", e_invoice="factur_x"
    )
    sku = (await given_product(orders, stock=3))["sku"]
    body = {"customer_id": customer["id"], "lines": [{"sku": sku, "quantity": 1}], "confirm": True, **stated}

    order = (await orders.post("/v1/orders", json=body)).json()
    assert order["payment_terms_days"] == holds
    (work,) = await fulfilments_of(orders, order)
    assert (await orders.post(f"/v1/fulfilments/{work['id']}/ship")).status_code == 200

    (shipped,) = await facts_of(suite, tenant, "fulfilment.shipped")
    (confirmed,) = await facts_of(suite, tenant, "order.confirmed")
    assert shipped["payment_terms_days"] == holds
    for buyer in (shipped["customer"], confirmed["customer"]):
        told = (buyer["language"], buyer["buyer_reference"], buyer["e_invoice"], buyer["delivery"])
        assert told == ("de", "PO 7", "factur_x", "none")
