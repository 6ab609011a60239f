"""What a hot path sends to the database: counted by statement, so that none comes along unnoticed."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import asyncpg

from shared.context.ctx import TenantFacts
from shared.values.ids import new_id
from tests.kit.suite import Suite

NOT_OURS = ("commit", "rollback", "WITH RECURSIVE typeinfo")


def watcher(tenant: TenantFacts, seen: list[str]) -> Callable[[Any], None]:
    """Note the statements of the tenant's transactions on one connection, but not what the driver asks for itself."""
    ours = False

    def watch(record: Any) -> None:
        nonlocal ours
        text = record.query.strip()
        if text.startswith("begin"):
            ours = str(tenant.id) in text
        elif ours and not text.startswith(NOT_OURS) and "current_setting('jit')" not in text:
            seen.append(text)

    return watch


@asynccontextmanager
async def statements(suite: Suite, service: str, tenant: TenantFacts) -> AsyncIterator[list[str]]:
    """What the tenant's transactions send to the database, beside BEGIN and COMMIT."""
    running = suite[service]
    seen: list[str] = []
    watched: list[tuple[asyncpg.Connection, Callable[[Any], None]]] = []
    async with AsyncExitStack() as stack:
        for _ in range(running.settings.app_pool_size):
            tx = await stack.enter_async_context(running.app_db.transaction(new_id()))
            watched.append((tx.sql, watcher(tenant, seen)))
    for connection, watch in watched:
        connection.add_query_logger(watch)
    try:
        yield seen
    finally:
        for connection, watch in watched:
            connection.remove_query_logger(watch)


def only(seen: list[str], *marks: str) -> list[str]:
    """The marks of the statements, in order; a statement without any of the marks shows itself."""
    return [next((mark for mark in marks if mark in text), text) for text in seen]
