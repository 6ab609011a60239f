"""Facts that hr publishes. What is private of a person travels sealed with a key that hr and payroll share.

`private` is made by `shared.context.sealed_facts.seal_fact` and opened by `open_fact`; without the key nobody on the
way, in a dump or in a dead letter can read it.
"""

from datetime import date, datetime
from decimal import Decimal
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, Field

from shared.contracts.event import Event
from shared.values.fields import MoneyIO

EmploymentKind = Literal["employee", "contractor"]
LeavePayCode = Literal[
    "paid",
    "unpaid",
    "sick",
    "maternity",
    "paternity",
    "adoption",
    "shared_parental",
    "neonatal",
    "bereavement",
]
"""How payroll treats days away. Never a diagnosis, never a text."""


class WorkLocation(BaseModel):
    """Where somebody works: ISO 3166-1 country and ISO 3166-2 subdivision without the country (`CA`, `SCT`)."""

    country: str
    subdivision: str | None = None


class EmploymentFacts(BaseModel):
    """What holds of one employment from `effective_on` to `effective_until`, both inclusive (null: no end).

    Of two facts about one day the one with the higher `version` holds, in whatever order they arrive.
    """

    employee_id: UUID
    employment_id: UUID
    number: str
    name: str
    kind: EmploymentKind
    hire_on: date
    effective_on: date
    effective_until: date | None = None
    position: str | None = None
    department: str | None = None
    cost_centre: str | None = None
    manager_id: UUID | None = None
    work_location: WorkLocation
    weekly_hours: Decimal | None = None
    changed_fields: list[str] = Field(default_factory=list)
    version: int
    private: str
    """Sealed: birth_date, gender, address, tax_ids, bank_account (the one to pay to), compensation."""


class EmployeeHired(EmploymentFacts, Event, type="hr.employee.hired.v1"):
    """Somebody was hired (also again, or for a second engagement); the employment begins on `hire_on`."""


class EmployeeChanged(EmploymentFacts, Event, type="hr.employee.changed.v1"):
    """Facts of an employment changed; a transfer is position or department among `changed_fields`.

    A change that falls into several stretches of time is told once for each.
    """


class EmployeeTerminated(Event, type="hr.employee.terminated.v1"):
    """An employment ends; told at the command, also for a day to come. Why is never told."""

    employee_id: UUID
    employment_id: UUID
    last_day: date
    access_end_at: datetime
    final_pay_on: date | None = None
    unused_leave_hours: Decimal | None = None
    version: int


class TerminationCancelled(Event, type="hr.employee.termination_cancelled.v1"):
    """An employment goes on after all."""

    employee_id: UUID
    employment_id: UUID
    version: int


class StartCancelled(Event, type="hr.employee.start_cancelled.v1"):
    """Somebody who was hired does not begin."""

    employee_id: UUID
    employment_id: UUID
    version: int


class LeaveDay(BaseModel):
    """One day away: the hours that would have been worked, by the working pattern and calendar valid that day."""

    date: date
    hours: Decimal


class LeaveFacts(BaseModel):
    """Days away, as payroll needs them."""

    leave_request_id: UUID
    employee_id: UUID
    employment_id: UUID
    pay_code: LeavePayCode
    days: list[LeaveDay]
    first_day_sick: date | None = None
    expected_week_of_birth: date | None = None
    qualifying_days: list[int] = Field(default_factory=list)
    """Weekdays on which the person usually works, Monday is 1 (ISO 8601); for statutory sick pay."""
    version: int


class LeaveApproved(LeaveFacts, Event, type="hr.leave_request.approved.v1"):
    """Leave was granted."""


class LeaveCancelled(LeaveFacts, Event, type="hr.leave_request.cancelled.v1"):
    """Granted leave was taken back; its days count no more."""


BenefitTreatment = Literal["pretax_401k", "section_125", "post_tax", "net_pay_arrangement", "relief_at_source",
                           "salary_sacrifice"]  # fmt: skip


class BenefitElected(Event, type="hr.benefit.elected.v1"):
    """Somebody takes part in a benefit plan from a day on; payroll deducts."""

    election_id: UUID
    employee_id: UUID
    employment_id: UUID
    plan_code: str
    treatment: BenefitTreatment
    employee_amount: MoneyIO | None = None
    employee_percent: Decimal | None = None
    employer_amount: MoneyIO | None = None
    employer_percent: Decimal | None = None
    effective_on: date
    version: int


class BenefitEnded(Event, type="hr.benefit.ended.v1"):
    """A benefit ends; `effective_on` is its last day."""

    election_id: UUID
    employee_id: UUID
    employment_id: UUID
    plan_code: str
    effective_on: date
    version: int


class SpendingRequested(Event, type="hr.spending.requested.v1"):
    """Money is wanted for something of the staff's (an event, a training), to be taken from a budget."""

    spending_request_id: UUID
    cost_centre: str
    amount: MoneyIO
    purpose: str
