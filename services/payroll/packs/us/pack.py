"""The pack: from gross to net, in the order of a payslip."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from services.payroll.engine.editions import Edition
from services.payroll.engine.inputs import ZERO, PayInput
from services.payroll.engine.lines import Line, Result
from services.payroll.packs.negative_net import negative_net
from services.payroll.packs.us.certificates import CERTIFICATES, Indiana
from services.payroll.packs.us.declarations import UsDeclarations, UsEmployer
from services.payroll.packs.us.income_tax import CODE as FEDERAL_INCOME_TAX
from services.payroll.packs.us.income_tax import federal_income_tax, periods_of
from services.payroll.packs.us.payroll_taxes import employer_taxes, social_security_and_medicare
from services.payroll.packs.us.states.tables import state_editions, state_tables, untaxed
from services.payroll.packs.us.states.withholding import withholding
from services.payroll.packs.us.tables import PACK_NAME, Federal, editions, federal_on
from services.payroll.packs.us.wages import (
    Wages,
    deducted_of,
    deduction_lines,
    earning_lines,
    wages_of,
)


class UnitedStates:
    """Federal income tax, social security, Medicare and unemployment taxes, and the declared state's withholding."""

    name = PACK_NAME
    title = "United States"
    currency = "USD"
    declarations = UsDeclarations
    employer = UsEmployer

    def editions(self) -> Sequence[Edition]:
        """The federal editions, oldest first; states have theirs by their own dates."""
        return editions()

    def parts(self) -> Mapping[str, Sequence[Edition]]:
        """The editions of the states that withhold a tax of their own."""
        return {state: state_editions(state) for state in CERTIFICATES}

    def calculate(self, pay: PayInput) -> Result:
        """Gross to net; raises MissingEdition for a day without tables, and refusals that name the field."""
        tables = federal_on(pay.pay_on)
        form: UsDeclarations = pay.declarations
        periods = periods_of(pay.frequency, pay.period)
        before = pay.year_to_date
        gross = sum((e.amount for e in pay.earnings if e.kind != "reimbursement"), ZERO)
        deducted = deducted_of(pay, gross)
        wages = wages_of(pay.earnings, deducted)
        federal = federal_income_tax(wages.income_tax, periods, form, tables, before.supplemental)
        employer: UsEmployer | None = pay.employer
        unemployment = employer.unemployment(form.state) if employer is not None else None
        shared = social_security_and_medicare(wages.fica.total, before, tables)
        lines = [
            *earning_lines(pay.earnings),
            *deduction_lines(deducted, gross),
            federal,
            *shared,
            *(withholding(pay, form, wages, periods) if form.state in CERTIFICATES else ()),
            *employer_taxes(shared, wages.fica.total, before, tables, unemployment),
        ]
        result = Result(tuple(lines), _added(wages, lines, tables))
        return Result(result.lines, result.year_to_date, tuple(_warnings(pay, form, wages, result)))


def _added(wages: Wages, lines: Iterable[Line], tables: Federal) -> tuple[tuple[str, Decimal], ...]:
    """What the pay adds to the measures of the year; from 2026 on also to those of Form W-2, box 12, TT and TP."""
    of_code = {line.code: line for line in lines}
    added = {
        "gross": wages.gross.total,
        "taxable": wages.income_tax.total,
        "tax": of_code[FEDERAL_INCOME_TAX].amount,
        "social_security_wages": of_code["us.social_security"].basis or ZERO,
        "medicare_wages": wages.fica.total,
        "supplemental": wages.income_tax.supplemental,
        "futa_wages": of_code["us.futa"].basis or ZERO,
    }
    if tables.w2_measures:
        added["qualified_overtime"] = wages.qualified_overtime
        added["cash_tips"] = wages.tips
    return tuple(added.items())


def _warnings(pay: PayInput, form: UsDeclarations, wages: Wages, result: Result) -> Iterable[str]:
    """What an operator should know before relying on the figures."""
    state = form.state
    if state is None:
        yield "no_state: no state is declared; no state or local tax is calculated."
    elif state in CERTIFICATES:
        yield from _state_warnings(state, pay, form, wages)
    else:
        yield from _not_covered(state, untaxed().not_covered.get(state, ()))
    if negative := negative_net(result):
        yield negative


def _state_warnings(state: str, pay: PayInput, form: UsDeclarations, wages: Wages) -> Iterable[str]:
    figures = state_tables(state, pay).figures
    if figures["supplemental"] is None and wages.gross.supplemental and not wages.gross.regular:
        yield f"supplemental_alone: {state} has no rate on supplemental wages; they were taken as wages of this period."
    certificate = form.certificate()
    if isinstance(certificate, Indiana) and certificate.county_rate is None:
        yield "no_county: no county rate is declared; no county tax is calculated."
    yield from _not_covered(state, figures.get("not_covered", ()))


def _not_covered(state: str, what: Iterable[str]) -> Iterable[str]:
    return (f"not_covered: {state}: {each} are not calculated." for each in what)
