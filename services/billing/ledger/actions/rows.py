"""The rows that posting writes, one class for each table."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Self
from uuid import UUID

from services.billing.ledger.rules import Entry, OpenItem, PeriodState, Posting, month_end, month_of
from shared.context.ctx import Ctx
from shared.values.ids import new_id


@dataclass(frozen=True, slots=True)
class PeriodRow:
    """A month of the books."""

    id: UUID
    created_at: datetime
    updated_at: datetime
    starts_on: date
    ends_on: date
    state: str

    @classmethod
    def of(cls, ctx: Ctx, entry: Entry) -> Self:
        """The open period that an entry falls into."""
        return cls(
            id=new_id(),
            created_at=ctx.now,
            updated_at=ctx.now,
            starts_on=month_of(entry.effective_on),
            ends_on=month_end(entry.effective_on),
            state=PeriodState.OPEN,
        )


@dataclass(frozen=True, slots=True)
class EntryRow:
    """A journal entry."""

    id: UUID
    created_at: datetime
    updated_at: datetime
    number: str | None
    effective_on: date
    memo: str
    source: str
    source_id: UUID | None
    line_count: int
    reverses_id: UUID | None
    actor_id: str
    kind: str

    @classmethod
    def of(cls, ctx: Ctx, entry: Entry) -> Self:
        """An entry that is recorded in the name of a ctx."""
        return cls(
            id=entry.id,
            created_at=ctx.now,
            updated_at=ctx.now,
            number=entry.number,
            effective_on=entry.effective_on,
            memo=entry.memo,
            source=entry.source,
            source_id=entry.source_id,
            line_count=len(entry.postings),
            reverses_id=entry.reverses_id,
            actor_id=ctx.actor.id,
            kind=entry.kind,
        )


@dataclass(frozen=True, slots=True)
class ItemRow:
    """A document's open item; all of it is open at first."""

    id: UUID
    created_at: datetime
    updated_at: datetime
    entry_id: UUID
    kind: str
    party_id: UUID
    account: str
    currency: str
    amount_minor: int
    open_minor: int
    opened_on: date
    due_on: date | None
    number: str | None

    @classmethod
    def of(cls, ctx: Ctx, entry: Entry, item: OpenItem) -> Self:
        """An open item of an entry."""
        return cls(
            id=item.id,
            created_at=ctx.now,
            updated_at=ctx.now,
            entry_id=entry.id,
            kind=item.kind,
            party_id=item.party_id,
            account=item.account,
            currency=item.amount.currency,
            amount_minor=item.amount.minor,
            open_minor=item.amount.minor,
            opened_on=entry.effective_on,
            due_on=item.due_on,
            number=item.number,
        )


@dataclass(frozen=True, slots=True)
class PostingRow:
    """A line of an entry."""

    entry_id: UUID
    line: int
    account: str
    amount_minor: int
    currency: str
    open_item_id: UUID | None
    dimensions: Mapping[str, str]

    @classmethod
    def of(cls, entry: Entry, line: int, posting: Posting) -> Self:
        """A line of an entry, counted from one."""
        return cls(
            entry_id=entry.id,
            line=line,
            account=posting.account,
            amount_minor=posting.amount.minor,
            currency=posting.amount.currency,
            open_item_id=posting.open_item_id,
            dimensions=dict(posting.dimensions),
        )
