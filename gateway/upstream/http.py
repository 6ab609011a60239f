"""A service behind HTTP/1.1, as an ASGI callable: pooled, streaming both ways, failing by name."""

import asyncio
from collections.abc import Hashable
from urllib.parse import urlsplit

from gateway.upstream.breaker import Breaker
from gateway.upstream.connection import Connection
from gateway.upstream.errors import (
    ClientDisconnected,
    ProxyError,
    RequestInvalid,
    UpstreamAborted,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from gateway.upstream.exchange import BodySender, ResponseRelay, first_piece, pump, send_whole
from gateway.upstream.guard import Guard
from gateway.upstream.pool import Pool, PoolLimits, PoolStats
from gateway.upstream.request_head import announced_length, request_head, wants_length
from shared.httpserver.asgi import Message, Receive, Scope, Send, deadline_of
from shared.httpserver.write_batch import WriteBatch

OWNER = "backoffice.owner"  # in a scope's extensions: whose request it is, whose share it counts against
_IDEMPOTENT = frozenset(("GET", "HEAD", "OPTIONS"))


class HttpUpstream:
    """Forwards requests to one base URL; safe to call from many tasks of one loop."""

    def __init__(
        self,
        base_url: str,
        *,
        limits: PoolLimits | None = None,
        breaker: Breaker | None = None,
        head_timeout: float = 15.0,
        idle_timeout: float = 10.0,
        default_timeout: float = 30.0,
    ) -> None:
        """Take `http://host:port`; a path has no meaning here, as the scope's raw path is sent."""
        url = urlsplit(base_url)
        if url.scheme != "http" or not url.hostname or url.path not in ("", "/") or url.query or url.username:
            raise ValueError("an upstream is given as http://host:port")
        port = url.port or 80
        self._host_line = f" HTTP/1.1\r\nhost: {_host(url.hostname)}:{port}\r\n".encode("ascii")
        self._pool = Pool(url.hostname, port, limits or PoolLimits(), breaker or Breaker())
        self._head_timeout = head_timeout
        self._idle_timeout = idle_timeout
        self._default_timeout = default_timeout
        self._batch: WriteBatch | None = None

    def stats(self) -> PoolStats:
        """Return the pool's numbers for metrics."""
        return self._pool.stats()

    async def aclose(self, grace: float = 5.0) -> None:
        """Drain: refuse new requests, give running ones `grace` seconds, then cut them off."""
        await self._pool.aclose(grace)

    async def __call__(
        self, scope: Scope, receive: Receive, send: Send, *, deadline: float | None = None
    ) -> None:
        """Forward one request; raises as `errors` says, so that callers know if they may answer."""
        if scope["type"] != "http":
            raise RequestInvalid("only plain HTTP is forwarded")
        loop = asyncio.get_running_loop()
        now = loop.time()
        at = deadline_of(scope, now + self._default_timeout) if deadline is None else deadline
        if at <= now:
            raise UpstreamTimeout("the deadline of the request has passed")
        relay = ResponseRelay(send)
        try:
            with Guard(loop, now, at, receive) as guard:
                await self._serve(loop, scope, receive, relay, guard)
        except (ClientDisconnected, UpstreamAborted):
            raise
        except ProxyError as error:
            if relay.started:
                raise UpstreamAborted(str(error)) from error
            raise

    @property
    def batch(self) -> WriteBatch:
        """What is sent to the service at the end of this turn."""
        if self._batch is None:
            self._batch = WriteBatch(asyncio.get_running_loop())
        return self._batch

    def lets_wait(self, seconds: float, owner: Hashable) -> bool:
        """Whether an answer may be held back so long: we would wait for it, and enough connections are left."""
        return min(self._head_timeout, self._default_timeout) >= seconds and not self._pool.crowded(owner)

    async def _serve(
        self,
        loop: asyncio.AbstractEventLoop,
        scope: Scope,
        receive: Receive,
        relay: ResponseRelay,
        guard: Guard,
    ) -> None:
        """Render the request and find a connection that carries it, or a second one when that is harmless."""
        method: str = scope["method"]
        body, more = first_piece(await receive())
        length = _length(scope, body, more)
        head = request_head(scope, self._host_line, length, chunked=more and length is None)
        owner = owner_of(scope)
        connection = await self._pool.acquire(loop, owner)
        try:
            connection.begin(method)
            self._send(connection, head, body, length, receive if more else None, guard)
            await connection.head()
        except UpstreamUnavailable:
            lost_idle = connection.reused and not connection.got_bytes
            self._pool.release(connection, loop.time())
            if not lost_idle or more or method not in _IDEMPOTENT:
                raise
        except BaseException:
            self._pool.release(connection, loop.time())
            raise
        else:
            await self._relay(loop, connection, relay, guard)
            return
        await self._again(await self._pool.acquire(loop, owner, fresh=True), method, head, body, relay, guard)

    async def _again(
        self,
        connection: Connection,
        method: str,
        head: bytes,
        body: bytes,
        relay: ResponseRelay,
        guard: Guard,
    ) -> None:
        """Repeat once, on a new connection, a request that a resting connection swallowed in dying."""
        loop = asyncio.get_running_loop()
        try:
            connection.begin(method)
            self._send(connection, head, body, None, None, guard)
            await connection.head()
        except BaseException:
            self._pool.release(connection, loop.time())
            raise
        await self._relay(loop, connection, relay, guard)

    def _send(
        self,
        connection: Connection,
        head: bytes,
        body: bytes,
        length: int | None,
        receive: Receive | None,
        guard: Guard,
    ) -> None:
        """Write what is at hand; with `receive` given, leave the rest of the body to a task aside."""
        if receive is None:
            send_whole(connection, self.batch, head, body)
            guard.head_within(self._head_timeout)
            return
        connection.transport.write(head)
        sender = BodySender(connection, length)
        sender.write(body)
        guard.run_aside(
            asyncio.get_running_loop().create_task(
                pump(sender, connection, receive, guard, self._head_timeout)
            )
        )

    async def _relay(
        self, loop: asyncio.AbstractEventLoop, connection: Connection, relay: ResponseRelay, guard: Guard
    ) -> None:
        """Pass the response on, giving the connection back before the last piece leaves for a slow client."""
        try:
            guard.answer_seen()
            opening = relay.opening(connection)
            unsent: Message | None = opening
            if not connection.complete:
                await relay.out(opening)
                unsent = None
                await relay.body(connection, guard, self._idle_timeout)
            last = connection.take()
            guard.settle()
        finally:
            self._pool.release(connection, loop.time())
        await relay.finish(unsent, last)


def owner_of(scope: Scope) -> Hashable:
    """Whose request it is: a tenant's, or nobody's in particular."""
    return (scope.get("extensions") or {}).get(OWNER)


def _length(scope: Scope, body: bytes, more: bool) -> int | None:
    """The length to announce: of the whole body when it is at hand, else what the client has said, if anything."""
    length = announced_length(scope["headers"])
    if more:
        return length
    if length is not None and length != len(body):
        raise RequestInvalid("the body is not as long as its Content-Length")
    return len(body) if body or length is not None or wants_length(scope["method"]) else None


def _host(name: str) -> str:
    """Bracket an IPv6 address, as the Host header wants it."""
    return f"[{name}]" if ":" in name else name
