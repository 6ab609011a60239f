"""Entries of what payroll told."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from services.billing.ledger import actions as ledger
from services.billing.ledger import queries as ledger_queries
from services.billing.ledger.rules import Entry, Posting
from shared.context.ctx import Ctx


async def post_on(
    ctx: Ctx, postings: Sequence[Posting], *, day: tuple[str, date], memo: str, source: tuple[str, UUID]
) -> UUID | None:
    """Post an entry, none for nothing, on a day that may be posted to: since the opening, a year ahead at most."""
    pointer, effective_on = day
    (await ledger_queries.entry_days(ctx)).require(pointer, effective_on)
    if not postings:
        return None
    named, source_id = source
    entry = Entry(postings=postings, effective_on=effective_on, memo=memo, source=named, source_id=source_id)
    return await ledger.post_entry(ctx, entry)
