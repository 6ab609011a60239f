"""California, DE 44: Method B, the exact calculation method."""

from decimal import Decimal
from typing import Any, Final

from services.payroll.engine.inputs import ZERO, Frequency
from services.payroll.engine.rounding import half_up_cent
from services.payroll.packs.us.certificates import California
from services.payroll.packs.us.states.pay import StatePay
from services.payroll.packs.us.tables import Row, row_over

_LISTED: Final = 10
_MANY: Final = 2


def california(pay: StatePay) -> Decimal:
    """Low income exemption, deductions, the row of the table, credits of allowances.

    `annualised` on the certificate does so with annual wages in the annual table, by the periods at the end.
    """
    form: California = pay.certificate
    if not form.annualised:
        return _exact(pay, form, pay.frequency, pay.regular)
    wages = pay.steps.take("annual wages", pay.regular * pay.periods, wages=pay.regular, periods=pay.periods)
    annual = _exact(pay, form, Frequency.ANNUAL, wages)
    return pay.steps.round(
        "tax of the period", half_up_cent, annual / pay.periods, annual=annual, periods=pay.periods
    )


def _exact(pay: StatePay, form: California, frequency: Frequency, wages: Decimal) -> Decimal:
    figures, steps = pay.income_tax, pay.steps
    pay.of_period(figures["brackets"])
    column = _column(form)
    exempt_to = figures["low_income_exemption"][frequency][column]
    if wages <= exempt_to:
        return steps.take("within the low income exemption", ZERO, wages=wages, exemption=exempt_to)
    estimated = _listed(figures["estimated_deduction"][frequency], form.estimated)
    standard = figures["standard_deduction"][frequency][column]
    taxable = steps.take(
        "taxable wages",
        max(wages - estimated - standard, ZERO),
        wages=wages,
        estimated_deduction=estimated,
        standard_deduction=standard,
    )
    row = row_over(_rows(figures["brackets"][frequency][form.status]), taxable)
    part = steps.round(
        "rate of the excess",
        half_up_cent,
        (taxable - row.over) * row.rate,
        taxable=taxable,
        over=row.over,
        rate=row.rate,
    )
    credit = _listed(figures["exemption_credit"][frequency], form.regular)
    return steps.take(
        "tax less credit",
        max(row.base + part - credit, ZERO),
        base=row.base,
        part=part,
        exemption_credit=credit,
    )


def _column(form: California) -> str:
    """The column of exemption and deduction: married people share the one of single with less than two allowances."""
    if form.status == "married":
        return "married_2_plus" if form.regular >= _MANY else "married_0_1"
    return "single_dual" if form.status == "single" else "head_household"


def _listed(amounts: tuple[Decimal, ...], count: int) -> Decimal:
    """The printed amount of up to ten allowances; of more, so many times that of one."""
    return amounts[count] if count <= _LISTED else count * amounts[1]


def _rows(table: tuple[tuple[Any, ...], ...]) -> tuple[Row, ...]:
    return tuple([Row(over, base, rate) for over, base, rate in table])
