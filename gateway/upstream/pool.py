"""A bounded pool of connections to one upstream, with a bounded queue of those who wait for one.

The count of connections is what protects the upstream, the bound on waiters what protects us: beyond it a
request is refused at once, since it would only wait to time out. A waiter exists only while every connection
is in use, so a connection given back goes straight to the one who waited longest.
"""

import asyncio
from collections import deque
from dataclasses import dataclass

from gateway.upstream.breaker import Breaker
from gateway.upstream.connection import Connection
from gateway.upstream.dial import connect
from gateway.upstream.errors import UpstreamBusy, UpstreamUnavailable


@dataclass(frozen=True, slots=True)
class PoolLimits:
    """Bounds of one upstream; `idle_lifetime` must stay below the keep-alive of the server (uvicorn: 5 s)."""

    connections: int = 100
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
        self._waiters: deque[asyncio.Future[Connection | None]] = deque()
        self._total = 0
        self._opened = 0
        self._reaper: asyncio.TimerHandle | None = None
        self._closing = False
        self._drained: asyncio.Event | None = None

    def stats(self) -> PoolStats:
        """Count."""
        buffered = sum(connection.size for connection in self._active)
        waiting = sum(not waiter.done() for waiter in self._waiters)
        return PoolStats(
            len(self._active), len(self._idle), waiting, buffered, self._opened, self._breaker.is_open
        )

    @property
    def crowded(self) -> bool:
        """Whether one more request would leave less than half of the connections to others."""
        return 2 * (self._total - len(self._idle) + 1) > self._limits.connections

    def take_idle(self, now: float) -> Connection | None:
        """Return the idle connection used last, if one is still good: the way of nearly all requests."""
        while self._idle:
            connection = self._idle.pop()
            if not connection.closed and now - connection.idle_since <= self._limits.idle_lifetime:
                self._active.add(connection)
                return connection
            self._close_idle(connection)
        return None

    async def acquire(self, loop: asyncio.AbstractEventLoop) -> Connection:
        """Open a connection of our own, or wait until one is given back; to be asked when none is idle.

        Idle ones left at this point are older than one that just failed, hence as dead: they go first.
        """
        if self._closing:
            raise UpstreamUnavailable("the upstream is being closed")
        while self._idle:
            self._close_idle(self._idle.pop())
        if self._total < self._limits.connections:
            self._total += 1
            return await self._connect(loop)
        return await self._queue(loop)

    async def _queue(self, loop: asyncio.AbstractEventLoop) -> Connection:
        """Wait for a connection, or for the right to open one."""
        if len(self._waiters) >= self._limits.waiters:
            raise UpstreamBusy("too many requests are waiting for this upstream")
        waiter: asyncio.Future[Connection | None] = loop.create_future()
        self._waiters.append(waiter)
        timer = loop.call_later(self._limits.queue_timeout, _expire, waiter)
        try:
            given = await waiter
        except asyncio.CancelledError:
            # the gift may have arrived in the same turn of the loop as the cancellation
            if waiter.done() and not waiter.cancelled() and waiter.exception() is None:
                self._pass_on(waiter.result())
            raise
        finally:
            timer.cancel()
            if waiter in self._waiters:
                self._waiters.remove(waiter)
        if given is not None and not given.closed:
            return given
        if given is not None:
            self._active.discard(given)
        return await self._connect(loop)

    async def _connect(self, loop: asyncio.AbstractEventLoop) -> Connection:
        """Open a connection in a slot already counted; give the slot back when that fails."""
        try:
            connection = await self._open(loop)
        except BaseException:
            self._pass_on(None)
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
            self._give(connection, now)
        else:
            connection.abort()
            self._pass_on(None)

    def _give(self, connection: Connection, now: float) -> None:
        """Hand a clean connection to the first who waits, or keep it for a while."""
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                self._active.add(connection)
                waiter.set_result(connection)
                return
        connection.idle_since = now
        self._idle.append(connection)
        if self._reaper is None:
            self._arm(self._limits.idle_lifetime)

    def _pass_on(self, given: Connection | None) -> None:
        """Dispose of what a holder cannot use: a connection, or (None) the slot of one that is gone."""
        if given is not None:
            self._active.discard(given)
            if not given.closed and not self._closing:
                self._give(given, asyncio.get_running_loop().time())
                return
            given.abort()
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return
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
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_exception(UpstreamUnavailable("the upstream is being closed"))
        if self._total:
            self._drained = asyncio.Event()
            try:
                await asyncio.wait_for(self._drained.wait(), grace)
            except TimeoutError:
                for connection in tuple(self._active):
                    connection.abort()
        await asyncio.sleep(0)  # let the transports run their close callbacks


def _expire(waiter: "asyncio.Future[Connection | None]") -> None:
    """End a wait that is no longer worth it."""
    if not waiter.done():
        waiter.set_exception(UpstreamBusy("no connection became free in time"))
