"""Tax weeks and tax months: where a pay period lies in the tax year that begins on 6 April.

Pay by the week, fortnight or four weeks is counted in tax weeks, pay by the month, quarter, half-year or year in tax
months. A fortnight or four weeks counts as its last week: paid in week 1 it is week 2 or 4. A pay day in week 53 has no
tables of its own: weekly pay is then week 53, fortnightly week 54, four-weekly week 56, and PAYE treats each as the
first of the year without what came before. Source: HMRC, Specification for PAYE tax table routines, payments in weeks
53, 54 or 56; PAYE Regulations 2003, regulation 31.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import lru_cache
from typing import Final

from services.payroll.engine.inputs import Frequency
from shared.values.faults import Invalid

_LAST_WEEK: Final = 52
_LAST_MONTH: Final = 12
_DAYS_OF_WEEK: Final = 7
_FIRST_DAY: Final = (4, 6)


class Unit(StrEnum):
    """What the tax year is counted in."""

    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class TaxPeriod:
    """A pay period in the tax year: `length` weeks or months that end with week or month `number`."""

    unit: Unit
    length: int
    number: int
    beyond: bool
    """Week 53, 54 or 56: not part of the 52 weeks of the tables."""
    last: bool
    """No pay period of the tables comes after it in the tax year."""

    @property
    def of_year(self) -> int:
        """Units in a tax year: 52 weeks or 12 months."""
        return _LAST_WEEK if self.unit is Unit.WEEK else _LAST_MONTH


# unit, units in a pay period, highest number that a request may give
_COUNTED: Final = {
    Frequency.WEEKLY: (Unit.WEEK, 1, 53),
    Frequency.BIWEEKLY: (Unit.WEEK, 2, 54),
    Frequency.FOUR_WEEKLY: (Unit.WEEK, 4, 56),
    Frequency.MONTHLY: (Unit.MONTH, 1, 12),
    Frequency.QUARTERLY: (Unit.MONTH, 3, 12),
    Frequency.SEMIANNUAL: (Unit.MONTH, 6, 12),
    # HMRC's test rows of directors count a pay of the whole year as week 52
    Frequency.ANNUAL: (Unit.MONTH, 12, 53),
}


@lru_cache(maxsize=1024)
def tax_period(frequency: Frequency, number: int) -> TaxPeriod:
    """The period that a request names by its tax week or month; raises Invalid at `/frequency` or `/period`."""
    if frequency not in _COUNTED:
        message = f"PAYE knows no {frequency} pay: add it up by tax week or month."
        raise Invalid.field("/frequency", "frequency_not_in_pack", message)
    unit, length, most = _COUNTED[frequency]
    if not 1 <= number <= most:
        message = f"A tax {unit} of {frequency} pay is from 1 to {most}."
        raise Invalid.field("/period", "period_out_of_range", message)
    if frequency is Frequency.ANNUAL:
        number = _LAST_MONTH
    end = -(-number // length) * length
    of_year = _LAST_WEEK if unit is Unit.WEEK else _LAST_MONTH
    return TaxPeriod(unit, length, end, beyond=end > of_year, last=end >= of_year)


def tax_year_start(day: date) -> date:
    """The 6 April that begins the tax year of a day."""
    start = date(day.year, *_FIRST_DAY)
    return start if day >= start else date(day.year - 1, *_FIRST_DAY)


def tax_week(day: date) -> int:
    """The tax week of a day, from 1 to 53."""
    return (day - tax_year_start(day)).days // _DAYS_OF_WEEK + 1


def tax_month(day: date) -> int:
    """The tax month of a day, from 1 (6 April to 5 May) to 12."""
    return (day.month - 4 - (day.day < _FIRST_DAY[1])) % _LAST_MONTH + 1


def period_warning(frequency: Frequency, number: int, pay_on: date) -> str | None:
    """A sentence when the pay day lies in another tax week or month than the one that the pay is taxed in."""
    period = tax_period(frequency, number)
    found = tax_week(pay_on) if period.unit is Unit.WEEK else tax_month(pay_on)
    if tax_period(frequency, found) == period:
        return None
    return (
        f"period_differs: pay on {pay_on} lies in tax {period.unit} {found}, but is taxed in {period.number}."
    )
