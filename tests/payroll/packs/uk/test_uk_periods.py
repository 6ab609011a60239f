"""Tax weeks and months: which a request may name, where days of pay lie, frequencies that PAYE does not know."""

from datetime import date

import pytest

from services.payroll.engine.inputs import Frequency
from services.payroll.packs.uk.periods import Unit, period_warning, tax_month, tax_period, tax_week
from shared.values.faults import Invalid
from tests.payroll.packs.uk.given import paid

MOST = {
    "weekly": 53,
    "biweekly": 54,
    "four_weekly": 56,
    "monthly": 12,
    "quarterly": 12,
    "semiannual": 12,
    "annual": 53,
}


@pytest.mark.parametrize("frequency", MOST)
def test_a_period_lies_in_the_tax_year(frequency: str):
    for period in (1, MOST[frequency]):
        paid("100.00", frequency=frequency, period=period)
    for period in (0, -1, MOST[frequency] + 1, 10**9):
        with pytest.raises(Invalid, match="is from 1 to") as refused:
            paid("100.00", frequency=frequency, period=period)
        assert [(e.pointer, e.code) for e in refused.value.errors] == [("/period", "period_out_of_range")]


@pytest.mark.parametrize("frequency", ["daily", "semimonthly"])
def test_a_frequency_that_paye_does_not_know_is_refused(frequency: str):
    with pytest.raises(Invalid, match=f"PAYE knows no {frequency} pay") as refused:
        paid("100.00", frequency=frequency)

    assert [(e.pointer, e.code) for e in refused.value.errors] == [("/frequency", "frequency_not_in_pack")]


@pytest.mark.parametrize(
    ("day", "week", "month"),
    [
        ("2026-04-06", 1, 1),
        ("2026-04-12", 1, 1),
        ("2026-04-13", 2, 1),
        ("2026-05-05", 5, 1),
        ("2026-05-06", 5, 2),
        ("2026-12-31", 39, 9),
        ("2027-01-05", 40, 9),
        ("2027-01-06", 40, 10),
        ("2027-03-31", 52, 12),
        ("2027-04-04", 52, 12),
        ("2027-04-05", 53, 12),
        ("2028-04-04", 53, 12),
        ("2028-04-05", 53, 12),
    ],
)
def test_a_day_lies_in_a_tax_week_and_month(day: str, week: int, month: int):
    found = date.fromisoformat(day)

    assert (tax_week(found), tax_month(found)) == (week, month)


def test_a_period_ends_with_its_last_week_or_month():
    def ends(frequency: Frequency) -> list[int]:
        return [tax_period(frequency, n).number for n in (1, 2, 3, 4, 5, 11, 12)]

    assert ends(Frequency.WEEKLY) == [1, 2, 3, 4, 5, 11, 12]
    assert ends(Frequency.BIWEEKLY) == [2, 2, 4, 4, 6, 12, 12]
    assert ends(Frequency.FOUR_WEEKLY) == [4, 4, 4, 4, 8, 12, 12]
    assert ends(Frequency.MONTHLY) == [1, 2, 3, 4, 5, 11, 12]
    assert ends(Frequency.QUARTERLY) == [3, 3, 3, 6, 6, 12, 12]
    assert ends(Frequency.SEMIANNUAL) == [6, 6, 6, 6, 6, 12, 12]
    assert ends(Frequency.ANNUAL) == [12] * 7


def test_a_period_knows_its_year():
    week, month = tax_period(Frequency.BIWEEKLY, 52), tax_period(Frequency.QUARTERLY, 12)

    assert (week.unit, week.length, week.of_year, week.beyond, week.last) == (Unit.WEEK, 2, 52, False, True)
    assert (month.unit, month.length, month.of_year, month.beyond, month.last) == (
        Unit.MONTH,
        3,
        12,
        False,
        True,
    )
    assert (tax_period(Frequency.WEEKLY, 53).beyond, tax_period(Frequency.WEEKLY, 53).last) == (True, True)
    assert not tax_period(Frequency.WEEKLY, 51).last


def test_pay_that_is_taxed_in_another_period_than_that_of_its_day_is_warned_of():
    assert period_warning(Frequency.WEEKLY, 3, date(2026, 4, 13)) == (
        "period_differs: pay on 2026-04-13 lies in tax week 2, but is taxed in 3."
    )
    assert period_warning(Frequency.MONTHLY, 1, date(2026, 5, 6)) == (
        "period_differs: pay on 2026-05-06 lies in tax month 2, but is taxed in 1."
    )
    for frequency, number in (
        ("weekly", 2),
        ("biweekly", 1),
        ("four_weekly", 4),
        ("monthly", 1),
        ("annual", 7),
    ):
        assert period_warning(Frequency(frequency), number, date(2026, 4, 13)) is None
    assert paid("100.00", period=2).warnings == (
        "period_differs: pay on 2026-04-06 lies in tax month 1, but is taxed in 2.",
    )
