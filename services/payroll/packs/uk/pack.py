"""The pack of the United Kingdom: gross to net of one pay by the tables of its tax year."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

from services.payroll.engine.editions import Edition, edition_for
from services.payroll.engine.inputs import PayInput
from services.payroll.engine.lines import Line, Result
from services.payroll.packs.negative_net import negative_net
from services.payroll.packs.uk.charges import (
    attachment_lines,
    contributions,
    loan_lines,
    ni_lines,
    pension_employer_line,
    tax_line,
)
from services.payroll.packs.uk.declarations import Basis, UkDeclarations
from services.payroll.packs.uk.gross import Gross, gross_of, pension_warning, terms_of
from services.payroll.packs.uk.minimum_wage import minimum_wage_warning
from services.payroll.packs.uk.orders import Attached
from services.payroll.packs.uk.paye import income_tax
from services.payroll.packs.uk.periods import period_warning, tax_period
from services.payroll.packs.uk.starters import starter_code
from services.payroll.packs.uk.tables import NAME, Tables, editions, tables_named
from services.payroll.packs.uk.tax_code import TaxCode, read_tax_code


class UnitedKingdom:
    """PAYE and what belongs to it, for the tax years that have an edition.

    `period` of a request is the tax week of weekly, fortnightly and four-weekly pay, and the tax month of all others;
    it counts even where the day of pay lies elsewhere, which is warned of. Of a director's `year_to_date` counts what
    was earned and contributed as a director: what the declaration says of the time before is taken off.
    """

    name = NAME
    title = "United Kingdom"
    currency = "GBP"
    declarations = UkDeclarations

    def editions(self) -> Sequence[Edition]:
        """The tax years with tables, oldest first."""
        return editions()

    def parts(self) -> Mapping[str, Sequence[Edition]]:
        """None: the tables of its countries are in those of the tax year."""
        return {}

    def calculate(self, pay: PayInput) -> Result:
        """Gross to net of one pay; raises Invalid naming the field that the tables of the year cannot serve."""
        declared: UkDeclarations = pay.declarations
        tables = tables_named(edition_for(NAME, editions(), pay.pay_on).edition)
        period = tax_period(pay.frequency, pay.period)
        code, week1 = _code(tables, declared)
        before = pay.year_to_date
        found = gross_of(tables, pay, declared)
        tax = income_tax(tables, code, period, found.taxable, (before.taxable, before.tax), week1)
        both = contributions(tables, declared, pay, period, found.ni_earnings)
        ni_employee, ni_employer = ni_lines(both)
        loans = loan_lines(tables, declared, pay, period, found.ni_earnings)
        by_law = (tax.tax, both.employee.amount)
        attached, orders = attachment_lines(tables, declared, pay, period, found, by_law)
        pension = pension_employer_line(tables, declared, found)
        lines = (
            *(*found.lines, *loans, *attached),
            tax_line(tables, tax),
            *(ni_employee, ni_employer),
            *pension,
        )
        result = Result(lines, _measures(found, tax.tax, both.employee.amount, both.employer.amount, loans))
        warnings = tuple(_warnings(tables, pay, declared, found, orders, result))
        return Result(lines, result.year_to_date, warnings) if warnings else result


def _code(tables: Tables, declared: UkDeclarations) -> tuple[TaxCode, bool]:
    """The code and whether this period is taxed by itself."""
    if declared.tax_code is not None:
        return read_tax_code(declared.tax_code), declared.basis is Basis.WEEK1_MONTH1
    assert declared.starter is not None
    return starter_code(tables, declared.starter.statement, declared.starter.country)


def _measures(
    found: Gross, tax: Decimal, ni_employee: Decimal, ni_employer: Decimal, loans: Sequence[Line]
) -> tuple[tuple[str, Decimal], ...]:
    """What the pay adds to the year to date."""
    pension = found.pension
    return (
        ("gross", found.gross),
        ("taxable", found.taxable),
        ("tax", tax),
        ("ni_earnings", found.ni_earnings),
        ("ni_employee", ni_employee),
        ("ni_employer", ni_employer),
        *((loan.code.removeprefix("uk."), loan.amount) for loan in loans),
        *(
            (("pension_employee", pension.employee), ("pension_employer", pension.employer))
            if pension
            else ()
        ),
    )


def _warnings(
    tables: Tables,
    pay: PayInput,
    declared: UkDeclarations,
    found: Gross,
    orders: Sequence[Attached],
    result: Result,
) -> Iterator[str]:
    """Sentences for the operator, each behind a code."""
    if differs := period_warning(pay.frequency, pay.period, pay.pay_on):
        yield differs
    if declared.ni_category is None:
        yield "ni_category_assumed: no National Insurance category is declared; category A was used."
    if declared.pension is not None and (low := pension_warning(tables, terms_of(declared))):
        yield low
    if (wage := declared.minimum_wage) is not None:
        counted = found.gross - found.tips - found.sacrificed
        short = minimum_wage_warning(tables, wage.worker, wage.hours, counted, pay.period_start)
        if short:
            yield short
    for order in orders:
        if order.shortfall > 0:
            yield _shortfall(order)
    if negative := negative_net(result):
        yield negative


def _shortfall(attached: Attached) -> str:
    order = attached.order
    what = "carry it forward as arrears" if order.carried_forward else "it is not carried forward"
    return f"attachment_shortfall: order {order.reference} falls short by {attached.shortfall}; {what}."
