"""The relay: takes facts from the outbox to the transport, marked published only after the transport confirmed.

Sixteen partitions, each owned by one relay at a time through an advisory lock, keep ordering keys in order with
several processes; relays of one service share them evenly. Facts are found by their status, never by a cursor:
sequence gaps would lose rows.
"""

import asyncio
import time
from zlib import crc32

import asyncpg
import structlog

from shared.base import telemetry
from shared.base.database_errors import DATABASE_ERRORS
from shared.base.error_text import error_text
from shared.base.loops import pause
from shared.base.settings import KernelSettings
from shared.bus.transport import Transport
from shared.context.closing_statement import PARTS
from shared.contracts.event import Envelope
from shared.database.pool import Database

PRESENCE = PARTS  # beside the partitions' locks: every relay of the service holds this one, shared
SHARE_EVERY_SECONDS = 2.0
REPORT_EVERY_SECONDS = 5.0
log = structlog.get_logger()

UNPUBLISHED = """
select seq, id, tenant_id, ordering_key, type, envelope, created_at from outbox
where published_at is null and part = any($1::smallint[]) order by seq limit $2
"""

# All that is written here are the marks, after the transport has the facts for good: those of the last moment before a
# crash of PostgreSQL may be lost, then the facts are published again and the inboxes know them.
MARKS_MAY_BE_LOST = "set synchronous_commit = off"

RELAYS = """
select count(*) from pg_locks
where locktype = 'advisory' and granted and classid = $1::int8::oid and objid = $2::int8::oid and objsubid = 2
and database = (select oid from pg_database where datname = current_database())
"""


class Relay:
    """Publishes one service's outbox."""

    def __init__(
        self, service: str, worker: Database, transport: Transport, settings: KernelSettings
    ) -> None:
        self._service = service
        self._worker = worker
        self._transport = transport
        self._settings = settings
        self._locks = crc32(f"outbox:{service}".encode()) - 2**31
        self._owned: list[int] = []
        self._wake = asyncio.Event()
        self._stopping = False
        self._connected = False
        self._task: asyncio.Task[None] | None = None

    @property
    def healthy(self) -> bool:
        """Whether the relay lives and reaches its database."""
        return self._connected and self._task is not None and not self._task.done()

    @property
    def owned(self) -> tuple[int, ...]:
        """The partitions this relay publishes."""
        return tuple(self._owned)

    def start(self) -> None:
        """Begin publishing."""
        self._task = asyncio.create_task(self._run(), name=f"relay:{self._service}")

    def wake(self) -> None:
        """Something was just committed: look now instead of at the next poll."""
        self._wake.set()

    async def stop(self) -> None:
        """Publish what is there, as long as the transport takes it, then end."""
        self._stopping = True
        self._wake.set()
        if self._task is not None:
            await self._task

    async def _run(self) -> None:
        while not self._stopping:
            try:
                await self._own_and_publish()
            except Exception as error:  # nobody would restart the relay: it must go on
                self._connected = False
                lost = isinstance(error, DATABASE_ERRORS)
                log.warning(
                    "relay interrupted", service=self._service, error=error_text(error), exc_info=not lost
                )
                await self._pause(1.0)

    async def _pause(self, seconds: float, *, linger: float = 0.0) -> None:
        if not self._stopping:
            await pause(self._wake, seconds, linger=linger)

    async def _own_and_publish(self) -> None:
        """Hold this relay's share of the partitions on one connection; publish from those until it breaks."""
        self._owned = []
        async with self._worker.dedicated() as sql:
            await sql.execute(MARKS_MAY_BE_LOST)
            await sql.execute("select pg_advisory_lock_shared($1, $2)", self._locks, PRESENCE)
            next_share = next_report = 0.0
            while not self._stopping:
                self._wake.clear()
                if time.monotonic() >= next_share:
                    await self._take_share(sql)
                    next_share = time.monotonic() + SHARE_EVERY_SECONDS
                published, complete = await self._publish_batch(sql)
                self._connected = True
                if time.monotonic() >= next_report:
                    await self._report(sql)
                    next_report = time.monotonic() + REPORT_EVERY_SECONDS
                if not complete:
                    await self._pause(1.0)
                elif published < self._settings.relay_batch:
                    rest = min(self._settings.poll_seconds, next_share - time.monotonic())
                    await self._pause(max(rest, 0.0), linger=self._settings.linger_seconds)
            await self._publish_rest(sql)

    async def _take_share(self, sql: asyncpg.Connection) -> None:
        """Own as many partitions as fall to each living relay; give back what is too much."""
        relays = await sql.fetchval(RELAYS, self._locks % 2**32, PRESENCE)
        share = -(-PARTS // max(1, relays))
        while len(self._owned) > share:
            await sql.fetchval("select pg_advisory_unlock($1, $2)", self._locks, self._owned.pop())
        for part in range(PARTS):
            if len(self._owned) >= share:
                break
            if part not in self._owned and await sql.fetchval(
                "select pg_try_advisory_lock($1, $2)", self._locks, part
            ):
                self._owned.append(part)

    async def _publish_batch(self, sql: asyncpg.Connection) -> tuple[int, bool]:
        """Publish the oldest facts; returns how many were taken, and whether that were all of the batch."""
        rows = await sql.fetch(UNPUBLISHED, self._owned, self._settings.relay_batch)
        if not rows:
            return 0, True
        messages = [
            Envelope(r["id"], r["type"], r["tenant_id"], r["ordering_key"], r["envelope"]) for r in rows
        ]
        outcomes = await self._transport.publish(messages)
        taken = [row["seq"] for row, refused in zip(rows, outcomes, strict=True) if refused is None]
        if taken:
            await sql.execute("update outbox set published_at = now() where seq = any($1::bigint[])", taken)
            telemetry.PUBLISHED.labels(self._service).inc(len(taken))
        if len(taken) < len(rows):
            reason = next(o for o in outcomes if o is not None)
            log.warning(
                "transport refused", service=self._service, count=len(rows) - len(taken), error=str(reason)
            )
        return len(taken), len(taken) == len(rows)

    async def _publish_rest(self, sql: asyncpg.Connection) -> None:
        """What the last requests and consumers have left, before this process goes."""
        complete, published = True, 1
        while complete and published:
            published, complete = await self._publish_batch(sql)

    async def _report(self, sql: asyncpg.Connection) -> None:
        row = await sql.fetchrow(
            "select count(*) as n, coalesce(extract(epoch from now() - min(created_at)), 0)::float8 as age "
            "from (select created_at from outbox where published_at is null order by seq limit 10000) as waiting"
        )
        telemetry.OUTBOX_WAITING.labels(self._service).set(row["n"])
        telemetry.OUTBOX_AGE.labels(self._service).set(row["age"])
