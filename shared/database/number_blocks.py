"""Leased document numbers: blocks taken ahead in transactions of their own, for series that may have gaps.

A gap-free counter's row stays locked until its taker commits, so takers of one tenant wait for each other; for
orders that was the narrowest place of the whole way. A lease costs a short transaction per block, and what a
rollback or the end of the process leaves unused is a gap. A quiet tenant leases one number at a time and so
sees hardly any; a busy one up to 64.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from uuid import UUID

import asyncpg

from shared.values.faults import DatabaseAway

LARGEST_BLOCK = 64
BUSY_SECONDS = 1.0
LEASE_SECONDS = 5.0

TAKE = """
insert into number_series (tenant_id, series, year, next) values ($1, $2, $3, $4::int + 1)
on conflict (tenant_id, series, year) do update set next = number_series.next + $4
returning next - $4 as first
"""
Key = tuple[UUID, str, int]


@dataclass(slots=True)
class Block:
    """The numbers at hand of one series, and how many to lease next."""

    numbers: deque[int] = field(default_factory=deque)
    size: int = 1
    leased_at: float = float("-inf")
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class NumberBlocks:
    """One process's leased numbers of one service."""

    def __init__(self, connect: Callable[[], Awaitable[asyncpg.Connection]]) -> None:
        self._connect = connect
        self._connection: asyncpg.Connection | None = None
        self._connecting = asyncio.Lock()
        self._blocks: dict[Key, Block] = {}

    async def prepare(self, key: Key, count: int) -> None:
        """Have so many numbers at hand, so that taking them soon needs no statement."""
        block = self._blocks.setdefault(key, Block())
        async with block.lock:
            if len(block.numbers) < count:
                await self._lease(key, block, count)

    async def take(self, key: Key, count: int) -> list[int]:
        """So many numbers nobody else has or will have, in ascending order."""
        block = self._blocks.setdefault(key, Block())
        async with block.lock:
            if len(block.numbers) < count:
                await self._lease(key, block, count)
            return [block.numbers.popleft() for _ in range(count)]

    async def _lease(self, key: Key, block: Block, count: int) -> None:
        busy = time.monotonic() - block.leased_at < BUSY_SECONDS
        block.size = min(block.size * 2, LARGEST_BLOCK) if busy else 1
        wanted = max(block.size, count - len(block.numbers))
        tenant_id, series, year = key
        async with self._connecting:
            try:
                async with asyncio.timeout(LEASE_SECONDS):  # all tenants wait for this one connection
                    first = await self._taken(tenant_id, series, year, wanted)
            except (
                asyncpg.InterfaceError,
                asyncpg.InternalClientError,
                asyncpg.PostgresConnectionError,
                OSError,
            ) as error:
                if self._connection is not None:
                    self._connection.terminate()
                raise DatabaseAway(f"no numbers can be leased: {error!r}") from error
        block.leased_at = time.monotonic()
        block.numbers.extend(range(first, first + wanted))

    async def _taken(self, tenant_id: UUID, series: str, year: int, count: int) -> int:
        """Lease a block in a transaction of its own; returns its first number."""
        sql = await self._live()
        async with sql.transaction():
            await sql.execute("select set_config('app.tenant_id', $1, true)", str(tenant_id))
            first: int = await sql.fetchval(TAKE, tenant_id, series, year, count)
        return first

    async def _live(self) -> asyncpg.Connection:
        if self._connection is None or self._connection.is_closed():
            self._connection = await self._connect()
        return self._connection

    async def close(self) -> None:
        """Let go of the connection; what is leased and unused becomes a gap."""
        if self._connection is not None and not self._connection.is_closed():
            await self._connection.close(timeout=2)
