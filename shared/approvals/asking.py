"""Asking for an approval."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson

from shared.approvals import rows
from shared.approvals.rows import COLUMNS, NAMES, Approval
from shared.approvals.rules import LIFECYCLE, Step, canonical, hash_of, parties, without_requester
from shared.context import lifecycle
from shared.context.ctx import Ctx
from shared.values.ids import new_id
from shared.values.money import Money

EXPIRE = "approval.expire"
"""The kind of due time at which an approval is no longer to be had."""
DAYS_TO_DECIDE = timedelta(days=14)

ASK = f"""
insert into approvals (tenant_id, {NAMES})
values ($1, $2, 1, $3, $3, $4, $5, $6, $7, $8::text::jsonb, $9::text::jsonb, $10,
  $11::text::jsonb, 0, $12, $13, $14, $15, $16, $17, null)
returning {COLUMNS}
"""  # noqa: S608 - no input in it


async def ask_approval(
    ctx: Ctx,
    kind: str,
    subject_id: UUID,
    *,
    subject: str,
    command: Mapping[str, Any],
    facts: Mapping[str, Any],
    steps: Sequence[Step],
    amount: Money | None = None,
    reason: str | None = None,
    within: timedelta = DAYS_TO_DECIDE,
) -> Approval:
    """Ask that `kind` be done to a subject, whose row the caller has locked; returns the approval to wait for.

    `command` is what the action is to be done with, `facts` what a decision depends on: if either is another when the
    approval is decided, it does not count. Asking again for the same returns the approval that is pending; for
    something else, supersedes it with whatever was decided so far.
    """
    if not steps:
        raise ValueError(f"{kind}: nobody would have to approve; do it")
    snapshot_hash = hash_of(kind, subject_id, command, facts)
    pending = await rows.find_pending(ctx, kind, subject_id)
    if pending is not None:
        if pending.snapshot_hash == snapshot_hash and pending.expires_at > ctx.now:
            return pending
        await _supersede(ctx, pending)
    due = without_requester(steps, parties(ctx.actor.id, ctx.actor.on_behalf_of))
    approval_id, expires_at = new_id(), ctx.now + within
    what = (kind, subject_id, subject, lifecycle.begin(ctx, LIFECYCLE, approval_id, verb="ask", why=reason))
    how = (canonical(command).decode(), canonical(facts).decode(), snapshot_hash, _steps_json(due))
    worth = (None, None) if amount is None else (amount.minor, amount.currency)
    who = (reason, ctx.actor.id, ctx.actor.on_behalf_of)
    row = await ctx.sql.fetchrow(
        ASK, ctx.tenant.id, approval_id, ctx.now, *what, *how, *worth, *who, expires_at
    )
    ctx.schedule(EXPIRE, approval_id, expires_at)
    return Approval.of(row)


def _steps_json(steps: Sequence[Step]) -> str:
    return orjson.dumps([{"scope": s.scope, "needed": s.needed, "among": s.among} for s in steps]).decode()


async def _supersede(ctx: Ctx, approval: Approval) -> None:
    """Put an end to an approval in whose place another is asked for."""
    lifecycle.advance(ctx, LIFECYCLE, approval, "supersede", why="asked for anew")
    approval.decided_at = ctx.now
    ctx.unschedule(EXPIRE, approval.id)
    await rows.store(ctx, approval)
