"""Awkward figures: order = invoices = ledger to the cent, whatever is shipped, credited and paid in which parts."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import httpx
import pytest

from shared.context.ctx import TenantFacts
from tests.kit.suite import Suite
from tests.stories.steps import (
    Document,
    a_customer,
    balances,
    everything_agrees,
    fulfilments_of,
    invoices_of,
    made,
    money,
    order_now,
    paid,
    payment_status_becomes,
    seen,
    summed,
)


@dataclass
class Case:
    """An order's lines as (quantity, unit price, discount %, tax code), and the totals worked out by hand."""

    lines: list[tuple[str, str, str, str]]
    net: str
    tax: str
    gross: str
    currency: str = "EUR"
    prices: str = "net"
    parts: list[str] = field(default_factory=list)
    """How much of the first line leaves in each shipment but the last; the rest leaves with the last."""


def lines(*figures: str, times: int = 1) -> list[tuple[str, str, str, str]]:
    """`quantity × price [- discount] [@ code]`, each so many times."""
    found = []
    for figure in figures:
        figure, _, code = figure.partition("@")
        figure, _, discount = figure.partition("-")
        quantity, _, price = figure.partition("x")
        found.append((quantity.strip(), price.strip(), discount.strip() or "0", code.strip() or "standard"))
    return found * times


# Belgium: standard 21, reduced 6. Worked by hand; half a cent rounds up.
CASES = {
    # 99.99 - 10.00 (9.999) = 89.99; 21 % of it 18.8979
    "three thirds of a hundred with a tenth off": Case(lines("3 x 33.33 - 10"), "89.99", "18.90", "108.89"),
    # 0.0021 a line, so nothing by line; 0.07 × 21 % = 0.0147
    "a tax of one cent over seven lines of one cent": Case(lines("1 x 0.01", times=7), "0.07", "0.01", "0.08"),
    # 0.05 × 21 % = 0.0105 a line (10 lines: 0.10); of 0.50 0.105 → 0.11
    "many lines of five cents, document beats line": Case(lines("1 x 0.05", times=10), "0.50", "0.11", "0.61"),
    # 0.07 × 21 % = 0.0147 a line → 0.01 (40 lines: 0.40); of 2.80 0.588 → 0.59
    "many small lines differ by nineteen cents": Case(lines("1 x 0.07", times=40), "2.80", "0.59", "3.39"),
    # 0.333333 × 2.99 = 0.99666567
    "a third of a unit": Case(lines("0.333333 x 2.99"), "1.00", "0.21", "1.21"),
    "a millionth of a unit is worth nothing": Case(lines("0.000001 x 2.99", "1 x 1.00"), "1.00", "0.21", "1.21"),
    "a free line beside one with a price": Case(lines("2 x 0.00", "1 x 19.99"), "19.99", "4.20", "24.19"),
    "a line given away beside one that is not": Case(lines("3 x 4.99 - 100", "1 x 10.00"), "10.00", "2.10", "12.10"),
    # 100.01 × 12.5 % = 12.50125; 87.51 × 21 % = 18.3771
    "a discount of an eighth": Case(lines("1 x 100.01 - 12.5"), "87.51", "18.38", "105.89"),
    # 21 %: 10.00 → 2.10; 6 %: 10.00 → 0.60; 0 %: 10.00
    "three rates": Case(lines("1 x 10.00", "1 x 10.00 @ reduced", "1 x 10.00 @ zero"), "30.00", "2.70", "32.70"),
    # each rate rounds once: 21 % of 0.30 = 0.063, 6 % of 0.30 = 0.018
    "two rates of small lines": Case(
        lines("1 x 0.10", "1 x 0.10 @ reduced", times=3), "0.60", "0.08", "0.68"
    ),
    "all of it exempt": Case(lines("3 x 3.33 @ exempt"), "9.99", "0.00", "9.99"),
    "a large sum": Case(lines("999999 x 9999.99"), "9999980000.01", "2099995800.00", "12099975800.01"),
    # 3999 × 21 % = 839.79
    "yen have no decimals": Case(lines("3 x 1333"), "3999", "840", "4839", "JPY", parts=["1", "1"]),
    # 3.015 × 21 % = 0.63315
    "dinars have three": Case(lines("3 x 1.005"), "3.015", "0.633", "3.648", "KWD", parts=["1", "1"]),
    # gross is fixed: 8.01 / 1.21 = 6.6198
    "8.01 with tax stays 8.01": Case(lines("1 x 8.01"), "6.62", "1.39", "8.01", prices="gross"),
    # 24.03 / 1.21 = 19.8595
    "three times 8.01 with tax": Case(lines("3 x 8.01"), "19.86", "4.17", "24.03", prices="gross", parts=["1", "1"]),
    # 9.99 - 1.00 (0.999) = 8.99; / 1.21 = 7.4298
    "with tax, a tenth off": Case(lines("1 x 9.99 - 10"), "7.43", "1.56", "8.99", prices="gross"),
    # 0.99 × 5 = 4.95 / 1.21 = 4.0909
    "with tax, five lines of 0.99": Case(lines("1 x 0.99", times=5), "4.09", "0.86", "4.95", prices="gross"),
    # 9.99 × 21 % = 2.0979
    "shipped in thirds": Case(lines("3 x 3.33"), "9.99", "2.10", "12.09", parts=["1", "1"]),
    # 100.03 less 0.030009
    "shipped in sevenths": Case(
        lines("7 x 14.29 - 0.03"), "100.00", "21.00", "121.00", parts=["1"] * 6
    ),
    "shipped in fractions": Case(lines("1 x 99.99"), "99.99", "21.00", "120.99", parts=["0.333333", "0.333333"]),
    # 5 × 0.01, 21 % of 0.05 = 0.0105: the cent of tax leaves with one part only
    "a cent of tax over five shipments": Case(lines("5 x 0.01"), "0.05", "0.01", "0.06", parts=["1"] * 4),
}  # fmt: skip


@pytest.fixture
async def tenant(suite: Suite) -> TenantFacts:
    return await suite.new_tenant(country="BE", currency="EUR", time_zone="Europe/Brussels")


async def given_order(orders: httpx.AsyncClient, case: Case) -> Document:
    """The case's order, confirmed; its products are not kept in stock."""
    wanted: list[dict[str, Any]] = []
    for n, (quantity, price, discount, code) in enumerate(case.lines):
        product = {"sku": f"P-{n}", "name": f"Product {n}", "unit_price": money(price, case.currency),
                   "tax_code": code, "tracked": False}  # fmt: skip
        await made(orders, "/v1/products", product)
        wanted.append({"sku": f"P-{n}", "quantity": quantity, "discount_percent": discount})
    wish = {"customer_id": await a_customer(orders), "currency": case.currency, "prices": case.prices,
            "lines": wanted, "confirm": True}  # fmt: skip
    return await made(orders, "/v1/orders", wish)


async def all_shipped(orders: httpx.AsyncClient, order: Document, parts: list[str]) -> None:
    """Ship the first line in parts, and all the rest at the end."""
    for part in (*parts, None):
        (fulfilment,) = await fulfilments_of(orders, order)
        line = {"order_line_id": order["lines"][0]["id"], "quantity": part}
        body = {} if part is None else {"lines": [line]}
        await made(orders, f"/v1/fulfilments/{fulfilment['id']}/ship", body)


@pytest.mark.parametrize("name", CASES)
async def test_order_invoices_and_ledger_agree_to_the_cent(
    name: str, orders: httpx.AsyncClient, billing: httpx.AsyncClient
):
    case = CASES[name]

    order = await given_order(orders, case)
    await all_shipped(orders, order, case.parts)
    invoices = await invoices_of(billing, order, len(case.parts) + 1)

    assert order["totals"] == {
        "net": money(case.net, case.currency),
        "tax": money(case.tax, case.currency),
        "gross": money(case.gross, case.currency),
    }
    for figure in ("net", "tax", "gross"):
        stated = Decimal(order["totals"][figure]["amount"])
        assert sum(Decimal(line[figure]["amount"]) for line in order["lines"]) == stated
        assert summed(invoices, figure) == stated
    for document in (order, *invoices):
        assert sum(Decimal(row["tax"]["amount"]) for row in document["tax_breakdown"]) == Decimal(
            document["totals"]["tax"]["amount"]
        )
    stands = await balances(billing, case.currency)
    wanted = {"1100": Decimal(case.gross), "4000": -Decimal(case.net), "2200": -Decimal(case.tax)}
    assert stands == {account: balance for account, balance in wanted.items() if balance}
    await everything_agrees(orders, billing, case.currency)


async def test_what_is_credited_in_thirds_and_paid_by_cents_leaves_nothing(
    orders: httpx.AsyncClient, billing: httpx.AsyncClient
):
    order = await given_order(orders, CASES["three thirds of a hundred with a tenth off"])
    await all_shipped(orders, order, [])
    (invoice,) = await invoices_of(billing, order, 1)
    customer, line = order["customer_id"], invoice["lines"][0]["id"]

    for part in ("0.01", "0.02", "0.03"):
        await paid(billing, customer, money(part, "EUR"), (invoice, money(part, "EUR")))
    thirds = [
        await made(
            billing, "/v1/credit-notes",
            {"invoice_id": invoice["id"], "reason": "broken", "lines": [{"invoice_line_id": line, "quantity": 1}]},
        )
        for _ in range(3)
    ]  # fmt: skip

    for figure in ("net", "tax", "gross"):
        assert summed(thirds, figure) == Decimal(invoice["totals"][figure]["amount"])
    now = await seen(billing, f"/v1/invoices/{invoice['id']}")
    assert (now["open"], now["paid"], now["payment_status"]) == (
        money("0.00", "EUR"),
        money("0.06", "EUR"),
        "credited",
    )
    assert await balances(billing, "EUR") == {"1000": Decimal("0.06"), "1100": Decimal("-0.06")}
    await payment_status_becomes(orders, order, "credited")
    await everything_agrees(orders, billing, "EUR")


async def test_an_invoice_is_paid_cent_by_cent(orders: httpx.AsyncClient, billing: httpx.AsyncClient):
    order = await given_order(orders, CASES["a tax of one cent over seven lines of one cent"])
    await all_shipped(orders, order, [])
    (invoice,) = await invoices_of(billing, order, 1)
    cent = money("0.01", "EUR")
    statuses = []

    for _ in range(8):
        await paid(billing, order["customer_id"], cent, (invoice, cent))
        statuses.append((await seen(billing, f"/v1/invoices/{invoice['id']}"))["payment_status"])
    one_more = {"customer_id": order["customer_id"], "amount": cent,
                "allocations": [{"invoice_id": invoice["id"], "amount": cent}]}  # fmt: skip

    assert statuses == ["part_paid"] * 7 + ["paid"]
    assert (await billing.post("/v1/payments", json=one_more)).status_code == 409
    await payment_status_becomes(orders, order, "paid")
    await everything_agrees(orders, billing, "EUR")


async def test_an_order_of_nothing_but_free_things_is_invoiced_and_settled_at_once(
    orders: httpx.AsyncClient, billing: httpx.AsyncClient
):
    order = await given_order(orders, Case(lines("2 x 0.00"), "0.00", "0.00", "0.00"))
    await all_shipped(orders, order, [])

    (invoice,) = await invoices_of(billing, order, 1)

    assert (invoice["totals"]["gross"], invoice["payment_status"]) == (money("0.00", "EUR"), "paid")
    assert (await order_now(orders, order))["state"] == "completed"
    assert await balances(billing, "EUR") == {}
    await everything_agrees(orders, billing, "EUR")
