"""From what was earned and deducted to the bases of tax and National Insurance.

All earnings but reimbursements are taxable and subject to National Insurance, tips through the payroll included. Pay
given up (salary sacrifice) leaves both bases, a pension by net pay arrangement that of income tax; relief at source and
deductions after tax leave none. A percentage is of all earnings of the period, reimbursements aside (the pensionable
pay of this pack), and takes nothing of negative ones; by relief at source it contains the basic rate that the scheme
claims, and the rest is taken.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from services.payroll.engine.inputs import Deduction, EarningKind, PayInput, Treatment
from services.payroll.engine.lines import Line, LineKind
from services.payroll.engine.rounding import half_up_cent
from services.payroll.packs.uk.amounts import ZERO, step
from services.payroll.packs.uk.declarations import UkDeclarations
from services.payroll.packs.uk.pensions import (
    HUNDREDTH,
    PensionContribution,
    PensionTerms,
    below_minimum,
    contribution,
    net_of_relief,
)
from services.payroll.packs.uk.statutory import NOT_ATTACHABLE
from services.payroll.packs.uk.tables import Pensions, Tables
from shared.values.faults import Invalid

_KNOWN: Final = (
    Treatment.POST_TAX,
    Treatment.NET_PAY_ARRANGEMENT,
    Treatment.RELIEF_AT_SOURCE,
    Treatment.SALARY_SACRIFICE,
)


@dataclass(slots=True)
class Gross:
    """Sums of a pay before taxes, and its lines so far."""

    lines: list[Line]
    gross: Decimal = ZERO
    attachable: Decimal = ZERO
    """Earnings that attachment orders reach, before taxes and deductions."""
    tips: Decimal = ZERO
    sacrificed: Decimal = ZERO
    net_pay: Decimal = ZERO
    """Pension contributions by net pay arrangement."""
    relief_at_source: Decimal = ZERO
    pension: PensionContribution | None = None

    @property
    def ni_earnings(self) -> Decimal:
        """Earnings for National Insurance; pay given up beyond all earnings does not count."""
        return self.gross - min(self.sacrificed, max(self.gross, ZERO))

    @property
    def taxable(self) -> Decimal:
        """Pay for income tax; below zero only when what was earned is."""
        return self.gross - min(self.sacrificed + self.net_pay, max(self.gross, ZERO))


def gross_of(tables: Tables, pay: PayInput, declared: UkDeclarations) -> Gross:
    """Lines of earnings and deductions, and what they sum to; raises Invalid for treatments of other countries."""
    found = Gross([])
    for earning in pay.earnings:
        paid_back = earning.kind is EarningKind.REIMBURSEMENT
        kind = LineKind.REIMBURSEMENT if paid_back else LineKind.EARNING
        found.lines.append(Line(earning.code, kind, earning.amount, rule=f"uk.earning.{earning.kind.value}"))
        if paid_back:
            continue
        found.gross += earning.amount
        if earning.code not in NOT_ATTACHABLE:
            found.attachable += earning.amount
        if earning.kind is EarningKind.TIPS:
            found.tips += earning.amount
    for place, deduction in enumerate(pay.deductions):
        _deduct(tables.pensions, found, deduction, place)
    if declared.pension is not None:
        _contribute(tables, pay, terms_of(declared), found)
    return found


def terms_of(declared: UkDeclarations) -> PensionTerms:
    """The declared pension's terms."""
    pension = declared.pension
    assert pension is not None
    return PensionTerms(
        Treatment(pension.treatment), pension.employee_percent, pension.employer_percent, pension.basis
    )


def _count(found: Gross, treatment: Treatment, amount: Decimal) -> LineKind:
    """Add an amount to the sum of its treatment; what kind of line it makes."""
    if treatment is Treatment.SALARY_SACRIFICE:
        found.sacrificed += amount
        return LineKind.SACRIFICE
    if treatment is Treatment.NET_PAY_ARRANGEMENT:
        found.net_pay += amount
    elif treatment is Treatment.RELIEF_AT_SOURCE:
        found.relief_at_source += amount
    return LineKind.DEDUCTION


def _deduct(pensions: Pensions, found: Gross, deduction: Deduction, place: int) -> None:
    treatment = deduction.treatment
    if treatment not in _KNOWN:
        message = f"The United Kingdom knows no deduction {treatment}."
        raise Invalid.field(f"/deductions/{place}/treatment", "treatment_not_in_pack", message)
    rule = f"uk.deduction.{treatment}"
    if deduction.percent is None:
        assert deduction.amount is not None
        kind = _count(found, treatment, deduction.amount)
        found.lines.append(Line(deduction.code, kind, deduction.amount, rule=rule))
        return
    share, earnings = deduction.percent * HUNDREDTH, max(found.gross, ZERO)
    if treatment is Treatment.RELIEF_AT_SOURCE:
        amount, steps = net_of_relief(pensions, earnings, share)
    else:
        amount = half_up_cent(earnings * share)
        steps = (step("percentage", amount, "half_up_cent", earnings=earnings, share=share),)
    kind = _count(found, treatment, amount)
    line = Line(deduction.code, kind, amount, basis=earnings, rate=share, rule=rule, steps=steps)
    found.lines.append(line)


def _contribute(tables: Tables, pay: PayInput, terms: PensionTerms, found: Gross) -> None:
    paid = contribution(tables.pensions, terms, max(found.gross, ZERO), pay.frequency)
    found.pension = paid
    kind = _count(found, terms.treatment, paid.employee)
    line = Line(
        "uk.pension_employee",
        kind,
        paid.employee,
        basis=paid.basis,
        rate=terms.employee_percent * HUNDREDTH,
        rule=f"uk.pension.{terms.treatment}",
        source=tables.pensions.source,
        steps=paid.employee_steps,
    )
    found.lines.append(line)


def pension_warning(tables: Tables, terms: PensionTerms) -> str | None:
    """A sentence when the terms are below the legal minimum of automatic enrolment."""
    if not below_minimum(tables.pensions, terms):
        return None
    least = tables.pensions
    return (
        f"pension_below_minimum: {least.least_total} per cent of qualifying earnings in all and "
        f"{least.least_employer} per cent by the employer are the least for an enrolled jobholder."
    )
