"""Tables of days away."""

from datetime import date
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    ForeignKeyConstraint,
    Index,
    Integer,
    Numeric,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field

from services.payroll.base import PayrollRow


class PayeeLeave(PayrollRow, table=True):
    """One leave request as hr last told it; a cancelled one has no days."""

    __tablename__ = "payee_leaves"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "payee_id"], ["payees.tenant_id", "payees.id"]),
        UniqueConstraint("tenant_id", "leave_request_id", name="payee_leaves_request_key"),
    )

    payee_id: UUID
    leave_request_id: UUID
    leave_version: int = Field(sa_type=BigInteger)
    pay_code: str = Field(sa_type=Text)
    cancelled: bool = Field(sa_type=Boolean)
    first_day_sick: date | None = None
    expected_week_of_birth: date | None = None
    qualifying_days: list[int] = Field(sa_type=ARRAY(Integer))


LEAVE_DAYS = Table(
    "leave_days",
    PayrollRow.metadata,
    Column("tenant_id", Uuid, primary_key=True),
    Column("leave_id", Uuid, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("payee_id", Uuid, nullable=False),
    Column("hours", Numeric, nullable=False),
    ForeignKeyConstraint(["tenant_id", "leave_id"], ["payee_leaves.tenant_id", "payee_leaves.id"]),
    Index("leave_days_payee", "tenant_id", "payee_id", "day"),
)
