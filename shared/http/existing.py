"""Naming what is in the way: a refusal for something that must be unique says which one there is already.

The transaction that met it is over by then, so this looks in one of its own; a refusal on a hot path costs nothing
before it happens.
"""

import re
from uuid import UUID

import asyncpg

from shared.context.unit_of_work import Runtime, open_work
from shared.values.faults import Fault, Refused

# What PostgreSQL says of a key of the tenant and one column; the tenant's id has no comma, the value may.
KEY = re.compile(r"Key \(tenant_id, ([a-z_]+)\)=\([0-9a-f-]{36}, (.*)\) already exists\.", re.DOTALL)


async def name_existing(runtime: Runtime, tenant_id: UUID, error: BaseException, fault: Fault) -> Fault:
    """The refusal with `existing` (id, and number where it has one); as it was where nothing can be named."""
    if not isinstance(error, asyncpg.UniqueViolationError):
        return fault
    found = KEY.fullmatch(error.detail or "")
    if found is None or not (error.table_name or "").isidentifier():
        return fault
    column, value = found.groups()
    async with open_work(runtime, tenant_id) as unit:
        row = await unit.tx.sql.fetchrow(
            f"select id, to_jsonb(t) ->> 'number' as number from {error.table_name} t "  # noqa: S608 - names of ours
            f"where tenant_id = $1 and {column} = $2",
            tenant_id,
            value,
        )
    if row is None:
        return fault
    sentence = f"There is already one like this ({column}): {row['number'] or row['id']}."
    return Refused(sentence, code=fault.code, existing={"id": row["id"], "number": row["number"]})
