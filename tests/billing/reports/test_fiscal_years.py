"""A year ends: results begin anew, what was earned before is retained, with or without an entry that closes it."""

from datetime import date
from typing import Any

import httpx
import pytest

from tests.billing.ledger.books import (
    BANK,
    COSTS,
    RETAINED,
    SALES,
    assert_ties_out,
    entry_body,
    given_entry,
    trial_balance,
    wire,
)

EQUITY = "3000"


async def seen(billing: httpx.AsyncClient, name: str, **query: str) -> dict[str, Any]:
    answer = await billing.get(f"/v1/reports/{name}", params=query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def amounts(section: dict[str, Any]) -> dict[str | None, str]:
    return {row["account"]: row["amount"]["amount"] for row in section["rows"]}


async def given_two_years(billing: httpx.AsyncClient) -> None:
    """Earned 60.00 in 2024 and 20.00 so far in 2025."""
    await given_entry(billing, 100_000, debit=BANK, credit=EQUITY, on=date(2024, 1, 1))
    await given_entry(billing, 9_000, debit=BANK, credit=SALES, on=date(2024, 5, 1))
    await given_entry(billing, 3_000, debit=COSTS, credit=BANK, on=date(2024, 12, 31))
    await given_entry(billing, 2_000, debit=BANK, credit=SALES, on=date(2025, 1, 1))


async def closing(billing: httpx.AsyncClient, on: date, *, to: str = RETAINED) -> dict[str, Any]:
    """Somebody closes 2024 by hand."""
    body = entry_body(on=on) | {
        "kind": "closing",
        "lines": [
            {"account": SALES, "debit": wire(9_000)},
            {"account": COSTS, "credit": wire(3_000)},
            {"account": to, "credit": wire(6_000)},
        ],
    }
    answer = await billing.post("/v1/journal-entries", json=body)
    assert (answer.status_code, answer.json()["kind"]) == (201, "closing"), answer.text
    made: dict[str, Any] = answer.json()
    return made


BEFORE = {BANK: "1060.00", EQUITY: "-1000.00", SALES: "-90.00", COSTS: "30.00"}
AFTER = {BANK: "1080.00", EQUITY: "-1000.00", RETAINED: "-60.00", SALES: "-20.00", COSTS: "0.00"}


async def test_a_trial_balance_has_the_results_of_its_year_only(billing: httpx.AsyncClient):
    await given_two_years(billing)

    assert await trial_balance(billing, as_of="2024-12-31") == BEFORE
    assert await trial_balance(billing, as_of="2025-01-01") == AFTER


async def test_the_balance_sheet_tells_retained_from_current_earnings(billing: httpx.AsyncClient):
    await given_two_years(billing)

    old, new = [await seen(billing, "balance-sheet", as_of=day) for day in ("2024-12-31", "2025-06-30")]

    assert amounts(old["equity"]) == {EQUITY: "1000.00", None: "60.00"}
    assert (old["retained_earnings"], old["current_earnings"]) == (wire(0), wire(6_000))
    assert amounts(new["equity"]) == {EQUITY: "1000.00", RETAINED: "60.00", None: "20.00"}
    assert (new["retained_earnings"], new["current_earnings"]) == (wire(6_000), wire(2_000))
    for sheet in (old, new):
        assert sheet["total_assets"] == sheet["total_liabilities_and_equity"]


async def test_a_later_year_adds_to_what_was_posted_to_retained_earnings(billing: httpx.AsyncClient):
    """Opening balances of other books, and a dividend."""
    await given_entry(billing, 50_000, debit=BANK, credit=RETAINED, on=date(2024, 1, 1))
    await given_two_years(billing)
    await given_entry(billing, 1_000, debit=RETAINED, credit=BANK, on=date(2025, 2, 1))

    sheet = await seen(billing, "balance-sheet", as_of="2025-12-31")

    assert amounts(sheet["equity"]) == {EQUITY: "1000.00", RETAINED: "550.00", None: "20.00"}
    assert (await trial_balance(billing))[RETAINED] == "-550.00"


@pytest.mark.parametrize("on", [date(2024, 12, 31), date(2025, 1, 1), date(2025, 7, 1)])
async def test_who_closes_the_year_by_hand_changes_no_statement(billing: httpx.AsyncClient, on: date):
    await given_two_years(billing)
    days = ("2024-12-31", "2025-01-01", "2025-12-31")
    year = {"from": "2024-01-01", "to": "2024-12-31"}
    sheets = [await seen(billing, "balance-sheet", as_of=day) for day in days]
    results = [await seen(billing, "profit-and-loss", **query) for query in (year, {"to": "2025-12-31"})]

    entry = await closing(billing, on)

    for day, was in zip(days, sheets, strict=True):
        now = await seen(billing, "balance-sheet", as_of=day)
        assert now["total_assets"] == now["total_liabilities_and_equity"]
        assert [now[f"{kind}_earnings"] for kind in ("retained", "current")] == [
            was[f"{kind}_earnings"] for kind in ("retained", "current")
        ]
    assert [await seen(billing, "profit-and-loss", **q) for q in (year, {"to": "2025-12-31"})] == results
    assert results[0]["net_income"] == wire(6_000)
    assert {k: v for k, v in (await trial_balance(billing)).items() if v != "0.00"} == {
        k: v for k, v in AFTER.items() if v != "0.00"
    }
    reversal = await billing.post(
        f"/v1/journal-entries/{entry['id']}/reverse", json={"effective_on": "2025-12-31"}
    )
    assert reversal.json()["kind"] == "closing"
    assert [await seen(billing, "profit-and-loss", **q) for q in (year, {"to": "2025-12-31"})] == results
    await assert_ties_out(billing)


async def test_a_result_that_is_closed_to_capital_leaves_retained_earnings(billing: httpx.AsyncClient):
    await given_two_years(billing)
    await closing(billing, date(2024, 12, 31), to=EQUITY)

    sheet = await seen(billing, "balance-sheet", as_of="2025-12-31")

    assert amounts(sheet["equity"]) == {EQUITY: "1060.00", RETAINED: "0.00", None: "20.00"}
    assert sheet["total_assets"] == sheet["total_liabilities_and_equity"]


async def test_years_begin_in_the_month_that_the_tenant_says(billing: httpx.AsyncClient):
    """From April on: 1 January 2025 is in the year that began in April 2024."""
    await given_two_years(billing)
    await given_entry(billing, 700, debit=BANK, credit=SALES, on=date(2025, 4, 1))
    await billing.patch("/v1/books", json={"fiscal_year_starts": 4}, headers={"if-match": "1"})

    march = await trial_balance(billing, as_of="2025-03-31")
    result = await seen(billing, "profit-and-loss", to="2025-06-30")

    assert (march[SALES], march.get(RETAINED)) == ("-110.00", None)
    assert (await trial_balance(billing, as_of="2025-04-01"))[RETAINED] == "-80.00"
    assert (result["from"], result["net_income"]) == ("2025-04-01", wire(700))
    assert (await seen(billing, "cash-flow", to="2025-06-30"))["opening"] == wire(108_000)
