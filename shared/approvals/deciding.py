"""Deciding on an approval; with the last one that is needed, what was asked for is done in the same transaction."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from shared.approvals import rows
from shared.approvals.asking import EXPIRE
from shared.approvals.delegations import find_delegators
from shared.approvals.rows import Approval
from shared.approvals.rules import (
    LIFECYCLE,
    PENDING,
    ApprovalExpired,
    FourEyes,
    SubjectChanged,
    hash_of,
    parties,
    place_of,
)
from shared.context import lifecycle
from shared.context.ctx import Ctx
from shared.values.ids import new_id

Command = Mapping[str, Any]
Facts = Callable[[Ctx, UUID], Awaitable[Mapping[str, Any]]]
Execute = Callable[[Ctx, UUID, Command], Awaitable[object]]

DECIDE = """
insert into approval_decisions (tenant_id, id, approval_id, requested_by, step, decision, decided_by, decided_kind,
  on_behalf_of, in_place_of, comment, at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
"""


@dataclass(frozen=True, slots=True)
class Approvable:
    """A kind of action that may need approval: how to read what it depends on, locked, and how to do it."""

    kind: str
    facts: Facts
    execute: Execute


async def approve(
    ctx: Ctx, approval_id: UUID, *, approvables: Mapping[str, Approvable], comment: str | None = None
) -> Approval:
    """Approve one step; the last one does what was asked for, or is refused with what refuses that.

    The subject is locked before the approval, as it is where approvals are asked for. Raises FourEyes,
    NotAnApprover, AlreadyDecided, SubjectChanged, ApprovalExpired.
    """
    asked = await rows.get_approval(ctx, approval_id)
    LIFECYCLE.target(asked.state, "approve")
    approvable = approvables[asked.kind]
    facts = await approvable.facts(ctx, asked.subject_id)
    approval = await rows.get_approval(ctx, approval_id, lock=True)
    LIFECYCLE.target(approval.state, "approve")
    count = await _decide(ctx, approval, "approved", comment)
    if hash_of(approval.kind, approval.subject_id, approval.command, facts) != approval.snapshot_hash:
        raise SubjectChanged(
            "This has changed since it was asked for; it has to be asked for anew.", facts=facts
        )
    if count < (approval.steps[approval.step].needed or 1):
        await _go_on(ctx, approval, comment)
    elif approval.step + 1 < len(approval.steps):
        approval.step += 1
        await _go_on(ctx, approval, comment)
    else:
        await _end(ctx, approval, "approve", comment)
        await approvable.execute(ctx, approval.subject_id, approval.command)
        ctx.audit(f"{approval.kind} approved", f"{approval.subject}, asked for by {approval.requested_by}")
    return approval


async def reject(ctx: Ctx, approval_id: UUID, *, reason: str) -> Approval:
    """Reject it; whoever may approve the step may, and one is enough."""
    approval = await rows.get_approval(ctx, approval_id, lock=True)
    LIFECYCLE.target(approval.state, "reject")
    await _decide(ctx, approval, "rejected", reason)
    await _end(ctx, approval, "reject", reason)
    return approval


async def withdraw(ctx: Ctx, approval_id: UUID, *, reason: str | None = None) -> Approval:
    """No longer ask for it; only who asked may."""
    approval = await rows.get_approval(ctx, approval_id, lock=True)
    if not is_requester(ctx, approval):
        raise FourEyes("Only who asked for it withdraws it; reject it instead.")
    await _end(ctx, approval, "withdraw", reason)
    return approval


async def expire(ctx: Ctx, approval_id: UUID) -> None:
    """The time to decide is over."""
    approval = await rows.get_approval(ctx, approval_id, lock=True)
    if approval.state == PENDING and approval.expires_at <= ctx.now:
        await _end(ctx, approval, "expire", None)


def is_requester(ctx: Ctx, approval: Approval) -> bool:
    """Whether the caller, or a party they act for, asked for it."""
    asked = parties(approval.requested_by, approval.requested_on_behalf_of)
    return not asked.isdisjoint(parties(ctx.actor.id, ctx.actor.on_behalf_of))


async def _decide(
    ctx: Ctx, approval: Approval, decision: Literal["approved", "rejected"], comment: str | None
) -> int:
    """Record a decision on the step at hand; returns how many approve of it by then."""
    made = await rows.decisions_on(ctx, [approval.id])
    place = place_of(
        approval.steps[approval.step],
        ctx.actor,
        scopes=ctx.scopes,
        requester=parties(approval.requested_by, approval.requested_on_behalf_of),
        decided={
            party for d in made for party in (d["decided_by"], d["on_behalf_of"], d["in_place_of"]) if party
        },
        delegators=await find_delegators(ctx, ctx.actor.id),
    )
    if approval.expires_at <= ctx.now:
        raise ApprovalExpired("The time to decide on this is over.", expires_at=approval.expires_at)
    await ctx.sql.execute(
        DECIDE,
        ctx.tenant.id,
        new_id(),
        approval.id,
        approval.requested_by,
        approval.step,
        decision,
        ctx.actor.id,
        ctx.actor.kind,
        ctx.actor.on_behalf_of,
        place,
        comment,
        ctx.now,
    )
    return 1 + len([d for d in made if d["step"] == approval.step])


async def _go_on(ctx: Ctx, approval: Approval, comment: str | None) -> None:
    """More are needed: the approval stays pending, its timeline shows who has approved."""
    ctx.record_move(LIFECYCLE.aggregate, approval.id, "approve", PENDING, PENDING, comment)
    approval.version += 1
    approval.updated_at = ctx.now
    await rows.store(ctx, approval)


async def _end(ctx: Ctx, approval: Approval, verb: str, why: str | None) -> None:
    lifecycle.advance(ctx, LIFECYCLE, approval, verb, why=why)
    approval.decided_at = ctx.now
    ctx.unschedule(EXPIRE, approval.id)
    await rows.store(ctx, approval)
