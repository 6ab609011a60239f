"""Wire shapes of payees."""

from dataclasses import fields
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from pydantic import Field, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from services.payroll.engine.inputs import YearToDate
from services.payroll.payees.rules import OWNED_BY_HR, PayeeStatus
from shared.values.bank_fields import AnyBankAccountOut
from shared.values.fields import (
    Code,
    Entries,
    LocalDate,
    MoneyIO,
    Quantity,
    Timestamp,
    WholeNumber,
    WireInput,
    WireModel,
    left_out,
)
from shared.values.masked import masked

READ_PRIVATE: Final = "payroll.private:read"
MEASURES: Final = tuple(field.name for field in fields(YearToDate))


class OpeningIn(WireInput):
    """What was paid and withheld in a tax year before payroll began here; what is stated before is replaced.

    Each figure in the pack's currency. `tax_year` is the year in which it begins; the current one, unless given.
    """

    tax_year: Annotated[WholeNumber, Field(ge=1990, le=2150)] | None = None
    gross: MoneyIO = left_out()
    taxable: MoneyIO = left_out()
    tax: MoneyIO = left_out()
    social_security_wages: MoneyIO = left_out()
    medicare_wages: MoneyIO = left_out()
    ni_earnings: MoneyIO = left_out()
    ni_employee: MoneyIO = left_out()
    ni_employer: MoneyIO = left_out()
    supplemental: MoneyIO = left_out()


class PayeeChange(WireInput):
    """What payroll knows of somebody beside hr, from `effective_on` on; what is left out stays as it is.

    `declarations` are stated as a whole, in the terms of the pack. Without `effective_on` a change holds from today
    on, and what was never known before from the day of hiring on.
    """

    effective_on: LocalDate | None = None
    pay_schedule_id: UUID | None = None
    pack: Code = left_out()
    declarations: Annotated[dict[Code, Any], Entries(most=50)] = left_out()
    year_to_date: OpeningIn = left_out()

    @model_validator(mode="before")
    @classmethod
    def _refuse_what_hr_owns(cls, value: object) -> object:
        """Name the fields that are changed in hr."""
        wrong = sorted(OWNED_BY_HR.intersection(value)) if isinstance(value, dict) else []
        if wrong:
            kind = PydanticCustomError("owned_by_hr", "hr owns this; change the employee there")
            errors = [InitErrorDetails(type=kind, loc=(name,), input=None) for name in wrong]
            raise ValidationError.from_exception_data(cls.__name__, errors)
        return value


class CompensationOut(WireModel):
    """What somebody earns: a salary a year or a month, or a wage an hour."""

    kind: str
    amount: MoneyIO | None
    per: str


class WorkLocationOut(WireModel):
    """Where somebody works: ISO 3166-1 country, ISO 3166-2 subdivision without the country."""

    country: str
    subdivision: str | None


class PrivateOut(WireModel):
    """What of a payee only few may read, as hr told it."""

    compensation: Annotated[CompensationOut | None, masked(scope=READ_PRIVATE)]
    bank_account: Annotated[AnyBankAccountOut | None, masked(scope=READ_PRIVATE)]
    tax_ids: Annotated[dict[str, str] | None, masked(scope=READ_PRIVATE)]
    birth_date: Annotated[str | None, masked(scope=READ_PRIVATE)]


class DeclaredOut(WireModel):
    """What somebody has declared, under its column's name."""

    declared: Annotated[dict[str, Any] | None, masked(scope=READ_PRIVATE)]


class PayeeOut(PrivateOut):
    """Somebody who is paid, as of a day: hr's facts, and what payroll knows besides."""

    id: UUID
    employee_id: UUID
    employment_id: UUID
    number: str
    name: str
    kind: Literal["employee", "contractor"]
    status: PayeeStatus
    hire_on: LocalDate
    last_day: LocalDate | None
    final_pay_on: LocalDate | None
    unused_leave_hours: Quantity | None
    position: str | None
    department: str | None
    cost_centre: str | None
    work_location: WorkLocationOut
    weekly_hours: Quantity | None
    pay_schedule_id: UUID | None
    pack: str | None
    declarations: Annotated[dict[str, Any] | None, masked(scope=READ_PRIVATE)]
    version: int
    created_at: Timestamp
    updated_at: Timestamp


class MeasureOut(WireModel):
    """One measure of a tax year: what was stated at the opening, and what with the runs since it comes to."""

    measure: str
    opening: MoneyIO
    total: MoneyIO


class YearToDateOut(WireModel):
    """What was paid to somebody and withheld in a tax year."""

    payee_id: UUID
    tax_year: int
    measures: list[MeasureOut]
