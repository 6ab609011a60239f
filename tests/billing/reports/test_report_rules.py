"""Statements as arithmetic, without a database."""

from services.billing.reports.rules import (
    Balance,
    Turnover,
    carried_forward,
    cash_category,
    earnings,
    section,
    trial_row,
    with_earnings,
)
from shared.values.money import Money


def balance(account: str, type_: str, debit: int, credit: int) -> Balance:
    return Balance(account, account, type_, Money(debit, "GBP"), Money(credit, "GBP"))


def test_a_balance_stands_on_one_side():
    assert trial_row(balance("1000", "asset", 9, 4)).debit == Money(5, "GBP")
    assert trial_row(balance("1000", "asset", 4, 9)).credit == Money(5, "GBP")
    even = trial_row(balance("1000", "asset", 4, 4))
    assert (even.debit, even.credit) == (Money(0, "GBP"), Money(0, "GBP"))


def test_claims_equal_assets_when_the_books_balance():
    books = [
        balance("1000", "asset", 500, 120),
        balance("2000", "liability", 0, 80),
        balance("3000", "equity", 0, 200),
        balance("4000", "income", 0, 150),
        balance("6000", "expense", 50, 0),
    ]

    assets = section(books, "asset", "GBP", sign=1)
    debts = section(books, "liability", "GBP", sign=-1)
    equity = with_earnings(section(books, "equity", "GBP", sign=-1), earnings(books, "GBP"))

    assert earnings(books, "GBP") == Money(100, "GBP")
    assert equity.rows[-1].account is None
    assert assets.total == debts.total + equity.total


def test_results_of_earlier_years_are_retained():
    books = [
        Turnover(balance("1000", "asset", 900, 0), balance("1000", "asset", 500, 0)),
        Turnover(balance("3100", "equity", 0, 0), balance("3100", "equity", 0, 0)),
        Turnover(balance("4000", "income", 0, 1_000), balance("4000", "income", 0, 600)),
        Turnover(balance("6000", "expense", 100, 0), balance("6000", "expense", 100, 0)),
    ]

    found = {b.account: b.net.minor for b in carried_forward(books, "3100")}

    assert found == {"1000": 900, "3100": -500, "4000": -400, "6000": 0}
    assert "3100" not in {b.account for b in carried_forward(books[:2], "3100")}


def test_cash_has_three_sources():
    found = [
        cash_category(code, type_)
        for code, type_ in (
            ("3000", "equity"),
            ("2600", "liability"),
            ("1590", "asset"),
            ("1100", "asset"),
            ("4000", "income"),
        )
    ]

    assert found == ["financing", "financing", "investing", "operating", "operating"]
