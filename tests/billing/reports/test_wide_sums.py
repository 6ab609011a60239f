"""Sums of many documents are shown however wide they are, while the amount of one document has a bound."""

import httpx
import pytest

from shared.context.ctx import TenantFacts
from shared.values.money import Money
from shared.values.sums import Sum
from tests.billing.given import given_customer, given_invoice, line, money
from tests.billing.ledger.books import BANK, SALES, YEAR_END, assert_ties_out
from tests.billing.reports.test_reports import report
from tests.kit.suite import Suite

LARGE = 999_999_999_999_999
OF_TEN = {"GBP": "99999999999999.90", "JPY": "9999999999999990", "KWD": "9999999999999.990"}
STATEMENTS = ("trial-balance", "profit-and-loss", "balance-sheet", "cash-flow")
AMOUNTS = {"GBP": "9900000000000.00", "JPY": "990000000000000", "KWD": "990000000000.000"}


async def given_ten_payments(billing: httpx.AsyncClient, customer_id: str, currency: str) -> None:
    for _ in range(10):
        body = {"customer_id": customer_id, "amount": money(Money(LARGE, currency).text, currency)}
        answer = await billing.post("/v1/payments", json=body)
        assert answer.status_code == 201, answer.text


@pytest.mark.parametrize("currency", OF_TEN)
async def test_ten_large_payments_stand_in_every_report(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient, currency: str
):
    customer_id = str(await given_customer(suite, tenant))
    await given_ten_payments(billing, customer_id, currency)
    paid, owed = money(OF_TEN[currency], currency), money(f"-{OF_TEN[currency]}", currency)

    trial, earned, sheet, cash = [await report(billing, name, currency=currency) for name in STATEMENTS]
    aging = await report(billing, "aging", currency=currency)

    assert trial["total_debit"] == trial["total_credit"] == paid
    assert earned["net_income"] == money(Money.zero(currency).text, currency)
    assert sheet["total_assets"] == sheet["total_liabilities_and_equity"]
    assert cash["net_change"] == cash["closing"] == paid
    assert (aging["rows"][0]["total"], aging["totals"]["credits"]) == (owed, owed)
    await assert_ties_out(billing)


@pytest.mark.parametrize("currency", AMOUNTS)
async def test_ten_large_invoices_stand_in_every_report(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient, currency: str
):
    customer_id = str(await given_customer(suite, tenant))
    for _ in range(10):
        await given_invoice(
            billing, line(AMOUNTS[currency], currency=currency), customer_id=customer_id, currency=currency
        )
    net = Sum(10 * Money.parse(AMOUNTS[currency], currency).minor, currency)
    gross = Sum(net.minor * 6 // 5, currency)

    trial, earned, sheet, cash = [await report(billing, name, currency=currency) for name in STATEMENTS]
    aging = await report(billing, "aging", currency=currency)
    tax = await report(billing, "tax", currency=currency)

    assert trial["total_debit"] == trial["total_credit"] == money(gross.text, currency)
    assert earned["net_income"] == tax["base"] == money(net.text, currency)
    assert sheet["total_assets"] == sheet["total_liabilities_and_equity"] == money(gross.text, currency)
    assert cash["net_change"] == money(Money.zero(currency).text, currency)
    assert aging["totals"]["total"] == money(gross.text, currency)
    assert tax["output_tax"]["difference"] == money(Money.zero(currency).text, currency)
    await assert_ties_out(billing)


async def test_one_payment_beyond_the_largest_amount_is_refused(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    customer_id = str(await given_customer(suite, tenant))

    body = {"customer_id": customer_id, "amount": money("90000000000000.01")}
    answer = await billing.post("/v1/payments", json=body)

    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["code"] == "money_out_of_range"


async def test_years_of_postings_may_sum_to_more_than_one_month_holds(billing: httpx.AsyncClient):
    largest, entries, sides = money("90000000000000.00"), 6, 200
    lines = [{"account": BANK, "debit": largest}, {"account": SALES, "credit": largest}]
    for month in range(1, entries + 1):
        body = {"effective_on": f"2025-{month:02}-15", "memo": "Cash sales", "lines": lines * sides}
        answer = await billing.post("/v1/journal-entries", json=body)
        assert answer.status_code == 201, answer.text
    whole = money(f"{entries * sides * 90_000_000_000_000}.00")

    trial = await report(billing, "trial-balance", as_of=YEAR_END)
    earned, cash = [
        await report(billing, name, **{"from": "2025-01-01", "to": YEAR_END})
        for name in ("profit-and-loss", "cash-flow")
    ]
    sheet = await report(billing, "balance-sheet", as_of=YEAR_END)

    assert trial["total_debit"] == trial["total_credit"] == sheet["total_assets"] == whole
    assert earned["net_income"] == cash["closing"] == whole
    await assert_ties_out(billing)
