"""Posting what other services tell, and what happens when the books refuse it.

An event that a rule refuses (closed period, unknown account, figures that contradict each other) is undone as a
whole and kept here with its reason, in the same transaction: it counts as consumed and is not lost. What is
nobody's fault (a lost connection, a deadlock) is raised, so that the inbox tries again.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg

from services.billing.posting_exceptions import queries
from services.billing.posting_exceptions.models import PostingException
from services.billing.posting_exceptions.rules import (
    LIFECYCLE,
    RefusedByBooks,
    StillNotPostable,
    UnusableAmount,
)
from shared.context import lifecycle
from shared.context.batch import Batch
from shared.context.ctx import Ctx
from shared.contracts.event import Event
from shared.http import problems
from shared.values.faults import Busy, Fault
from shared.values.ids import new_id
from shared.values.money import CurrencyMismatch, MoneyOutOfRange, UnknownCurrency

KEEP = """
insert into posting_exceptions (tenant_id, id, created_at, updated_at, state, event_type, event_id, payload, code,
  reason)
values ($1, $2, $3, $3, $4, $5, $6, $7::text::jsonb, $8, $9) on conflict (tenant_id, event_id) do nothing returning 1
"""


@dataclass(frozen=True, slots=True)
class Poster:
    """How events of a type are posted, and what their refusal means.

    `refused` answers None for one that was posted before under another event id; else the refusal, with the document in
    the way where there is one.
    """

    contract: type[Event]
    post: Callable[[Batch[Any]], Awaitable[object]]
    refused: Callable[[Ctx, Any, Fault], Awaitable[Fault | None]]


_posters: dict[str, Poster] = {}


def posted_by(poster: Poster) -> Poster:
    """Make known how events of a type are posted, so that a kept one can be tried again."""
    _posters[poster.contract.type] = poster
    return poster


async def post_or_keep(poster: Poster, batch: Batch[Any]) -> None:
    """Post events of one type; one that cannot be posted is kept visibly with the reason why.

    Of several that the books refuse none is posted: that is raised, and each comes once more, alone.
    """
    if len(batch) > 1:
        await poster.post(batch)
        return
    ((ctx, event),) = batch.items
    refusal = await _try(ctx, poster, event)
    if refusal is not None:
        await _keep(ctx, event, refusal)


async def retry_exception(ctx: Ctx, exception_id: UUID) -> PostingException:
    """Post a kept event now; when it is still refused, say why and leave it as it is."""
    row = await queries.get_exception(ctx, exception_id, lock=True)
    LIFECYCLE.target(row.state, "retry")
    ctx.causation_id = str(row.event_id)
    poster = _posters[row.event_type]
    refusal = await _try(ctx, poster, poster.contract.model_validate(row.payload))
    # What waited for this event may have been refused with it, and then the session has let go of the row.
    row = await queries.get_exception(ctx, exception_id, lock=True)
    if refusal is not None:
        reason = {"code": refusal.code, "detail": refusal.detail}
        raise StillNotPostable(f"Still refused: {refusal.detail}", reason=reason)
    lifecycle.advance(ctx, LIFECYCLE, row, "retry")
    return row


async def discard_exception(ctx: Ctx, exception_id: UUID, *, reason: str) -> PostingException:
    """Decide that an event is never to be posted."""
    row = await queries.get_exception(ctx, exception_id, lock=True)
    lifecycle.advance(ctx, LIFECYCLE, row, "discard", why=reason)
    return row


async def _try(ctx: Ctx, poster: Poster, event: Event) -> Fault | None:
    """Post in a part of the transaction that may fail alone; returns what refused it."""
    try:
        async with ctx.savepoint():
            await poster.post(Batch([(ctx, event)]))
    except (Fault, asyncpg.PostgresError, CurrencyMismatch, MoneyOutOfRange, UnknownCurrency) as error:
        refusal = _refusal(error)
        if refusal is None:
            raise
        return await poster.refused(ctx, event, refusal)
    return None


def _refusal(error: Exception) -> Fault | None:
    """The rule that refused, as a fault; None when the error is an outage or a collision that passes."""
    if isinstance(error, ValueError):
        return UnusableAmount(f"An amount cannot be posted: {error}.")
    fault = problems.database_fault(error) if isinstance(error, asyncpg.PostgresError) else error
    if isinstance(error, asyncpg.IntegrityConstraintViolationError | asyncpg.DataError) and fault is None:
        return RefusedByBooks("The books do not hold figures, texts or dates like these.")
    if not isinstance(fault, Fault) or fault.status >= 500 or isinstance(fault, Busy):
        return None
    return fault


async def _keep(ctx: Ctx, event: Event, refusal: Fault) -> None:
    exception_id = new_id()
    event_id = UUID(ctx.causation_id) if ctx.causation_id else exception_id
    state = str(LIFECYCLE.initial)
    kept = await ctx.sql.fetchval(
        KEEP,
        *(ctx.tenant.id, exception_id, ctx.now, state, event.type, event_id),
        *(event.model_dump_json(), refusal.code, refusal.detail),
    )
    if kept:
        lifecycle.begin(ctx, LIFECYCLE, exception_id, verb="hold", why=f"{refusal.code}: {refusal.detail}")
