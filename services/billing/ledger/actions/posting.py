"""Posting: one statement writes entries with their lines and open items; triggers keep everything derived."""

from collections.abc import Collection
from datetime import date
from uuid import UUID

from services.billing.ledger import models, queries
from services.billing.ledger.actions.rows import EntryRow, ItemRow, PeriodRow, PostingRow
from services.billing.ledger.models import JournalEntry, OpenItemRow, Period
from services.billing.ledger.rules import (
    LIFECYCLE,
    SOURCE_REVERSAL,
    AlreadyPosted,
    AlreadyReversed,
    Entry,
    check_entry,
    check_reversal,
    mirrored,
    month_of,
)
from shared.context.batch import Batch
from shared.context.ctx import Ctx
from shared.context.lifecycle import begin
from shared.contracts.billing import JournalEntryPosted
from shared.database.table_sql import TableSql

ENTRIES = TableSql(JournalEntry, EntryRow)
ITEMS = TableSql(OpenItemRow, ItemRow)
POSTINGS = TableSql(models.POSTINGS, PostingRow)
PERIODS = TableSql(Period, PeriodRow)
# The month's period comes to be with the first entry that needs it; two who try at once get the same one.
ABSENT = "where not exists (select from periods p where p.tenant_id = $1 and p.starts_on = new.starts_on)"
OF_ENTRY = "join entry on entry.id = new.entry_id"
POST = f"""
with period as (
  {PERIODS.insert(2, rest=ABSENT)} on conflict (tenant_id, starts_on) do nothing returning id
), entry as ({ENTRIES.insert(3)} on conflict do nothing returning id
), item as ({ITEMS.insert(4, rest=OF_ENTRY)}
), posting as ({POSTINGS.insert(5, rest=OF_ENTRY)})
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


async def _already_reversed(ctx: Ctx, entry_id: UUID) -> AlreadyReversed:
    by = (await queries.get_entry(ctx, entry_id)).reversed_by_id
    number = None if by is None else (await queries.get_entry(ctx, by)).number
    return AlreadyReversed(
        f"This entry was reversed before, by {number or by}.",
        journal_entry_id=entry_id,
        reversed_by_id=by,
        reversed_by_number=number,
    )


async def reverse_entry(
    ctx: Ctx,
    entry_id: UUID,
    *,
    effective_on: date,
    memo: str,
    number: str | None = None,
    source: tuple[str, UUID] | None = None,
) -> UUID:
    """Undo an entry by its mirror image, once; what its documents had open closes with it.

    `source` is what undoes it, where that is not the entry itself: a void and the invoice's id.

    Refused with `open_item_exceeded` while a document of the entry is partly or fully settled.
    """
    original = await queries.get_entry(ctx, entry_id)
    check_reversal(
        effective_on=effective_on, original_on=original.effective_on, reverses_id=original.reverses_id
    )
    if original.reversed_by_id is not None:
        raise await _already_reversed(ctx, entry_id)
    named, source_id = source or (SOURCE_REVERSAL, entry_id)
    reversal = Entry(
        postings=mirrored([line.posting for line in original.lines]),
        effective_on=effective_on,
        memo=memo,
        source=named,
        source_id=source_id,
        number=number,
        reverses_id=entry_id,
        kind=original.kind,
    )
    if not await _record(Batch([(ctx, reversal)])):
        raise await _already_reversed(ctx, entry_id)
    return reversal.id


async def _record(batch: Batch[Entry]) -> Collection[UUID]:
    """Write entries; returns which, since those whose source or reversal is in the books already are not."""
    ctx = batch.ctx
    row = await ctx.sql.fetchrow(
        POST,
        ctx.tenant.id,
        PERIODS.json({month_of(e.effective_on): PeriodRow.of(its, e) for its, e in batch.items}.values()),
        ENTRIES.json(EntryRow.of(its, entry) for its, entry in batch.items),
        ITEMS.json(ItemRow.of(its, entry, item) for its, entry in batch.items for item in entry.open_items),
        POSTINGS.json(
            PostingRow.of(entry, line, posting)
            for _, entry in batch.items
            for line, posting in enumerate(entry.postings, 1)
        ),
    )
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
