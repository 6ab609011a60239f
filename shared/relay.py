"""The relay: takes facts from the outbox to the transport, marked published only after the transport confirmed.

Sixteen partitions, each owned by one relay at a time through an advisory lock, keep lanes in order with
several processes. Facts are found by their status, never by a cursor: sequence gaps would lose rows.
"""

import asyncio
import time
from contextlib import suppress
from zlib import crc32

import asyncpg
import structlog

from shared import telemetry
from shared.bus import Transport
from shared.db import Database
from shared.events import Envelope
from shared.settings import KernelSettings
from shared.work import PARTS

LOCK_SPACE = 0x6F757462  # "outb"
log = structlog.get_logger()

UNPUBLISHED = """
select seq, id, tenant_id, lane, type, envelope, created_at from outbox
where published_at is null and part = any($1::smallint[]) order by seq limit $2
"""


class Relay:
    """Publishes one service's outbox."""

    def __init__(self, service: str, worker: Database, transport: Transport, settings: KernelSettings) -> None:
        self._service = service
        self._worker = worker
        self._transport = transport
        self._settings = settings
        self._wake = asyncio.Event()
        self._stopping = False
        self._connected = False
        self._task: asyncio.Task[None] | None = None

    @property
    def healthy(self) -> bool:
        """Whether the relay lives and reaches its database."""
        return self._connected and self._task is not None and not self._task.done()

    def start(self) -> None:
        """Begin publishing."""
        self._task = asyncio.create_task(self._run(), name=f"relay:{self._service}")

    def wake(self) -> None:
        """Something was just committed: look now instead of at the next poll."""
        self._wake.set()

    async def stop(self) -> None:
        """Publish what is left of the batch in hand, then end."""
        self._stopping = True
        self._wake.set()
        if self._task is not None:
            await self._task

    async def _run(self) -> None:
        while not self._stopping:
            try:
                await self._own_and_publish()
            except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
                self._connected = False
                log.warning("relay lost its database", service=self._service, error=str(error))
                await self._pause(1.0)

    async def _pause(self, seconds: float) -> None:
        if self._stopping:
            return
        with suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), seconds)

    async def _own_and_publish(self) -> None:
        """Hold as many partitions as are free on one connection; publish from those until it breaks."""
        connection = await self._worker.engine.connect()
        try:
            sql: asyncpg.Connection = (await connection.get_raw_connection()).driver_connection
            owned: list[int] = []
            next_claim = next_report = 0.0
            while not self._stopping:
                self._wake.clear()
                if len(owned) < PARTS and time.monotonic() >= next_claim:
                    owned += await self._claim(sql, owned)
                    next_claim = time.monotonic() + 2.0
                published = await self._publish_batch(sql, owned)
                self._connected = True
                if time.monotonic() >= next_report:
                    await self._report(sql)
                    next_report = time.monotonic() + 5.0
                if published < self._settings.relay_batch:
                    await self._pause(self._settings.poll_seconds)
        finally:
            await connection.invalidate()
            await connection.close()

    async def _claim(self, sql: asyncpg.Connection, owned: list[int]) -> list[int]:
        """Try to own every partition not owned yet."""
        free = [part for part in range(PARTS) if part not in owned]
        rows = await sql.fetch(
            "select p, pg_try_advisory_lock($1, $2 + p) as mine from unnest($3::int[]) as p",
            LOCK_SPACE,
            (crc32(self._service.encode()) - 2**31) // PARTS * PARTS // 2,
            free,
        )
        return [row["p"] for row in rows if row["mine"]]

    async def _publish_batch(self, sql: asyncpg.Connection, owned: list[int]) -> int:
        rows = await sql.fetch(UNPUBLISHED, owned, self._settings.relay_batch)
        if not rows:
            return 0
        messages = [Envelope(r["id"], r["type"], r["tenant_id"], r["lane"], r["envelope"]) for r in rows]
        outcomes = await self._transport.publish(messages)
        taken = [row["seq"] for row, refused in zip(rows, outcomes, strict=True) if refused is None]
        if taken:
            await sql.execute("update outbox set published_at = now() where seq = any($1::bigint[])", taken)
            telemetry.PUBLISHED.labels(self._service).inc(len(taken))
        if len(taken) < len(rows):
            reason = next(o for o in outcomes if o is not None)
            log.warning("transport refused", service=self._service, count=len(rows) - len(taken), error=str(reason))
            await self._pause(1.0)
        return len(taken)

    async def _report(self, sql: asyncpg.Connection) -> None:
        row = await sql.fetchrow(
            "select count(*) as n, coalesce(extract(epoch from now() - min(created_at)), 0)::float8 as age "
            "from (select created_at from outbox where published_at is null limit 10000) as waiting"
        )
        telemetry.OUTBOX_WAITING.labels(self._service).set(row["n"])
        telemetry.OUTBOX_AGE.labels(self._service).set(row["age"])
