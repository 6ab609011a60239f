"""Federal income tax withholding: Publication 15-T, Worksheet 1A, and the flat rates on supplemental wages.

Each line of the worksheet is an amount in cents, halves up, as it is written down on paper; wages of a year and the
amounts of Form W-4 are exact.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from services.payroll.engine.inputs import ZERO, Frequency
from services.payroll.engine.lines import Line, LineKind
from services.payroll.engine.rounding import half_up_cent
from services.payroll.packs.us.declarations import UsDeclarations
from services.payroll.packs.us.steps import Steps
from services.payroll.packs.us.tables import Federal, IncomeTax, Supplemental, row_at
from services.payroll.packs.us.wages import Part
from shared.values.faults import Invalid

PERIODS: Final[Mapping[Frequency, int]] = {
    Frequency.DAILY: 260,
    Frequency.WEEKLY: 52,
    Frequency.BIWEEKLY: 26,
    Frequency.FOUR_WEEKLY: 13,
    Frequency.SEMIMONTHLY: 24,
    Frequency.MONTHLY: 12,
    Frequency.QUARTERLY: 4,
    Frequency.SEMIANNUAL: 2,
    Frequency.ANNUAL: 1,
}
"""Pay periods of a year (Worksheet 1A, Table 3; thirteen periods of four weeks, which the table leaves out)."""
MOST_DAYS: Final = 366
"""Days that a calendar year may have; people are paid on all of them by those who pay daily."""
CODE: Final = "us.federal_income_tax"


def periods_of(frequency: Frequency, period: int) -> int:
    """Pay periods of a year by their frequency; refuses a `period` that no year has (422).

    By its pay days a year may have one more than that: 53 weeks, 27 fortnights; of daily pay up to 366.
    """
    periods = PERIODS[frequency]
    most = MOST_DAYS if frequency is Frequency.DAILY else periods + 1
    if not 1 <= period <= most:
        text = f"A pay period of {frequency.value} pay is from 1 to {most}."
        raise Invalid.field("/period", "period_out_of_range", text)
    return periods


def federal_income_tax(
    wages: Part, periods: int, form: UsDeclarations, tables: Federal, supplemental_before: Decimal
) -> Line:
    """The line of federal income tax on the wages of a period.

    Regular wages (overtime and tips included) go through Worksheet 1A, unless there are none or Form W-4 claims
    exemption. Supplemental wages are withheld from at the flat rate; above the threshold of a year at the higher one,
    exempt or not (26 CFR 31.3402(g)-1(a)(2)).
    """
    steps = Steps()
    rules = []
    regular = extra = ZERO
    source = tables.income_tax.source
    if wages.regular and not form.exempt:
        regular = worksheet_1a(wages.regular, periods, form, tables.income_tax, steps)
        rules.append("worksheet_1a")
    if wages.supplemental:
        extra = _supplemental(
            wages.supplemental, supplemental_before, form.exempt, tables.supplemental, steps
        )
        rules.append("supplemental_flat_rate")
        source = source if regular else tables.supplemental.source
    rule = f"{CODE}.{'_and_'.join(rules) or ('exempt' if form.exempt else 'no_wages')}"
    return Line(CODE, LineKind.TAX, regular + extra, wages.total, None, rule, source, steps.done())


def worksheet_1a(
    wages: Decimal, periods: int, form: UsDeclarations, tables: IncomeTax, steps: Steps
) -> Decimal:
    """Worksheet 1A: what to withhold from the taxable wages of one pay period. Lines are named as printed."""
    annual = steps.take("1c: wages of a year", wages * periods, wages=wages, periods=periods)
    if form.w4 == "2020":
        adjusted = _adjusted_2020(annual, form, tables, steps)
        rows = (tables.step2 if form.step2 else tables.standard)[form.filing_status]
    else:
        given = form.allowances * tables.allowance
        steps.take("1k: allowances", given, allowances=form.allowances, each=tables.allowance)
        adjusted = steps.take(
            "1l: adjusted annual wage", max(annual - given, ZERO), line_1c=annual, line_1k=given
        )
        rows = tables.standard[form.filing_status]
    row = row_at(rows, adjusted)
    tax = steps.round(
        "2g: tentative annual amount",
        half_up_cent,
        row.base + (adjusted - row.over) * row.rate,
        line_2a=adjusted,
        line_2b=row.over,
        line_2c=row.base,
        line_2d=row.rate,
    )
    tax = steps.round("2h: tentative amount", half_up_cent, tax / periods, line_2g=tax, periods=periods)
    if form.step3:
        credit = steps.round(
            "3b: credits of the period", half_up_cent, form.step3 / periods, step3=form.step3, periods=periods
        )
        tax = steps.take("3c: after credits", max(tax - credit, ZERO), line_2h=tax, line_3b=credit)
    if form.step4c:
        tax = steps.take("4b: with extra withholding", tax + form.step4c, line_3c=tax, step4c=form.step4c)
    return tax


def _adjusted_2020(annual: Decimal, form: UsDeclarations, tables: IncomeTax, steps: Steps) -> Decimal:
    less = ZERO if form.step2 else tables.line_1g[form.filing_status]
    adjusted = max(annual + form.step4a - form.step4b - less, ZERO)
    inputs = {"line_1c": annual, "step4a": form.step4a, "step4b": form.step4b, "line_1g": less}
    return steps.take("1i: adjusted annual wage", adjusted, **inputs)


def _supplemental(
    wages: Decimal, before: Decimal, exempt: bool, tables: Supplemental, steps: Steps
) -> Decimal:
    """Flat rates: what is within the threshold of the year at the one (nothing when exempt), the rest at the other."""
    within = min(wages, max(tables.threshold - before, ZERO))
    above = wages - within
    rate = ZERO if exempt else tables.rate
    inputs = {"within": within, "rate": rate, "above": above, "rate_above": tables.rate_above}
    return steps.round(
        "flat rates on supplemental wages", half_up_cent, within * rate + above * tables.rate_above, **inputs
    )
