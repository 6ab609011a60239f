"""What the tests of the US pack are given: a pay in one line, its lines by code, the data files."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path

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
from services.payroll.packs.us import PACK
from services.payroll.packs.us.declarations import UsDeclarations, UsEmployer

EDITIONS = Path(__file__).parents[4] / "services/payroll/packs/us/editions"
STATUSES = ("single", "married_joint", "head_of_household")
YEARS = (2024, 2025, 2026)


def dollars(text: str | int | Decimal) -> Decimal:
    return Decimal(text)


def earned(kind: str, amount: str, code: str | None = None) -> Earning:
    return Earning(code or kind, EarningKind(kind), Decimal(amount))


def deducted(treatment: str, amount: str | None = None, percent: str | None = None) -> Deduction:
    return Deduction(
        f"a_{treatment}",
        Treatment(treatment),
        None if amount is None else Decimal(amount),
        None if percent is None else Decimal(percent),
    )


def pay(
    gross: str | Decimal = "0.00",
    frequency: str = "weekly",
    *,
    pay_on: str = "2026-03-06",
    period: int = 1,
    period_start: str | None = None,
    earnings: Sequence[Earning] = (),
    deductions: Sequence[Deduction] = (),
    ytd: dict[str, str | Decimal] | None = None,
    employer: UsEmployer | None = None,
    **declared: object,
) -> Result:
    """A calculated pay: plain gross unless there are earnings, and what the person declares by name."""
    return PACK.calculate(
        PayInput(
            pay_on=date.fromisoformat(pay_on),
            frequency=Frequency(frequency),
            period=period,
            period_start=date.fromisoformat(period_start or pay_on),
            earnings=tuple(earnings) or (Earning("gross", EarningKind.REGULAR, Decimal(gross)),),
            declarations=UsDeclarations.model_validate(declared),
            deductions=tuple(deductions),
            year_to_date=YearToDate(**{name: Decimal(text) for name, text in (ytd or {}).items()}),
            employer=employer,
        )
    )


def line(result: Result, code: str) -> Line:
    found = [each for each in result.lines if each.code == code]
    assert len(found) == 1, f"{code}: {[each.code for each in result.lines]}"
    return found[0]


def amounts(result: Result) -> dict[str, Decimal]:
    return {each.code: each.amount for each in result.lines}


def federal(
    gross: str | Decimal, frequency: str = "weekly", *, year: int = 2026, **declared: object
) -> Decimal:
    """Federal income tax on a plain gross pay."""
    return line(pay(gross, frequency, pay_on=f"{year}-03-06", **declared), "us.federal_income_tax").amount


def state_tax(state: str, gross: str, frequency: str = "weekly", **given: object) -> Decimal:
    """State income tax on a plain gross pay; what is no argument of `pay` is of the state's certificate."""
    certificate = {name: given.pop(name) for name in list(given) if name not in ("pay_on", "period_start")}
    result = pay(gross, frequency, state=state, state_declaration=certificate, **given)
    return line(result, "us.state_income_tax").amount


def named(added: Result, measure: str) -> Decimal:
    return dict(added.year_to_date)[measure]
