"""The ledger's arithmetic and refusals, without a database."""

from datetime import date
from uuid import uuid4

import pytest

from services.billing.ledger.rules import (
    LIFECYCLE,
    DateBounds,
    DateOutOfRange,
    Posting,
    ReversalOfReversal,
    UnbalancedEntry,
    a_year_after,
    check_entry,
    check_reversal,
    fiscal_year_start,
    mirrored,
    month_end,
    month_of,
)
from shared.values.faults import Invalid
from shared.values.money import Money


def line(minor: int, currency: str = "GBP") -> Posting:
    return Posting("1000", Money(minor, currency))


def test_an_entry_balances_in_each_currency_by_itself():
    check_entry([line(5), line(-5), line(7, "JPY"), line(-7, "JPY")])

    with pytest.raises(UnbalancedEntry) as refused:
        check_entry([line(5), line(-5, "EUR")])

    assert (
        refused.value.errors[0].message
        == "Debits less credits: -5 minor units of EUR, +5 minor units of GBP."
    )


@pytest.mark.parametrize("lines", [[], [line(0)], [line(1)]])
def test_an_entry_has_two_lines(lines: list[Posting]):
    with pytest.raises(UnbalancedEntry):
        check_entry(lines)


def test_a_line_of_nothing_is_refused():
    with pytest.raises(Invalid) as refused:
        check_entry([line(1), line(-1), line(0)])

    assert refused.value.errors[0].pointer == "/lines/2"


def test_a_mirror_undoes_an_entry_line_by_line():
    item = uuid4()
    lines = [Posting("1100", Money(12, "GBP"), item, {"team": "north"}), Posting("4000", Money(-12, "GBP"))]

    mirror = mirrored(lines)

    assert mirror[0] == Posting("1100", Money(-12, "GBP"), item, {"team": "north"})
    assert mirrored(mirror) == lines


def test_a_reversal_comes_after_its_entry_and_is_final():
    check_reversal(effective_on=date(2025, 3, 1), original_on=date(2025, 3, 1), reverses_id=None)

    with pytest.raises(Invalid, match="2025-03-02"):
        check_reversal(effective_on=date(2025, 3, 1), original_on=date(2025, 3, 2), reverses_id=None)
    with pytest.raises(ReversalOfReversal):
        check_reversal(effective_on=date(2025, 3, 2), original_on=date(2025, 3, 2), reverses_id=uuid4())


def test_a_month_knows_its_days():
    assert month_of(date(2024, 2, 17)) == date(2024, 2, 1)
    assert [month_end(date(y, 2, 1)).day for y in (2023, 2024, 2100)] == [28, 29, 28]


def test_a_year_begins_in_its_month():
    assert fiscal_year_start(date(2025, 12, 31), 1) == date(2025, 1, 1)
    assert fiscal_year_start(date(2025, 3, 31), 4) == date(2024, 4, 1)
    assert fiscal_year_start(date(2025, 4, 1), 4) == date(2025, 4, 1)
    assert a_year_after(date(2024, 2, 29)) == date(2025, 2, 28)
    assert a_year_after(date(2025, 1, 31)) == date(2026, 1, 31)


def test_a_day_lies_within_its_bounds():
    bounds = DateBounds(date(2025, 1, 1), date(2025, 12, 31))
    for day in (None, bounds.first, bounds.last):
        bounds.require("/on", day)

    for day in (date(2024, 12, 31), date(2026, 1, 1)):
        with pytest.raises(DateOutOfRange, match="2025-01-01 to 2025-12-31") as refused:
            bounds.require("/on", day)
        assert refused.value.errors[0].pointer == "/on"


def test_periods_close_and_reopen():
    assert LIFECYCLE.allowed("open") == ["close"]
    assert LIFECYCLE.allowed("closed") == ["reopen"]
