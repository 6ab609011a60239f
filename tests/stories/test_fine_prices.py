"""A screw costs 0.0125: products, orders, invoices and documents say so in full, and lines are rounded once."""

from decimal import Decimal

import httpx
import pytest

from tests.kit.suite import eventually
from tests.stories.steps import (
    a_customer,
    a_product,
    a_seller,
    everything_agrees,
    invoices_of,
    made,
    money,
    order_taken,
    seen,
    shipped,
)


@pytest.mark.parametrize("prices", ["net", "gross"])
async def test_a_fine_price_is_kept_from_the_product_to_the_paper(
    orders: httpx.AsyncClient, billing: httpx.AsyncClient, prices: str
):
    await a_seller(billing)
    customer = await a_customer(orders)
    sku = await a_product(orders, "SCREW", "0.0125", stock=5000)
    (product,) = (await seen(orders, "/v1/products", sku=sku))["items"]
    assert product["unit_price"] == money("0.0125")
    order = await order_taken(orders, customer, {sku: 1003}, prices=prices, confirm=True)
    (line,) = order["lines"]
    fixed = "gross" if prices == "gross" else "net"
    assert (line["unit_price"], line[fixed]) == (money("0.0125"), money("12.54"))

    await shipped(orders, order, {sku: 3})
    await shipped(orders, order)
    first, second = await invoices_of(billing, order, 2)
    for invoice in (first, second):
        assert invoice["lines"][0]["unit_price"] == money("0.0125")
        xml = await billing.get(f"/v1/invoices/{invoice['id']}/xml")
        assert xml.status_code == 200, xml.text
        if prices == "net":
            assert "<ram:ChargeAmount>0.0125<" in xml.text
    assert [i["totals"][fixed] for i in (first, second)] == [money("0.04"), money("12.50")]
    note = await made(billing, "/v1/credit-notes", {"invoice_id": second["id"], "reason": "Rust"})
    assert note["lines"][0]["unit_price"] == money("0.0125")
    await everything_agrees(orders, billing)


async def test_an_order_line_and_a_draft_invoice_take_fine_prices(
    orders: httpx.AsyncClient, billing: httpx.AsyncClient
):
    customer = await a_customer(orders)
    sku = await a_product(orders, "WIRE", "1.10", tracked=False)
    wish = {"sku": sku, "quantity": "2.5", "unit_price": money("1.234567")}
    order = await made(orders, "/v1/orders", {"customer_id": customer, "lines": [wish]})
    assert order["lines"][0]["unit_price"] == money("1.234567")
    assert order["totals"]["net"] == money("3.09")

    line = {"description": "Wire", "quantity": 100, "tax_code": "standard", "unit_price": money("0.333")}

    async def drafted() -> bool:
        answer = await billing.post("/v1/invoices", json={"customer_id": customer, "lines": [line]})
        if answer.status_code != 201:
            return False
        issued = await made(billing, f"/v1/invoices/{answer.json()['id']}/finalize")
        assert issued["lines"][0]["unit_price"] == money("0.333")
        assert Decimal(issued["totals"]["net"]["amount"]) == Decimal("33.30")
        return True

    await eventually(drafted)
