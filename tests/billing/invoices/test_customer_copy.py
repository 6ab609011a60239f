"""Billing's copy of customers: what documents need of them, as orders states it."""

from typing import Any

import httpx
import pytest

from shared.context.ctx import TenantFacts
from shared.contracts.orders import CustomerChanged, OrderCustomer
from shared.values.fields import Address
from shared.values.ids import new_id
from tests.billing.given import ADDRESS, delivered, shipment
from tests.kit.suite import Suite

FACTS = {
    "email": "books@example.org",
    "tax_id": "DE123456789",
    "language": "de",
    "registration_number": "HRB 1",
    "buyer_reference": "04011000-12345-03",
    "electronic_address": "0204:991-33333TEST-33",
    "e_invoice": "xrechnung",
}
LINES = [
    {
        "description": "Work",
        "quantity": 1,
        "unit_price": {"amount": "10.00", "currency": "GBP"},
        "tax_code": "standard",
    }
]


async def drafted(billing: httpx.AsyncClient, **facts: Any) -> dict[str, Any]:
    answer = await billing.post("/v1/invoices", json={"lines": LINES, **facts})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


@pytest.mark.parametrize(
    ("customers", "stated", "holds"), [(None, {}, 30), (0, {}, 0), (60, {"payment_terms_days": 5}, 5)]
)
async def test_a_draft_shows_the_customer_and_takes_its_terms(
    suite: Suite,
    tenant: TenantFacts,
    billing: httpx.AsyncClient,
    customers: int | None,
    stated: dict[str, int],
    holds: int,
):
    told = CustomerChanged(
        customer_id=new_id(), name="Amt", version=2, payment_terms_days=customers, shipping_address=Address(**ADDRESS),
        delivery="mail", **FACTS,
    )  # fmt: skip
    older = CustomerChanged(customer_id=told.customer_id, name="Old", version=1, language="fr")
    await delivered(suite, tenant, told)
    await delivered(suite, tenant, older)

    draft = await drafted(billing, customer_id=str(told.customer_id), **stated)

    assert {name: draft["customer"][name] for name in FACTS} == FACTS
    assert draft["payment_terms_days"] == holds


async def test_a_shipments_invoice_shows_the_buyer_of_the_event(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    shipped = shipment(customer=OrderCustomer(id=new_id(), name="Amt", **FACTS), payment_terms_days=9)

    await delivered(suite, tenant, shipped)

    (invoice,) = (await billing.get("/v1/invoices", params={"order_id": str(shipped.order_id)})).json()[
        "items"
    ]
    assert {name: invoice["customer"][name] for name in FACTS} == FACTS
    assert invoice["payment_terms_days"] == 9
