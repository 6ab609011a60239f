"""A tax rate falls on the first of December; what was ordered in November is taxed as of the day it is shipped."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest

from shared.context.ctx import TenantFacts
from tests.kit.suite import Suite, eventually
from tests.stories.steps import (
    Document,
    a_customer,
    a_product,
    everything_agrees,
    invoices_of,
    made,
    money,
    order_now,
    order_taken,
    seen,
    shipped,
    summed,
)


async def in_november(suite: Suite, tenant: TenantFacts) -> tuple[TenantFacts, int]:
    """The tenant's clock stands at the 28th of November of next year."""
    year = datetime.now(UTC).year + 1
    return await suite.advance_clock(tenant, datetime(year, 11, 28, 12, tzinfo=UTC) - datetime.now(UTC)), year


async def rate_falls(
    billing: httpx.AsyncClient, orders: httpx.AsyncClient, year: int, rate: str = "15"
) -> None:
    """The standard rate is another one from December on, and orders has heard of it."""
    await made(
        billing,
        "/v1/tax-codes",
        {"code": "standard", "name": "Standard", "rate": rate, "valid_from": f"{year}-12-01"},
    )
    await billing_told(orders, year)


async def billing_told(orders: httpx.AsyncClient, year: int) -> None:
    """An order dated in December has the new rate."""
    customer, sku = await a_customer(orders, "Probe"), await a_product(orders, "PROBE", "1.00", tracked=False)

    async def known() -> bool:
        wish = {"customer_id": customer, "lines": [{"sku": sku, "quantity": 1}]}
        answer = await orders.post("/v1/orders", json=wish | {"ordered_at": f"{year}-12-15T12:00:00Z"})
        # the end of the one rate and the beginning of the other are told in either order
        return answer.status_code == 201 and answer.json()["lines"][0]["tax_rate"] != "20"

    await eventually(known)


def taxes(invoice: Document) -> list[tuple[str, str, str]]:
    return [(r["rate"], r["base"]["amount"], r["tax"]["amount"]) for r in invoice["tax_breakdown"]]


@pytest.mark.parametrize(
    ("prices", "before", "after", "total"),
    [
        ("net", [("20", "4.02", "0.80")], [("15", "4.02", "0.60")], ("8.04", "1.40", "9.44")),
        ("gross", [("20", "3.35", "0.67")], [("15", "3.50", "0.52")], ("6.85", "1.19", "8.04")),
    ],
)
async def test_an_order_of_november_is_taxed_by_the_day_it_is_shipped(
    suite: Suite, tenant: TenantFacts, prices: str, before: Any, after: Any, total: tuple[str, str, str]
):
    tenant, year = await in_november(suite, tenant)
    orders, billing = suite.client("orders", tenant), suite.client("billing", tenant)
    customer, sku = await a_customer(orders), await a_product(orders, "LAMP", "4.02", stock=10)
    await rate_falls(billing, orders, year)
    order = await order_taken(orders, customer, {sku: 2}, prices=prices, confirm=True)
    assert order["invoiced"]["gross"] == money("0.00")
    assert order["invoiced"]["reason"] is None

    await shipped(orders, order, {sku: 1})
    (november,) = await invoices_of(billing, order, 1)
    assert taxes(november) == before
    tenant = await suite.advance_clock(tenant, timedelta(days=5))
    orders, billing = suite.client("orders", tenant), suite.client("billing", tenant)
    await shipped(orders, order)
    december = (await invoices_of(billing, order, 2))[1]
    assert taxes(december) == after
    assert (december["delivered_on"], december["prices"]) == (f"{year}-12-03", prices)
    fixed = "net" if prices == "net" else "gross"
    assert november["totals"][fixed] == december["totals"][fixed] == money("4.02")

    now = await order_now(orders, order)
    assert now["totals"] == order["totals"]
    assert tuple(now["invoiced"][name]["amount"] for name in ("net", "tax", "gross")) == total
    assert summed([november, december]) == Decimal(now["invoiced"]["gross"]["amount"])
    (change,) = now["invoiced"]["rate_changes"]
    assert (change["tax_code"], change["ordered_rate"], change["invoiced_rate"], change["shipped_on"]) == (
        "standard", "20", "15", f"{year}-12-03",
    )  # fmt: skip
    assert "15 %" in now["invoiced"]["reason"]

    await corrected_and_reported(billing, [november, december])
    await everything_agrees(orders, billing)


async def corrected_and_reported(billing: httpx.AsyncClient, invoices: list[Document]) -> None:
    """Each is credited at its own rate; the report of tax has both rates, and nothing is left of either."""
    for invoice in invoices:
        note = await made(billing, "/v1/credit-notes", {"invoice_id": invoice["id"], "reason": "Came back"})
        assert taxes(note) == taxes(invoice)
        assert note["totals"] == invoice["totals"]
    report = await seen(billing, "/v1/reports/tax")
    assert [
        (row["rate"], row["sales_base"]["amount"], row["sales_tax"]["amount"], row["tax"]["amount"])
        for row in report["rows"]
    ] == sorted((rate, base, tax, "0.00") for invoice in invoices for rate, base, tax in taxes(invoice))
    assert report["output_tax"]["difference"]["amount"] == "0.00"


async def test_each_rate_of_an_order_has_a_sum_of_its_own(suite: Suite, tenant: TenantFacts):
    """Ten lines of 1.02: four leave in November (20 %), three and three in December (15 %)."""
    tenant, year = await in_november(suite, tenant)
    orders, billing = suite.client("orders", tenant), suite.client("billing", tenant)
    customer = await a_customer(orders)
    skus = [await a_product(orders, f"L{n}", "1.02", tracked=False) for n in range(10)]
    await rate_falls(billing, orders, year)
    order = await order_taken(orders, customer, dict.fromkeys(skus, 1), confirm=True)

    await shipped(orders, order, dict.fromkeys(skus[:4], 1))
    tenant = await suite.advance_clock(tenant, timedelta(days=5))
    orders, billing = suite.client("orders", tenant), suite.client("billing", tenant)
    await shipped(orders, order, dict.fromkeys(skus[4:7], 1))
    await shipped(orders, order)

    invoices = await invoices_of(billing, order, 3)
    # 15 % of 3.06 is 0.459, of 6.12 is 0.918
    assert [taxes(i) for i in invoices] == [
        [("20", "4.08", "0.82")], [("15", "3.06", "0.46")], [("15", "3.06", "0.46")],
    ]  # fmt: skip
    await everything_agrees(orders, billing)


async def test_a_draft_of_november_issued_in_december_has_the_rate_of_its_supply(
    suite: Suite, tenant: TenantFacts
):
    tenant, year = await in_november(suite, tenant)
    orders, billing = suite.client("orders", tenant), suite.client("billing", tenant)
    await rate_falls(billing, orders, year)
    line = {"description": "Work", "quantity": 1, "tax_code": "standard", "unit_price": money("100.00")}
    wish = {"customer_id": await a_customer(orders), "customer": {"name": "Jane"}, "lines": [line]}
    drafts = [
        await made(billing, "/v1/invoices", wish | facts)
        for facts in (
            {},
            {"delivered_on": f"{year}-11-20"},
            {"prices": "gross"},
            {"prices": "gross", "delivered_on": f"{year}-11-20"},
        )
    ]
    tenant = await suite.advance_clock(tenant, timedelta(days=5))
    billing = suite.client("billing", tenant)

    issued = [await made(billing, f"/v1/invoices/{draft['id']}/finalize") for draft in drafts]

    assert [taxes(invoice)[0] for invoice in issued] == [
        ("15", "100.00", "15.00"), ("20", "100.00", "20.00"), ("15", "86.96", "13.04"), ("20", "83.33", "16.67"),
    ]  # fmt: skip
    assert [x["id"] for x in issued[0]["lines"]] == [x["id"] for x in drafts[0]["lines"]]
    assert (await seen(billing, "/v1/reports/tie-out"))["differences"] == []


async def test_a_code_that_has_ended_is_refused_where_its_rate_would_be_needed(
    suite: Suite, tenant: TenantFacts
):
    tenant, year = await in_november(suite, tenant)
    orders, billing = suite.client("orders", tenant), suite.client("billing", tenant)
    books = {"code": "books", "name": "Books", "rate": "5", "valid_to": f"{year}-11-30"}
    await made(billing, "/v1/tax-codes", books)
    customer = await a_customer(orders)

    async def product() -> bool:
        answer = await orders.post(
            "/v1/products",
            json={
                "sku": "BOOK", "name": "Book", "unit_price": money("9.00"), "tax_code": "books", "tracked": False,
            },
        )  # fmt: skip
        return answer.status_code == 201

    await eventually(product)
    order = await order_taken(orders, customer, {"BOOK": 1}, confirm=True)
    line = {"description": "Book", "quantity": 1, "tax_code": "books", "unit_price": money("9.00")}
    draft = await made(
        billing,
        "/v1/invoices",
        {"customer_id": customer, "customer": {"name": "Jane"}, "lines": [line]},
    )
    tenant = await suite.advance_clock(tenant, timedelta(days=5))
    orders, billing = suite.client("orders", tenant), suite.client("billing", tenant)

    for api, path in (
        (orders, f"/v1/fulfilments/{order['fulfilments'][0]['id']}/ship"),
        (billing, f"/v1/invoices/{draft['id']}/finalize"),
    ):
        answer = await api.post(path)
        problem = answer.json()
        assert (answer.status_code, problem["code"]) == (409, "tax_code_not_valid"), problem
        assert (problem["tax_codes"], problem["on"]) == (["books"], f"{year}-12-03")
    assert (await order_now(orders, order))["fulfilment_status"] == "unfulfilled"


async def test_a_draft_whose_deductions_the_new_rate_does_not_bear_is_not_issued(
    suite: Suite, tenant: TenantFacts
):
    tenant, year = await in_november(suite, tenant)
    orders, billing = suite.client("orders", tenant), suite.client("billing", tenant)
    await rate_falls(billing, orders, year)
    item = {"quantity": 1, "description": "Machine"}
    lines = [
        item | {"tax_code": "standard", "unit_price": money("100.00")},
        item | {"tax_code": "exempt", "unit_price": money("-118.00")},
    ]
    customer = {"customer_id": await a_customer(orders), "customer": {"name": "Jane"}}
    draft = await made(billing, "/v1/invoices", customer | {"lines": lines})
    assert draft["totals"]["gross"] == money("2.00")
    tenant = await suite.advance_clock(tenant, timedelta(days=5))

    answer = await suite.client("billing", tenant).post(f"/v1/invoices/{draft['id']}/finalize")

    assert (answer.status_code, answer.json()["code"]) == (409, "negative_invoice"), answer.text
