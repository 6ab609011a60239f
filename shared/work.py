"""What a transaction leaves beside its effect (facts, timeline, audit, due times), in one statement.

Written last, so the aggregate's rows are locked by then and outbox order equals commit order per lane.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from zlib import crc32

from shared.ctx import Ctx, DueTime
from shared.ids import new_id

PARTS = 16


def part_of(lane: str) -> int:
    """The outbox partition a lane belongs to; one relay owns a partition at a time."""
    return crc32(lane.encode()) % PARTS


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """An answer kept under its Idempotency-Key."""

    client_id: str
    key: str
    request_hash: bytes
    status: int
    headers: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Part:
    """One table's share of the closing statement: its SQL over numbered parameters, and their values."""

    sql: Callable[[int], str]
    values: tuple[object, ...]


def _outbox(ctx: Ctx) -> Part:
    events = ctx.work.events
    return Part(
        lambda n: (
            "insert into outbox (tenant_id, id, part, lane, type, envelope) "
            f"select $1, * from unnest(${n}::uuid[], ${n + 1}::smallint[], ${n + 2}::text[], ${n + 3}::text[], "
            f"${n + 4}::text[])"
        ),
        (
            [e.id for e in events],
            [part_of(e.lane) for e in events],
            [e.lane for e in events],
            [e.type for e in events],
            [e.text for e in events],
        ),
    )


def _history(ctx: Ctx) -> Part:
    rows = ctx.work.history
    return Part(
        lambda n: (
            "insert into history (tenant_id, at, actor_id, actor_kind, on_behalf_of, id, aggregate, aggregate_id, "
            f"verb, from_state, to_state, why) select $1, $2, $3, $4, $5, * from unnest(${n}::uuid[], "
            f"${n + 1}::text[], ${n + 2}::uuid[], ${n + 3}::text[], ${n + 4}::text[], ${n + 5}::text[], "
            f"${n + 6}::text[])"
        ),
        (
            [h.id for h in rows],
            [h.aggregate for h in rows],
            [h.aggregate_id for h in rows],
            [h.verb for h in rows],
            [h.from_state for h in rows],
            [h.to_state for h in rows],
            [h.why for h in rows],
        ),
    )


def _audit(ctx: Ctx) -> Part:
    rows = ctx.work.audit
    return Part(
        lambda n: (
            "insert into audit (tenant_id, at, actor_id, actor_kind, on_behalf_of, request_id, id, action, subject) "
            f"select $1, $2, $3, $4, $5, ${n}, * from unnest(${n + 1}::uuid[], ${n + 2}::text[], ${n + 3}::text[])"
        ),
        (ctx.request_id, [new_id() for _ in rows], [a for a, _ in rows], [s for _, s in rows]),
    )


def _due(rows: Sequence[DueTime]) -> Part:
    return Part(
        lambda n: (
            f"insert into due_times (tenant_id, kind, subject_id, due_at) select $1, * from "
            f"unnest(${n}::text[], ${n + 1}::uuid[], ${n + 2}::timestamptz[]) "
            "on conflict (tenant_id, kind, subject_id) do update set due_at = excluded.due_at, state = 'due', "
            "attempts = 0, next_try_at = null, error = null"
        ),
        ([d.kind for d in rows], [d.subject_id for d in rows], [d.due_at for d in rows]),
    )


def _undue(rows: Sequence[DueTime]) -> Part:
    return Part(
        lambda n: (
            f"delete from due_times using unnest(${n}::text[], ${n + 1}::uuid[]) as gone(k, s) "
            "where tenant_id = $1 and kind = gone.k and subject_id = gone.s"
        ),
        ([d.kind for d in rows], [d.subject_id for d in rows]),
    )


def _answer(answer: StoredAnswer) -> Part:
    return Part(
        lambda n: (
            "insert into idempotency_keys (tenant_id, client_id, key, request_hash, status, headers, body) "
            f"values ($1, ${n}::text, ${n + 1}::text, ${n + 2}::bytea, ${n + 3}::int, ${n + 4}::text, ${n + 5}::bytea)"
        ),
        (answer.client_id, answer.key, answer.request_hash, answer.status, answer.headers, answer.body),
    )


async def leave_work(ctx: Ctx, answer: StoredAnswer | None = None) -> bool:
    """Write everything the transaction has gathered; answers whether there were facts to publish."""
    await ctx.tx.flush()
    work = ctx.work
    parts: list[Part] = []
    if work.events:
        parts.append(_outbox(ctx))
    if work.history:
        parts.append(_history(ctx))
    if work.audit:
        parts.append(_audit(ctx))
    # One statement must not touch a row twice: of several calls for a subject only the last is written.
    last = {(d.kind, d.subject_id): d for d in work.due}.values()
    if forgotten := [d for d in last if d.due_at is None]:
        parts.append(_undue(forgotten))
    if due := [d for d in last if d.due_at is not None]:
        parts.append(_due(due))
    if answer is not None:
        parts.append(_answer(answer))
    if not parts:
        return False
    values: list[object] = [ctx.tenant.id, ctx.now, ctx.actor.id, ctx.actor.kind, ctx.actor.on_behalf_of]
    pieces = []
    for part in parts:
        pieces.append(part.sql(len(values) + 1))
        values += part.values
    body = ", ".join(f"w{i} as ({piece})" for i, piece in enumerate(pieces))
    await ctx.sql.execute(
        f"with {body} select $1::uuid, $2::timestamptz, $3::text, $4::text, $5::text",
        *values,
    )
    facts = bool(work.events)
    ctx.work = type(work)()
    return facts
