"""A customer that orders has just made may be named to billing at once: it is waited for, a moment."""

import asyncio
from typing import Any

import httpx
import pytest

from shared.context.ctx import TenantFacts
from shared.values.ids import new_id
from tests.billing.given import line, money
from tests.kit.suite import Suite
from tests.orders.given import given_customer as given_customer_in_orders

BODIES: dict[str, dict[str, Any]] = {
    "payments": {"amount": money("5.00")},
    "invoices": {"lines": [line()]},
}


@pytest.mark.parametrize("what", BODIES)
async def test_a_customer_made_this_moment_can_be_billed(
    suite: Suite, tenant: TenantFacts, orders: httpx.AsyncClient, billing: httpx.AsyncClient, what: str
):
    for n in range(5):
        customer = await given_customer_in_orders(orders)
        body = BODIES[what] | {"customer_id": customer["id"]}

        answer = await billing.post(f"/v1/{what}", json=body, headers={"idempotency-key": f"{what}-{n}"})

        assert answer.status_code == 201, answer.text


async def test_a_customer_that_does_not_come_is_refused_with_what_to_do(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    body = {"customer_id": str(new_id()), "amount": money("5.00")}

    answers = await asyncio.gather(*(billing.post("/v1/payments", json=body) for _ in range(3)))

    for answer in answers:
        refused = answer.json()
        assert (refused["status"], refused["code"]) == (422, "unknown_customer")
        assert refused["errors"][0]["pointer"] == "/customer_id"
        assert "send this again" in refused["detail"]
    assert (await billing.get("/v1/payments")).json()["items"] == []
