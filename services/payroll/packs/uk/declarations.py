"""What a person in the United Kingdom declares: the shape of `declarations` on the wire, read strictly.

What depends on the tax year (a category letter or loan plan that the edition does not have) is refused by the
calculation, which knows the day of pay; everything else here. Every refusal names its field.
"""

import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, Field, Strict, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from services.payroll.engine.inputs import YearToDate
from services.payroll.packs.uk.orders import Order, OrderKind
from services.payroll.packs.uk.pensions import PensionBasis
from services.payroll.packs.uk.starters import Statement
from services.payroll.packs.uk.tax_code import LONGEST, PATTERN, BadTaxCode, read_tax_code
from shared.values.faults import FieldError, Invalid
from shared.values.fields import (
    Code,
    Entries,
    Flag,
    LocalDate,
    MoneyIO,
    Percent,
    PositiveQuantity,
    WireInput,
)
from shared.values.money import Money

MOST_ORDERS: Final = 20
_LETTER: Final = re.compile("[A-Z]", re.ASCII)


class Basis(StrEnum):
    """Whether tax counts the whole tax year, or this period alone."""

    CUMULATIVE = "cumulative"
    WEEK1_MONTH1 = "week1_month1"


class DirectorMethod(StrEnum):
    """How National Insurance of a director is worked out during the year; both end with the same amount."""

    ANNUAL = "annual"
    """On the earnings of the year to date, from the first pay."""
    ALTERNATIVE = "alternative"
    """Like an employee's, until the last pay of the year settles the year."""


class StudentLoanPlan(StrEnum):
    """Plans of student loans."""

    PLAN_1 = "plan_1"
    PLAN_2 = "plan_2"
    PLAN_4 = "plan_4"
    PLAN_5 = "plan_5"


def _tax_code(text: str) -> str:
    try:
        return read_tax_code(text).text
    except BadTaxCode as bad:
        raise PydanticCustomError("tax_code", "{reason}", {"reason": str(bad)}) from None


def _ni_category(text: str) -> str:
    if not _LETTER.fullmatch(text):
        raise PydanticCustomError("ni_category", "A National Insurance category is one capital letter")
    return text


def _pounds(money: Money) -> Money:
    if money.currency != "GBP" or Decimal(money.text) < 0:
        raise PydanticCustomError("pounds", "Must be an amount in GBP, not below zero")
    return money


TaxCodeText = Annotated[
    str,
    Strict(),
    AfterValidator(_tax_code),
    Field(json_schema_extra={"pattern": f"^({PATTERN})$", "maxLength": LONGEST}),
]
"""A tax code as HMRC writes it (`1257L`, `S1257L`, `CK475`, `BR`, `NT`); error type `tax_code`."""
NiCategory = Annotated[
    str, Strict(), AfterValidator(_ni_category), Field(json_schema_extra={"pattern": "^[A-Z]$"})
]
"""A category letter of National Insurance; error type `ni_category`."""
Pounds = Annotated[MoneyIO, AfterValidator(_pounds)]
"""An amount in pounds sterling of zero or more."""
Country = Literal["england", "scotland", "wales", "northern_ireland"]


def _refuse(model: type[WireInput], wrong: Iterable[tuple[str, str, str]]) -> None:
    """Raise for the fields that are wrong together with others: (field, error type, sentence)."""
    errors = [
        InitErrorDetails(type=PydanticCustomError(kind, "{why}", {"why": why}), loc=(field,), input=None)
        for field, kind, why in wrong
    ]
    if errors:
        raise ValidationError.from_exception_data(model.__name__, errors)


class EmployedBeforeIn(WireInput):
    """What a director earned and contributed as an employee of the same company earlier in the tax year."""

    ni_earnings: Pounds
    ni_employee: Pounds
    ni_employer: Pounds


class DirectorIn(WireInput):
    """A company director; `appointed_on` when that was in this tax year.

    `employed_before` is the part of the year to date that lies before the appointment: it stays as it was worked out
    then, and is no part of the director's earnings period.
    """

    method: DirectorMethod
    appointed_on: LocalDate | None = None
    employed_before: EmployedBeforeIn | None = None

    @model_validator(mode="after")
    def _was_appointed(self) -> Self:
        if self.employed_before is not None and self.appointed_on is None:
            _refuse(
                type(self), [("appointed_on", "missing", "Who was employed before was appointed on a day")]
            )
        return self

    def since_appointed(self, before: YearToDate) -> YearToDate:
        """The year to date without what lies before the appointment."""
        earlier = self.employed_before
        if earlier is None:
            return before
        return replace(
            before,
            ni_earnings=before.ni_earnings - Decimal(earlier.ni_earnings.text),
            ni_employee=before.ni_employee - Decimal(earlier.ni_employee.text),
            ni_employer=before.ni_employer - Decimal(earlier.ni_employer.text),
        )


class PensionIn(WireInput):
    """A workplace pension: percentages of the basis, the employee's with the tax relief in it."""

    treatment: Literal["net_pay_arrangement", "relief_at_source", "salary_sacrifice"]
    employee_percent: Percent
    employer_percent: Percent
    basis: PensionBasis = PensionBasis.QUALIFYING_EARNINGS


class StarterIn(WireInput):
    """A starter without a tax code yet: statement of the starter checklist, and where they live."""

    statement: Statement
    country: Literal["rest_of_uk", "scotland", "wales"] = "rest_of_uk"


class MinimumWageIn(WireInput):
    """For the check against the minimum wage: what kind of worker, and the hours of this period."""

    worker: Literal["apprentice", "under_18", "age_18_to_20", "age_21_and_over"]
    hours: PositiveQuantity


# Fields beside kind, issued_on and reference: those an order of the kind must have, those it may have.
_FIELDS: Final[dict[OrderKind, tuple[frozenset[str], frozenset[str]]]] = {
    OrderKind.AEO_PRIORITY: (frozenset({"amount", "protected_earnings"}), frozenset({"arrears"})),
    OrderKind.AEO_NON_PRIORITY: (frozenset({"amount", "protected_earnings"}), frozenset()),
    OrderKind.COUNCIL_TAX: (frozenset({"country"}), frozenset()),
    OrderKind.CHILD_MAINTENANCE: (frozenset({"amount"}), frozenset({"arrears", "employer_fee"})),
    OrderKind.DEA: (frozenset({"rate"}), frozenset({"country"})),
    OrderKind.EARNINGS_ARRESTMENT: (frozenset(), frozenset()),
}


class AttachmentOrderIn(WireInput):
    """An attachment order. Amounts are per pay period; `arrears` is a shortfall carried from the last one."""

    kind: OrderKind
    issued_on: LocalDate
    reference: Code
    amount: Pounds | None = None
    protected_earnings: Pounds | None = None
    arrears: Pounds | None = None
    rate: Literal["standard", "higher"] | None = None
    country: Country | None = None
    employer_fee: Flag = False

    @model_validator(mode="after")
    def _has_what_its_kind_states(self) -> Self:
        must, may = _FIELDS[self.kind]
        given = {
            name
            for name in ("amount", "protected_earnings", "arrears", "rate", "country")
            if getattr(self, name)
        }
        given |= {"employer_fee"} if self.employer_fee else set()
        missing = [(name, "missing", f"An order {self.kind} states it") for name in sorted(must - given)]
        odd = [
            (name, "not_of_this_kind", f"An order {self.kind} has none")
            for name in sorted(given - must - may)
        ]
        _refuse(type(self), missing + odd)
        if self.kind is OrderKind.COUNCIL_TAX and self.country not in ("england", "wales"):
            _refuse(
                type(self), [("country", "no_table_of_that_country", "Council tax orders: england or wales")]
            )
        return self

    def order(self, place: int) -> Order:
        """The order as the rules know it; `place` is where it stands among the declarations."""
        amounts = (self.amount, self.protected_earnings, self.arrears)
        amount, protected, arrears = (Decimal(a.text) if a else Decimal("0.00") for a in amounts)
        return Order(
            kind=self.kind,
            issued_on=self.issued_on,
            reference=self.reference,
            amount=amount,
            protected=protected,
            arrears=arrears,
            higher_rate=self.rate == "higher",
            country=self.country,
            fee=self.employer_fee,
            place=place,
        )


class UkDeclarations(WireInput):
    """Declarations of a person in the United Kingdom.

    `tax_code` may be left out for a starter only. Without `ni_category` category A is used, and the result warns of it.
    """

    tax_code: TaxCodeText | None = None
    basis: Basis = Basis.CUMULATIVE
    starter: StarterIn | None = None
    ni_category: NiCategory | None = None
    director: DirectorIn | None = None
    student_loans: Annotated[list[StudentLoanPlan], Entries(most=4)] = Field(default_factory=list)
    postgraduate_loan: Flag = False
    pension: PensionIn | None = None
    attachment_orders: Annotated[list[AttachmentOrderIn], Entries(most=MOST_ORDERS)] = Field(
        default_factory=list
    )
    minimum_wage: MinimumWageIn | None = None

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        wrong: list[tuple[str, str, str]] = []
        if self.tax_code is None and self.starter is None:
            wrong.append(("tax_code", "missing", "Field required"))
        if self.starter is not None and self.tax_code is not None:
            wrong.append(
                ("starter", "tax_code_known", "A starter's statement counts only without a tax code")
            )
        if self.starter is not None and self.basis is not Basis.CUMULATIVE:
            wrong.append(("basis", "starter_has_basis", "A starter's basis follows from the statement"))
        if len(set(self.student_loans)) < len(self.student_loans):
            wrong.append(("student_loans", "declared_twice", "Each plan is declared once"))
        arrestments = [o for o in self.attachment_orders if o.kind is OrderKind.EARNINGS_ARRESTMENT]
        if len(arrestments) > 1:
            why = "Two earnings arrestments are joined by the court: declare the conjoined order"
            wrong.append(("attachment_orders", "second_arrestment", why))
        _refuse(type(self), wrong)
        return self

    def orders_on(self, pay_on: date) -> list[Order]:
        """The orders as the rules know them; raises Invalid at `issued_on` of those issued after the day of pay."""
        later = [
            FieldError(
                f"/declarations/attachment_orders/{place}/issued_on",
                "issued_after_pay",
                f"The order was issued on {order.issued_on}, after the pay of {pay_on}.",
            )
            for place, order in enumerate(self.attachment_orders)
            if order.issued_on > pay_on
        ]
        if later:
            text = f"Attachment orders issued after {pay_on} take nothing of the pay of that day."
            raise Invalid(text, code="issued_after_pay", errors=later)
        return [order.order(place) for place, order in enumerate(self.attachment_orders)]
