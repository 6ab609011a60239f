"""Migrations: roles and schema first, then the service's alembic revisions, as the owner role.

Revisions live in `services/<service>/migrations/` and are raw SQL through `op.execute`; `alembic check`
(`pending_differences`) keeps the SQLModel tables equal to what they create.
"""

import asyncio
from collections.abc import Callable, Iterable
from pathlib import Path

import asyncpg
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from shared.database import kernel_tables
from shared.database.rls import (
    app_role,
    make_roles,
    owner_role,
    require_no_place_for_tables,
    roles_and_schema,
    worker_role,
)

ENVIRONMENT = Path(__file__).parent / "alembic"
LOCK_TRIES = 5
MIGRATION_LOCK = 0x6261636B  # one migration at a time per database ("back" in ASCII)


def _config(directory: Path) -> Config:
    config = Config()
    config.set_main_option("script_location", str(ENVIRONMENT))
    config.set_main_option("version_locations", str(directory))
    config.set_main_option("path_separator", "os")
    return config


def head(directory: Path) -> str | None:
    """The newest revision a service's code knows."""
    return ScriptDirectory.from_config(_config(directory)).get_current_head()


def suffices(directory: Path, found: str | None) -> bool:
    """Whether a schema at that revision serves this code: at its newest one, or at one of a newer program's.

    A schema is only ever extended while older programs run on it, so a revision that this code does not know is
    one that came after its own.
    """
    known = {script.revision for script in ScriptDirectory.from_config(_config(directory)).walk_revisions()}
    return found is not None and (found == head(directory) or found not in known)


def _engine(admin_dsn: str) -> AsyncEngine:
    async def connect(*_: object, **__: object) -> asyncpg.Connection:
        return await asyncpg.connect(admin_dsn, server_settings={"application_name": "backoffice-migrate"})

    return create_async_engine("postgresql+asyncpg://", async_creator=connect, poolclass=NullPool)


async def current_revision(sql: asyncpg.Connection, service: str) -> str | None:
    """The revision a service's schema is at, or None before the first."""
    if await sql.fetchval("select to_regclass($1)", f"{service}.alembic_version") is None:
        return None
    found: str | None = await sql.fetchval(f"select version_num from {service}.alembic_version")  # noqa: S608
    return found


async def migrate(
    admin_dsn: str,
    service: str,
    directory: Path,
    *,
    password: Callable[[str], str],
    sealing_keys: str = "",
) -> bool:
    """Bring one service's schema to its newest revision; returns whether anything was done.

    `password` gives a role's. The keys are for revisions that seal what stood there in clear; without such rows none is
    needed. A newer program's schema stays as it is: going back runs the older program's migration, too.
    """
    sql = await asyncpg.connect(admin_dsn)
    try:
        await sql.execute("select pg_advisory_lock($1)", MIGRATION_LOCK)
        behind = not suffices(directory, await current_revision(sql, service))
        await make_roles(sql, roles_and_schema(service, password))
        await require_no_place_for_tables(
            sql, app_role(service), worker_role(service), owner=owner_role(service)
        )
        if behind:
            await _upgraded(admin_dsn, service, directory, sealing_keys)
        # What roles need of functions the revisions have granted; PUBLIC is nobody we know.
        await sql.execute(f"revoke execute on all routines in schema {service} from public")
        # so that a process can see before its start whether the schema is as new as its code
        await sql.execute(f"grant select on {service}.alembic_version to {worker_role(service)}")
        return behind
    finally:
        await sql.close()


async def _upgraded(admin_dsn: str, service: str, directory: Path, sealing_keys: str) -> None:
    """Run the revisions; a lock that is not free soon is given up, lest everybody queues behind us, and retried."""
    engine = _engine(admin_dsn)
    try:
        for attempt in range(1, LOCK_TRIES + 1):
            try:
                async with engine.begin() as connection:
                    await connection.execute(text("set local lock_timeout = '5s'"))
                    await connection.execute(text(f"set local role {owner_role(service)}"))
                    await connection.execute(text(f"set local search_path = {service}"))
                    await connection.run_sync(_upgrade, directory, sealing_keys)
            except asyncpg.LockNotAvailableError:
                if attempt == LOCK_TRIES:
                    raise
                await asyncio.sleep(attempt)
            else:
                return
    finally:
        await engine.dispose()


def _upgrade(connection: Connection, directory: Path, sealing_keys: str) -> None:
    config = _config(directory)
    config.attributes |= {"connection": connection, "sealing_keys": sealing_keys}
    command.upgrade(config, "head")


async def pending_differences(admin_dsn: str, service: str, metadatas: Iterable[MetaData]) -> list[object]:
    """What a service's SQLModel tables declare otherwise than its migrated schema; none is the good answer."""

    def compare(connection: Connection) -> list[object]:
        context = MigrationContext.configure(
            connection,
            opts={
                "compare_type": True,
                "include_name": lambda name, kind, _: kind != "table" or name not in kernel_tables.NAMES,
            },
        )
        found: list[object] = []
        for metadata in metadatas:
            found += compare_metadata(context, metadata)
        return found

    engine = _engine(admin_dsn)
    try:
        async with engine.connect() as connection:
            await connection.execute(text(f"set search_path = {service}"))
            return await connection.run_sync(compare)
    finally:
        await engine.dispose()
