"""Class 1 National Insurance by the exact percentage method, and the earnings periods of directors.

Thresholds of a week and a month are used as published; those of several weeks or months are the year's, in proportion,
up to the pound. The employee pays on what is between primary threshold and upper earnings limit, and above; the
employer on what is above the secondary threshold, or above the threshold up to which the category is free. What lies up
to and above the upper earnings limit is rounded to the penny separately. Source: HMRC, guidance on the exact percentage
method; National Insurance Manual NIM01206; the lower earnings limit moves no contribution.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Final

from services.payroll.engine.inputs import YearToDate
from services.payroll.engine.lines import Source, Step
from services.payroll.engine.rounding import up_unit
from services.payroll.packs.uk.amounts import NOUGHT, ZERO, ni_penny, step
from services.payroll.packs.uk.periods import TaxPeriod, Unit, tax_month, tax_week, tax_year_start
from services.payroll.packs.uk.tables import Category, Tables
from shared.values.faults import Invalid

WEEKS: Final = 52
_Part = tuple[Decimal, Decimal, Decimal]
"""Earnings, rate, contribution."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Thresholds of one earnings period for one category, in whole pounds."""

    primary: Decimal
    employer_from: Decimal
    upper: Decimal


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one side owes for a pay: `basis` is the earnings that any of it was due on; negative when paid too much."""

    amount: Decimal
    basis: Decimal
    rate: Decimal | None
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Contributions:
    """Both sides of a pay, with the rule and the source that they share."""

    employee: Contribution
    employer: Contribution
    rule: str
    source: Source


def category_named(tables: Tables, letter: str) -> Category:
    """A category of the edition; raises Invalid at `/declarations/ni_category`."""
    found = tables.categories.get(letter)
    if found is None:
        known = ", ".join(tables.categories)
        message = f"National Insurance category {letter} is not in the tables of {tables.edition} ({known})."
        raise Invalid.field("/declarations/ni_category", "unknown_ni_category", message)
    return found


def _threshold(tables: Tables, name: str, unit: Unit, length: int) -> Decimal:
    found = tables.thresholds[name]
    if length == 1:
        return found.week if unit is Unit.WEEK else found.month
    return up_unit(found.year * length / (WEEKS if unit is Unit.WEEK else 12))


@lru_cache(maxsize=1024)
def period_limits(tables: Tables, category: Category, unit: Unit, length: int) -> Limits:
    """Thresholds of an earnings period of so many weeks or months."""
    free = category.employer_free_up_to or "secondary_threshold"
    names = ("primary_threshold", free, "upper_earnings_limit")
    return Limits(*(_threshold(tables, name, unit, length) for name in names))


@lru_cache(maxsize=1024)
def director_limits(tables: Tables, category: Category, weeks: int) -> Limits:
    """Thresholds of a director's year, or of what was left of it at the appointment: in proportion, up to the pound."""
    free = category.employer_free_up_to or "secondary_threshold"
    names = ("primary_threshold", free, "upper_earnings_limit")
    return Limits(*(up_unit(tables.thresholds[name].year * weeks / WEEKS) for name in names))


def weeks_of_directorship(appointed_on: date | None, pay_on: date, period: TaxPeriod) -> int:
    """Tax weeks from the week of the appointment to the end of the tax year, 52 for who was a director before it.

    Week 53 counts as one week. Raises Invalid for an appointment after the tax week or month that is paid.
    """
    if appointed_on is None or appointed_on < tax_year_start(pay_on):
        return WEEKS
    week = tax_week(appointed_on)
    begun = week if period.unit is Unit.WEEK else tax_month(appointed_on)
    if tax_year_start(appointed_on) != tax_year_start(pay_on) or begun > period.number:
        message = f"Appointed after tax {period.unit} {period.number}: not yet a director then."
        raise Invalid.field("/declarations/director/appointed_on", "appointed_after_pay", message)
    return max(WEEKS + 1 - week, 1)


def _employee(category: Category, limits: Limits, earnings: Decimal) -> Contribution:
    start = {"primary_threshold": limits.primary}
    main = min(earnings, limits.upper) - limits.primary
    if main <= 0:
        return Contribution(ZERO, NOUGHT, category.employee_main, _nothing(earnings, start))
    above = max(earnings - limits.upper, NOUGHT)
    lower, higher = ni_penny(main * category.employee_main), ni_penny(above * category.employee_above)
    parts = ((main, category.employee_main, lower), (above, category.employee_above, higher))
    steps = _steps(earnings, start, limits.upper, *parts)
    rate = category.employee_main if above == 0 or category.employee_main == category.employee_above else None
    return Contribution(lower + higher, main + above, rate, steps)


def _employer(category: Category, limits: Limits, earnings: Decimal) -> Contribution:
    start = {"employer_from": limits.employer_from}
    basis = earnings - limits.employer_from
    if basis <= 0:
        return Contribution(ZERO, NOUGHT, category.employer, _nothing(earnings, start))
    above = max(earnings - limits.upper, NOUGHT)
    main = basis - above
    lower, higher = ni_penny(main * category.employer), ni_penny(above * category.employer)
    parts = ((main, category.employer, lower), (above, category.employer, higher))
    steps = _steps(earnings, start, limits.upper, *parts)
    return Contribution(lower + higher, basis, category.employer, steps)


def _nothing(earnings: Decimal, start: Mapping[str, Decimal]) -> tuple[Step, ...]:
    return (step("below_threshold", ZERO, None, earnings=earnings, **start),)


def _steps(
    earnings: Decimal, start: Mapping[str, Decimal], upper: Decimal, main: _Part, above: _Part
) -> tuple[Step, ...]:
    """Both parts with the limits that they lie between; `start` is the threshold they begin at, by its name."""
    limits = {"earnings": earnings, **start, "upper_earnings_limit": upper}
    up_to = step("up_to_upper_limit", main[2], "ni_penny", **limits, band=main[0], rate=main[1])
    if above[0] == 0:
        return (up_to,)
    limits = {"earnings": earnings, "upper_earnings_limit": upper}
    return up_to, step("above_upper_limit", above[2], "ni_penny", **limits, band=above[0], rate=above[1])


def _source(tables: Tables, category: Category, source: Source, length: int) -> Source:
    """The source, marked where the category uses a threshold of the week or month that nobody has seen in print."""
    name = category.employer_free_up_to
    if name is None or length > 1 or (unseen := tables.thresholds[name].unconfirmed) is None:
        return source
    marks = "; ".join(mark for mark in (source.unconfirmed, f"{name}: {unseen}") if mark)
    return replace(source, unconfirmed=marks)


def employee_contributions(
    tables: Tables, category: Category, period: TaxPeriod, earnings: Decimal
) -> Contributions:
    """Contributions of an employee's pay: every period by itself."""
    limits = period_limits(tables, category, period.unit, period.length)
    source = _source(tables, category, tables.ni_source, period.length)
    return Contributions(
        _employee(category, limits, earnings), _employer(category, limits, earnings), "uk.ni.period", source
    )


def director_contributions(
    tables: Tables, category: Category, weeks: int, earnings: Decimal, before: YearToDate, rule: str
) -> Contributions:
    """Contributions of a director's pay: those of the year's earnings to date, less what was paid.

    `before` holds the earnings and contributions as a director before this pay.
    """
    limits = director_limits(tables, category, weeks)
    to_date = before.ni_earnings + earnings
    return Contributions(
        _less_paid(_employee(category, limits, to_date), before.ni_employee),
        _less_paid(_employer(category, limits, to_date), before.ni_employer),
        rule,
        tables.directors_source,
    )


def _less_paid(due: Contribution, paid: Decimal) -> Contribution:
    amount = due.amount - paid
    done = step("less_paid_before", amount, due_to_date=due.amount, paid=paid)
    return Contribution(amount, due.basis, due.rate, (*due.steps, done))
