"""The ledger of the year to date; read and written as sets, by plain SQL: its rows have no class."""

from sqlalchemy import (
    Column,
    Date,
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

from services.payroll.base import PayrollRow

YEAR_TO_DATE = Table(
    "year_to_date",
    PayrollRow.metadata,
    Column("tenant_id", Uuid, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    Column("payee_id", Uuid, nullable=False),
    Column("tax_year", Integer, nullable=False),
    Column("measure", Text, nullable=False),
    Column("amount", Numeric, nullable=False),
    Column("pay_on", Date, nullable=False),
    Column("source_kind", Text, nullable=False),
    Column("source_id", Uuid, nullable=False),
    ForeignKeyConstraint(["tenant_id", "payee_id"], ["payees.tenant_id", "payees.id"]),
    UniqueConstraint(
        "tenant_id", "source_kind", "source_id", "payee_id", "measure", name="year_to_date_source_key"
    ),
    Index("year_to_date_payee", "tenant_id", "payee_id", "tax_year", "pay_on"),
)
