"""Posting: one statement writes an entry with its lines and open items; triggers keep everything derived."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

import orjson

from services.billing.ledger import queries
from services.billing.ledger.rules import (
    LIFECYCLE,
    SOURCE_REVERSAL,
    AlreadyPosted,
    AlreadyReversed,
    OpenItem,
    Posting,
    check_entry,
    check_reversal,
    mirrored,
    month_end,
    month_of,
)
from shared.contracts.billing import JournalEntryPosted
from shared.ctx import Ctx
from shared.ids import new_id
from shared.states import begin

# The month's period comes to be with the first entry that needs it; two who try at once get the same one.
POST = """
with period as (
  insert into periods (tenant_id, id, created_at, updated_at, starts_on, ends_on, state)
  select $1, $4::uuid, $3, $3, $5::date, $6::date, 'open'
  where not exists (select from periods where tenant_id = $1 and starts_on = $5)
  on conflict (tenant_id, starts_on) do nothing returning id
), entry as (
  insert into journal_entries (tenant_id, id, created_at, updated_at, number, effective_on, memo, source, source_id,
    line_count, reverses_id, actor_id)
  values ($1, $2, $3, $3, $7, $8, $9, $10, $11, cardinality($14::text[]), $12, $13)
  on conflict do nothing returning id
), item as (
  insert into open_items (tenant_id, created_at, updated_at, entry_id, opened_on, id, kind, party_id, account,
    currency, amount_minor, open_minor, due_on, number)
  select $1, $3, $3, entry.id, $8, i.id, i.kind, i.party_id, i.account, i.currency, i.amount, i.amount, i.due_on,
    i.number
  from entry, unnest($19::uuid[], $20::text[], $21::uuid[], $22::text[], $23::text[], $24::bigint[], $25::date[],
    $26::text[]) as i(id, kind, party_id, account, currency, amount, due_on, number)
), posting as (
  insert into postings (tenant_id, entry_id, line, account, amount_minor, currency, open_item_id, dimensions)
  select $1, entry.id, l.line, l.account, l.amount, l.currency, l.open_item_id, l.dimensions::jsonb
  from entry, unnest($14::text[], $15::bigint[], $16::text[], $17::uuid[], $18::text[])
    with ordinality as l(account, amount, currency, open_item_id, dimensions, line)
)
select exists (select from entry) as posted, exists (select from period) as opened
"""


async def post_entry(
    ctx: Ctx,
    postings: Sequence[Posting],
    *,
    effective_on: date,
    memo: str,
    source: str,
    source_id: UUID | None,
    open_items: Sequence[OpenItem] = (),
    number: str | None = None,
) -> UUID:
    """Record an entry, together with the open items that its control postings open.

    Refuses an unbalanced entry (422), a source that was posted before, a closed period, an unknown account and
    a control posting without its open item (409). One statement.
    """
    check_entry(postings)
    entry_id = new_id()
    posted = await _record(
        ctx, entry_id, postings, open_items, effective_on, number, memo, source, source_id, None
    )
    if not posted:
        raise AlreadyPosted("This was posted before.", source=source, source_id=source_id)
    return entry_id


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
    reversal_id = new_id()
    lines = mirrored([line.posting for line in original.lines])
    posted = await _record(
        ctx, reversal_id, lines, (), effective_on, number, memo, SOURCE_REVERSAL, entry_id, entry_id
    )
    if not posted:
        raise AlreadyReversed("This entry was reversed before.", journal_entry_id=entry_id)
    return reversal_id


async def _record(
    ctx: Ctx,
    entry_id: UUID,
    postings: Sequence[Posting],
    items: Sequence[OpenItem],
    effective_on: date,
    number: str | None,
    memo: str,
    source: str,
    source_id: UUID | None,
    reverses_id: UUID | None,
) -> bool:
    """Write an entry; answers False when its source or reversal is in the books already."""
    period_id = new_id()
    row = await ctx.sql.fetchrow(
        POST,
        ctx.tenant.id, entry_id, ctx.now, period_id, month_of(effective_on), month_end(effective_on),
        number, effective_on, memo, source, source_id, reverses_id, ctx.actor.id,
        *_posting_columns(postings), *_item_columns(items),
    )  # fmt: skip
    if row["opened"]:
        begin(ctx, LIFECYCLE, period_id)
    if row["posted"]:
        ctx.emit(
            JournalEntryPosted(
                journal_entry_id=entry_id, number=number, effective_on=effective_on, memo=memo, source=source
            ),
            subject=entry_id,
            version=1,
        )
    return bool(row["posted"])


def _posting_columns(postings: Sequence[Posting]) -> tuple[list[object], ...]:
    """$14 to $18 of POST."""
    return (
        [p.account for p in postings],
        [p.amount.minor for p in postings],
        [p.amount.currency for p in postings],
        [p.open_item_id for p in postings],
        [orjson.dumps(dict(p.dimensions)).decode() for p in postings],
    )


def _item_columns(items: Sequence[OpenItem]) -> tuple[list[object], ...]:
    """$19 to $26 of POST."""
    return (
        [i.id for i in items],
        [i.kind for i in items],
        [i.party_id for i in items],
        [i.account for i in items],
        [i.amount.currency for i in items],
        [i.amount.minor for i in items],
        [i.due_on for i in items],
        [i.number for i in items],
    )
