"""The data layer's ceiling: the very statements of an order create+confirm, replayed without anything around them.

One real order is created through the action while its statements are recorded; each replay runs them in a
transaction of the same kernel (`Database.transaction`) with fresh ids and numbers, at the same concurrency.
"""

import asyncio
import time
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg

from benchmarks.client import Measured
from shared.db import Database, Transaction
from shared.ids import new_id
from shared.tenancy import app_role, role_password

Statement = tuple[str, tuple[Any, ...]]


@dataclass
class Recording:
    """The statements of one request, in order, without BEGIN and COMMIT."""

    tenant_id: UUID
    statements: list[Statement]


def renewed(recording: Recording, number: int, kept: set[Any]) -> list[Statement]:
    """The statements with fresh ids for whatever the request made, and a number nobody has."""
    fresh: dict[UUID, UUID] = {}

    def value(found: Any) -> Any:
        if isinstance(found, UUID) and found not in kept:
            return fresh.setdefault(found, new_id())
        if isinstance(found, list | tuple):
            return [value(item) for item in found]
        if isinstance(found, str) and found.startswith("SO-"):
            return f"BENCH-{number}"
        return found

    return [(sql, tuple(value(a) for a in arguments)) for sql, arguments in recording.statements]


def database(dsn: str, role_secret: str, size: int) -> Database:
    """A pool as the orders service has it."""
    role = app_role("orders")
    return Database(
        dsn, user=role, password=role_password(role_secret, role), size=size, application_name="bench"
    )


async def record(transaction: Transaction, run: Any) -> list[Statement]:
    """Run something and record what it sends."""
    statements: list[Statement] = []

    def keep(query: asyncpg.connection.LoggedQuery) -> None:
        statements.append((query.query, tuple(query.args)))

    transaction.sql.add_query_logger(keep)
    try:
        await run()
    finally:
        transaction.sql.remove_query_logger(keep)
    return statements


async def replay(
    pool: Database, recording: Recording, kept: set[Any], *, total: int, concurrency: int
) -> Measured:
    """Replay the recorded statements so many times, so many at once."""
    prepared = [renewed(recording, n, kept) for n in range(total)]
    result = Measured(0.0)
    waiting = iter(prepared)

    async def worker() -> None:
        for statements in waiting:
            begun = time.perf_counter()
            async with pool.transaction(recording.tenant_id) as tx:
                for sql, arguments in statements:
                    await tx.sql.fetch(sql, *arguments)
            result.latencies.append(time.perf_counter() - begun)

    started = time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(concurrency)))
    result.seconds = time.perf_counter() - started
    return result
