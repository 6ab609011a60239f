"""Utah, Publication 14: a flat tax less a credit that is phased out; both in whole dollars."""

from decimal import Decimal
from typing import Final

from services.payroll.engine.inputs import ZERO
from services.payroll.engine.rounding import half_up_unit
from services.payroll.packs.us.states.pay import StatePay

_STATUS: Final = {
    "single": "single",
    "married_joint": "married",
    "married": "married",
    "head_of_household": "single",
}
"""Columns of the schedules by filing status; a head of household is in the single column."""


def utah(pay: StatePay) -> Decimal:
    """The schedule of the pay period: tax, less the base allowance as far as it is not phased out."""
    figures = pay.income_tax
    column = pay.of_period(figures["table"])[_STATUS[pay.certificate.status or pay.filing_status]]
    steps, rate, wages = pay.steps, figures["rate"], pay.regular
    tax = steps.round("tax in whole dollars", half_up_unit, max(wages, ZERO) * rate, wages=wages, rate=rate)
    over = max(wages - column["threshold"], ZERO)
    phased_out = steps.round(
        "phase-out in whole dollars",
        half_up_unit,
        over * figures["phase_out_rate"],
        wages=wages,
        threshold=column["threshold"],
        rate=figures["phase_out_rate"],
    )
    credit = steps.take(
        "credit", max(column["allowance"] - phased_out, ZERO), allowance=column["allowance"], less=phased_out
    )
    return steps.take("tax less credit", max(tax - credit, ZERO), tax=tax, credit=credit)
