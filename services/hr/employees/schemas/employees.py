"""Wire shapes of employees and their employments."""

from typing import Annotated, Literal, get_args
from uuid import UUID

from pydantic import AfterValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

from services.hr.employees.rules import EmploymentState, Kind
from services.hr.employees.schemas.private import (
    AddressIn,
    AddressShown,
    BankAccountShown,
    BirthDateIn,
    BirthDateShown,
    CompensationIn,
    CompensationShown,
    GenderIn,
    GenderShown,
    TaxIdsIn,
    TaxIdsShown,
)
from shared.values.bank_fields import AnyBankAccountIn
from shared.values.fields import (
    Code,
    CountryCode,
    EmailText,
    Entries,
    LocalDate,
    PositiveQuantity,
    Quantity,
    ShortText,
    Timestamp,
    WireInput,
    WireModel,
)

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
HOURS_OF_A_WEEK = 168


def _in_order(days: list[Weekday]) -> list[Weekday]:
    """Days as they come in a week; refuses one that is named twice."""
    if len(set(days)) != len(days):
        raise PydanticCustomError("day_twice", "Each day once")
    return sorted(days, key=get_args(Weekday).index)


def _of_a_week(hours: PositiveQuantity) -> PositiveQuantity:
    if hours > HOURS_OF_A_WEEK:
        raise PydanticCustomError("weekly_hours_out_of_range", "A week has 168 hours")
    return hours


class WorkLocationIO(WireInput):
    """Where somebody works: ISO 3166-1 country and ISO 3166-2 subdivision without the country (`CA`, `SCT`)."""

    country: CountryCode
    subdivision: Annotated[str, StringConstraints(strict=True, pattern="^[A-Z0-9]{1,3}$")] | None = None


class WorkPatternIn(WireInput):
    """Hours of a week, and the days on which they are worked, in equal parts."""

    weekly_hours: Annotated[PositiveQuantity, AfterValidator(_of_a_week)]
    days: Annotated[list[Weekday], Entries(1, 7), AfterValidator(_in_order)]


class WorkPatternOut(WireModel):
    """Hours of a week, and the days on which they are worked, in equal parts."""

    weekly_hours: Quantity
    days: list[Weekday]


class TermsIn(WireInput):
    """The terms of an employment, from its first day on."""

    hire_on: LocalDate
    kind: Kind
    position: ShortText
    department: ShortText
    cost_centre: Code | None = None
    manager_id: UUID | None = None
    work_location: WorkLocationIO
    work_pattern: WorkPatternIn
    compensation: CompensationIn


class EmployeeIn(TermsIn):
    """Somebody who is hired; without a number the next one of the company's series is taken."""

    number: Code | None = None
    given_name: ShortText
    family_name: ShortText
    email: EmailText
    birth_date: BirthDateIn | None = None
    gender: GenderIn | None = None
    address: AddressIn | None = None
    bank_account: AnyBankAccountIn | None = None
    tax_ids: TaxIdsIn | None = None


class EmploymentIn(TermsIn):
    """A further employment: after an earlier one (rehire), beside one, or as another kind."""


class SummaryOut(WireModel):
    """An employee in a list on a screen."""

    id: UUID
    number: str
    name: str
    state: EmploymentState
    position: str
    department: str


class ListedOut(SummaryOut):
    """An employee in a list: what holds that day of the person and the employment, without what is sealed."""

    given_name: str
    family_name: str
    email: str
    employment_id: UUID
    kind: Kind
    hire_on: LocalDate
    last_day: LocalDate | None
    cost_centre: str | None
    manager_id: UUID | None
    work_location: WorkLocationIO
    work_pattern: WorkPatternOut
    version: int
    created_at: Timestamp
    updated_at: Timestamp


class EmployeeOut(
    ListedOut, BirthDateShown, GenderShown, AddressShown, TaxIdsShown, BankAccountShown, CompensationShown
):
    """An employee with the employment that is current on the day `as_of`.

    Current is the one that goes on, hired last; else the next one to begin; else the last one. Before its first day it
    is shown on the terms it begins with, after its last day on those it ended with.
    """

    as_of: LocalDate
    known_at: Timestamp | None
    allowed_actions: Annotated[list[str], Field(description="Verbs on the employment, as it stands now.")]


class EmploymentOut(WireModel):
    """One employment as it stands today, and as it is known now."""

    id: UUID
    employee_id: UUID
    kind: Kind
    state: EmploymentState
    hire_on: LocalDate
    last_day: LocalDate | None
    access_end_at: Timestamp | None
    final_pay_on: LocalDate | None
    allowed_actions: list[str]
    version: int
    created_at: Timestamp
    updated_at: Timestamp
