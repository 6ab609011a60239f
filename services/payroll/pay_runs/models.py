"""Tables of pay runs."""

from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Boolean, ForeignKeyConstraint, Index, Integer, Text, UniqueConstraint, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import Field

from services.payroll.base import PayrollRow
from services.payroll.pay_runs.rules import allowed_for


class PayRun(PayrollRow, table=True):
    """One run. `inputs_stamp` is the hash of all rows that it was calculated from, as they were when it began.

    `totals` and `posting` are what its payslips come to; amounts in them are decimal texts of `currency`. `missing` is
    what the employer's profile lacks.
    """

    __tablename__ = "pay_runs"
    __table_args__ = (
        UniqueConstraint("tenant_id", "number", name="pay_runs_number_key"),
        ForeignKeyConstraint(["tenant_id", "schedule_id"], ["pay_schedules.tenant_id", "pay_schedules.id"]),
        ForeignKeyConstraint(["tenant_id", "reverses"], ["pay_runs.tenant_id", "pay_runs.id"]),
        Index("pay_runs_period", "tenant_id", "schedule_id", "period_start"),
        Index("pay_runs_state", "tenant_id", "state", "id"),
        Index("pay_runs_job", "tenant_id", "job_id", unique=True),
        Index(
            "pay_runs_reverses", "tenant_id", "reverses",
            unique=True, postgresql_where=text("state <> 'cancelled'"),
        ),
    )  # fmt: skip

    number: str = Field(sa_type=Text)
    kind: str = Field(sa_type=Text)
    state: str = Field(sa_type=Text)
    schedule_id: UUID
    pack: str = Field(sa_type=Text)
    currency: str = Field(sa_type=Text)
    frequency: str = Field(sa_type=Text)
    basic_pay: bool = Field(sa_type=Boolean)
    period_number: int = Field(sa_type=Integer)
    period_start: date
    period_end: date
    tax_year: int = Field(sa_type=Integer)
    pay_on: date
    tax_on: date
    payee_ids: list[UUID] | None = Field(default=None, sa_type=ARRAY(Uuid))
    excluded: list[UUID] = Field(
        default_factory=list, sa_type=ARRAY(Uuid), sa_column_kwargs={"server_default": text("'{}'")}
    )
    reverses: UUID | None = None
    job_id: UUID | None = None
    error_code: str | None = Field(default=None, sa_type=Text)
    error_message: str | None = Field(default=None, sa_type=Text)
    inputs_stamp: str | None = Field(default=None, sa_type=Text)
    payslips: int = Field(default=0, sa_type=Integer, sa_column_kwargs={"server_default": text("0")})
    totals: dict[str, Any] | None = Field(default=None, sa_type=JSONB(none_as_null=True))
    missing: list[dict[str, str]] = Field(
        default_factory=list, sa_type=JSONB, sa_column_kwargs={"server_default": text("'[]'")}
    )
    posting: list[dict[str, Any]] | None = Field(default=None, sa_type=JSONB(none_as_null=True))
    input_hash: str | None = Field(default=None, sa_type=Text)
    result_hash: str | None = Field(default=None, sa_type=Text)
    submitted_by: str | None = Field(default=None, sa_type=Text)
    approved_by: str | None = Field(default=None, sa_type=Text)
    paid_on: date | None = None

    @property
    def allowed_actions(self) -> list[str]:
        """The verbs a caller may use now."""
        return allowed_for(self.kind, self.state)


class PayRunProblem(PayrollRow, table=True):
    """Why somebody is not paid in a run (`blocker`), or what is odd about it (`warning`); tells no amount."""

    __tablename__ = "pay_run_problems"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "run_id"], ["pay_runs.tenant_id", "pay_runs.id"]),
        ForeignKeyConstraint(["tenant_id", "payee_id"], ["payees.tenant_id", "payees.id"]),
        Index("pay_run_problems_run", "tenant_id", "run_id", "severity", "id"),
    )

    run_id: UUID
    payee_id: UUID
    number: str = Field(sa_type=Text)
    name: str = Field(sa_type=Text)
    severity: str = Field(sa_type=Text)
    code: str = Field(sa_type=Text)
    message: str = Field(sa_type=Text)
    rule: str = Field(sa_type=Text)
