"""Writing rows that hold for a time: the database decides whether two overlap, the refusal names the other."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import date, timedelta
from typing import Protocol
from uuid import UUID

import asyncpg
from sqlalchemy import ColumnElement, or_
from sqlmodel import col, select

from shared.context.ctx import Ctx
from shared.database.effective_dates import RecordedDates, as_known
from shared.database.tables import TenantRow
from shared.values.faults import FieldError, Refused
from shared.values.ids import new_id

DAY = timedelta(days=1)


class EffectiveRow(Protocol):
    """What is asked of a row here: a `TenantRow` with `EffectiveDates`."""

    id: UUID
    valid_from: date
    valid_to: date | None


class RecordedRow(TenantRow, RecordedDates):
    """A row with both times; the base of tables that answer what was known when."""


class Overlapping(Refused):
    """Something else of the same key holds on some of these days (409); `overlaps` says what and when."""

    code = "validity_overlaps"

    def __init__(self, other: asyncpg.Record, *, key: Sequence[str], valid_from: date) -> None:
        name = " ".join(str(other[column]) for column in key)
        until = f"until {other['valid_to']}" if other["valid_to"] else "until further notice"
        sentence = f"{name} is stated from {other['valid_from']} {until} already."
        super().__init__(sentence, overlaps=dict(other))
        if other["valid_from"] == valid_from:
            self.code = "already_exists"
        field = "/valid_to" if other["valid_from"] > valid_from else "/valid_from"
        self.errors = (FieldError(field, self.code, sentence),)


@asynccontextmanager
async def refusing_overlaps(ctx: Ctx, row: EffectiveRow, *, key: Sequence[str]) -> AsyncIterator[None]:
    """Add or change a row in here; whatever of its key holds on one of its days is named in the refusal.

    The constraint decides, so of two that come at once one goes through. Raises Overlapping.
    """
    wanted: tuple[object, ...] = ()
    first = row.valid_from
    try:
        async with ctx.savepoint():
            yield
            first = row.valid_from
            # read now: a refused row is let go of, and knows nothing any more
            wanted = (row.id, first, row.valid_to, *(getattr(row, column) for column in key))
            await ctx.tx.flush()
    except (asyncpg.ExclusionViolationError, asyncpg.UniqueViolationError) as error:
        other = await _in_the_way(ctx, type(row), key, wanted) if wanted else None
        if other is None:  # another constraint of the table
            raise
        raise Overlapping(other, key=key, valid_from=first) from error


async def _in_the_way(
    ctx: Ctx, model: type[EffectiveRow], key: Sequence[str], wanted: Sequence[object]
) -> asyncpg.Record | None:
    """The first row that holds on one of the wanted days; visible by now, as the constraint waited for its commit."""
    table = model.__tablename__  # type: ignore[attr-defined]
    conditions = [f"{column} = ${n}" for n, column in enumerate(key, 5)]
    if issubclass(model, RecordedDates):
        conditions.append(as_known())
    return await ctx.sql.fetchrow(
        f"select id, {', '.join(key)}, valid_from, valid_to from {table} "  # noqa: S608 - names of the model
        "where tenant_id = $1 and id <> $2 and ($4::date is null or valid_from <= $4) "
        f"and (valid_to is null or valid_to >= $3) and {' and '.join(conditions)} order by valid_from limit 1",
        ctx.tenant.id,
        *wanted,
    )


async def restate(ctx: Ctx, row: RecordedRow, *, key: Sequence[str]) -> None:
    """State what holds from `valid_from` to `valid_to`, in place of what was stated for these days until now.

    Nothing is overwritten. What was stated is superseded, and stated anew for the days outside, all from one instant on
    (`recorded_at`, set here), so that a read as known before it finds what it found then. The caller holds the lock of
    whatever the key belongs to (the employee of employment terms); of two that come without it one is refused.
    """
    stated = await _current(ctx, row, key)
    row.recorded_at = max([ctx.now, *(each.recorded_at for each in stated)])
    async with refusing_overlaps(ctx, row, key=key):
        for each in stated:
            each.superseded_at = row.recorded_at
        await ctx.tx.flush()  # before the insertions, which the unit of work would put first
        ctx.session.add_all([row, *(rest for each in stated for rest in _outside(each, row))])


async def _current(ctx: Ctx, row: RecordedRow, key: Sequence[str]) -> Sequence[RecordedRow]:
    """What is stated, as known now, for any day of the row; locked."""
    model = type(row)
    conditions: list[ColumnElement[bool]] = [
        *(col(getattr(model, column)) == getattr(row, column) for column in key),
        col(model.superseded_at).is_(None),
        or_(col(model.valid_to).is_(None), col(model.valid_to) >= row.valid_from),
    ]
    if row.valid_to is not None:
        conditions.append(col(model.valid_from) <= row.valid_to)
    return (await ctx.session.exec(select(model).where(*conditions).with_for_update())).all()


def _outside(stated: RecordedRow, row: RecordedRow) -> list[RecordedRow]:
    """The parts of a statement before and after the days of another one, stated when that one is."""
    parts: list[tuple[date, date | None]] = []
    if stated.valid_from < row.valid_from:
        parts.append((stated.valid_from, row.valid_from - DAY))
    if row.valid_to is not None and (stated.valid_to is None or stated.valid_to > row.valid_to):
        parts.append((row.valid_to + DAY, stated.valid_to))
    since = dict.fromkeys(("created_at", "updated_at", "recorded_at"), row.recorded_at)
    facts = stated.model_dump(exclude={"id", "version", "valid_from", "valid_to", "superseded_at"}) | since
    return [
        type(stated)(**facts | {"id": new_id(), "valid_from": first, "valid_to": last})
        for first, last in parts
    ]
