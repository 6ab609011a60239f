"""Rows of mails: what a transaction wants sent, what became of it, and whose turn it is."""

from collections.abc import Collection, Sequence
from typing import Final
from uuid import UUID

import asyncpg

from shared.base import telemetry
from shared.context.ctx import Ctx, QueuedMail
from shared.database.pool import Database
from shared.mail.letters import Mail
from shared.mail.post import NOT_SET_UP, Post
from shared.values.ids import new_id

# Who is at work for a tenant has its mail under a lease: `next_try_at` is when another may take it up.
LOOK: Final = """
select exists (select from mails m join tenants t using (tenant_id) where m.state = 'queued'
  and m.next_try_at <= now() and m.queued_at <= now() - make_interval(secs => $1) and t.state = 'active')
"""
CLAIM: Final = """
with recursive waiting as (
  (select tenant_id from mails where state = 'queued' order by tenant_id limit 1)
  union all
  select (select m.tenant_id from mails m where m.state = 'queued' and m.tenant_id > w.tenant_id
          order by m.tenant_id limit 1)
  from waiting w where w.tenant_id is not null
), heads as materialized (
  select oldest.* from waiting w join tenants t on t.tenant_id = w.tenant_id and t.state = 'active'
  cross join lateral (
    select m.tenant_id, m.id, m.next_try_at from mails m
    where m.tenant_id = w.tenant_id and m.state = 'queued' and m.next_try_at <= now()
      and m.queued_at <= now() - make_interval(secs => $1)
    order by m.next_try_at, m.id limit 1) oldest
  where w.tenant_id <> all($2)
), next as materialized (
  select m.tenant_id, m.id from heads join mails m on m.tenant_id = heads.tenant_id and m.id = heads.id
  where m.state = 'queued' and m.next_try_at <= now()
  order by heads.next_try_at limit $3 for update of m skip locked
)
update mails set attempts = attempts + 1, next_try_at = now() + make_interval(secs => $4)
from next where mails.tenant_id = next.tenant_id and mails.id = next.id
returning mails.tenant_id, mails.id, mails.kind, mails.attempts
"""
OPEN: Final = """
select count(*) as queued, coalesce(extract(epoch from now() - min(m.queued_at)), 0)::float8 as age
from mails m join tenants t using (tenant_id) where m.state = 'queued' and t.state = 'active'
"""

FIND: Final = """
select id, created_at, aggregate_id, number, recipient, copies, message from mails
where tenant_id = $1 and id = $2 and state = 'queued' and attempts = $3
"""
OVER: Final = """
update mails set state = $4, finished_at = $5, reason_code = $6, reason = $7
where tenant_id = $1 and id = $2 and attempts = $3 and state = 'queued' returning aggregate, aggregate_id
"""
PUT_OFF: Final = """
update mails set next_try_at = now() + make_interval(secs => $4), reason_code = $5, reason = $6
where tenant_id = $1 and id = $2 and attempts = $3 and state = 'queued'
"""


def queue_mail(
    ctx: Ctx,
    kind: str,
    *,
    aggregate: str,
    aggregate_id: UUID,
    number: str | None,
    recipient: str,
    copies: Sequence[str] = (),
    message: str = "",
    state: str | None,
) -> None:
    """Have a mail sent after the commit, about a document in a state; its timeline says so, if it has any.

    It rides in the closing statement. Where mail is not set up it is kept as bounced, so that it can be seen and sent
    later; who is asked to send one refuses that before (`Post.require_set_up`).
    """
    set_up = ctx.port(Post).set_up
    ctx.work.mails.append(
        QueuedMail(
            id=new_id(),
            kind=kind,
            aggregate=aggregate,
            aggregate_id=aggregate_id,
            number=number,
            recipient=recipient,
            copies=tuple(copies),
            message=message,
            reason_code=None if set_up else "mail_not_set_up",
            reason=None if set_up else NOT_SET_UP,
        )
    )
    if state is not None:
        ctx.record_move(
            aggregate, aggregate_id, "send", state, state, None if set_up else "mail is not set up"
        )


async def look(worker: Database, *, aged: float) -> bool:
    """Whether a mail may be taken up that was queued so many seconds ago, or before."""
    (found,) = await worker.repeatable(LOOK, aged)
    return bool(found[0])


async def claim(
    worker: Database, *, aged: float, but_of: Collection[UUID], limit: int, lease: float
) -> list[asyncpg.Record]:
    """Take up the mail of each tenant whose turn it is, but of these, under a lease."""
    async with worker.transaction(None) as tx:
        return list(await tx.sql.fetch(CLAIM, aged, list(but_of), limit, lease))


async def find_mail(ctx: Ctx, mail_id: UUID, attempts: int) -> Mail | None:
    """A mail that is still ours to send."""
    row = await ctx.sql.fetchrow(FIND, ctx.tenant.id, mail_id, attempts)
    return None if row is None else Mail(**row)


async def close_mail(
    ctx: Ctx, mail_id: UUID, attempts: int, state: str, reason: tuple[str, str] | None = None
) -> None:
    """Keep what became of a mail, unless another has; the timeline of its document says it without the recipient."""
    code, sentence = reason or (None, None)
    row = await ctx.sql.fetchrow(OVER, ctx.tenant.id, mail_id, attempts, state, ctx.now, code, sentence)
    if row is not None:
        ctx.record_move(row["aggregate"], row["aggregate_id"], "mail", "queued", state, code)


async def put_off(ctx: Ctx, mail_id: UUID, attempts: int, seconds: float, reason: tuple[str, str]) -> None:
    """Have a mail tried again after so many seconds."""
    await ctx.sql.execute(PUT_OFF, ctx.tenant.id, mail_id, attempts, seconds, *reason)


async def report(worker: Database, service: str) -> None:
    """Publish how many mails wait, and since when the oldest of them."""
    (found,) = await worker.repeatable(OPEN)
    telemetry.MAILS_QUEUED.labels(service).set(found["queued"])
    telemetry.MAILS_QUEUED_AGE.labels(service).set(found["age"])
