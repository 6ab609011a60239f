"""Planted values, and where they are looked for: everything that a tenant has in the database, as text."""

from collections.abc import Sequence

import asyncpg

from shared.context.ctx import TenantFacts

TABLES = """
select table_schema, table_name from information_schema.columns where column_name = 'tenant_id'
and table_schema not in ('pg_catalog', 'information_schema')
"""


async def held_of(sql: asyncpg.Connection, tenant: TenantFacts) -> str:
    """All rows that a tenant has in all services, as text: outbox, inbox, audit, replies under keys and the rest."""
    found: list[str] = []
    for schema, name in await sql.fetch(TABLES):
        rows = await sql.fetch(f"select t::text from {schema}.{name} t where tenant_id = $1", tenant.id)
        found += [row[0] for row in rows]
    return "\n".join(found)


def planted_in(text: str, canaries: Sequence[str]) -> list[str]:
    """The canaries in a text, also as the database shows bytes."""
    return [each for each in canaries if each in text or each.encode().hex() in text]


async def reads_of_sealed(sql: asyncpg.Connection, tenant: TenantFacts, service: str) -> list[str]:
    """What the audit of a service says was read in full (`table/id#column`), oldest first."""
    rows = await sql.fetch(
        f"select subject from {service}.audit where tenant_id = $1 and action = 'read_sealed' order by id",
        tenant.id,
    )
    return [row["subject"] for row in rows]
