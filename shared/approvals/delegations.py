"""Delegations: for a time, somebody decides in a named approver's place. They give nobody a scope."""

from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg

from shared.context.ctx import Ctx
from shared.values.faults import Forbidden, Invalid, NotFound, Refused
from shared.values.ids import new_id

COLUMNS: Final = (
    "id, version, created_at, updated_at, delegator, delegate, starts_at, ends_at, created_by, reason, "
    "revoked_at"
)
ADD = f"""
insert into approval_delegations (tenant_id, {COLUMNS})
values ($1, $2, 1, $3, $3, $4, $5, $6, $7, $8, $9, null) returning {COLUMNS}
"""  # noqa: S608 - no input in it
GET = f"select {COLUMNS} from approval_delegations where tenant_id = $1 and id = $2"  # noqa: S608 - no input in it
LIST = f"""
select {COLUMNS} from approval_delegations where tenant_id = $1 and id < $2
and ($4::text is null or delegator = $4) and ($5::text is null or delegate = $5) order by id desc limit $3
"""  # noqa: S608 - no input in it
REVOKE = f"""
update approval_delegations set revoked_at = $3, updated_at = $3, version = version + 1
where tenant_id = $1 and id = $2 returning {COLUMNS}
"""  # noqa: S608 - no input in it
IN_FORCE = """
select distinct delegator from approval_delegations where tenant_id = $1 and delegate = $2
and starts_at <= $3 and ends_at > $3 and revoked_at is null order by 1
"""


class NotYours(Forbidden):
    """Somebody else's place is not the caller's to give away."""

    code = "not_your_place"


class AlreadyRevoked(Refused):
    """The delegation was revoked before."""

    code = "already_revoked"


async def delegate(
    ctx: Ctx, *, delegator: str, to: str, starts_at: datetime, ends_at: datetime, reason: str | None
) -> asyncpg.Record:
    """Have somebody decide in a named approver's place for a time.

    Everybody delegates their own place; an operator also somebody else's (who is away), but never to themselves.
    Whoever decides needs the step's scope of their own, and what they were delegated they cannot delegate further.
    """
    if delegator == to:
        raise Invalid.field("/delegate", "same_person", "Somebody else has to be the delegate.")
    if ends_at <= starts_at or ends_at <= ctx.now:
        raise Invalid.field(
            "/ends_at", "ends_too_early", "A delegation ends after it starts, and not before now."
        )
    _require_own(ctx, delegator, to)
    return await ctx.sql.fetchrow(
        ADD, ctx.tenant.id, new_id(), ctx.now, delegator, to, starts_at, ends_at, ctx.actor.id, reason
    )


async def revoke(ctx: Ctx, delegation_id: UUID) -> asyncpg.Record:
    """End a delegation now; what was decided under it stays decided."""
    row = await get_delegation(ctx, delegation_id, lock=True)
    _require_own(ctx, row["delegator"], row["delegate"])
    if row["revoked_at"] is not None:
        raise AlreadyRevoked("This delegation was revoked already.", revoked_at=row["revoked_at"])
    return await ctx.sql.fetchrow(REVOKE, ctx.tenant.id, delegation_id, ctx.now)


def _require_own(ctx: Ctx, delegator: str, to: str) -> None:
    if ctx.actor.id != delegator and (ctx.actor.kind != "operator" or ctx.actor.id == to):
        raise NotYours("Only they themselves, or an operator who is not the delegate, may do that.")


async def get_delegation(ctx: Ctx, delegation_id: UUID, *, lock: bool = False) -> asyncpg.Record:
    """One delegation."""
    row = await ctx.sql.fetchrow(GET + (" for update" if lock else ""), ctx.tenant.id, delegation_id)
    if row is None:
        raise NotFound("delegation", delegation_id)
    return row


async def list_delegations(
    ctx: Ctx, *, below: UUID, limit: int, delegator: str | None, to: str | None
) -> list[asyncpg.Record]:
    """Delegations, newest first."""
    return list(await ctx.sql.fetch(LIST, ctx.tenant.id, below, limit, delegator, to))


async def find_delegators(ctx: Ctx, actor_id: str) -> list[str]:
    """Whose places somebody may decide in right now."""
    return [row["delegator"] for row in await ctx.sql.fetch(IN_FORCE, ctx.tenant.id, actor_id, ctx.now)]
