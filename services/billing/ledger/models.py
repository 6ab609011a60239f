"""Tables of the ledger. Postings and month totals have no identity of their own and are met by SQL only."""

from datetime import date
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    ForeignKeyConstraint,
    Index,
    Integer,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from services.billing.base import BillingRow
from services.billing.ledger.rules import EARLIEST


class Account(BillingRow, table=True):
    """A place where value is counted; found by its code, renamed but never redefined."""

    __tablename__ = "accounts"
    __table_args__ = (UniqueConstraint("tenant_id", "code", name="accounts_code_key"),)

    code: str = Field(sa_type=Text)
    name: str = Field(sa_type=Text)
    type: str = Field(sa_type=Text)
    currency: str | None = Field(default=None, sa_type=Text)
    control: str | None = Field(default=None, sa_type=Text)


class Period(BillingRow, table=True):
    """A calendar month of the books, open for posting or closed."""

    __tablename__ = "periods"
    __table_args__ = (UniqueConstraint("tenant_id", "starts_on", name="periods_starts_on_key"),)

    starts_on: date
    ends_on: date
    state: str = Field(sa_type=Text)


class Books(BillingRow, table=True):
    """What holds for all of a tenant's books; one row per tenant, under the tenant's own id."""

    __tablename__ = "books"

    opened_on: date | None = None
    fiscal_year_starts: int = Field(
        default=1, sa_type=SmallInteger, sa_column_kwargs={"server_default": text("1")}
    )

    @property
    def first_day(self) -> date:
        """The first day that may be posted to."""
        return self.opened_on or EARLIEST


class JournalEntry(BillingRow, table=True):
    """A balanced, unchangeable record; `created_at` is when it was recorded, `effective_on` when it counts."""

    __tablename__ = "journal_entries"
    __table_args__ = (
        UniqueConstraint("tenant_id", "number", name="journal_entries_number_key"),
        UniqueConstraint("tenant_id", "source", "source_id", name="journal_entries_source_key"),
        UniqueConstraint("tenant_id", "reverses_id", name="journal_entries_reverses_key"),
        ForeignKeyConstraint(
            ["tenant_id", "reverses_id"],
            ["journal_entries.tenant_id", "journal_entries.id"],
            name="journal_entries_reverses_fkey",
        ),
        Index("journal_entries_by_day", "tenant_id", "effective_on", "id"),
        Index(
            "journal_entries_closing",
            "tenant_id",
            "effective_on",
            postgresql_where=text("kind = 'closing'"),
        ),
    )

    number: str | None = Field(default=None, sa_type=Text)
    effective_on: date
    memo: str = Field(sa_type=Text)
    source: str = Field(sa_type=Text)
    source_id: UUID | None = None
    line_count: int
    reverses_id: UUID | None = None
    actor_id: str = Field(sa_type=Text)
    kind: str = Field(
        default="ordinary", sa_type=Text, sa_column_kwargs={"server_default": text("'ordinary'")}
    )


class OpenItemRow(BillingRow, table=True):
    """What is still open of a document on a control account; its id is the document's."""

    __tablename__ = "open_items"
    __table_args__ = (
        ForeignKeyConstraint(
            ["tenant_id", "entry_id"],
            ["journal_entries.tenant_id", "journal_entries.id"],
            name="open_items_entry_fkey",
        ),
        Index(
            "open_items_still_open",
            "tenant_id",
            "account",
            "party_id",
            postgresql_where=text("open_minor <> 0"),
        ),
        Index("open_items_by_party", "tenant_id", "party_id", "id"),
    )

    entry_id: UUID
    kind: str = Field(sa_type=Text)
    party_id: UUID
    account: str = Field(sa_type=Text)
    currency: str = Field(sa_type=Text)
    amount_minor: int = Field(sa_type=BigInteger)
    open_minor: int = Field(sa_type=BigInteger)
    opened_on: date
    due_on: date | None = None
    number: str | None = Field(default=None, sa_type=Text)


class AllocationRow(BillingRow, table=True):
    """An amount by which two open items settled each other, from a day on."""

    __tablename__ = "allocations"
    __table_args__ = (
        UniqueConstraint("tenant_id", "reverses_id", name="allocations_reverses_key"),
        *(
            ForeignKeyConstraint(
                ["tenant_id", column],
                ["open_items.tenant_id", "open_items.id"],
                name=f"allocations_{name}_fkey",
            )
            for column, name in (("from_item", "from"), ("to_item", "to"))
        ),
        ForeignKeyConstraint(
            ["tenant_id", "reverses_id"],
            ["allocations.tenant_id", "allocations.id"],
            name="allocations_reverses_fkey",
        ),
        Index("allocations_by_from", "tenant_id", "from_item"),
        Index("allocations_by_to", "tenant_id", "to_item"),
        Index("allocations_by_day", "tenant_id", "allocated_on"),
    )

    from_item: UUID
    to_item: UUID
    amount_minor: int = Field(sa_type=BigInteger)
    currency: str = Field(sa_type=Text)
    allocated_on: date
    reverses_id: UUID | None = None
    actor_id: str = Field(sa_type=Text)


POSTINGS = Table(
    "postings",
    BillingRow.metadata,
    Column("tenant_id", Uuid, primary_key=True),
    Column("entry_id", Uuid, primary_key=True),
    Column("line", Integer, primary_key=True),
    Column("account", Text, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("open_item_id", Uuid),
    Column("dimensions", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
    ForeignKeyConstraint(
        ["tenant_id", "entry_id"],
        ["journal_entries.tenant_id", "journal_entries.id"],
        name="postings_entry_fkey",
    ),
    ForeignKeyConstraint(
        ["tenant_id", "open_item_id"],
        ["open_items.tenant_id", "open_items.id"],
        name="postings_open_item_fkey",
    ),
    Index("postings_by_account", "tenant_id", "account", "entry_id"),
    Index(
        "postings_by_open_item",
        "tenant_id",
        "open_item_id",
        postgresql_where=text("open_item_id is not null"),
    ),
)

ACCOUNT_MONTHS = Table(
    "account_months",
    BillingRow.metadata,
    Column("tenant_id", Uuid, primary_key=True),
    Column("account", Text, primary_key=True),
    Column("month", Date, primary_key=True),
    Column("currency", Text, primary_key=True),
    Column("shard", SmallInteger, primary_key=True),
    Column("debit_minor", BigInteger, nullable=False),
    Column("credit_minor", BigInteger, nullable=False),
)
