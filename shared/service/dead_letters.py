"""Dead letters: events a service gave up on, for people to look at, replay or discard.

The same functions serve the API (one tenant) and the `backoffice events` command (all tenants).
"""

from datetime import datetime
from uuid import UUID

import asyncpg
from fastapi import Request
from pydantic import BaseModel

from shared.context.ctx import Ctx
from shared.http.paging import LAST_ID, Page, PageDep, page_of
from shared.http.router import CtxDep, Router
from shared.values.faults import NotFound


class DeadLetter(BaseModel):
    """An event that waits for a decision, with how often it was tried and why it failed."""

    id: UUID
    tenant_id: UUID
    type: str
    ordering_key: str
    state: str
    attempts: int
    error: str | None
    received_at: datetime
    waiting_behind: int


LIST = """
select i.event_id as id, i.tenant_id, i.type, i.ordering_key, i.state, i.attempts, i.error, i.received_at,
  (select count(*) from inbox w where w.tenant_id = i.tenant_id and w.consumer = i.consumer
   and w.ordering_key = i.ordering_key and w.state = 'waiting') as waiting_behind
from inbox i where i.consumer = $1 and i.state = 'dead' and ($2::uuid is null or i.tenant_id = $2)
and i.event_id < $3 order by i.event_id desc limit $4
"""

REPLAY = """
update inbox set state = 'retry', attempts = 0, next_at = now()
where consumer = $1 and event_id = $2 and ($3::uuid is null or tenant_id = $3) and state = 'dead'
returning event_id as id, tenant_id, type, ordering_key, state, attempts, error, received_at, 0 as waiting_behind
"""

DISCARD = """
update inbox set state = 'discarded', done_at = now()
where consumer = $1 and event_id = $2 and ($3::uuid is null or tenant_id = $3) and state = 'dead'
returning event_id as id, tenant_id, type, ordering_key, state, attempts, error, received_at, 0 as waiting_behind
"""


async def list_dead(
    sql: asyncpg.Connection, service: str, *, tenant_id: UUID | None, limit: int, below: UUID = LAST_ID
) -> list[DeadLetter]:
    """Dead events of a service, newest first."""
    return [DeadLetter(**row) for row in await sql.fetch(LIST, service, tenant_id, below, limit)]


async def replay(
    sql: asyncpg.Connection, service: str, event_id: UUID, *, tenant_id: UUID | None
) -> DeadLetter:
    """Have a dead event tried again from its first attempt."""
    return _found(await sql.fetchrow(REPLAY, service, event_id, tenant_id), event_id)


async def discard(
    sql: asyncpg.Connection, service: str, event_id: UUID, *, tenant_id: UUID | None
) -> DeadLetter:
    """Give a dead event up for good; what waits behind it goes on."""
    return _found(await sql.fetchrow(DISCARD, service, event_id, tenant_id), event_id)


def _found(row: asyncpg.Record | None, event_id: UUID) -> DeadLetter:
    if row is None:
        raise NotFound("dead event", event_id)
    return DeadLetter(**row)


def _look_after_commit(ctx: Ctx, request: Request) -> None:
    """Have the event, or what waited behind it, taken up at once."""

    async def look() -> None:
        request.app.state.runtime.retry_now()

    ctx.after_commit.append(look)


def dead_letter_routes(service: str) -> Router:
    """The service's resource `/v1/<service>-dead-letters`."""
    router = Router("Events")
    path = f"/{service}-dead-letters"

    @router.read(path, scope="events:read", name=f"list_{service}_dead_letters")
    async def list_dead_letters(ctx: CtxDep, page: PageDep) -> Page[DeadLetter]:
        """Events this service gave up on; the later ones of their ordering key wait behind them."""
        found = await list_dead(
            ctx.sql, service, tenant_id=ctx.tenant.id, below=page.below_id, limit=page.limit + 1
        )
        return page_of(found, page, lambda letter: letter.id)

    @router.verb(path + "/{event_id}/replay", scope="events:write", name=f"replay_{service}_dead_letter")
    async def replay_dead_letter(ctx: CtxDep, event_id: UUID, request: Request) -> DeadLetter:
        """Try the event again from its first attempt."""
        _look_after_commit(ctx, request)
        return await replay(ctx.sql, service, event_id, tenant_id=ctx.tenant.id)

    @router.verb(path + "/{event_id}/discard", scope="events:write", name=f"discard_{service}_dead_letter")
    async def discard_dead_letter(ctx: CtxDep, event_id: UUID, request: Request) -> DeadLetter:
        """Give the event up for good; what waits behind it goes on."""
        _look_after_commit(ctx, request)
        return await discard(ctx.sql, service, event_id, tenant_id=ctx.tenant.id)

    return router
