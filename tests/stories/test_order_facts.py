"""What a buyer says of an order reaches those who need it: units, purchase order, notes, the day asked for."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import orjson
import pytest

from shared.context.ctx import TenantFacts
from tests.kit.suite import Suite
from tests.stories.steps import (
    a_customer,
    a_product,
    a_seller,
    invoices_of,
    made,
    money,
    order_taken,
    seen,
    shipped,
)

FACTS = {"purchase_order": "PO-4711", "notes": "Ring twice.\nBack door.", "requested_on": None}


async def facts_of(suite: Suite, tenant: TenantFacts, kind: str) -> list[dict[str, Any]]:
    rows = await suite.outbox("orders", tenant.id)
    return [orjson.loads(row["envelope"])["data"] for row in rows if row["type"] == kind]


async def test_purchase_order_notes_and_requested_day_go_with_the_order(
    suite: Suite, tenant: TenantFacts, orders: httpx.AsyncClient, billing: httpx.AsyncClient
):
    await a_seller(billing)
    wanted = FACTS | {"requested_on": (datetime.now(UTC).date() + timedelta(days=20)).isoformat()}
    customer, sku = await a_customer(orders), await a_product(orders, "LAMP", "10.00", stock=5)

    order = await order_taken(orders, customer, {sku: 2}, confirm=True, **wanted)
    await shipped(orders, order)

    assert {name: order[name] for name in wanted} == wanted
    for kind in ("orders.order.confirmed.v1", "orders.fulfilment.shipped.v1"):
        (fact,) = await facts_of(suite, tenant, kind)
        assert {name: fact[name] for name in wanted} == wanted
    (invoice,) = await invoices_of(billing, order, 1)
    assert invoice["purchase_order"] == "PO-4711"
    note = await made(billing, "/v1/credit-notes", {"invoice_id": invoice["id"], "reason": "Broken"})
    for path in (f"/v1/invoices/{invoice['id']}/xml", f"/v1/credit-notes/{note['id']}/xml"):
        xml = await billing.get(path)
        assert xml.status_code == 200, xml.text
        buyer_order = xml.text.partition("<ram:BuyerOrderReferencedDocument>")[2]
        assert "<ram:IssuerAssignedID>PO-4711<" in buyer_order


async def test_a_draft_takes_and_loses_what_the_buyer_says(orders: httpx.AsyncClient):
    customer, sku = await a_customer(orders), await a_product(orders, "LAMP", "10.00", tracked=False)
    order = await order_taken(orders, customer, {sku: 2}, **FACTS)
    assert order["requested_on"] is None

    day = (datetime.now(UTC).date() + timedelta(days=3)).isoformat()
    changed = await orders.patch(
        f"/v1/orders/{order['id']}",
        json={"purchase_order": None, "notes": "Call first.", "requested_on": day},
        headers={"if-match": str(order["version"])},
    )

    assert changed.status_code == 200, changed.text
    found = changed.json()
    assert (found["purchase_order"], found["notes"], found["requested_on"]) == (None, "Call first.", day)


@pytest.mark.parametrize("days", [-1, -400, 5 * 366 + 1])
async def test_a_requested_day_that_nobody_can_mean_is_refused(orders: httpx.AsyncClient, days: int):
    customer, sku = await a_customer(orders), await a_product(orders, "LAMP", "10.00", tracked=False)
    wish = {
        "customer_id": customer,
        "lines": [{"sku": sku, "quantity": 1}],
        "ordered_at": "2026-03-10T12:00:00Z",
        "requested_on": (date(2026, 3, 10) + timedelta(days=days)).isoformat(),
    }

    answer = await orders.post("/v1/orders", json=wish)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/requested_on"
    assert answer.json()["code"] == "date_out_of_range"


async def test_the_unit_of_a_product_is_on_every_paper(
    suite: Suite, tenant: TenantFacts, orders: httpx.AsyncClient, billing: httpx.AsyncClient
):
    await a_seller(billing)
    customer = await a_customer(orders)
    await a_product(orders, "CABLE", "2.50", stock=100, unit="MTR")
    await a_product(orders, "WORK", "60.00", tracked=False)
    lines = [
        {"sku": "CABLE", "quantity": "12.5"},
        {"sku": "WORK", "quantity": 2, "unit": "HUR"},
        {"sku": "WORK", "quantity": 1},
    ]

    order = await made(orders, "/v1/orders", {"customer_id": customer, "lines": lines, "confirm": True})
    await made(orders, f"/v1/fulfilments/{order['fulfilments'][0]['id']}/ship")

    units = ["MTR", "HUR", "C62"]
    assert [line["unit"] for line in order["lines"]] == units
    (confirmed,) = await facts_of(suite, tenant, "orders.order.confirmed.v1")
    assert [line["unit"] for line in confirmed["lines"]] == units
    (invoice,) = await invoices_of(billing, order, 1)
    assert [line["unit"] for line in invoice["lines"]] == units
    note = await made(billing, "/v1/credit-notes", {"invoice_id": invoice["id"], "reason": "Broken"})
    assert [line["unit"] for line in note["lines"]] == units
    xml = await billing.get(f"/v1/invoices/{invoice['id']}/xml")
    assert [f'unitCode="{unit}"' in xml.text for unit in units] == [True] * 3


async def test_a_draft_invoice_says_what_it_counts_and_for_which_purchase_order(
    orders: httpx.AsyncClient, billing: httpx.AsyncClient
):
    line = {"description": "Work", "quantity": 3, "unit": "HUR", "tax_code": "standard",
            "unit_price": money("10.00")}  # fmt: skip
    wish = {
        "customer_id": await a_customer(orders), "customer": {"name": "Jane"}, "lines": [line],
        "purchase_order": "PO-1",
    }  # fmt: skip
    draft = await made(billing, "/v1/invoices", wish)
    changed = await billing.patch(
        f"/v1/invoices/{draft['id']}",
        json={"purchase_order": "PO-2", "delivered_on": datetime.now(UTC).date().isoformat()},
        headers={"if-match": "1"},
    )
    assert changed.status_code == 200, changed.text

    issued = await made(billing, f"/v1/invoices/{draft['id']}/finalize")

    assert (issued["purchase_order"], issued["lines"][0]["unit"]) == ("PO-2", "HUR")


@pytest.mark.parametrize("unit", ["", "pcs", "c62", "XYZ9", "QQQ", 62])
async def test_a_unit_that_is_no_code_is_refused(orders: httpx.AsyncClient, unit: Any):
    product = {"sku": "A", "name": "A", "unit_price": money("1.00"), "unit": unit}

    answer = await orders.post("/v1/products", json=product)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/unit"


async def test_goods_with_stock_are_counted_in_their_own_unit(orders: httpx.AsyncClient):
    customer, sku = await a_customer(orders), await a_product(orders, "CABLE", "2.50", stock=10, unit="MTR")

    async def ordered(unit: str) -> httpx.Response:
        lines = [{"sku": sku, "quantity": 1, "unit": unit}]
        return await orders.post("/v1/orders", json={"customer_id": customer, "lines": lines})

    refused = await ordered("KMT")
    assert (refused.status_code, refused.json()["code"]) == (422, "unit_mismatch")
    assert refused.json()["errors"][0]["pointer"] == "/lines/0/unit"
    assert (await ordered("MTR")).status_code == 201
    assert (await seen(orders, "/v1/products", sku=sku))["items"][0]["unit"] == "MTR"
