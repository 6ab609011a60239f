"""The closing statement of a transaction: facts, timeline, audit rows, due times, mails and stored replies, at once.

Written last, so the aggregate's rows are locked by then and outbox order equals commit order per ordering key.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from zlib import crc32

from shared.context.ctx import Ctx, DueTime
from shared.contracts.event import Envelope
from shared.database.json_rows import recordset, rows_json
from shared.database.pool import Transaction
from shared.values.ids import new_id

PARTS = 16


def part_of(ordering_key: str) -> int:
    """The outbox partition an ordering key belongs to; one relay owns a partition at a time."""
    return crc32(ordering_key.encode()) % PARTS


@dataclass(frozen=True, slots=True)
class StoredReply:
    """A reply kept under its Idempotency-Key."""

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


OUTBOX = {"id": "uuid", "part": "smallint", "ordering_key": "text", "type": "text", "envelope": "text"}
WHO = {"at": "timestamptz", "actor_id": "text", "actor_kind": "text", "on_behalf_of": "text"}
HISTORY = {
    "id": "uuid", "aggregate": "text", "aggregate_id": "uuid", "verb": "text", "from_state": "text",
    "to_state": "text", "why": "text", **WHO,
}  # fmt: skip
MAILS = {
    "id": "uuid", "created_at": "timestamptz", "kind": "text", "aggregate": "text", "aggregate_id": "uuid",
    "number": "text", "recipient": "text", "copies": "text[]", "message": "text", "state": "text",
    "reason_code": "text", "reason": "text", "finished_at": "timestamptz",
}  # fmt: skip
AUDIT = {"id": "uuid", "request_id": "text", "action": "text", "subject": "text", **WHO}


def _rows(table: str, columns: Mapping[str, str], rows: Iterable[Sequence[object]]) -> Part:
    """Rows of a table, handed over as one JSON parameter."""
    names = ", ".join(columns)
    return Part(
        lambda n: (
            f"insert into {table} (tenant_id, {names}) select $1, {names} from {recordset(n, columns, 'new')}"
        ),
        (rows_json(tuple(columns), rows),),
    )


def _who(ctx: Ctx) -> tuple[object, ...]:
    return ctx.now, ctx.actor.id, ctx.actor.kind, ctx.actor.on_behalf_of


def _outbox(facts: Sequence[Envelope]) -> Part:
    return _rows(
        "outbox", OUTBOX, ((e.id, part_of(e.ordering_key), e.ordering_key, e.type, e.text) for e in facts)
    )


def _history(works: Sequence[Ctx]) -> Part:
    rows = (
        (h.id, h.aggregate, h.aggregate_id, h.verb, h.from_state, h.to_state, h.why, *_who(ctx))
        for ctx in works
        for h in ctx.work.history
    )
    return _rows("history", HISTORY, rows)


def _audit(works: Sequence[Ctx]) -> Part:
    rows = (
        (new_id(), ctx.request_id, action, subject, *_who(ctx))
        for ctx in works
        for action, subject in ctx.work.audit
    )
    return _rows("audit", AUDIT, rows)


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


def _mails(works: Sequence[Ctx]) -> Part:
    rows = (
        (m.id, ctx.now, m.kind, m.aggregate, m.aggregate_id, m.number, m.recipient, m.copies, m.message,
         "queued" if m.reason_code is None else "bounced", m.reason_code, m.reason,
         None if m.reason_code is None else ctx.now)
        for ctx in works
        for m in ctx.work.mails
    )  # fmt: skip
    return _rows("mails", MAILS, rows)


def _replies(replies: Sequence[StoredReply]) -> Part:
    columns = zip(
        *((a.client_id, a.key, a.request_hash, a.status, a.headers, a.body) for a in replies), strict=True
    )
    return Part(
        lambda n: (
            "insert into idempotency_keys (tenant_id, client_id, key, request_hash, status, headers, body) "
            f"select $1, * from unnest(${n}::text[], ${n + 1}::text[], ${n + 2}::bytea[], ${n + 3}::int[], "
            f"${n + 4}::text[], ${n + 5}::bytea[])"
        ),
        tuple(map(list, columns)),
    )


async def write_closing_statement(
    tx: Transaction, works: Sequence[Ctx], replies: Sequence[StoredReply]
) -> list[Envelope]:
    """Write everything the ctxs of a transaction have gathered; returns the facts that are to be published."""
    await tx.flush()
    facts = [event for ctx in works for event in ctx.work.events]
    parts: list[Part] = []
    if facts:
        parts.append(_outbox(facts))
    if any(ctx.work.history for ctx in works):
        parts.append(_history(works))
    if any(ctx.work.audit for ctx in works):
        parts.append(_audit(works))
    if any(ctx.work.mails for ctx in works):
        parts.append(_mails(works))
    # One statement must not touch a row twice: of several calls for a subject only the last is written.
    last = {(d.kind, d.subject_id): d for ctx in works for d in ctx.work.due}.values()
    if forgotten := [d for d in last if d.due_at is None]:
        parts.append(_undue(forgotten))
    if due := [d for d in last if d.due_at is not None]:
        parts.append(_due(due))
    if replies:
        parts.append(_replies(replies))
    if parts:
        values: list[object] = [tx.tenant_id]
        pieces = []
        for part in parts:
            pieces.append(part.sql(len(values) + 1))
            values += part.values
        body = ", ".join(f"w{i} as ({piece})" for i, piece in enumerate(pieces))
        await tx.sql.execute(f"with {body} select $1::uuid", *values)
    for ctx in works:
        ctx.work = type(ctx.work)()
    return facts
