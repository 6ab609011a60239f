"""Tables of payees."""

from datetime import date
from decimal import Decimal
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, ForeignKeyConstraint, Index, Numeric, Text, UniqueConstraint, text
from sqlmodel import Field

from services.payroll.base import PayrollRow
from shared.database.effective_dates import EffectiveDates
from shared.database.sealing import Sealed, SealedColumn

NOUGHT = {"server_default": text("0")}


def _of_payee() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["tenant_id", "payee_id"], ["payees.tenant_id", "payees.id"])


class Payee(PayrollRow, table=True):
    """One employment as payroll knows it.

    `number`, `name` and `kind` are those of its last stretch of days, and null while hr has told of it only in passing
    (an end or leave that came before the hiring). `facts_version` and `end_version` are hr's versions up to which the
    facts and the end are known.
    """

    __tablename__ = "payees"
    __table_args__ = (
        UniqueConstraint("tenant_id", "employment_id", name="payees_employment_key"),
        Index("payees_employee", "tenant_id", "employee_id"),
        Index("payees_number", "tenant_id", "number"),
    )

    employee_id: UUID
    employment_id: UUID
    number: str | None = Field(default=None, sa_type=Text)
    name: str | None = Field(default=None, sa_type=Text)
    kind: str | None = Field(default=None, sa_type=Text)
    hire_on: date | None = None
    facts_version: int = Field(default=0, sa_type=BigInteger, sa_column_kwargs=NOUGHT)
    last_day: date | None = None
    final_pay_on: date | None = None
    unused_leave_hours: Decimal | None = Field(default=None, sa_type=Numeric)
    start_cancelled: bool = Field(
        default=False, sa_type=Boolean, sa_column_kwargs={"server_default": text("false")}
    )
    end_version: int = Field(default=0, sa_type=BigInteger, sa_column_kwargs=NOUGHT)


class PayeeFact(PayrollRow, table=True):
    """What hr told of an employment for some days, as told; on which days it still holds, `PayeeStretch` says."""

    __tablename__ = "payee_facts"
    __table_args__ = (
        _of_payee(),
        UniqueConstraint(
            "tenant_id", "payee_id", "fact_version", "effective_on", name="payee_facts_version_key"
        ),
    )

    payee_id: UUID
    fact_version: int = Field(sa_type=BigInteger)
    effective_on: date
    effective_until: date | None = None
    number: str = Field(sa_type=Text)
    name: str = Field(sa_type=Text)
    kind: str = Field(sa_type=Text)
    position: str | None = Field(default=None, sa_type=Text)
    department: str | None = Field(default=None, sa_type=Text)
    cost_centre: str | None = Field(default=None, sa_type=Text)
    work_country: str = Field(sa_type=Text)
    work_subdivision: str | None = Field(default=None, sa_type=Text)
    weekly_hours: Decimal | None = Field(default=None, sa_type=Numeric)
    compensation: Sealed | None = Field(default=None, sa_type=SealedColumn)
    bank_account: Sealed | None = Field(default=None, sa_type=SealedColumn)
    tax_ids: Sealed | None = Field(default=None, sa_type=SealedColumn)
    birth_date: Sealed | None = Field(default=None, sa_type=SealedColumn)


class PayeeStretch(PayrollRow, EffectiveDates, table=True):
    """Days on which one fact of a payee holds: never two on the same day."""

    __tablename__ = "payee_stretches"
    __table_args__ = (
        _of_payee(),
        ForeignKeyConstraint(["tenant_id", "fact_id"], ["payee_facts.tenant_id", "payee_facts.id"]),
        Index("payee_stretches_day", "tenant_id", "payee_id", "valid_from"),
    )

    payee_id: UUID
    fact_id: UUID
    fact_version: int = Field(sa_type=BigInteger)


class PayeeSchedule(PayrollRow, table=True):
    """By which schedule somebody is paid from a day on, until the next such row; null: by none."""

    __tablename__ = "payee_schedules"
    __table_args__ = (
        _of_payee(),
        ForeignKeyConstraint(
            ["tenant_id", "pay_schedule_id"], ["pay_schedules.tenant_id", "pay_schedules.id"]
        ),
        UniqueConstraint("tenant_id", "payee_id", "valid_from", name="payee_schedules_day_key"),
        Index("payee_schedules_schedule", "tenant_id", "pay_schedule_id", "payee_id"),
    )

    payee_id: UUID
    valid_from: date
    pay_schedule_id: UUID | None = None


class PayeeDeclarations(PayrollRow, table=True):
    """What somebody has declared (tax code, Form W-4) from a day on, until the next such row, in a pack's terms."""

    __tablename__ = "payee_declarations"
    __table_args__ = (
        _of_payee(),
        UniqueConstraint("tenant_id", "payee_id", "valid_from", name="payee_declarations_day_key"),
    )

    payee_id: UUID
    valid_from: date
    pack: str = Field(sa_type=Text)
    declared: Sealed | None = Field(default=None, sa_type=SealedColumn)
