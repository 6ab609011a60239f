"""Tables of employees. What holds of a person or an employment on a day is in recorded rows, which never change."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    Boolean,
    DateTime,
    ForeignKeyConstraint,
    Index,
    Numeric,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from services.hr.base import HrRow
from services.hr.employees.rules import LIFECYCLE
from shared.context.effective_rows import RecordedRow
from shared.database.sealing import Sealed, SealedColumn
from shared.database.term_tables import term_table


def _refers(table: str, column: str, to: str, name: str) -> ForeignKeyConstraint:
    columns = [f"{to}.tenant_id", f"{to}.id"]
    return ForeignKeyConstraint(["tenant_id", column], columns, name=f"{table}_{name}_fkey")


class Employee(HrRow, table=True):
    """A person whom the company employs, or did; `version` counts everything that changes of them."""

    __tablename__ = "employees"
    __table_args__ = (UniqueConstraint("tenant_id", "number", name="employees_number_key"),)

    number: str = Field(sa_type=Text)


class Employment(HrRow, table=True):
    """One engagement of an employee: today's state, and its end when that is known. `away`: approved leave goes on.

    `version` counts what is told of it; of two facts about a day the higher one holds.
    """

    __tablename__ = "employments"
    __table_args__ = (
        _refers("employments", "employee_id", "employees", "employee"),
        Index("employments_employee", "tenant_id", "employee_id", "hire_on"),
    )

    employee_id: UUID
    kind: str = Field(sa_type=Text)
    state: str = Field(sa_type=Text)
    hire_on: date
    last_day: date | None = None
    access_end_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    final_pay_on: date | None = None
    away: bool = Field(default=False, sa_type=Boolean, sa_column_kwargs={"server_default": text("false")})

    @property
    def allowed_actions(self) -> list[str]:
        """The verbs a caller may use now; an end can be taken back where one is set."""
        return self.allowed_in(self.state)

    def allowed_in(self, state: str) -> list[str]:
        """The same in a state in which the clock has it already."""
        verbs = LIFECYCLE.allowed(state)
        return [verb for verb in verbs if verb != "cancel-termination" or self.last_day is not None]


class EmployeePrivate(HrRow, table=True):
    """Sealed values that were stated together, at hiring or by one change; recorded rows refer to them."""

    __tablename__ = "employee_private"
    __table_args__ = (_refers("employee_private", "employee_id", "employees", "employee"),)

    employee_id: UUID
    birth_date: Sealed | None = Field(default=None, sa_type=SealedColumn)
    gender: Sealed | None = Field(default=None, sa_type=SealedColumn)
    address: Sealed | None = Field(default=None, sa_type=SealedColumn)
    tax_ids: Sealed | None = Field(default=None, sa_type=SealedColumn)
    bank_account: Sealed | None = Field(default=None, sa_type=SealedColumn)
    compensation: Sealed | None = Field(default=None, sa_type=SealedColumn)


class PersonFacts(HrRow, RecordedRow, table=True):
    """What holds of a person for a time; `…_id` name sealed values, `stated` the columns that a change set that day."""

    __tablename__ = "person_facts"
    __table_args__ = (
        _refers("person_facts", "employee_id", "employees", "employee"),
        Index("person_facts_employee", "tenant_id", "employee_id", "valid_from"),
    )

    employee_id: UUID
    given_name: str = Field(sa_type=Text)
    family_name: str = Field(sa_type=Text)
    email: str = Field(sa_type=Text)
    birth_date_id: UUID | None = None
    gender_id: UUID | None = None
    address_id: UUID | None = None
    tax_ids_id: UUID | None = None
    bank_account_id: UUID | None = None
    stated: list[str] = Field(sa_type=ARRAY(Text))


class EmploymentTerms(HrRow, RecordedRow, table=True):
    """The terms of an employment for a time, from its first day on; its end is not theirs."""

    __tablename__ = "employment_terms"
    __table_args__ = (
        _refers("employment_terms", "employment_id", "employments", "employment"),
        _refers("employment_terms", "manager_id", "employees", "manager"),
        Index("employment_terms_employment", "tenant_id", "employment_id", "valid_from"),
        Index("employment_terms_employee", "tenant_id", "employee_id", "valid_from"),
        Index("employment_terms_department", "tenant_id", "department", "employee_id"),
        Index("employment_terms_manager", "tenant_id", "manager_id", "employee_id"),
        Index("employment_terms_position", "tenant_id", "position", "employee_id"),
    )

    employment_id: UUID
    employee_id: UUID
    position: str = Field(sa_type=Text)
    department: str = Field(sa_type=Text)
    cost_centre: str | None = Field(default=None, sa_type=Text)
    manager_id: UUID | None = None
    country: str = Field(sa_type=Text)
    subdivision: str | None = Field(default=None, sa_type=Text)
    weekly_hours: Decimal = Field(sa_type=Numeric)
    work_days: list[str] = Field(sa_type=ARRAY(Text))
    compensation_id: UUID
    stated: list[str] = Field(sa_type=ARRAY(Text))


class EmploymentStage(HrRow, RecordedRow, table=True):
    """The state of an employment for a time, so that a day's state is known, and what it was believed to be."""

    __tablename__ = "employment_stages"
    __table_args__ = (
        _refers("employment_stages", "employment_id", "employments", "employment"),
        Index("employment_stages_employment", "tenant_id", "employment_id", "valid_from"),
        Index("employment_stages_state", "tenant_id", "state", "employee_id"),
    )

    employment_id: UUID
    employee_id: UUID
    state: str = Field(sa_type=Text)


class EmployeeChange(HrRow, table=True):
    """Something stated to hold from a day on: `facts` in clear by column, sealed ones in the row `private_id` names.

    One that waits for approval has no `applied_at`.
    """

    __tablename__ = "employee_changes"
    __table_args__ = (
        _refers("employee_changes", "employee_id", "employees", "employee"),
        Index("employee_changes_employee", "tenant_id", "employee_id", "id"),
    )

    employee_id: UUID
    employment_id: UUID | None = None
    effective_on: date
    fields: list[str] = Field(sa_type=ARRAY(Text))
    facts: dict[str, Any] = Field(sa_type=JSONB)
    private_id: UUID | None = None
    reason: str = Field(sa_type=Text)
    actor_id: str = Field(sa_type=Text)
    on_behalf_of: str | None = Field(default=None, sa_type=Text)
    approval_id: UUID | None = None
    applied_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))


EMPLOYEE_WORDS = term_table(HrRow.metadata, "employee_words", "employee_id")
