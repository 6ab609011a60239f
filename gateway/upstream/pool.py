"""A bounded pool of connections to one upstream, with bounded queues of those who wait for one.

The count of connections is what protects the upstream, the bound on waiters what protects us: beyond it a
request is refused at once, since it would only wait to time out. Owners of requests (tenants) have their share of the
connections and take turns (`FairShare`), so that the slow requests of one are not everybody's.
"""

import asyncio
from collections import deque
from collections.abc import Hashable
from dataclasses import dataclass

from gateway.upstream.breaker import Breaker
from gateway.upstream.connection import Connection
from gateway.upstream.dial import connect
from gateway.upstream.errors import ShareOfUpstreamUsedUp, UpstreamBusy, UpstreamUnavailable
from shared.base.fair_share import FairShare, NoPlace, ShareExhausted


@dataclass(frozen=True, slots=True)
class PoolLimits:
    """Bounds of one upstream; `idle_lifetime` must stay below the keep-alive of the server (uvicorn: 5 s).

    One owner of requests has at most `of_one` connections, and so many waiters.
    """

    connections: int = 200
    of_one: int = 100
    waiters: int = 200
    queue_timeout: float = 1.0
    connect_timeout: float = 1.0
    idle_lifetime: float = 4.0
    max_head: int = 64 * 1024


@dataclass(frozen=True, slots=True)
class PoolStats:
    """A snapshot for metrics; `buffered` are response bytes received and not yet taken."""

    active: int
    idle: int
    waiting: int
    buffered: int
    opened: int
    breaker_open: bool


class Pool:
    """Connections to one name and port."""

    def __init__(self, host: str, port: int, limits: PoolLimits, breaker: Breaker) -> None:
        """Open nothing yet: the pool is made before any loop runs."""
        self._host = host
        self._port = port
        self._limits = limits
        self._breaker = breaker
        self._idle: deque[Connection] = deque()
        self._active: set[Connection] = set()
        self._places = FairShare(limits.connections, of_one=limits.of_one, waiting_of_one=limits.waiters)
        self._total = 0
        self._opened = 0
        self._reaper: asyncio.TimerHandle | None = None
        self._closing = False
        self._drained: asyncio.Event | None = None

    def stats(self) -> PoolStats:
        """Count."""
        buffered = sum(connection.size for connection in self._active)
        return PoolStats(
            len(self._active), len(self._idle), self._places.waiting, buffered, self._opened,
            self._breaker.is_open,
        )  # fmt: skip

    def crowded(self, owner: Hashable) -> bool:
        """Whether one more long request would leave too little: half of the owner's share, or a quarter of all."""
        of_one = min(self._limits.of_one, self._limits.connections)
        in_use = self._total - len(self._idle)
        return (
            2 * (self._places.in_use(owner) + 1) > of_one or 4 * (in_use + 1) > 3 * self._limits.connections
        )

    def _take_idle(self, now: float) -> Connection | None:
        """Return the idle connection used last, if one is still good: the way of nearly all requests."""
        while self._idle:
            connection = self._idle.pop()
            if not connection.closed and now - connection.idle_since <= self._limits.idle_lifetime:
                self._active.add(connection)
                return connection
            self._close_idle(connection)
        return None

    async def acquire(
        self, loop: asyncio.AbstractEventLoop, owner: Hashable, *, fresh: bool = False
    ) -> Connection:
        """A connection when it is the owner's turn: an idle one, or a new one.

        `fresh`: idle ones left are older than one that just failed, hence as dead, and go first.
        """
        await self._turn(owner)
        try:
            if self._closing:
                raise UpstreamUnavailable("the upstream is being closed")
            while fresh and self._idle:
                self._close_idle(self._idle.pop())
            connection = self._take_idle(loop.time()) or await self._connect(loop)
        except BaseException:
            self._places.give_back(owner)
            raise
        connection.owner = owner
        return connection

    async def _turn(self, owner: Hashable) -> None:
        try:
            await self._places.take(owner, within=self._limits.queue_timeout)
        except ShareExhausted as error:
            raise ShareOfUpstreamUsedUp(str(error)) from error
        except NoPlace as error:
            raise UpstreamBusy(str(error)) from error

    async def _connect(self, loop: asyncio.AbstractEventLoop) -> Connection:
        """Open a connection of our own."""
        self._total += 1
        try:
            connection = await self._open(loop)
        except BaseException:
            self._gone()
            raise
        self._opened += 1
        self._active.add(connection)
        return connection

    async def _open(self, loop: asyncio.AbstractEventLoop) -> Connection:
        """Connect under the breaker, which must learn of every outcome."""
        if not self._breaker.admit(loop.time()):
            raise UpstreamUnavailable("the circuit breaker is open")
        try:
            connection = await connect(
                loop,
                lambda: Connection(loop, self._limits.max_head, self._on_idle_lost),
                self._host,
                self._port,
                within=self._limits.connect_timeout,
            )
        except TimeoutError as error:  # nothing was sent: it is away, not late
            self._breaker.failure(loop.time())
            raise UpstreamUnavailable("connecting took too long") from error
        except OSError as error:
            self._breaker.failure(loop.time())
            raise UpstreamUnavailable(f"cannot connect: {error.strerror or error}") from error
        except BaseException:
            self._breaker.withdrawn()
            raise
        self._breaker.success()
        return connection

    def release(self, connection: Connection, now: float) -> None:
        """Take a connection back, for the next one if it is clean, else to the grave."""
        connection.busy = False
        self._active.discard(connection)
        if connection.reusable and not self._closing:
            connection.idle_since = now
            self._idle.append(connection)
            if self._reaper is None:
                self._arm(self._limits.idle_lifetime)
        else:
            connection.abort()
            self._gone()
        self._places.give_back(connection.owner)

    def _gone(self) -> None:
        """One connection less."""
        self._total -= 1
        if self._drained is not None and self._total == 0:
            self._drained.set()

    def _close_idle(self, connection: Connection) -> None:
        """Close a connection already taken out of the idle ones; nobody waits while there are any."""
        self._total -= 1
        if not connection.closed:
            connection.closed = True
            connection.transport.close()

    def _on_idle_lost(self, connection: Connection) -> None:
        """Forget a connection that the upstream closed while it rested."""
        if connection in self._idle:
            self._idle.remove(connection)
            self._total -= 1

    def _arm(self, delay: float) -> None:
        """Look at the idle connections again later; one timer for all of them."""
        self._reaper = asyncio.get_running_loop().call_later(delay, self._reap)

    def _reap(self) -> None:
        """Close what rested too long, so that we and not the upstream end it; oldest stand left."""
        self._reaper = None
        now = asyncio.get_running_loop().time()
        while self._idle and now - self._idle[0].idle_since >= self._limits.idle_lifetime:
            self._close_idle(self._idle.popleft())
        if self._idle:
            self._arm(max(0.01, self._idle[0].idle_since + self._limits.idle_lifetime - now))

    async def aclose(self, grace: float) -> None:
        """Refuse new requests, let the running ones finish within `grace` seconds, then cut them off."""
        self._closing = True
        if self._reaper is not None:
            self._reaper.cancel()
        while self._idle:
            self._close_idle(self._idle.pop())
        self._places.refuse_all(UpstreamUnavailable("the upstream is being closed"))
        if self._total:
            self._drained = asyncio.Event()
            try:
                await asyncio.wait_for(self._drained.wait(), grace)
            except TimeoutError:
                for connection in tuple(self._active):
                    connection.abort()
        await asyncio.sleep(0)  # let the transports run their close callbacks
