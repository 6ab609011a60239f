"""Rules of pay schedules: the pay days that follow from an anchor, the days they pay for, their numbers in the year.

All periods are numbered through without end: the n-th pay day follows from the anchor, and a period ends on its pay
day and begins the day after the one before; a monthly one is the calendar month of its pay day. Only when people are
paid (`pay_on`) gives way to weekends and holidays, so periods have neither gaps nor overlaps.
"""

import calendar
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Protocol

from services.payroll.schedules.rules.calendars import PayCalendar, is_working_day
from shared.values.faults import Invalid, Refused

FIRST_DAY: Final = date(1990, 1, 1)
LAST_DAY: Final = date(2150, 12, 31)
LONGEST_LIST: Final = timedelta(days=800)
SHORTEST_MONTH: Final = 28
LEAST_APART: Final = 7
"""Days between the two pay days of a month at least, also over the month's end in a February."""
DAY: Final = timedelta(days=1)
DAYS: Final = {"weekly": 7, "biweekly": 14, "four_weekly": 28}


class Terms(Protocol):
    """What of a schedule its pay days follow from."""

    frequency: str
    anchor: date
    second_anchor: date | None
    pay_day_rule: str
    cut_off_days: int | None


@dataclass(frozen=True, slots=True)
class Period:
    """Days that are paid together.

    `pay_day` is when the schedule says, `pay_on` when people are paid, which differs where `pay_day` is no working
    day. `tax_on` is the day that decides the tax year and the tables, and `number` is the period's in
    `tax_year` (named by the year in which it begins): in the US counted from 1, in the UK the tax week or month.
    """

    number: int
    tax_year: int
    period_start: date
    period_end: date
    pay_day: date
    pay_on: date
    tax_on: date
    cut_off_on: date | None


class NoSuchPeriod(Invalid):
    """No period of the schedule begins on that day (422); the one that the day is in is named."""

    code = "no_such_period"


class ScheduleInUse(Refused):
    """Somebody is paid by it: what its periods follow from stays as it is (409)."""

    code = "schedule_in_use"


def require_sound(terms: Terms, pay_calendar: PayCalendar) -> None:
    """Refuse anchors that do not make a schedule, and a frequency that the country does not know (422)."""
    if terms.frequency not in pay_calendar.frequencies:
        known = ", ".join(sorted(pay_calendar.frequencies))
        raise Invalid.field(
            "/frequency", "frequency_not_in_pack", f"Pack {pay_calendar.pack} knows {known} pay."
        )
    for name in ("anchor", "second_anchor"):
        day = getattr(terms, name)
        if day is not None and not FIRST_DAY <= day <= LAST_DAY:
            raise Invalid.field(
                f"/{name}", "day_out_of_range", f"Must be a day from {FIRST_DAY} to {LAST_DAY}."
            )
    if terms.frequency != "semimonthly":
        if terms.second_anchor is not None:
            raise Invalid.field(
                "/second_anchor", "second_anchor_needless", "Only a semimonthly schedule has a second anchor."
            )
        return
    if terms.second_anchor is None:
        raise Invalid.field("/second_anchor", "missing", "A semimonthly schedule has two pay days a month.")
    days = (_day_of_month(terms.anchor), _day_of_month(terms.second_anchor))
    earlier, later = sorted(min(day, SHORTEST_MONTH) for day in days)
    if min(later - earlier, earlier - later + SHORTEST_MONTH) < LEAST_APART:
        raise Invalid.field(
            "/second_anchor",
            "anchors_too_close",
            f"The two pay days of a month must be at least {LEAST_APART} days apart.",
        )


def pay_day(terms: Terms, n: int) -> date:
    """The n-th pay day: of schedules by weeks from the anchor on, of others from January of the year 1 on."""
    if terms.frequency in DAYS:
        return terms.anchor + timedelta(days=DAYS[terms.frequency] * n)
    if terms.second_anchor is None:
        return _in_month(n, _day_of_month(terms.anchor))
    month, second = divmod(n, 2)
    return _in_month(month, sorted((_day_of_month(terms.anchor), _day_of_month(terms.second_anchor)))[second])


def index_at(terms: Terms, day: date) -> int:
    """Which is the first pay day on or after a day."""
    if terms.frequency in DAYS:
        return -((terms.anchor - day).days // DAYS[terms.frequency])
    month = (day.year - 1) * 12 + day.month - 1
    n = month if terms.second_anchor is None else 2 * month
    while pay_day(terms, n) < day:
        n += 1
    return n


def days_of(terms: Terms, n: int) -> tuple[date, date]:
    """The first and the last day that the n-th pay day pays for."""
    day = pay_day(terms, n)
    if terms.frequency == "monthly":
        return day.replace(day=1), day.replace(day=_last_of(day.year, day.month))
    return pay_day(terms, n - 1) + DAY, day


def paid_on(terms: Terms, n: int, pay_calendar: PayCalendar) -> date:
    """When people are paid: on the n-th pay day, or the next working day before or after it."""
    day = pay_day(terms, n)
    step = -DAY if terms.pay_day_rule == "before" else DAY
    while not is_working_day(pay_calendar, day):
        day += step
    return day


def tax_day(terms: Terms, n: int, pay_calendar: PayCalendar) -> date:
    """The day that decides the tax year of the n-th pay day."""
    return pay_day(terms, n) if pay_calendar.by_pay_day else paid_on(terms, n, pay_calendar)


def first_of_year(terms: Terms, tax_year: int, pay_calendar: PayCalendar) -> int:
    """The first pay day of a tax year; one moved over the year's end counts where its tax day is."""
    start = pay_calendar.year_start(tax_year)
    n = index_at(terms, start)
    while tax_day(terms, n - 1, pay_calendar) >= start:
        n -= 1
    while tax_day(terms, n, pay_calendar) < start:
        n += 1
    return n


def period(terms: Terms, n: int, pay_calendar: PayCalendar) -> Period:
    """The n-th period with its days and its number."""
    first, last = days_of(terms, n)
    pay_on, tax_on = paid_on(terms, n, pay_calendar), tax_day(terms, n, pay_calendar)
    tax_year = pay_calendar.tax_year(tax_on)
    return Period(
        number=(n - first_of_year(terms, tax_year, pay_calendar) + 1) * _step(terms, pay_calendar),
        tax_year=tax_year,
        period_start=first,
        period_end=last,
        pay_day=pay_day(terms, n),
        pay_on=pay_on,
        tax_on=tax_on,
        cut_off_on=None if terms.cut_off_days is None else pay_on - timedelta(days=terms.cut_off_days),
    )


def _step(terms: Terms, pay_calendar: PayCalendar) -> int:
    """By how much the number grows from one period to the next."""
    return DAYS[terms.frequency] // 7 if pay_calendar.in_weeks and terms.frequency in DAYS else 1


def periods_between(terms: Terms, first: date, last: date, pay_calendar: PayCalendar) -> Iterator[Period]:
    """The periods that have a day from `first` to `last`, both included, in order. Raises Invalid (422)."""
    if first > last:
        raise Invalid.field("/query/from", "range_reversed", "`from` must not be after `to`.")
    if last - first > LONGEST_LIST or first < FIRST_DAY or last > LAST_DAY:
        raise Invalid.field(
            "/query/to",
            "range_too_long",
            f"At most {LONGEST_LIST.days} days at once, from {FIRST_DAY} to {LAST_DAY}.",
        )
    n = _index_of(terms, first)
    while days_of(terms, n)[0] <= last:
        yield period(terms, n, pay_calendar)
        n += 1


def period_starting(terms: Terms, day: date, pay_calendar: PayCalendar) -> Period:
    """The period that begins on a day. Raises NoSuchPeriod."""
    if not FIRST_DAY <= day <= LAST_DAY:
        raise NoSuchPeriod(f"Must be a day from {FIRST_DAY} to {LAST_DAY}.")
    found = period(terms, _index_of(terms, day), pay_calendar)
    if found.period_start != day:
        raise NoSuchPeriod(
            f"No period of the schedule begins on {day}; the one of that day is from {found.period_start} "
            f"to {found.period_end}.",
            period_start=str(found.period_start),
            period_end=str(found.period_end),
        )
    return found


def _index_of(terms: Terms, day: date) -> int:
    """Which period a day is in."""
    if terms.frequency == "monthly":
        return (day.year - 1) * 12 + day.month - 1
    return index_at(terms, day)


def _day_of_month(anchor: date) -> int:
    """The day of the month of an anchor; a month's end stays one, as 31."""
    return 31 if anchor.day == _last_of(anchor.year, anchor.month) else anchor.day


def _in_month(months: int, day: int) -> date:
    """A day of the month after so many months since January of the year 1, or its last one."""
    year, month = divmod(months, 12)
    return date(year + 1, month + 1, min(day, _last_of(year + 1, month + 1)))


def _last_of(year: int, month: int) -> int:
    return calendar.monthrange(year, month)[1]
