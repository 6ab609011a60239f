"""The consumer of one queue of PgTransport: waits to own it, reads, hands out by ordering key, deletes what is done."""

import asyncio
from collections import Counter
from zlib import crc32

import asyncpg
import structlog

from shared.base.database_errors import DATABASE_ERRORS
from shared.base.error_text import error_text
from shared.base.loops import pause
from shared.bus.ordered_queue import OrderedQueue
from shared.bus.transport import Deliver, Delivery
from shared.database.pool import Database

LOCK_SPACE = 0x627573  # "bus": keeps these advisory locks apart from others
PREFETCH = 200
OWN_SECONDS = 1.0  # between two questions of who waits to own the queue
AGAIN_SECONDS = 0.25  # after which what could not be delivered comes again
KEY_PREFETCH = 16  # an ordering key that is slow or held must not fill the prefetch and so stop the others

# Deletes what is done, reads what nobody has in hand, and notes how far has been handed out: one commit for all.
TURN = """
with done as (
  delete from messages where queue = $1 and seq = any($2::bigint[])
), next as (
  select seq, ordering_key, body from messages
  where queue = $1 and seq <> all($3::bigint[]) and ordering_key <> all($4::text[]) order by seq limit $5
), handed as (
  update progress set handed = last.seq from (select max(seq) as seq from next) as last
  where queue = $1 and last.seq > handed
)
select seq, ordering_key, body from next order by seq
"""

log = structlog.get_logger()


class PgSubscription:
    """The consumer of one queue: waits to own it, then reads, hands out by ordering key and deletes what is done."""

    def __init__(
        self,
        database: Database,
        queue: str,
        deliver: Deliver,
        wakes: set[asyncio.Event],
        poll: float,
        linger: float,
        concurrency: int,
    ) -> None:
        self._database = database
        self._queue = queue
        self._deliver = deliver
        self._wakes = wakes
        self._wake = asyncio.Event()
        self._poll = poll
        self._linger = linger
        self._ordered: OrderedQueue[tuple[int, Delivery]] = OrderedQueue(concurrency, self._handle)
        self._in_hand: dict[int, str] = {}
        self._held: dict[str, set[int]] = {}
        self._done: list[int] = []
        self._stopping = False
        self._connected = False
        wakes.add(self._wake)
        self._task = asyncio.create_task(self._run(), name=f"bus:{queue}")

    @property
    def healthy(self) -> bool:
        """Whether the loop lives and its last look at the queue succeeded."""
        return self._connected and not self._task.done()

    async def stop(self) -> None:
        """Stop reading, let what is in hand finish, delete what is done. Cancelling this breaks it off."""
        self._stopping = True
        self._wake.set()
        await self._task

    async def _run(self) -> None:
        try:
            while not self._stopping:
                try:
                    await self._consume()
                except Exception as error:  # nobody would restart the consumer: it must go on
                    self._connected = False
                    lost = isinstance(error, DATABASE_ERRORS)
                    log.warning(
                        "bus connection lost", queue=self._queue, error=error_text(error), exc_info=not lost
                    )
                    await self._pause(1.0)
        finally:
            self._wakes.discard(self._wake)

    async def _pause(self, seconds: float) -> None:
        if not self._stopping:
            await pause(self._wake, seconds)
        self._wake.clear()

    async def _consume(self) -> None:
        """Own the queue on a connection of its own until it breaks or we stop."""
        async with self._database.dedicated() as sql:
            while not await sql.fetchval("select pg_try_advisory_lock($1, $2)", LOCK_SPACE, self._key()):
                self._connected = True  # another process owns the queue: that is health, too
                await self._pause(OWN_SECONDS)
                if self._stopping:
                    return
            handed = await sql.fetchval("select handed from progress where queue = $1", self._queue)
            await self._read(sql, handed)

    def _key(self) -> int:
        return crc32(self._queue.encode()) - 2**31

    async def _read(self, sql: asyncpg.Connection, handed_before: int) -> None:
        """Read and hand out; rows up to `handed_before` may have been begun by who owned the queue before."""
        try:
            while not self._stopping:
                self._wake.clear()  # before looking: what is put or done from here on wakes the pause below
                self._release_held()
                rows, room = await self._turn(sql)
                self._connected = True
                for row in rows:
                    self._in_hand[row["seq"]] = row["ordering_key"]
                    delivery = Delivery(row["ordering_key"], row["body"], row["seq"] <= handed_before)
                    self._ordered.put(row["ordering_key"], (row["seq"], delivery))
                if len(rows) < room or room == 0:
                    await self._pause_unless_woken()
            await self._ordered.drain()
            await self._turn(sql, last=True)
        except asyncio.CancelledError:
            await self._ordered.cancel()
            raise
        finally:
            self._ordered.drop_all()
            await self._ordered.drain()
            self._in_hand.clear()
            self._held.clear()
            self._done.clear()

    async def _pause_unless_woken(self) -> None:
        if not self._stopping:
            await pause(self._wake, self._poll, linger=self._linger)

    async def _turn(self, sql: asyncpg.Connection, *, last: bool = False) -> tuple[list[asyncpg.Record], int]:
        """Delete what is done; the next rows that nobody has in hand, and how many there was room for."""
        done, self._done = self._done, []
        ordering_keys = Counter(self._in_hand.values()) - Counter(self._in_hand[seq] for seq in done)
        full = [ordering_key for ordering_key, count in ordering_keys.items() if count >= KEY_PREFETCH]
        room = max(0, PREFETCH - sum(min(count, KEY_PREFETCH) for count in ordering_keys.values()))
        if last:
            room = 0
        rows = []
        if done or room:
            rows = await sql.fetch(TURN, self._queue, done, list(self._in_hand), full, room)
        for seq in done:
            del self._in_hand[seq]
        return rows, room

    async def _handle(self, item: tuple[int, Delivery]) -> None:
        seq, delivery = item
        held = self._held.get(delivery.ordering_key)
        if held is not None:  # an earlier one of the ordering key failed: it comes again first
            held.add(seq)
            return
        try:
            await self._deliver(delivery)
        except Exception as error:  # noqa: BLE001 - whatever failed, the message must come again
            log.warning("delivery failed; it comes again", queue=self._queue, error=error_text(error))
            await asyncio.sleep(min(self._poll, AGAIN_SECONDS))
            self._held[delivery.ordering_key] = {seq}
        else:
            self._done.append(seq)
        self._wake.set()

    def _release_held(self) -> None:
        """Have failed messages and what stands behind them in their ordering keys read again, in order.

        Only the reader does this, between two looks at the queue: otherwise a look in flight could bring a
        later message of the ordering key in before the failed one.
        """
        for ordering_key, seqs in self._held.items():
            seqs.update(seq for seq, _ in self._ordered.drop(ordering_key))
            for seq in seqs:
                del self._in_hand[seq]
        self._held.clear()
