"""The figures of one edition as typed tables, parsed once; all amounts in pounds, all rates fractions."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, Final

from services.payroll.engine.editions import Edition, editions_in
from services.payroll.engine.inputs import Frequency
from services.payroll.engine.lines import Source
from services.payroll.packs.uk.order_tables import OrderTables, order_tables

NAME: Final = "uk"
_FOLDER: Final = Path(__file__).parent / "editions"


@dataclass(frozen=True, slots=True, eq=False)
class Country:
    """Income tax of the rest of the UK, Scotland or Wales.

    `limits` are the upper ends of the bands of taxable pay in a year, `below` the tax on all of a year's bands below,
    both one shorter and one longer than could be: the last band has no end, the first nothing below.
    """

    name: str
    rates: tuple[Decimal, ...]
    limits: tuple[Decimal, ...]
    below: tuple[Decimal, ...]
    flat: Mapping[str, Decimal]
    emergency_code: str


@dataclass(frozen=True, slots=True, eq=False)
class Threshold:
    """A threshold of National Insurance as published; `unconfirmed` says what was not seen in print."""

    week: Decimal
    month: Decimal
    year: Decimal
    unconfirmed: str | None


@dataclass(frozen=True, slots=True, eq=False)
class Category:
    """Rates of a category letter: the employee's up to and above the upper earnings limit, the employer's, and the name
    of the threshold up to which the employer pays nothing."""

    letter: str
    employee_main: Decimal
    employee_above: Decimal
    employer: Decimal
    employer_free_up_to: str | None


@dataclass(frozen=True, slots=True, eq=False)
class Pensions:
    """Automatic enrolment: levels per pay reference period, legal minimum in per cent, ages in whole years."""

    lower: Mapping[Frequency, Decimal]
    upper: Mapping[Frequency, Decimal]
    trigger: Mapping[Frequency, Decimal]
    relief: Decimal
    least_total: Decimal
    least_employer: Decimal
    ages: tuple[int, int, int]
    """Youngest of all, youngest who is enrolled, oldest of all."""
    source: Source
    minimum_source: Source


@dataclass(frozen=True, slots=True, eq=False)
class WageRates:
    """National minimum wage per hour by `apprentice`, `under_18`, `age_18_to_20`, `age_21_and_over`, for pay reference
    periods that begin within the two days."""

    valid_from: date
    valid_to: date
    rates: Mapping[str, Decimal]


@dataclass(frozen=True, slots=True, eq=False)
class SickPay:
    """Statutory sick pay: `earnings_share` and `lower_earnings_limit` only where the year's rules have one."""

    weekly_rate: Decimal
    earnings_share: Decimal | None
    waiting_days: int
    lower_earnings_limit: Decimal | None
    maximum_weeks: int
    source: Source


@dataclass(frozen=True, slots=True, eq=False)
class ParentalPay:
    """Statutory parental pay: flat rate, share of average weekly earnings, weeks of each payment."""

    weekly_rate: Decimal
    share: Decimal
    first_weeks: int
    weeks: Mapping[str, int]
    lower_earnings_limit: Decimal
    source: Source


@dataclass(frozen=True, slots=True, eq=False)
class Employer:
    """What employers owe or may keep in a tax year."""

    employment_allowance: Decimal
    levy_allowance: Decimal
    levy_rate: Decimal
    recovery: Decimal
    small_employer_recovery: Decimal
    small_employer_limit: Decimal
    source: Source


@dataclass(frozen=True, slots=True, eq=False)
class Tables:
    """All tables of an edition."""

    edition: str
    valid_from: date
    countries: Mapping[str, Country]
    tax_source: Source
    overriding_limit: Decimal
    thresholds: Mapping[str, Threshold]
    categories: Mapping[str, Category]
    ni_source: Source
    directors_source: Source
    plans: Mapping[str, Decimal]
    postgraduate: Decimal
    loan_rate: Decimal
    postgraduate_rate: Decimal
    loan_source: Source
    pensions: Pensions
    wages: tuple[WageRates, ...]
    sick_pay: SickPay
    parental: ParentalPay
    employer: Employer
    orders: OrderTables
    starter_source: Source
    holiday_weeks: int
    look_back_weeks: int
    holiday_source: Source


def editions() -> tuple[Edition, ...]:
    """All editions, oldest first."""
    return editions_in(NAME, _FOLDER)


@cache
def tables_named(edition: str) -> Tables:
    """The tables of an edition by its name (`2026-27`)."""
    found = next(e for e in editions() if e.edition == edition)
    figures, sources = found.figures, _Sources(found.sources)
    tax, ni, loans = figures["income_tax"], figures["national_insurance"], figures["student_loans"]
    holiday, statutory = figures["holiday_pay"], figures["statutory"]
    return Tables(
        edition=edition,
        valid_from=found.valid_from,
        countries={name: _country(name, facts) for name, facts in tax["countries"].items()},
        tax_source=sources.of(tax),
        overriding_limit=Decimal(tax["overriding_limit"]),
        thresholds={name: _threshold(facts) for name, facts in ni["thresholds"].items()},
        categories={letter: _category(letter, facts) for letter, facts in ni["categories"].items()},
        ni_source=sources.of(ni),
        directors_source=sources.named(ni["directors_source"], ni.get("unconfirmed")),
        plans={name: Decimal(plan["year"]) for name, plan in loans["plans"].items()},
        postgraduate=Decimal(loans["postgraduate"]["year"]),
        loan_rate=Decimal(loans["rate"]),
        postgraduate_rate=Decimal(loans["postgraduate_rate"]),
        loan_source=sources.of(loans),
        pensions=_pensions(figures["pensions"], sources),
        wages=tuple(_wages(rates) for rates in figures["minimum_wage"]["rates"]),
        sick_pay=_sick_pay(statutory["sick_pay"], sources),
        parental=_parental(statutory["parental"], sources),
        employer=_employer(figures["employer"], sources),
        orders=order_tables(figures["orders"], sources.named),
        starter_source=sources.of(figures["starters"]),
        holiday_weeks=int(holiday["weeks"]),
        look_back_weeks=int(holiday["look_back_weeks"]),
        holiday_source=sources.of(holiday),
    )


class _Sources:
    """Sources of an edition by key."""

    def __init__(self, known: Mapping[str, Any]) -> None:
        self._known = known

    def named(self, key: str, unconfirmed: str | None = None) -> Source:
        """A source, marked with what is not confirmed of it."""
        facts = self._known[key]
        return Source(facts["publication"], facts["table"], facts["year"], unconfirmed)

    def of(self, section: Mapping[str, Any]) -> Source:
        """The source that a section names."""
        return self.named(section["source"], section.get("unconfirmed"))


def _country(name: str, facts: Mapping[str, Any]) -> Country:
    rates = tuple(Decimal(band["rate"]) for band in facts["bands"])
    limits = tuple(Decimal(band["up_to"]) for band in facts["bands"][:-1])
    below = [Decimal(0)]
    for lower, upper, rate in zip((Decimal(0), *limits), limits, rates, strict=False):
        below.append(below[-1] + (upper - lower) * rate)
    flat = {code: Decimal(rate) for code, rate in facts["flat_codes"].items()}
    return Country(name, rates, limits, tuple(below), flat, facts["emergency_code"])


def _threshold(facts: Mapping[str, str]) -> Threshold:
    week, month, year = (Decimal(facts[key]) for key in ("week", "month", "year"))
    return Threshold(week, month, year, facts.get("unconfirmed"))


def _category(letter: str, facts: Mapping[str, Any]) -> Category:
    main, above, employer = (Decimal(facts[key]) for key in ("employee_main", "employee_above", "employer"))
    return Category(letter, main, above, employer, facts["employer_free_up_to"])


def _pensions(facts: Mapping[str, Any], sources: _Sources) -> Pensions:
    levels = [
        {Frequency(name): Decimal(value) for name, value in facts[key].items()}
        for key in ("lower_level", "upper_level", "trigger")
    ]
    relief, total, own = (
        Decimal(facts[key])
        for key in ("basic_rate_relief", "minimum_total_percent", "minimum_employer_percent")
    )
    ages = (int(facts["youngest_age"]), int(facts["youngest_eligible_age"]), int(facts["oldest_age"]))
    minimum = sources.named(facts["minimum_source"])
    return Pensions(levels[0], levels[1], levels[2], relief, total, own, ages, sources.of(facts), minimum)


def _wages(facts: Mapping[str, str]) -> WageRates:
    rates = {name: Decimal(value) for name, value in facts.items() if name not in ("from", "to")}
    return WageRates(date.fromisoformat(facts["from"]), date.fromisoformat(facts["to"]), rates)


def _sick_pay(facts: Mapping[str, Any], sources: _Sources) -> SickPay:
    share, limit = facts["earnings_share"], facts["lower_earnings_limit"]
    return SickPay(
        weekly_rate=Decimal(facts["weekly_rate"]),
        earnings_share=None if share is None else Decimal(share),
        waiting_days=int(facts["waiting_days"]),
        lower_earnings_limit=None if limit is None else Decimal(limit),
        maximum_weeks=int(facts["maximum_weeks"]),
        source=sources.of(facts),
    )


def _parental(facts: Mapping[str, Any], sources: _Sources) -> ParentalPay:
    rate, share, limit = (Decimal(facts[key]) for key in ("weekly_rate", "share", "lower_earnings_limit"))
    weeks = {name: int(count) for name, count in facts["weeks"].items()}
    return ParentalPay(rate, share, int(facts["first_weeks"]), weeks, limit, sources.of(facts))


def _employer(facts: Mapping[str, Any], sources: _Sources) -> Employer:
    return Employer(
        employment_allowance=Decimal(facts["employment_allowance"]),
        levy_allowance=Decimal(facts["levy_allowance"]),
        levy_rate=Decimal(facts["levy_rate"]),
        recovery=Decimal(facts["recovery"]),
        small_employer_recovery=Decimal(facts["small_employer_recovery"]),
        small_employer_limit=Decimal(facts["small_employer_limit"]),
        source=sources.of(facts),
    )
