"""Workplace pensions: who must be enrolled, qualifying earnings, and contributions by tax treatment.

Source: Pensions Act 2008, sections 1 to 5, 13, 16 and 20; levels of The Pensions Regulator per pay reference period.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final

from services.payroll.engine.inputs import Frequency, Treatment
from services.payroll.engine.lines import Step
from services.payroll.engine.rounding import half_up_cent
from services.payroll.packs.uk.amounts import NOUGHT, ZERO, step
from services.payroll.packs.uk.tables import Pensions
from shared.values.faults import Invalid

HUNDREDTH: Final = Decimal("0.01")


class WorkerKind(StrEnum):
    """What an employer owes a worker by age and earnings."""

    ELIGIBLE_JOBHOLDER = "eligible_jobholder"
    """Must be enrolled."""
    NON_ELIGIBLE_JOBHOLDER = "non_eligible_jobholder"
    """May opt in; the employer then contributes."""
    ENTITLED_WORKER = "entitled_worker"
    """May join; the employer need not contribute."""
    OUTSIDE = "outside"
    """Too young or too old."""


class PensionBasis(StrEnum):
    """What contributions are a percentage of."""

    QUALIFYING_EARNINGS = "qualifying_earnings"
    """What lies between the lower and the upper level of the pay reference period."""
    GROSS_EARNINGS = "gross_earnings"
    """All earnings of the period."""


@dataclass(frozen=True, slots=True)
class PensionTerms:
    """A scheme's terms: percentages (5 is five per cent) of the basis. The employee's includes tax relief."""

    treatment: Treatment
    employee_percent: Decimal
    employer_percent: Decimal
    basis: PensionBasis


@dataclass(frozen=True, slots=True)
class PensionContribution:
    """What is taken from pay, and what the employer pays into the scheme (with pay given up for it)."""

    basis: Decimal
    employee: Decimal
    employer: Decimal
    employee_steps: tuple[Step, ...]
    employer_steps: tuple[Step, ...]


def _level(levels: Mapping[Frequency, Decimal], frequency: Frequency) -> Decimal:
    """A level of a pay reference period; raises Invalid at `/frequency` where none is published."""
    if frequency not in levels:
        raise Invalid.field("/frequency", "frequency_not_in_pack", f"No pension level for {frequency} pay.")
    return levels[frequency]


def assess_worker(
    pensions: Pensions, age: int, over_pension_age: bool, earnings: Decimal, frequency: Frequency
) -> WorkerKind:
    """What a worker is in a pay reference period: `age` in whole years on its first day.

    Enrolled is who is at least 22, under state pension age, and earns more than the trigger. Who earns no more than the
    lower level of qualifying earnings is an entitled worker. Under 16 and from 75 there is no duty.
    """
    youngest, eligible, oldest = pensions.ages
    if not youngest <= age <= oldest:
        return WorkerKind.OUTSIDE
    if earnings <= _level(pensions.lower, frequency):
        return WorkerKind.ENTITLED_WORKER
    of_age = age >= eligible and not over_pension_age
    if of_age and earnings > _level(pensions.trigger, frequency):
        return WorkerKind.ELIGIBLE_JOBHOLDER
    return WorkerKind.NON_ELIGIBLE_JOBHOLDER


def qualifying_earnings(pensions: Pensions, earnings: Decimal, frequency: Frequency) -> Decimal:
    """What of the earnings lies above the lower and up to the upper level of the pay reference period."""
    lower, upper = _level(pensions.lower, frequency), _level(pensions.upper, frequency)
    return max(min(earnings, upper) - lower, ZERO)


def contribution(
    pensions: Pensions, terms: PensionTerms, earnings: Decimal, frequency: Frequency
) -> PensionContribution:
    """Contributions of a period, each to the nearest penny.

    With relief at source the scheme claims the basic rate from HMRC, so that only the rest is taken from pay. Pay given
    up by salary sacrifice is paid in by the employer.
    """
    basis = earnings
    explained: tuple[Step, ...] = ()
    if terms.basis is PensionBasis.QUALIFYING_EARNINGS:
        basis, explained = _qualifying(pensions, earnings, frequency)
    share = terms.employee_percent * HUNDREDTH
    employee, employee_steps = _employee(pensions, terms.treatment, basis, share)
    employer = half_up_cent(basis * terms.employer_percent * HUNDREDTH)
    done = step("employer", employer, "half_up_cent", basis=basis, percent=terms.employer_percent)
    steps: tuple[Step, ...] = (*explained, done)
    if terms.treatment is Treatment.SALARY_SACRIFICE:
        total = employer + employee
        steps = (*steps, step("with_pay_given_up", total, employer=employer, given_up=employee))
        employer = total
    return PensionContribution(basis, employee, employer, (*explained, *employee_steps), steps)


def _qualifying(
    pensions: Pensions, earnings: Decimal, frequency: Frequency
) -> tuple[Decimal, tuple[Step, ...]]:
    """Qualifying earnings with the levels that they lie between."""
    basis = qualifying_earnings(pensions, earnings, frequency)
    levels = {"lower_level": pensions.lower[frequency], "upper_level": pensions.upper[frequency]}
    return basis, (step("qualifying_earnings", basis, None, earnings=earnings, **levels),)


def _employee(
    pensions: Pensions, treatment: Treatment, basis: Decimal, share: Decimal
) -> tuple[Decimal, tuple[Step, ...]]:
    """What is taken from pay of a gross contribution of so large a share."""
    if treatment is Treatment.RELIEF_AT_SOURCE:
        return net_of_relief(pensions, basis, share)
    amount = half_up_cent(basis * share)
    return amount, (step("employee", amount, "half_up_cent", basis=basis, share=share),)


def net_of_relief(pensions: Pensions, basis: Decimal, share: Decimal) -> tuple[Decimal, tuple[Step, ...]]:
    """A contribution of a share of the basis less the basic rate that the scheme claims, to the nearest penny."""
    amount = half_up_cent(basis * share * (1 - pensions.relief))
    inputs = {"basis": basis, "share": share, "relief": pensions.relief}
    return amount, (step("employee_net_of_relief", amount, "half_up_cent", **inputs),)


def below_minimum(pensions: Pensions, terms: PensionTerms) -> bool:
    """Whether contributions on qualifying earnings are less than the law asks of an enrolled jobholder."""
    if terms.basis is not PensionBasis.QUALIFYING_EARNINGS:
        return False
    employer = terms.employer_percent
    employee = terms.employee_percent
    if terms.treatment is Treatment.SALARY_SACRIFICE:
        employer, employee = employer + employee, NOUGHT
    return employer < pensions.least_employer or employer + employee < pensions.least_total
