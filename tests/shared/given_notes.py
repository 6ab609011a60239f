"""Builders for tests of the kernel."""

from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx

from tests.kit.suite import Suite


async def given_note(probe: httpx.AsyncClient, title: str = "") -> dict[str, Any]:
    """A draft."""
    answer = await probe.post("/v1/notes", json={"title": title or f"note {uuid4().hex}"})
    assert answer.status_code == 201, answer.text
    note: dict[str, Any] = answer.json()
    return note


async def given_published(probe: httpx.AsyncClient, title: str = "", *, times: int = 1) -> dict[str, Any]:
    """A published note; each further time publishes it again, numbered."""
    note = await given_note(probe, title)
    answer = await probe.post(f"/v1/notes/{note['id']}/publish")
    assert answer.status_code == 200, answer.text
    for number in range(1, times):
        again = await probe.post(f"/v1/notes/{note['id']}/publish-again", params={"number": number})
        assert again.status_code == 200, again.text
    return note


async def effects_of(suite: Suite, note_id: str | UUID) -> list[str]:
    """What consumers, reminders and jobs have done for a note, in order."""
    return [row["what"] for row in await rows(suite.url, "probe", "effects", note_id=UUID(str(note_id)))]


async def rows(url: str, schema: str, table: str, **where: object) -> list[asyncpg.Record]:
    """Rows of a table as the superuser sees them, in the order they were made."""
    sql = await asyncpg.connect(url)
    try:
        conditions = " and ".join(f"{name} = ${n}" for n, name in enumerate(where, 1)) or "true"
        order = "seq" if table in ("effects", "inbox", "outbox") else "1"
        return list(
            await sql.fetch(
                f"select * from {schema}.{table} where {conditions} order by {order}", *where.values()
            )
        )
    finally:
        await sql.close()


async def listeners(url: str, role: str) -> int:
    """How many doorbells listen under a role."""
    sql = await asyncpg.connect(url)
    try:
        found: int = await sql.fetchval(
            "select count(*) from pg_stat_activity where datname = current_database() and usename = $1 "
            "and (query ilike 'listen%' or query like '%pg_notify%')",
            role,
        )
        return found
    finally:
        await sql.close()


async def execute(url: str, statement: str, *values: object) -> str:
    """One statement as the superuser."""
    sql = await asyncpg.connect(url)
    try:
        done: str = await sql.execute(statement, *values)
        return done
    finally:
        await sql.close()
