"""Wire shapes of changes, and of verbs on employments."""

from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from services.hr.employees.schemas.employees import WorkLocationIO, WorkPatternIn
from services.hr.employees.schemas.private import (
    AddressIn,
    BirthDateIn,
    CompensationIn,
    GenderIn,
    TaxIdsIn,
)
from shared.values.bank_fields import AnyBankAccountIn
from shared.values.fields import (
    Code,
    EmailText,
    LocalDate,
    ShortText,
    Timestamp,
    WireInput,
    WireModel,
    left_out,
)


class FactsIn(WireInput):
    """The fields to set; what is left out stays as it is."""

    given_name: ShortText = left_out()
    family_name: ShortText = left_out()
    email: EmailText = left_out()
    birth_date: BirthDateIn | None = None
    gender: GenderIn | None = None
    address: AddressIn | None = None
    tax_ids: TaxIdsIn | None = None
    bank_account: AnyBankAccountIn | None = None
    position: ShortText = left_out()
    department: ShortText = left_out()
    cost_centre: Code | None = None
    manager_id: UUID | None = None
    work_location: WorkLocationIO = left_out()
    work_pattern: WorkPatternIn = left_out()
    compensation: CompensationIn = left_out()

    @model_validator(mode="after")
    def _some(self) -> Self:
        """Refuse a change of nothing."""
        if not self.model_fields_set:
            raise PydanticCustomError("fields_missing", "Name at least one field to set")
        return self


class ChangeIn(WireInput):
    """What is to hold from a day on, in the past or to come, and why."""

    effective_on: LocalDate
    fields: FactsIn
    reason: ShortText
    employment_id: UUID | None = None


class ChangeOut(WireModel):
    """A change: `values` are those that are not sealed; `pending` until somebody else has approved it."""

    id: UUID
    employee_id: UUID
    employment_id: UUID | None
    effective_on: LocalDate
    fields: list[str]
    values: dict[str, Any]
    reason: str
    state: Literal["pending", "applied", "rejected", "withdrawn", "expired", "superseded"]
    approval_id: UUID | None
    actor_id: str
    on_behalf_of: str | None
    applied_at: Timestamp | None
    version: int
    created_at: Timestamp
    updated_at: Timestamp


class ApproveChangeIn(WireInput):
    """What the approver wants to say."""

    comment: ShortText | None = None


class RejectChangeIn(WireInput):
    """Why it is rejected."""

    reason: ShortText


class EmploymentVerbIn(WireInput):
    """Why; and which employment, where an employee has several."""

    reason: ShortText
    employment_id: UUID | None = None


class TerminateIn(EmploymentVerbIn):
    """The last day, itself included. Access ends with it, unless said otherwise."""

    last_day: LocalDate
    final_pay_on: LocalDate | None = None
    access_end_at: Annotated[Timestamp | None, Field(description="Default: the end of the last day.")] = None
