"""The day of an order: one that somebody may have meant; a file's other orders do not suffer from one that is not."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from tests.orders.given import given_customer, given_product
from tests.orders.imports.given_imports import HEADER, imported, row


async def ordered(orders: httpx.AsyncClient, moment: str) -> httpx.Response:
    product, customer = await given_product(orders, tracked=False), await given_customer(orders)
    lines = [{"sku": product["sku"], "quantity": 1}]
    return await orders.post(
        "/v1/orders", json={"customer_id": customer["id"], "lines": lines, "ordered_at": moment}
    )


@pytest.mark.parametrize("moment", ["0002-01-01T00:00:00Z", "1989-12-30T00:00:00Z", "9998-01-01T00:00:00Z"])
async def test_an_order_of_a_day_that_nobody_means_is_refused_by_name(orders: httpx.AsyncClient, moment: str):
    answer = await ordered(orders, moment)

    assert answer.status_code == 422
    assert [(e["pointer"], e["code"]) for e in answer.json()["errors"]] == [
        ("/ordered_at", "date_out_of_range")
    ]


async def test_orders_of_past_years_and_of_the_next_months_are_taken(orders: httpx.AsyncClient):
    soon = datetime.now(UTC) + timedelta(days=300)
    for moment in ("1990-01-02T00:00:00Z", soon.isoformat()):
        assert (await ordered(orders, moment)).status_code == 201


async def test_one_order_of_a_file_far_ahead_is_refused_alone(orders: httpx.AsyncClient):
    days = {"A1": "9998-01-01", "A2": "2026-03-01", "A3": "9995-01-01"}
    content = HEADER + "".join(row(ref).replace("2026-03-01T10:00:00", day) for ref, day in days.items())

    job = await imported(orders, content)

    assert (job["state"], job["orders_created"], job["orders_failed"]) == ("done", 1, 2)
