"""Calculating a pay that nobody is paid."""

from services.payroll.calculations.rules import (
    earnings_of,
    require_currency,
    require_own_codes,
    require_plausible,
)
from services.payroll.calculations.schemas import YTD_FIELDS, PayCalculationIn, PayCalculationOut
from services.payroll.engine.editions import edition_for
from services.payroll.engine.inputs import ZERO, Deduction, Earning, PayInput, YearToDate
from services.payroll.packs import packs


def calculate(request: PayCalculationIn) -> PayCalculationOut:
    """Gross to net of one person and period; pure. Raises the pack's refusals, and for a day without tables."""
    pack = packs()[request.pack]
    require_currency(pack.name, pack.currency, request.amounts())
    require_plausible(request.amounts())
    require_own_codes(packs(), request.codes())
    edition = edition_for(pack.name, pack.editions(), request.pay_on)
    result = pack.calculate(_input_of(request))
    return PayCalculationOut.of(result, edition, pack.currency)


def _input_of(request: PayCalculationIn) -> PayInput:
    given = [Earning(each.code, each.kind, each.amount.amount) for each in request.earnings]
    before = ((name, getattr(request.year_to_date, name)) for name in YTD_FIELDS)
    return PayInput(
        pay_on=request.pay_on,
        frequency=request.frequency,
        period=request.period,
        period_start=request.period_start or request.pay_on,
        earnings=earnings_of(request.gross, given),
        declarations=request.declarations,
        deductions=tuple(
            Deduction(each.code, each.treatment, each.amount.amount if each.amount else None, each.percent)
            for each in request.deductions
        ),
        year_to_date=YearToDate(**{name: money.amount if money else ZERO for name, money in before}),
    )
