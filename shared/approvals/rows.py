"""Approvals as they are stored, and reading them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import asyncpg
import orjson

from shared.approvals.rules import Step
from shared.context.ctx import Ctx
from shared.values.faults import NotFound
from shared.values.money import Money

NAMES: Final = (
    "id, version, created_at, updated_at, kind, subject_id, subject, state, command, facts, snapshot_hash, steps, "
    "step, amount_minor, currency, reason, requested_by, requested_on_behalf_of, expires_at, decided_at"
)
JSON: Final = ("command", "facts", "steps")
COLUMNS: Final = ", ".join(f"{n}::text as {n}" if n in JSON else n for n in NAMES.split(", "))
GET = f"select {COLUMNS} from approvals where tenant_id = $1 and id = $2"  # noqa: S608 - no input in it
PENDING_OF = f"""
select {COLUMNS} from approvals where tenant_id = $1 and kind = $2 and subject_id = $3 and state = 'pending' for update
"""  # noqa: S608 - no input in it
LIST = f"""
select {COLUMNS} from approvals where tenant_id = $1 and id < $2
and ($4::text is null or state = $4) and ($5::text is null or kind = $5) and ($6::uuid is null or subject_id = $6)
order by id desc limit $3
"""  # noqa: S608 - no input in it
DECISIONS = """
select approval_id, step, decision, decided_by, on_behalf_of, in_place_of, comment, at from approval_decisions
where tenant_id = $1 and approval_id = any($2::uuid[]) order by id
"""


@dataclass(slots=True)
class Approval:
    """Something asked for, with what exactly was asked (`command`, `facts`, and their hash) and the steps to it.

    `step` counts from 0 and is the one being decided on, `subject` names the subject to a reader.
    """

    id: UUID
    version: int
    created_at: datetime
    updated_at: datetime
    kind: str
    subject_id: UUID
    subject: str
    state: str
    command: dict[str, Any]
    facts: dict[str, Any]
    snapshot_hash: str
    steps: list[Step]
    step: int
    amount: Money | None
    reason: str | None
    requested_by: str
    requested_on_behalf_of: str | None
    expires_at: datetime
    decided_at: datetime | None

    @classmethod
    def of(cls, row: asyncpg.Record) -> "Approval":
        """A stored row."""
        values = dict(row)
        minor, currency = values.pop("amount_minor"), values.pop("currency")
        for name in JSON:
            values[name] = orjson.loads(values[name])
        values["steps"] = [
            Step(each["scope"], each["needed"], tuple(each["among"])) for each in values["steps"]
        ]
        return cls(**values, amount=None if currency is None else Money(minor, currency))


async def get_approval(ctx: Ctx, approval_id: UUID, *, lock: bool = False) -> Approval:
    """One approval; locked when it is about to be decided on."""
    row = await ctx.sql.fetchrow(GET + (" for update" if lock else ""), ctx.tenant.id, approval_id)
    if row is None:
        raise NotFound("approval", approval_id)
    return Approval.of(row)


async def find_pending(ctx: Ctx, kind: str, subject_id: UUID) -> Approval | None:
    """What is asked for of a subject and not decided yet, at most one of a kind; locked."""
    row = await ctx.sql.fetchrow(PENDING_OF, ctx.tenant.id, kind, subject_id)
    return None if row is None else Approval.of(row)


async def list_approvals(
    ctx: Ctx, *, below: UUID, limit: int, state: str | None, kind: str | None, subject_id: UUID | None
) -> list[Approval]:
    """Approvals, newest first."""
    rows = await ctx.sql.fetch(LIST, ctx.tenant.id, below, limit, state, kind, subject_id)
    return [Approval.of(row) for row in rows]


async def decisions_on(ctx: Ctx, approval_ids: Sequence[UUID]) -> list[asyncpg.Record]:
    """What was decided on them, by whom and in whose place, oldest first."""
    return list(await ctx.sql.fetch(DECISIONS, ctx.tenant.id, list(approval_ids)))


async def store(ctx: Ctx, approval: Approval) -> None:
    """Write what deciding changes of an approval."""
    await ctx.sql.execute(
        "update approvals set version = $3, updated_at = $4, state = $5, step = $6, decided_at = $7 "
        "where tenant_id = $1 and id = $2",
        ctx.tenant.id,
        approval.id,
        approval.version,
        approval.updated_at,
        approval.state,
        approval.step,
        approval.decided_at,
    )
