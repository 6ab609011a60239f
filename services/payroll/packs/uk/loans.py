"""Student loan and postgraduate loan deductions.

A share of what the earnings of a period exceed a year's threshold divided by weeks or months (cut to the penny), cut to
the whole pound; never of earlier periods. Of several plans the one with the lowest threshold counts; a postgraduate
loan comes on top. Earnings are those of National Insurance, and so is the earnings period: a director by the annual
method pays by the year to date. Source: HMRC, Student loan and postgraduate loan repayment: guidance for employers;
Collection of Student Loans Manual CSLM10125, CSLM17070.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal
from typing import Final

from services.payroll.engine.inputs import YearToDate
from services.payroll.engine.lines import Step
from services.payroll.engine.rounding import cut_cent
from services.payroll.packs.uk.amounts import NOUGHT, ZERO, step
from services.payroll.packs.uk.national_insurance import WEEKS
from services.payroll.packs.uk.periods import TaxPeriod
from services.payroll.packs.uk.tables import Tables
from shared.values.faults import Invalid

_PENCE: Final = Decimal("0.00")


@dataclass(frozen=True, slots=True)
class Repayment:
    """A deduction in whole pounds from `basis`, the earnings above the threshold."""

    amount: Decimal
    basis: Decimal
    rate: Decimal
    steps: tuple[Step, ...]


def lowest_plan(tables: Tables, plans: Sequence[str]) -> str:
    """The plan that counts among those declared; raises Invalid for one that the edition does not collect."""
    for plan in plans:
        if plan not in tables.plans:
            known = ", ".join(tables.plans)
            message = f"Student loan {plan} is not collected in {tables.edition} ({known} are)."
            raise Invalid.field("/declarations/student_loans", "unknown_student_loan", message)
    return min(plans, key=lambda plan: tables.plans[plan])


def _of_period(annual: Decimal, rate: Decimal, earnings: Decimal, length: int, of_year: int) -> Repayment:
    threshold = cut_cent(annual * length / of_year)
    above = earnings - threshold
    first = step("threshold", threshold, "cut_cent", annual=annual, units=length, of_year=of_year)
    if above <= 0:
        return Repayment(ZERO, NOUGHT, rate, (first,))
    amount = (above * rate).to_integral_value(ROUND_FLOOR) + _PENCE
    done = step("repayment", amount, "floor_unit", earnings=earnings, threshold=threshold, rate=rate)
    return Repayment(amount, above, rate, (first, done))


def repayment(annual: Decimal, rate: Decimal, earnings: Decimal, period: TaxPeriod) -> Repayment:
    """What is taken of the earnings of a period for a loan with this threshold a year."""
    return _of_period(annual, rate, earnings, period.length, period.of_year)


def director_repayment(
    annual: Decimal, rate: Decimal, earnings: Decimal, weeks: int, before: YearToDate
) -> Repayment:
    """What is taken of a director's earnings of the year to date, less what was to be taken before this pay."""
    to_date = _of_period(annual, rate, before.ni_earnings + earnings, weeks, WEEKS)
    earlier = _of_period(annual, rate, before.ni_earnings, weeks, WEEKS)
    amount = to_date.amount - earlier.amount
    done = step("less_taken_before", amount, to_date=to_date.amount, before=earlier.amount)
    return Repayment(amount, to_date.basis, rate, (*to_date.steps, done))
