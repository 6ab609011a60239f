"""What a transaction leaves beside its effect (facts, timeline, audit, due times), in one statement.

Written last, so the aggregate's rows are locked by then and outbox order equals commit order per lane.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from zlib import crc32

from shared.ctx import Ctx, DueTime
from shared.ids import new_id
from shared.rowset import recordset, rows_json

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


OUTBOX = {"id": "uuid", "part": "smallint", "lane": "text", "type": "text", "envelope": "text"}
HISTORY = {
    "id": "uuid", "aggregate": "text", "aggregate_id": "uuid", "verb": "text", "from_state": "text",
    "to_state": "text", "why": "text",
}  # fmt: skip
AUDIT = {"id": "uuid", "action": "text", "subject": "text"}


def _outbox(ctx: Ctx) -> Part:
    rows = ((e.id, part_of(e.lane), e.lane, e.type, e.text) for e in ctx.work.events)
    names = ", ".join(OUTBOX)
    return Part(
        lambda n: (
            f"insert into outbox (tenant_id, {names}) select $1, {names} from {recordset(n, OUTBOX, 'e')}"
        ),
        (rows_json(tuple(OUTBOX), rows),),
    )


def _history(ctx: Ctx) -> Part:
    rows = (
        (h.id, h.aggregate, h.aggregate_id, h.verb, h.from_state, h.to_state, h.why) for h in ctx.work.history
    )
    names = ", ".join(HISTORY)
    return Part(
        lambda n: (
            f"insert into history (tenant_id, at, actor_id, actor_kind, on_behalf_of, {names}) "
            f"select $1, $2, $3, $4, $5, {names} from {recordset(n, HISTORY, 'h')}"
        ),
        (rows_json(tuple(HISTORY), rows),),
    )


def _audit(ctx: Ctx) -> Part:
    rows = ((new_id(), action, subject) for action, subject in ctx.work.audit)
    names = ", ".join(AUDIT)
    return Part(
        lambda n: (
            f"insert into audit (tenant_id, at, actor_id, actor_kind, on_behalf_of, request_id, {names}) "
            f"select $1, $2, $3, $4, $5, ${n}, {names} from {recordset(n + 1, AUDIT, 'a')}"
        ),
        (ctx.request_id, rows_json(tuple(AUDIT), rows)),
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
