"""Tables of payslips."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Boolean,
    Column,
    DateTime,
    ForeignKeyConstraint,
    Index,
    Integer,
    Numeric,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import Field

from services.payroll.base import PayrollRow
from shared.database.sealing import Sealed, SealedColumn

NO = {"server_default": text("false")}


class Payslip(PayrollRow, table=True):
    """What one payee gets in one run, in the currency of the run.

    `pays_period` is true of the one that pays salary or wages of its period; `posted` since the run was approved;
    `void` of a run that was cancelled. The `record` holds snapshot and explanation; a reversing one has none.
    """

    __tablename__ = "payslips"
    __table_args__ = (
        UniqueConstraint("tenant_id", "run_id", "payee_id", name="payslips_payee_key"),
        ForeignKeyConstraint(["tenant_id", "run_id"], ["pay_runs.tenant_id", "pay_runs.id"]),
        ForeignKeyConstraint(["tenant_id", "payee_id"], ["payees.tenant_id", "payees.id"]),
        ForeignKeyConstraint(["tenant_id", "reverses"], ["payslips.tenant_id", "payslips.id"]),
        Index(
            "payslips_period", "tenant_id", "employment_id", "period_start", "period_end",
            unique=True, postgresql_where=text("pays_period and not void"),
        ),
        Index("payslips_run", "tenant_id", "run_id", "id"),
        Index("payslips_payee", "tenant_id", "payee_id", "tax_year"),
        Index("payslips_employment", "tenant_id", "employment_id", "id"),
        Index(
            "payslips_unissued", "tenant_id", "run_id", "id",
            postgresql_where=text("issued_at is null and posted"),
        ),
    )  # fmt: skip

    run_id: UUID
    payee_id: UUID
    employee_id: UUID
    employment_id: UUID
    number: str = Field(sa_type=Text)
    name: str = Field(sa_type=Text)
    kind: str = Field(sa_type=Text)
    cost_centre: str | None = Field(default=None, sa_type=Text)
    currency: str = Field(sa_type=Text)
    period_start: date
    period_end: date
    tax_year: int = Field(sa_type=Integer)
    pay_on: date
    tax_on: date
    pays_period: bool = Field(sa_type=Boolean)
    posted: bool = Field(default=False, sa_type=Boolean, sa_column_kwargs=NO)
    void: bool = Field(default=False, sa_type=Boolean, sa_column_kwargs=NO)
    issued_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    reverses: UUID | None = None
    gross: Decimal = Field(sa_type=Numeric)
    reimbursed: Decimal = Field(sa_type=Numeric)
    deductions: Decimal = Field(sa_type=Numeric)
    taxes: Decimal = Field(sa_type=Numeric)
    net: Decimal = Field(sa_type=Numeric)
    employer_cost: Decimal = Field(sa_type=Numeric)
    measures: dict[str, Any] = Field(sa_type=JSONB)
    item_ids: list[UUID] = Field(sa_type=ARRAY(Uuid))
    input_hash: str = Field(sa_type=Text)
    result_hash: str = Field(sa_type=Text)
    record: Sealed | None = Field(default=None, sa_type=SealedColumn)


PAYSLIP_LINES = Table(
    "payslip_lines",
    PayrollRow.metadata,
    Column("tenant_id", Uuid, primary_key=True),
    Column("payslip_id", Uuid, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("code", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("item_id", Uuid),
    Column("basis", Numeric),
    Column("rate", Numeric),
    Column("amount", Numeric, nullable=False),
    Column("year_to_date", Numeric, nullable=False),
    Column("rule", Text, nullable=False),
    ForeignKeyConstraint(["tenant_id", "payslip_id"], ["payslips.tenant_id", "payslips.id"]),
)
"""The lines of payslips, in the order of a payslip; read and written as sets, by plain SQL."""
