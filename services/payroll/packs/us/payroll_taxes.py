"""Social security, Medicare and unemployment taxes: at one rate on the wages of a year, some up to a wage base.

Rounding: the tax of a pay is the rounded tax on the year's wages with this pay less the rounded tax on those before
it, halves up (26 USC 6313). So the taxes of a year add up to the cent to the tax on the year's wages, however it was
cut into pay periods, and Form W-2 agrees with Form 941 without an adjustment for fractions of cents.
"""

from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from services.payroll.engine.inputs import ZERO, YearToDate
from services.payroll.engine.lines import Line, LineKind, Source
from services.payroll.engine.rounding import half_up_cent
from services.payroll.packs.us.declarations import StateUnemployment
from services.payroll.packs.us.steps import Steps
from services.payroll.packs.us.tables import Capped, Federal

_MATCHED: Final = {
    "us.social_security": "us.social_security_employer",
    "us.medicare": "us.medicare_employer",
}
UNEMPLOYMENT_SOURCE: Final = Source(
    "Notice of the state to the employer", "contribution rate and wage base", "given"
)


def within(wages: Decimal, before: Decimal, cap: Decimal | None) -> Decimal:
    """What of the wages of this pay is within a wage base, given the wages before it."""
    return wages if cap is None else min(cap, before + wages) - min(cap, before)


def yearly_tax(
    code: str, kind: LineKind, tax: Capped, wages: Decimal, before: Decimal, rule: str | None = None
) -> Line:
    """One tax on the wages of a pay by the year's wages before it, rounded as the module says."""
    cap = tax.wage_base
    start = before if cap is None else min(cap, before)
    basis = within(wages, before, cap)
    steps = Steps()
    if cap is not None:
        steps.take("wages within the base", basis, wages=wages, year_to_date=before, wage_base=cap)
    year = (start + basis) * tax.rate
    amount = steps.round(
        "tax of the year to date", half_up_cent, year, rate=tax.rate, wages=basis, year_to_date=start
    )
    if start:
        paid = steps.round(
            "tax before this pay", half_up_cent, start * tax.rate, rate=tax.rate, year_to_date=start
        )
        amount = steps.take(
            "tax of this pay", amount - paid, tax_of_year_to_date=amount, tax_before_this_pay=paid
        )
    return Line(code, kind, amount, basis, tax.rate, rule or code, tax.source, steps.done())


def social_security_and_medicare(wages: Decimal, before: YearToDate, tables: Federal) -> list[Line]:
    """The employee's taxes.

    Additional Medicare tax is due above its threshold of wages from this employer alone, whatever the filing status
    (Publication 15, section 9); its line is shown from there on.
    """
    lines = [
        yearly_tax(
            "us.social_security", LineKind.TAX, tables.social_security, wages, before.social_security_wages
        ),
        yearly_tax("us.medicare", LineKind.TAX, tables.medicare, wages, before.medicare_wages),
    ]
    above_before = max(before.medicare_wages - tables.additional_above, ZERO)
    above = max(before.medicare_wages + wages - tables.additional_above, ZERO)
    if above or above_before:
        code = "us.additional_medicare"
        lines.append(
            yearly_tax(code, LineKind.TAX, tables.additional_medicare, above - above_before, above_before)
        )
    return lines


def employer_taxes(
    shared: Iterable[Line],
    wages: Decimal,
    before: YearToDate,
    tables: Federal,
    unemployment: StateUnemployment | None,
) -> list[Line]:
    """The employer's taxes: its share of social security and Medicare, FUTA, and the state's unemployment fund.

    Its share is as much as the employee's (`shared`, without the additional Medicare tax). The state's fund is
    calculated where the employer's rate is given.

    FUTA is the net rate, the usual credit of 5.4 % for contributions to a state already off the gross 6.0 %; a credit
    reduction of a state that owes the fund is paid with Form 940 and is not foreseen here. FUTA wages to date are the
    larger of social security and Medicare wages to date: all three are the same wages up to FUTA's base.
    """
    paid = max(before.social_security_wages, before.medicare_wages)
    employer = LineKind.EMPLOYER
    lines = [
        Line(code, employer, line.amount, line.basis, line.rate, code, line.source, line.steps)
        for line in shared
        if (code := _MATCHED.get(line.code)) is not None
    ]
    lines.append(yearly_tax("us.futa", employer, tables.futa, wages, paid))
    if unemployment is not None:
        tax = Capped(UNEMPLOYMENT_SOURCE, unemployment.rate, unemployment.wage_base)
        lines.append(yearly_tax("us.state_unemployment_employer", employer, tax, wages, paid))
    return lines
