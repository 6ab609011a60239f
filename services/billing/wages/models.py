"""Tables of wages in the books: runs and their lines as payroll told them, and what was remitted."""

from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKeyConstraint, Index, Integer, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from services.billing.base import BillingRow
from shared.values.money import Money


def _entry_key(table: str, column: str, name: str) -> ForeignKeyConstraint:
    return ForeignKeyConstraint(
        ["tenant_id", column],
        ["journal_entries.tenant_id", "journal_entries.id"],
        name=f"{table}_{name}_fkey",
    )


class WagePosting(BillingRow, table=True):
    """A pay run as the books have it; its id is the run's. Until its approval was told most is not known.

    A run of nothing has no entry.
    """

    __tablename__ = "wage_postings"
    __table_args__ = (
        _entry_key("wage_postings", "entry_id", "entry"),
        _entry_key("wage_postings", "payment_entry_id", "payment_entry"),
        _entry_key("wage_postings", "reversal_entry_id", "reversal_entry"),
        Index("wage_postings_by_state", "tenant_id", "state", "id"),
        Index("wage_postings_by_number", "tenant_id", "number", postgresql_where=text("number is not null")),
    )

    state: str = Field(sa_type=Text)
    number: str | None = Field(default=None, sa_type=Text)
    kind: str | None = Field(default=None, sa_type=Text)
    currency: str = Field(sa_type=Text)
    pay_on: date | None = None
    effective_on: date | None = None
    paid_on: date | None = None
    reversed_on: date | None = None
    entry_id: UUID | None = None
    payment_entry_id: UUID | None = None
    reversal_entry_id: UUID | None = None


class WagePostingLine(BillingRow, table=True):
    """What a run says of a role and cost centre on one side, and how much of that was paid."""

    __tablename__ = "wage_posting_lines"
    __table_args__ = (
        ForeignKeyConstraint(
            ["tenant_id", "run_id"],
            ["wage_postings.tenant_id", "wage_postings.id"],
            name="wage_posting_lines_run_fkey",
        ),
        UniqueConstraint("tenant_id", "run_id", "line", name="wage_posting_lines_line_key"),
    )

    run_id: UUID
    line: int = Field(sa_type=Integer)
    role: str = Field(sa_type=Text)
    cost_centre: str | None = Field(default=None, sa_type=Text)
    debit_minor: int = Field(sa_type=BigInteger)
    credit_minor: int = Field(sa_type=BigInteger)
    cleared_minor: int = Field(default=0, sa_type=BigInteger, sa_column_kwargs={"server_default": text("0")})


class WageFact(BillingRow, table=True):
    """An event of a run as it came: kept to be posted once the run is, and to tell a repetition from something else."""

    __tablename__ = "wage_facts"
    __table_args__ = (
        ForeignKeyConstraint(
            ["tenant_id", "run_id"],
            ["wage_postings.tenant_id", "wage_postings.id"],
            name="wage_facts_run_fkey",
        ),
        UniqueConstraint("tenant_id", "run_id", "kind", name="wage_facts_kind_key"),
    )

    run_id: UUID
    kind: str = Field(sa_type=Text)
    event_id: UUID
    facts: dict[str, Any] = Field(sa_type=JSONB)


class WageRemittance(BillingRow, table=True):
    """What was paid over of a liability; its id is the liability's."""

    __tablename__ = "wage_remittances"
    __table_args__ = (_entry_key("wage_remittances", "entry_id", "entry"),)

    role: str = Field(sa_type=Text)
    currency: str = Field(sa_type=Text)
    amount_minor: int = Field(sa_type=BigInteger)
    remitted_on: date
    entry_id: UUID

    @property
    def amount(self) -> Money:
        """What was paid over."""
        return Money(self.amount_minor, self.currency)
