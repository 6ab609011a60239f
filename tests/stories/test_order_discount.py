"""A discount on a whole order: shared over its lines, kept through shipments, shown on order and invoice."""

from decimal import Decimal
from typing import Any

import httpx
import pytest

from tests.stories.steps import (
    Document,
    a_customer,
    a_product,
    a_seller,
    everything_agrees,
    invoices_of,
    made,
    money,
    shipped,
    summed,
)


async def ordered(orders: httpx.AsyncClient, discount: Any, **facts: Any) -> Document:
    """Three kinds of goods, of two rates, one of them with a discount of its own."""
    customer = await a_customer(orders)
    lines = []
    for n, (price, code, off) in enumerate(
        [("3.35", "standard", "0"), ("10.07", "reduced", "0"), ("4.99", "standard", "10")]
    ):
        sku = await a_product(orders, f"S{n}", price, stock=100, tax_code=code)
        lines.append({"sku": sku, "quantity": 3 + n, "discount_percent": off})
    wish = {"customer_id": customer, "lines": lines, "discount": discount, "confirm": True}
    return await made(orders, "/v1/orders", wish | facts)


def amounts(rows: list[Document], name: str) -> Decimal:
    return sum((Decimal(row[name]["amount"]) for row in rows), Decimal(0))


@pytest.mark.parametrize("prices", ["net", "gross"])
@pytest.mark.parametrize("discount", [{"percent": "7.5"}, {"amount": money("11.11")}])
async def test_shipments_in_parts_come_to_what_the_order_says(
    orders: httpx.AsyncClient, billing: httpx.AsyncClient, prices: str, discount: Any
):
    await a_seller(billing)
    order = await ordered(orders, discount, prices=prices)
    fixed = "gross" if prices == "gross" else "net"
    # 3 × 3.35 + 4 × 10.07 + 5 × 4.99 less 10 % = 72.785, where 22.455 is rounded to 22.46
    off = Decimal("5.46") if "percent" in discount else Decimal("11.11")
    assert order["discount"] == {"percent": discount.get("percent"), "amount": money(off)}
    assert amounts(order["lines"], "order_discount") == off
    assert amounts(order["lines"], fixed) == Decimal("72.79") - off

    await shipped(orders, order, {"S0": 1, "S1": 3})
    await shipped(orders, order, {"S2": 2, "S1": 1})
    await shipped(orders, order)

    invoices = await invoices_of(billing, order, 3)
    for figure in ("net", "tax", "gross"):
        assert summed(invoices, figure) == Decimal(order["totals"][figure]["amount"])
    assert amounts(invoices, "order_discount") == off
    for invoice in invoices:
        for line in invoice["lines"]:
            whole = Decimal(line["quantity"]) * Decimal(line["unit_price"]["amount"])
            stated = Decimal(line[fixed]["amount"]) + Decimal(line["discount"]["amount"])
            assert abs(whole - stated) <= Decimal("0.01")
        assert (await billing.get(f"/v1/invoices/{invoice['id']}/xml")).status_code == 200
    await everything_agrees(orders, billing)


async def test_a_draft_is_priced_anew_with_its_discount(orders: httpx.AsyncClient):
    order = await ordered(orders, {"percent": "10"}, confirm=False)
    assert order["discount"]["amount"] == money("7.28")

    async def changed(order: Document, **change: Any) -> Document:
        answer = await orders.patch(
            f"/v1/orders/{order['id']}", json=change, headers={"if-match": str(order["version"])}
        )
        assert answer.status_code == 200, answer.text
        found: Document = answer.json()
        return found

    fewer = await changed(order, lines=[{"sku": "S0", "quantity": 1}])
    assert (fewer["discount"]["amount"], fewer["totals"]["net"]) == (money("0.34"), money("3.01"))
    amount = await changed(fewer, discount={"amount": money("1.00")})
    assert (amount["discount"], amount["totals"]["net"]) == (
        {"percent": None, "amount": money("1.00")},
        money("2.35"),
    )
    without = await changed(amount, discount=None)
    assert (without["discount"], without["totals"]["net"]) == (None, money("3.35"))


@pytest.mark.parametrize(
    ("discount", "pointer", "code"),
    [
        ({}, "/discount", "one_of_both"),
        ({"percent": "5", "amount": money("1.00")}, "/discount", "one_of_both"),
        ({"amount": money("-1.00")}, "/discount", "negative_discount"),
        ({"percent": "100.5"}, "/discount/percent", "percent_out_of_range"),
        ({"amount": money("1.00", "EUR")}, "/discount/amount", "currency_mismatch"),
        ({"amount": money("10.01")}, "/discount/amount", "discount_too_large"),
    ],
)
async def test_a_discount_that_cannot_be_is_refused(
    orders: httpx.AsyncClient, discount: Any, pointer: str, code: str
):
    customer, sku = await a_customer(orders), await a_product(orders, "A", "10.00", tracked=False)
    wish = {"customer_id": customer, "lines": [{"sku": sku, "quantity": 1}], "discount": discount}

    answer = await orders.post("/v1/orders", json=wish)

    assert answer.status_code == 422, answer.text
    (error,) = answer.json()["errors"]
    assert (error["pointer"], error["code"]) == (pointer, code)
