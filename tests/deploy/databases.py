"""Databases for deployments: migrated, and nobody else's."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg

from deploy.run.settings import DeploySettings
from deploy.run.suite import migrate_all
from gateway.service import SERVICE as GATEWAY
from services.all import SERVICES
from tests.kit import postgres
from tests.kit.suite import ROLE_SECRET, migrated_database


@asynccontextmanager
async def fresh_database(admin_url: str, amqp_url: str = "") -> AsyncIterator[str]:
    """A migrated database in which no service of another test works, and its transport's queues."""
    name = f"distributed_{uuid4().hex}"
    url = await migrated_database(admin_url, (*SERVICES, GATEWAY), name)
    await migrate_all(url, DeploySettings(role_secret=ROLE_SECRET, amqp_url=amqp_url))
    yield url
    await postgres.drop_database(admin_url, name)


@asynccontextmanager
async def asking_for_passwords(admin_url: str, role: str, url: str) -> AsyncIterator[None]:
    """Our own server trusts whoever comes through its socket: here it asks one role for its password.

    The line names a database that only one test has, so that no other test notices.
    """
    sql = await asyncpg.connect(admin_url)
    hba = Path(await sql.fetchval("show hba_file"))
    database = urlsplit(url).path.lstrip("/")
    kept = await asyncio.to_thread(_put_first, hba, f"local {database} {role} scram-sha-256\n")
    try:
        await sql.execute("select pg_reload_conf()")
        yield
    finally:
        if kept is not None:
            await asyncio.to_thread(hba.write_text, kept)
            await sql.execute("select pg_reload_conf()")
        await sql.close()


def _put_first(hba: Path, line: str) -> str | None:
    """Put a line before all others; returns what was there, or None for a server elsewhere, which asks anyway."""
    if not hba.exists():
        return None
    kept = hba.read_text()
    hba.write_text(line + kept)
    return kept
