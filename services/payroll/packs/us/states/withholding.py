"""Withholding of a state, its localities and its insurances: one interface over the states' own methods."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final

from services.payroll.engine.inputs import ZERO, PayInput
from services.payroll.engine.lines import Line, LineKind
from services.payroll.engine.rounding import half_up_cent, half_up_unit
from services.payroll.packs.us.declarations import UsDeclarations
from services.payroll.packs.us.payroll_taxes import yearly_tax
from services.payroll.packs.us.states import flat
from services.payroll.packs.us.states.california import california
from services.payroll.packs.us.states.localities import local_line
from services.payroll.packs.us.states.new_york import new_york
from services.payroll.packs.us.states.pay import StatePay
from services.payroll.packs.us.states.tables import StateTables, state_tables
from services.payroll.packs.us.states.utah import utah
from services.payroll.packs.us.steps import Steps
from services.payroll.packs.us.tables import Capped
from services.payroll.packs.us.wages import Part, Wages

Method = Callable[[StatePay], Decimal]
METHODS: Final[Mapping[str, Method]] = {
    "AZ": flat.arizona,
    "CA": california,
    "CO": flat.colorado,
    "GA": flat.georgia,
    "IL": flat.illinois,
    "IN": flat.indiana,
    "KY": flat.kentucky,
    "MI": flat.michigan,
    "NC": flat.north_carolina,
    "NY": new_york,
    "PA": flat.pennsylvania,
    "UT": utah,
}
TAXING_401K: Final = frozenset(("PA",))
"""States that tax what is contributed to a 401(k); section 125 deductions come off all the same.

Pennsylvania: payments through a cafeteria plan for hospitalisation, sickness, disability or death are not compensation
(72 P.S. s. 7301(d) "compensation" (vi); 61 Pa. Code s. 101.6; Act 7 of 1997). Assumed: section 125 deductions are such.
"""


def withholding(pay: PayInput, form: UsDeclarations, wages: Wages, periods: int) -> list[Line]:
    """The lines of the declared state: income tax, local income tax, contributions of employees.

    Raises MissingStateTables for a day without tables, and a refusal that names the field for a pay period without a
    table or an entry of the certificate that the tables do not know.
    """
    state = form.state or ""
    tables = state_tables(state, pay)
    part = wages.fica if state in TAXING_401K else wages.income_tax
    given = _state_pay(pay, form, tables, part, wages.bonus, periods)
    tax = _income_tax_line(given, part, wages.gross.regular)
    local = local_line(given, wages.gross)
    lines = [tax] if local is None else [tax, local]
    employee = tables.figures.get("employee")
    if employee is not None:
        lines.append(_employee_line(tables, employee, wages, pay.year_to_date.social_security_wages))
    return lines


def _state_pay(
    pay: PayInput, form: UsDeclarations, tables: StateTables, part: Part, bonus: Decimal, periods: int
) -> StatePay:
    """The wages as the state's method takes them.

    Without a rate on supplemental wages they are wages of the period.
    """
    flat_rate = tables.figures["supplemental"] is not None
    return StatePay(
        tables=tables,
        frequency=pay.frequency,
        periods=periods,
        regular=part.regular if flat_rate else part.total,
        supplemental=part.supplemental if flat_rate else ZERO,
        bonus=min(bonus, part.supplemental),
        certificate=form.certificate(),
        filing_status=form.filing_status,
        steps=Steps(),
    )


def _income_tax_line(pay: StatePay, part: Part, paid_regular: Decimal) -> Line:
    """The state's tax by its method, with the flat rate on supplemental wages and what the certificate adds."""
    steps = pay.steps
    tax = pay.regular_tax = METHODS[pay.tables.state](pay) if pay.regular else ZERO
    extra = _supplemental(pay)
    additional = getattr(pay.certificate, "additional", ZERO) if paid_regular else ZERO
    if additional:
        steps.take("with additional withholding", tax + additional, tax=tax, additional=additional)
    basis, rate = pay.applied if pay.applied and not extra and not additional else (part.total, None)
    rule = f"us.{pay.tables.state.lower()}.income_tax"
    source = pay.tables.source("income_tax")
    amount = tax + extra + additional
    return Line(
        "us.state_income_tax", LineKind.TAX, amount, half_up_cent(basis), rate, rule, source, steps.done()
    )


def _supplemental(pay: StatePay) -> Decimal:
    """The flat rates on supplemental wages; bonuses and stock have one of their own where the state says so."""
    if not pay.supplemental:
        return ZERO
    figures: dict[str, Any] = pay.tables.figures["supplemental"]
    rounding = half_up_unit if figures.get("whole_dollars") else half_up_cent
    bonus = pay.bonus if "bonus_rate" in figures else ZERO
    other, rate = pay.supplemental - bonus, figures["rate"]
    bonus_rate = figures.get("bonus_rate", rate)
    tax = bonus * bonus_rate + other * rate
    return pay.steps.round(
        "flat rate on supplemental wages",
        rounding,
        tax,
        wages=other,
        rate=rate,
        bonus=bonus,
        bonus_rate=bonus_rate,
    )


def _employee_line(tables: StateTables, figures: dict[str, Any], wages: Wages, before: Decimal) -> Line:
    """What employees contribute to a state's insurance (disability, family leave, unemployment), named by its rule."""
    rule = f"us.{tables.state.lower()}.{figures['name']}"
    source, code = tables.sources[figures["source"]], "us.state_disability"
    total = wages.gross.total if figures["wages"] == "gross" else wages.fica.total
    rate = figures["rate"]
    if "wage_base" in figures:
        return yearly_tax(code, LineKind.TAX, Capped(source, rate, figures["wage_base"]), total, before, rule)
    steps = Steps()
    amount = steps.round("contribution", half_up_cent, total * rate, wages=total, rate=rate)
    return Line(code, LineKind.TAX, amount, total, rate, rule, source, steps.done())
