"""Pays of one person, as tests state them, and what of the result they look at."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from services.payroll.engine.inputs import (
    Deduction,
    Earning,
    EarningKind,
    Frequency,
    PayInput,
    Treatment,
    YearToDate,
)
from services.payroll.engine.lines import Line, Result
from services.payroll.packs.uk import PACK
from services.payroll.packs.uk.tables import Tables, tables_named

D = Decimal
OLD, NEW = tables_named("2025-26"), tables_named("2026-27")
YEARS = {"2025-26": date(2025, 4, 6), "2026-27": date(2026, 4, 6)}
ROOMY = "1257L"


def declared(**fields: Any) -> Any:
    """Declarations of an ordinary employee, but for what is given."""
    return PACK.declarations.model_validate({"tax_code": ROOMY, "ni_category": "A"} | fields)


def paid(
    amount: str = "0.00",
    *,
    year: str = "2026-27",
    frequency: str = "monthly",
    period: int = 1,
    pay_on: date | None = None,
    period_start: date | None = None,
    earnings: tuple[Earning, ...] | None = None,
    deductions: tuple[Deduction, ...] = (),
    to_date: Mapping[str, str] | None = None,
    **fields: Any,
) -> Result:
    """The result of a pay of so much."""
    day = pay_on or YEARS[year]
    made = earnings if earnings is not None else (Earning("gross", EarningKind.REGULAR, D(amount)),)
    before = YearToDate(**{name: D(value) for name, value in (to_date or {}).items()})
    who = fields.pop("declarations", None) or declared(**fields)
    return PACK.calculate(
        PayInput(day, Frequency(frequency), period, period_start or day, made, who, deductions, before)
    )


def line(result: Result, code: str) -> Line:
    """The one line of a code."""
    found = [each for each in result.lines if each.code == code]
    assert len(found) == 1, f"{len(found)} lines {code}"
    return found[0]


def amount(result: Result, code: str) -> Decimal:
    """What the one line of a code says."""
    return line(result, code).amount


def tax(pay: str, **facts: Any) -> Decimal:
    """Income tax of a pay."""
    return amount(paid(pay, **facts), "uk.paye")


def ni(pay: str, **facts: Any) -> tuple[Decimal, Decimal]:
    """The employee's and the employer's contribution."""
    result = paid(pay, **facts)
    return amount(result, "uk.ni_employee"), amount(result, "uk.ni_employer")


def deduction(code: str, treatment: str, *, of: str | None = None, percent: str | None = None) -> Deduction:
    """A deduction of an amount or a percentage."""
    return Deduction(
        code, Treatment(treatment), None if of is None else D(of), None if percent is None else D(percent)
    )


def tables(year: str) -> Tables:
    """The tables of a year."""
    return tables_named(year)
