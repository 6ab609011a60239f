"""Rows that hold for a time: at most one of a key on any day, refused by the database otherwise.

`valid_from` and `valid_to` are local dates of the tenant, both inclusive as they are on the wire; without `valid_to` a
row holds until further notice. The constraint sees them as a `daterange`, whose canonical form is `[from, to + 1)`.

A table that must also say what was known when (`employees?as_of=&known_at=`) has `recorded_at` and `superseded_at`
besides: a correction ends what was recorded instead of overwriting it (`shared.context.effective_rows.restate`).
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Literal

from sqlalchemy import DateTime
from sqlmodel import Field, SQLModel

KeyType = Literal["text", "uuid"]


class EffectiveDates(SQLModel):
    """Columns of rows that hold for a time."""

    valid_from: date
    valid_to: date | None = None


class RecordedDates(EffectiveDates):
    """Columns of rows that hold for a time, of which it is kept when they were stated and taken back (UTC)."""

    recorded_at: datetime = Field(sa_type=DateTime(timezone=True))
    superseded_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))


def no_overlap(table: str, *, key: Mapping[str, KeyType], recorded: bool = False) -> str:
    """SQL that refuses two rows of one key (columns with their types, the tenant aside) that hold on the same day.

    With `recorded`: two that did so by what was known at the same time. Scalars enter as ranges of one value, because
    GiST has no operators for them without an extension (btree_gist) that not every PostgreSQL brings. Reading goes by a
    btree index on (tenant_id, key, valid_from), which the table needs besides: range operators are not leakproof, so
    under row-level security the constraint's own index finds nothing.
    """
    parts = [
        f"app.{kind}range({column}, {column}, '[]') with &&"
        for column, kind in {"tenant_id": "uuid", **key}.items()
    ]
    parts.append("daterange(valid_from, valid_to, '[]') with &&")
    if recorded:
        parts.append("tstzrange(recorded_at, superseded_at) with &&")
    return f"alter table {table} add constraint {table}_no_overlap exclude using gist ({', '.join(parts)});"


def as_of(day: str) -> str:
    """The SQL condition that a row holds on a day, given as a parameter (`$3`) or an expression."""
    return f"valid_from <= {day} and (valid_to is null or valid_to >= {day})"


def as_known(at: str | None = None) -> str:
    """The SQL condition that a row is what is known now, or was known at an instant (`$4`)."""
    if at is None:
        return "superseded_at is null"
    return f"recorded_at <= {at} and (superseded_at is null or superseded_at > {at})"
