"""Posting: one statement writes entries with their lines and open items; triggers keep everything derived."""

from collections.abc import Collection
from datetime import date
from uuid import UUID

from services.billing.ledger import queries
from services.billing.ledger.rules import (
    LIFECYCLE,
    SOURCE_REVERSAL,
    AlreadyPosted,
    AlreadyReversed,
    Entry,
    OpenItem,
    Posting,
    check_entry,
    check_reversal,
    mirrored,
    month_end,
    month_of,
)
from shared.context.batch import Batch
from shared.context.ctx import Ctx
from shared.context.lifecycle import begin
from shared.contracts.billing import JournalEntryPosted
from shared.database.json_rows import recordset, rows_json
from shared.values.ids import new_id

# The month's period comes to be with the first entry that needs it; two who try at once get the same one.
ENTRY = {
    "id": "uuid", "at": "timestamptz", "actor_id": "text", "period_id": "uuid", "starts_on": "date", "ends_on": "date",
    "number": "text", "effective_on": "date", "memo": "text", "source": "text", "source_id": "uuid",
    "line_count": "int", "reverses_id": "uuid",
}  # fmt: skip
ITEM = {
    "id": "uuid", "entry_id": "uuid", "at": "timestamptz", "opened_on": "date", "kind": "text", "party_id": "uuid",
    "account": "text", "currency": "text", "amount": "bigint", "due_on": "date", "number": "text",
}  # fmt: skip
LINE = {
    "entry_id": "uuid", "line": "int", "account": "text", "amount": "bigint", "currency": "text",
    "open_item_id": "uuid", "dimensions": "jsonb",
}  # fmt: skip
POST = f"""
with period as (
  insert into periods (tenant_id, id, created_at, updated_at, starts_on, ends_on, state)
  select distinct on (new.starts_on) $1, new.period_id, new.at, new.at, new.starts_on, new.ends_on, 'open'
  from {recordset(2, ENTRY, "new")}
  where not exists (select from periods p where p.tenant_id = $1 and p.starts_on = new.starts_on)
  on conflict (tenant_id, starts_on) do nothing returning id
), entry as (
  insert into journal_entries (tenant_id, id, created_at, updated_at, number, effective_on, memo, source, source_id,
    line_count, reverses_id, actor_id)
  select $1, new.id, new.at, new.at, new.number, new.effective_on, new.memo, new.source, new.source_id,
    new.line_count, new.reverses_id, new.actor_id
  from {recordset(2, ENTRY, "new")}
  on conflict do nothing returning id
), item as (
  insert into open_items (tenant_id, created_at, updated_at, entry_id, opened_on, id, kind, party_id, account,
    currency, amount_minor, open_minor, due_on, number)
  select $1, new.at, new.at, entry.id, new.opened_on, new.id, new.kind, new.party_id, new.account, new.currency,
    new.amount, new.amount, new.due_on, new.number
  from {recordset(3, ITEM, "new")} join entry on entry.id = new.entry_id
), posting as (
  insert into postings (tenant_id, entry_id, line, account, amount_minor, currency, open_item_id, dimensions)
  select $1, entry.id, new.line, new.account, new.amount, new.currency, new.open_item_id, new.dimensions
  from {recordset(4, LINE, "new")} join entry on entry.id = new.entry_id
)
select array(select id from entry) as posted, array(select id from period) as opened
"""  # noqa: S608 - our own column names


async def post_entry(ctx: Ctx, entry: Entry) -> UUID:
    """Record an entry; returns its id.

    Refuses an unbalanced entry (422), a source that was posted before, a closed period, an unknown account and
    a control posting without its open item (409).
    """
    check_entry(entry.postings)
    if not await _record(Batch([(ctx, entry)])):
        raise _already_posted(entry)
    return entry.id


async def post_entries(batch: Batch[Entry]) -> None:
    """Record entries as `post_entry` does one, each in the name of its ctx, all or none, in one statement."""
    for _, entry in batch.items:
        check_entry(entry.postings)
    posted = await _record(batch)
    for _, entry in batch.items:
        if entry.id not in posted:
            raise _already_posted(entry)


def _already_posted(entry: Entry) -> AlreadyPosted:
    return AlreadyPosted("This was posted before.", source=entry.source, source_id=entry.source_id)


async def reverse_entry(
    ctx: Ctx, entry_id: UUID, *, effective_on: date, memo: str, number: str | None = None
) -> UUID:
    """Undo an entry by its mirror image, once; what its documents had open closes with it.

    Refused with `open_item_exceeded` while a document of the entry is partly or fully settled.
    """
    original = await queries.get_entry(ctx, entry_id)
    check_reversal(
        effective_on=effective_on, original_on=original.effective_on, reverses_id=original.reverses_id
    )
    if original.reversed_by_id is not None:
        raise AlreadyReversed("This entry was reversed before.", journal_entry_id=entry_id)
    reversal = Entry(
        postings=mirrored([line.posting for line in original.lines]),
        effective_on=effective_on,
        memo=memo,
        source=SOURCE_REVERSAL,
        source_id=entry_id,
        number=number,
        reverses_id=entry_id,
    )
    if not await _record(Batch([(ctx, reversal)])):
        raise AlreadyReversed("This entry was reversed before.", journal_entry_id=entry_id)
    return reversal.id


async def _record(batch: Batch[Entry]) -> Collection[UUID]:
    """Write entries; returns which, since those whose source or reversal is in the books already are not."""
    ctx = batch.ctx
    entries = [_entry_row(ctx, entry) for ctx, entry in batch.items]
    items = [_item_row(ctx, entry, item) for ctx, entry in batch.items for item in entry.open_items]
    lines = [
        _line_row(entry, line, posting)
        for _, entry in batch.items
        for line, posting in enumerate(entry.postings, 1)
    ]
    row = await ctx.sql.fetchrow(
        POST, ctx.tenant.id, rows_json(tuple(ENTRY), entries), rows_json(tuple(ITEM), items),
        rows_json(tuple(LINE), lines),
    )  # fmt: skip
    for period_id in row["opened"]:
        begin(ctx, LIFECYCLE, period_id)
    posted = set(row["posted"])
    for its_ctx, entry in batch.items:
        if entry.id in posted:
            _tell_posted(its_ctx, entry)
    return posted


def _tell_posted(ctx: Ctx, entry: Entry) -> None:
    ctx.emit(
        JournalEntryPosted(
            journal_entry_id=entry.id,
            number=entry.number,
            effective_on=entry.effective_on,
            memo=entry.memo,
            source=entry.source,
        ),
        subject=entry.id,
        version=1,
    )


def _entry_row(ctx: Ctx, entry: Entry) -> tuple[object, ...]:
    return (
        entry.id, ctx.now, ctx.actor.id, new_id(), month_of(entry.effective_on), month_end(entry.effective_on),
        entry.number, entry.effective_on, entry.memo, entry.source, entry.source_id, len(entry.postings),
        entry.reverses_id,
    )  # fmt: skip


def _item_row(ctx: Ctx, entry: Entry, item: OpenItem) -> tuple[object, ...]:
    return (
        item.id, entry.id, ctx.now, entry.effective_on, item.kind, item.party_id, item.account, item.amount.currency,
        item.amount.minor, item.due_on, item.number,
    )  # fmt: skip


def _line_row(entry: Entry, line: int, posting: Posting) -> tuple[object, ...]:
    return (
        entry.id, line, posting.account, posting.amount.minor, posting.amount.currency, posting.open_item_id,
        dict(posting.dimensions),
    )  # fmt: skip
