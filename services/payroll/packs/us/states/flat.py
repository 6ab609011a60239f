"""States with one rate: on wages as they are, on wages less allowances of the period, or on annual wages."""

from decimal import Decimal
from typing import Final

from services.payroll.engine.inputs import ZERO
from services.payroll.engine.rounding import half_up_cent, half_up_unit
from services.payroll.packs.us.certificates import (
    Arizona,
    Colorado,
    Georgia,
    Illinois,
    Michigan,
    NorthCarolina,
)
from services.payroll.packs.us.states.pay import StatePay
from shared.values.faults import Invalid

_TIERS: Final = {
    "personal": "personal",
    "dependent": "dependent",
    "firstTimeDependent": "first_time_dependent",
    "adoptedChild": "adopted_child",
}


def pennsylvania(pay: StatePay) -> Decimal:
    """One rate on compensation, no allowance (REV-415)."""
    return pay.at_rate(pay.regular, pay.income_tax["rate"])


def illinois(pay: StatePay) -> Decimal:
    """Booklet IL-700-T, automated payroll method: allowances of the period, to the cent, come off first."""
    form: Illinois = pay.certificate
    figures = pay.income_tax
    basic, more = figures["line1"], figures["line2"]
    annual = pay.steps.take(
        "allowances of a year",
        form.line1 * basic + form.line2 * more,
        line1=form.line1,
        each_of_line1=basic,
        line2=form.line2,
        each_of_line2=more,
    )
    allowance = pay.steps.round(
        "allowance of the period", half_up_cent, annual / pay.periods, annual=annual, periods=pay.periods
    )
    return pay.at_rate(pay.taxable(pay.regular, allowance), figures["rate"])


def michigan(pay: StatePay) -> Decimal:
    """Form 446: the exemption of the period, to the cent, comes off as often as it is claimed."""
    form: Michigan = pay.certificate
    one = pay.of_period(pay.income_tax["exemption"])
    less = pay.steps.take("exemptions", form.exemptions * one, exemptions=form.exemptions, each=one)
    return pay.at_rate(pay.taxable(pay.regular, less), pay.income_tax["rate"])


def north_carolina(pay: StatePay) -> Decimal:
    """NC-30, percentage method: printed deduction and allowances of the period; to the whole dollar at the end."""
    form: NorthCarolina = pay.certificate
    figures = pay.income_tax
    deduction = pay.of_period(figures["standard_deduction"])[form.status]
    allowance = pay.of_period(figures["allowance"])
    less = pay.steps.take(
        "deduction and allowances",
        deduction + form.allowances * allowance,
        deduction=deduction,
        allowances=form.allowances,
        each=allowance,
    )
    taxable = pay.taxable(pay.regular, less)
    rate = figures["rate"]
    return pay.steps.round("tax in whole dollars", half_up_unit, taxable * rate, taxable=taxable, rate=rate)


def kentucky(pay: StatePay) -> Decimal:
    """42A003 formula: annual wages less the standard deduction, at the rate, by the periods."""
    return _annualised(pay, pay.income_tax["deduction"])


def indiana_taxable(pay: StatePay) -> Decimal:
    """Departmental Notice #1: wages less the exemptions of the period, each kind to the cent. Counties tax it, too."""
    figures = pay.income_tax["exemptions"]
    less = ZERO
    for tier, field in _TIERS.items():
        count = getattr(pay.certificate, field)
        if count:
            each = figures[tier]
            less += pay.steps.round(
                f"exemptions: {tier}",
                half_up_cent,
                count * each / pay.periods,
                count=count,
                each=each,
                periods=pay.periods,
            )
    return pay.taxable(pay.regular, less)


def indiana(pay: StatePay) -> Decimal:
    """Departmental Notice #1: the rate on wages less exemptions."""
    return pay.at_rate(indiana_taxable(pay), pay.income_tax["rate"])


def colorado(pay: StatePay) -> Decimal:
    """DR 1098 worksheet: annual wages less the deduction of the filing status, or less line 2 of Form DR 0004."""
    form: Colorado = pay.certificate
    joint = pay.filing_status == "married_joint"
    status = form.status or ("married_joint_or_surviving" if joint else "other")
    deduction = pay.income_tax["deduction"][status] if form.line2 is None else form.line2
    return _annualised(pay, deduction)


def arizona(pay: StatePay) -> Decimal:
    """Form A-4: the elected rate of gross taxable wages; refuses a rate that the form does not offer."""
    form: Arizona = pay.certificate
    figures = pay.income_tax
    rate = figures["default_rate"] if form.rate is None else form.rate
    if rate not in figures["rates"]:
        known = ", ".join(map(str, figures["rates"]))
        text = f"Rate not allowed: Form A-4 offers {known}."
        raise Invalid.field("/declarations/state_declaration/rate", "rate_not_allowed", text)
    return pay.at_rate(pay.regular, rate)


def georgia(pay: StatePay) -> Decimal:
    """Withholding guide, percentage method: printed deduction and dependents of the period come off first."""
    form: Georgia = pay.certificate
    row = pay.of_period(pay.income_tax["table"])
    less = pay.steps.take(
        "deduction and dependents",
        row[form.status] + form.dependents * row["dependent"],
        deduction=row[form.status],
        dependents=form.dependents,
        each=row["dependent"],
    )
    return pay.at_rate(pay.taxable(pay.regular, less), pay.income_tax["rate"])


def _annualised(pay: StatePay, deduction: Decimal) -> Decimal:
    """The rate on annual wages less a deduction, by the periods, to the cent at the end only."""
    annual = pay.steps.take(
        "annual taxable wages",
        max(pay.regular * pay.periods - deduction, ZERO),
        wages=pay.regular,
        periods=pay.periods,
        deduction=deduction,
    )
    rate = pay.income_tax["rate"]
    return pay.steps.round(
        "tax of the period",
        half_up_cent,
        annual * rate / pay.periods,
        annual=annual,
        rate=rate,
        periods=pay.periods,
    )
