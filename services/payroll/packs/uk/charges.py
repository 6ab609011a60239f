"""Lines of what is taken by law: income tax, National Insurance, loans, attachment orders; and the employer's part."""

from collections.abc import Sequence
from decimal import Decimal

from services.payroll.engine.inputs import PayInput
from services.payroll.engine.lines import Line, LineKind, Step
from services.payroll.packs.uk.amounts import ZERO, step
from services.payroll.packs.uk.declarations import DirectorMethod, UkDeclarations
from services.payroll.packs.uk.gross import Gross, terms_of
from services.payroll.packs.uk.loans import Repayment, director_repayment, lowest_plan, repayment
from services.payroll.packs.uk.national_insurance import (
    Contributions,
    category_named,
    director_contributions,
    employee_contributions,
    weeks_of_directorship,
)
from services.payroll.packs.uk.orders import Attached, attach
from services.payroll.packs.uk.paye import Taxed
from services.payroll.packs.uk.pensions import HUNDREDTH
from services.payroll.packs.uk.periods import TaxPeriod
from services.payroll.packs.uk.tables import Tables

ASSUMED_CATEGORY = "A"
TakenByLaw = tuple[Decimal, Decimal]
"""Income tax and the employee's National Insurance of a pay."""


def tax_line(tables: Tables, tax: Taxed) -> Line:
    """The line of income tax, shown even when nothing is due."""
    source = tables.tax_source
    return Line("uk.paye", LineKind.TAX, tax.tax, tax.basis, tax.rate, tax.rule, source, tax.steps)


def contributions(
    tables: Tables, declared: UkDeclarations, pay: PayInput, period: TaxPeriod, earnings: Decimal
) -> Contributions:
    """National Insurance of an employee, or of a director by the declared method."""
    category = category_named(tables, declared.ni_category or ASSUMED_CATEGORY)
    director = declared.director
    if director is None:
        return employee_contributions(tables, category, period, earnings)
    weeks = weeks_of_directorship(director.appointed_on, pay.pay_on, period)
    if director.method is DirectorMethod.ALTERNATIVE and not period.last:
        return employee_contributions(tables, category, period, earnings)
    rule = f"uk.ni.director.{director.method}"
    before = director.since_appointed(pay.year_to_date)
    return director_contributions(tables, category, weeks, earnings, before, rule)


def ni_lines(both: Contributions) -> tuple[Line, Line]:
    """The employee's and the employer's line, shown even when nothing is due."""
    own, other, rule, source = both.employee, both.employer, both.rule, both.source
    return (
        Line("uk.ni_employee", LineKind.TAX, own.amount, own.basis, own.rate, rule, source, own.steps),
        Line(
            "uk.ni_employer",
            LineKind.EMPLOYER,
            other.amount,
            other.basis,
            other.rate,
            rule,
            source,
            other.steps,
        ),
    )


def loan_lines(
    tables: Tables, declared: UkDeclarations, pay: PayInput, period: TaxPeriod, earnings: Decimal
) -> tuple[Line, ...]:
    """Lines of the loans that are declared, shown even when nothing is due."""
    lines = []
    if declared.student_loans:
        plan = lowest_plan(tables, declared.student_loans)
        taken = _loan(tables.plans[plan], tables.loan_rate, declared, pay, period, earnings)
        lines.append(_loan_line(tables, "uk.student_loan", f"uk.student_loan.{plan}", taken))
    if declared.postgraduate_loan:
        taken = _loan(tables.postgraduate, tables.postgraduate_rate, declared, pay, period, earnings)
        lines.append(_loan_line(tables, "uk.postgraduate_loan", "uk.postgraduate_loan", taken))
    return tuple(lines)


def _loan(
    annual: Decimal,
    rate: Decimal,
    declared: UkDeclarations,
    pay: PayInput,
    period: TaxPeriod,
    earnings: Decimal,
) -> Repayment:
    director = declared.director
    if director is None or director.method is not DirectorMethod.ANNUAL:
        return repayment(annual, rate, earnings, period)
    weeks = weeks_of_directorship(director.appointed_on, pay.pay_on, period)
    return director_repayment(annual, rate, earnings, weeks, director.since_appointed(pay.year_to_date))


def _loan_line(tables: Tables, code: str, rule: str, taken: Repayment) -> Line:
    kind, source = LineKind.DEDUCTION, tables.loan_source
    return Line(code, kind, taken.amount, taken.basis, taken.rate, rule, source, taken.steps)


def attachment_lines(
    tables: Tables,
    declared: UkDeclarations,
    pay: PayInput,
    period: TaxPeriod,
    found: Gross,
    taken_by_law: TakenByLaw,
) -> tuple[tuple[Line, ...], Sequence[Attached]]:
    """A line for each order in the order of priority, behind it the employer's fee where one is taken."""
    if not declared.attachment_orders:
        return (), ()
    net_earnings, derived = _net_earnings(found, taken_by_law)
    attached = attach(tables.orders, declared.orders_on(pay.pay_on), net_earnings, period)
    lines: list[Line] = []
    for taken in attached:
        named = Step("order", (("reference", taken.order.reference),), str(taken.amount))
        rule = f"uk.attachment.{taken.order.kind}"
        steps, source = (named, derived, *taken.steps), taken.source
        lines.append(
            Line("uk.attachment", LineKind.DEDUCTION, taken.amount, net_earnings, None, rule, source, steps)
        )
        if taken.fee > ZERO:
            lines.append(
                Line(
                    "uk.attachment",
                    LineKind.DEDUCTION,
                    taken.fee,
                    rule="uk.attachment.employer_fee",
                    source=source,
                )
            )
    return tuple(lines), attached


def _net_earnings(found: Gross, taken_by_law: TakenByLaw) -> tuple[Decimal, Step]:
    """What orders are worked out on: attachable earnings less tax, National Insurance and pension contributions."""
    pension = found.net_pay + found.relief_at_source
    tax, insurance = taken_by_law
    net = found.attachable - found.sacrificed - pension - tax - insurance
    inputs = {"earnings": found.attachable, "income_tax": tax, "national_insurance": insurance}
    return net, step("net_earnings", net, None, **inputs, pension=pension, salary_sacrifice=found.sacrificed)


def pension_employer_line(tables: Tables, declared: UkDeclarations, found: Gross) -> tuple[Line, ...]:
    """What the employer pays into the declared pension, with what the employee gave up for it."""
    pension = found.pension
    if pension is None:
        return ()
    terms = terms_of(declared)
    line = Line(
        "uk.pension_employer",
        LineKind.EMPLOYER,
        pension.employer,
        basis=pension.basis,
        rate=terms.employer_percent * HUNDREDTH,
        rule=f"uk.pension.{terms.treatment}",
        source=tables.pensions.source,
        steps=pension.employer_steps,
    )
    return (line,)
