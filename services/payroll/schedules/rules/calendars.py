"""Calendars of pay: when a tax year begins, and on which days nobody is paid.

United Kingdom: the tax year begins on 6 April (Income Tax Act 2007 s. 4), holidays are the bank holidays of England and
Wales with their substitute days (Banking and Financial Dealings Act 1971 sch. 1; GOV.UK, bank holidays). A payment
that is made early or late because the regular pay day is no banking day counts on the regular pay day (HMRC CWG2,
paydays on non-banking days; for National Insurance SI 2001/1004 reg. 7, manual NIM08700), so the pay day decides the
tax year; the extra pay day of a year is week 53, 54 or 56 (manual PAYE70015).
United States: the calendar year in which wages are paid (26 U.S.C. s. 3121(a), 3402(a)), so the day of payment decides.
Holidays are those of the Federal Reserve Banks, without which no ACH payment settles: the days of 5 U.S.C. s. 6103(a),
those on a Sunday on the Monday after it; for those on a Saturday the Banks are open on the Friday before (Federal
Reserve Financial Services, holiday schedules), other than federal offices (s. 6103(b)).
Holidays come from the package `holidays`, of which no day is kept here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Final

import holidays

from shared.values.faults import Invalid

_SATURDAY: Final = 5
_SUNDAY: Final = 6


@dataclass(frozen=True, slots=True)
class PayCalendar:
    """A country's year of pay.

    `by_pay_day`: the schedule's pay day decides the tax year, else the day of payment. `in_weeks`: pay of several weeks
    is numbered by the last of its tax weeks (HMRC: fortnights 2, 4, ... 54, four weeks 4, 8, ... 56), else one by one.
    """

    pack: str
    country: str
    subdivision: str | None
    year_starts: tuple[int, int]
    """Month and day."""
    by_pay_day: bool
    in_weeks: bool
    only_sundays_move: bool
    """Holidays on a Sunday are observed on the Monday after it, those on a Saturday on no other day."""
    frequencies: frozenset[str]

    def year_start(self, tax_year: int) -> date:
        """The first day of the tax year that begins in a calendar year."""
        month, day = self.year_starts
        return date(tax_year, month, day)

    def tax_year(self, day: date) -> int:
        """The calendar year in which the tax year of a day begins."""
        return day.year if day >= self.year_start(day.year) else day.year - 1

    def year_end(self, tax_year: int) -> date:
        """The last day of a tax year."""
        return self.year_start(tax_year + 1) - timedelta(days=1)


_BY_WEEK: Final = frozenset({"weekly", "biweekly", "four_weekly"})
CALENDARS: Final[Mapping[str, PayCalendar]] = {
    "uk": PayCalendar(
        "uk", "GB", "ENG", (4, 6), by_pay_day=True, in_weeks=True, only_sundays_move=False,
        frequencies=_BY_WEEK | {"monthly"},
    ),
    "us": PayCalendar(
        "us", "US", None, (1, 1), by_pay_day=False, in_weeks=False, only_sundays_move=True,
        frequencies=_BY_WEEK | {"semimonthly", "monthly"},
    ),
}  # fmt: skip


def calendar_of(pack: str) -> PayCalendar:
    """The calendar of a pack; refuses a pack that has none (422)."""
    found = CALENDARS.get(pack)
    if found is None:
        known = ", ".join(sorted(CALENDARS))
        raise Invalid.field("/pack", "unknown_pack", f"There is no such pack; there is {known}.")
    return found


def is_working_day(pay_calendar: PayCalendar, day: date) -> bool:
    """Whether people are paid on a day: neither a weekend nor a holiday."""
    return day.weekday() < _SATURDAY and day not in _holidays(pay_calendar, day.year)


@lru_cache(maxsize=512)
def _holidays(pay_calendar: PayCalendar, year: int) -> frozenset[date]:
    """The holidays of a year as they are observed."""
    country, subdivision = pay_calendar.country, pay_calendar.subdivision
    moved = pay_calendar.only_sundays_move
    days = holidays.country_holidays(country, subdiv=subdivision, years=year, observed=not moved)
    return frozenset(_monday_after(day) if moved else day for day in days)


def _monday_after(day: date) -> date:
    """The Monday after a Sunday; any other day stays."""
    return day + timedelta(days=1) if day.weekday() == _SUNDAY else day
