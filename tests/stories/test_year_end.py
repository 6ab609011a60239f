"""Two fiscal years of trading, as the bookkeeper sees them: the year is closed, reported, and stays what it was."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import httpx

from shared.context.ctx import TenantFacts
from tests.kit.suite import Suite
from tests.stories.steps import (
    Document,
    a_customer,
    a_product,
    balances,
    everything_agrees,
    invoices_of,
    listed,
    made,
    money,
    order_taken,
    paid,
    refused,
    seen,
    shipped,
)


async def sold(
    orders: httpx.AsyncClient, billing: httpx.AsyncClient, customer: str, quantity: int
) -> Document:
    """Lamps at 10.00 are ordered, shipped, invoiced and paid."""
    order = await order_taken(orders, customer, {"LAMP": quantity}, confirm=True)
    await shipped(orders, order)
    (invoice,) = await invoices_of(billing, order, 1)
    gross = invoice["totals"]["gross"]
    await paid(billing, customer, gross, (invoice, gross))
    return invoice


async def rent_paid(billing: httpx.AsyncClient, on: date, amount: str) -> Document:
    lines = [{"account": "6300", "debit": money(amount)}, {"account": "1000", "credit": money(amount)}]
    return await made(
        billing, "/v1/journal-entries", {"effective_on": on.isoformat(), "memo": "Rent", "lines": lines}
    )


async def month_of(billing: httpx.AsyncClient, day: date) -> Document:
    (month,) = await listed(billing, "/v1/periods", **{"from": day.isoformat(), "to": day.isoformat()})
    return month


async def result_of(billing: httpx.AsyncClient, year: int) -> Document:
    days = {"from": f"{year}-01-01", "to": f"{year}-12-31"}
    return await seen(billing, "/v1/reports/profit-and-loss", **days)


async def earnings_on(billing: httpx.AsyncClient, day: date) -> tuple[str, str]:
    """Retained and current ones, of a balance sheet whose sides are equal."""
    sheet = await seen(billing, "/v1/reports/balance-sheet", as_of=day.isoformat())
    assert sheet["total_assets"] == sheet["total_liabilities_and_equity"]
    return sheet["retained_earnings"]["amount"], sheet["current_earnings"]["amount"]


async def test_a_year_is_closed_and_the_next_one_begins_anew(suite: Suite, tenant: TenantFacts):
    now = datetime.now(UTC)
    first_year = now.year + 1
    tenant = await suite.advance_clock(tenant, datetime(first_year, 11, 20, 12, tzinfo=UTC) - now)
    orders, billing = suite.client("orders", tenant), suite.client("billing", tenant)
    new_year, year_end = date(first_year + 1, 1, 1), date(first_year, 12, 31)
    # The first year: ten lamps, and rent for the year.
    customer = await a_customer(orders)
    await a_product(orders, "LAMP", "10.00", stock=100)
    await sold(orders, billing, customer, 10)
    await rent_paid(billing, year_end, "30.00")
    assert await earnings_on(billing, year_end) == ("0.00", "70.00")

    # The next one: four lamps. The books of both years agree, and results begin anew.
    tenant = await suite.advance_clock(tenant, timedelta(days=60))
    orders, billing = suite.client("orders", tenant), suite.client("billing", tenant)
    await sold(orders, billing, customer, 4)
    report, stands = await result_of(billing, first_year), await balances(billing)
    assert report["net_income"] == money("70.00")
    assert (stands["4000"], stands["3100"], stands.get("6300")) == (Decimal(-40), Decimal(-70), None)
    assert await earnings_on(billing, year_end) == ("0.00", "70.00")
    assert await earnings_on(billing, new_year) == ("70.00", "0.00")
    assert await earnings_on(billing, year_end + timedelta(days=30)) == ("70.00", "40.00")

    # December closes with all before it; a late bill is refused, and what was reported stays.
    december = await month_of(billing, year_end)
    early = await refused(billing, f"/v1/periods/{december['id']}/close")
    await made(billing, f"/v1/periods/{december['id']}/close", {"through": True})
    lines = [{"account": "6300", "debit": money("5.00")}, {"account": "1000", "credit": money("5.00")}]
    late = {"effective_on": year_end.isoformat(), "memo": "Late bill", "lines": lines}
    assert early["code"] == "earlier_period_open"
    assert (await refused(billing, "/v1/journal-entries", late))["code"] == "period_closed"
    assert await result_of(billing, first_year) == report

    # It belongs to the old year after all: the month is opened for it, with a reason, and closed again.
    await made(billing, f"/v1/periods/{december['id']}/reopen", {"reason": "The landlord's last bill"})
    await made(billing, "/v1/journal-entries", late)
    await made(billing, f"/v1/periods/{december['id']}/close")
    assert (await result_of(billing, first_year))["net_income"] == money("65.00")
    assert (await balances(billing))["3100"] == Decimal(-65)
    moves = await listed(billing, f"/v1/periods/{december['id']}/timeline")
    assert [(m["verb"], m["why"]) for m in moves if m["verb"] == "reopen"] == [
        ("reopen", "The landlord's last bill")
    ]
    await everything_agrees(orders, billing)

    # The tax of both years, for their returns.
    for year, base, tax in ((first_year, "100.00", "20.00"), (first_year + 1, "40.00", "8.00")):
        found = await seen(billing, "/v1/reports/tax", **{"from": f"{year}-01-01", "to": f"{year}-12-31"})
        assert (found["base"], found["tax"]) == (money(base), money(tax))
        assert found["output_tax"]["difference"] == money("0.00")
