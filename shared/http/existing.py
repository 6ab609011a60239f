"""Naming what is in the way: a refusal for something that must be unique says which one there is already.

The transaction that met it is over by then, so this looks in one of its own: nothing is asked before it happens. What
the key's value was PostgreSQL does not say of a table under row-level security; the request's body does.
"""

import unicodedata
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import asyncpg

from shared.context.unit_of_work import Runtime, open_work
from shared.http.problems import unique_column
from shared.values.faults import Fault, Refused


async def name_existing(
    runtime: Runtime, tenant_id: UUID, error: BaseException, fault: Fault, body: object
) -> Fault:
    """The refusal with `existing` (id, and number where it has one); as it was where nothing can be named."""
    if not isinstance(error, asyncpg.UniqueViolationError) or not isinstance(body, Mapping):
        return fault
    noun = unique_column(error)
    column, value = _given(body, noun)
    if value is None or not (error.table_name or "").isidentifier():
        return fault
    row = await _find(runtime, tenant_id, error.table_name or "", column, value)
    if row is None:
        return fault
    sentence = f"There is already one like this ({column}): {row['number'] or row['id']}."
    return Refused(sentence, code=fault.code, existing={"id": row["id"], "number": row["number"]})


async def _find(
    runtime: Runtime, tenant_id: UUID, table: str, column: str, value: str
) -> asyncpg.Record | None:
    """Id and number of the row with this value; none where the table is not a tenant's, or shows it to nobody."""
    try:
        async with open_work(runtime, tenant_id) as unit:
            return await unit.tx.sql.fetchrow(
                f"select id, to_jsonb(t) ->> 'number' as number from {table} t "  # noqa: S608 - names of ours
                f"where tenant_id = $1 and {column} = $2",
                tenant_id,
                unicodedata.normalize("NFC", value),
            )
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
        return None


def _given(body: Mapping[str, Any], noun: str) -> tuple[str, str | None]:
    """The column that must be unique, and what a body says of it: at its top, or one level below."""
    for part in (body, *(each for each in body.values() if isinstance(each, Mapping))):
        for column in (noun, f"{noun}_id"):
            if isinstance(part.get(column), str):
                return column, part[column]
    return noun, None
