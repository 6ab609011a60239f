"""One connection to an upstream: response parsing, framing checks and flow control in both directions.

The protocol only collects; the one coroutine that owns the connection (see `exchange`) takes from it.
Whatever is odd about a response poisons the connection, since after one misread message boundary every later
response on the same connection could be given to the wrong client.
"""

import asyncio
from collections.abc import Callable, Hashable

import httptools

from gateway.upstream.errors import UpstreamError, UpstreamProtocolError, UpstreamUnavailable
from shared.httpserver.asgi import Headers
from shared.httpserver.headers import framing_error, nominated, outbound_dropped

HIGH_WATER = 64 * 1024
_BODILESS = frozenset((204, 304))


class Connection(asyncio.Protocol):
    """State of a socket and of the one exchange it may carry at a time."""

    __slots__ = (
        "_drained", "_head_request", "_interim", "_loop", "_max_head", "_on_idle_lost", "_overhead",
        "_parser", "_paused", "_surplus", "_until_close", "_used", "_waiter", "_write_paused", "busy",
        "chunks", "closed", "complete", "fault", "got_bytes", "head_done", "headers", "idle_since",
        "keep_alive", "kept", "owner", "request_done", "reused", "size", "status", "transport",
    )  # fmt: skip

    transport: asyncio.Transport

    def __init__(
        self, loop: asyncio.AbstractEventLoop, max_head: int, on_idle_lost: Callable[["Connection"], None]
    ) -> None:
        """Start idle; `on_idle_lost` tells the pool of a death nobody else would notice."""
        self._loop = loop
        self._max_head = max_head
        self._on_idle_lost = on_idle_lost
        self._parser: httptools.HttpResponseParser | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._drained: asyncio.Future[None] | None = None
        self._write_paused = False
        self._paused = False
        self._head_request = False
        self.closed = False
        self.busy = False
        self.owner: Hashable = None  # whose request it carries
        self.idle_since = 0.0
        self._used = False
        self.reused = False
        self._reset()

    def begin(self, method: str) -> None:
        """Prepare for one exchange. The parser cannot be told of HEAD, so after one it is replaced."""
        if self._parser is None or self._head_request:
            self._parser = httptools.HttpResponseParser(self)
        self._head_request = method == "HEAD"
        self.reused = self._used
        self._used = True
        self.busy = True
        self._reset()

    def _reset(self) -> None:
        """Forget the previous exchange."""
        self._interim = False
        self._surplus = False
        self._until_close = False
        self._overhead = 0
        self.got_bytes = False
        self.head_done = False
        self.complete = False
        self.keep_alive = False
        self.request_done = False
        self.fault: UpstreamError | None = None
        self.status = 0
        self.headers: Headers = []
        self.kept: Headers = []
        self.chunks: list[bytes] = []
        self.size = 0

    @property
    def reusable(self) -> bool:
        """Say whether both messages ended exactly where both sides agree that they end."""
        return self.complete and self.request_done and self.keep_alive and not self.closed

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport; asyncio guarantees the kind."""
        self.transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        """Parse what came, and wake the owner once per read rather than once per callback."""
        if not self.busy or self._parser is None:
            self.abort()  # nothing was asked: what comes now could only be taken for a later answer
            return
        if (
            not self.got_bytes and data[:1] != b"H"
        ):  # the parser would skip empty lines, the leavings of another
            self._fail(UpstreamProtocolError("not an HTTP response"))
        self.got_bytes = True
        self._overhead += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._fail(UpstreamProtocolError(f"unreadable response: {error}"))
        if self._overhead > self._max_head:
            self._fail(UpstreamProtocolError("response headers or trailers too large"))
        if self.fault is not None:
            self.abort()
        self._wake()

    def eof_received(self) -> None:
        """Let a body that is delimited by the end of the connection end well."""
        self.closed = True
        if self.busy and self._until_close and self.fault is None:
            self.complete = True

    def connection_lost(self, exc: Exception | None) -> None:
        """Turn the loss into a fault, unless the exchange was over or there was none."""
        self.closed = True
        self._parser = None  # it holds our bound methods: a cycle
        if not self.busy:
            self._on_idle_lost(self)
            return
        self._fail(UpstreamUnavailable("the upstream closed the connection" if exc is None else str(exc)))
        self._wake()
        self.resume_writing()

    def pause_writing(self) -> None:
        """Remember that the upstream reads slower than the client sends."""
        self._write_paused = True

    def resume_writing(self) -> None:
        """Release the sender."""
        self._write_paused = False
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)

    # httptools callbacks; an exception in them would only come back wrapped, hence faults

    def on_message_begin(self) -> None:
        """Notice a second response to one request: never deliver it, never use the connection again."""
        if self.complete:
            self.keep_alive = False
            self._surplus = True

    def on_header(self, name: bytes, value: bytes) -> None:
        """Collect headers; those after the head are trailers and are dropped."""
        if not self.head_done:
            self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """Judge the head."""
        if self._surplus or self.fault is not None or self._parser is None:
            return
        self.status = self._parser.get_status_code()
        if self._overhead > self._max_head and self._head_size() > self._max_head:
            self._fail(UpstreamProtocolError("response headers too large"))
        elif self.status < 200:
            self._interim_head()
        else:
            self._final_head(self._parser.get_http_version())

    def on_body(self, body: bytes) -> None:
        """Buffer a piece and stop reading when the owner is too slow to take it."""
        if self.complete or self.fault is not None:
            self.keep_alive = False
            return
        self._overhead = 0
        self.chunks.append(body)
        self.size += len(body)
        if self.size > HIGH_WATER and not self._paused:
            self._paused = True
            self.transport.pause_reading()

    def on_message_complete(self) -> None:
        """End the message; an interim response ends here too, and is followed by the real one."""
        if self._interim:
            self._interim = False
        elif self.fault is None:
            self.complete = True

    # judging

    def _head_size(self) -> int:
        """Measure the head as it came, near enough."""
        return sum(len(name) + len(value) + 4 for name, value in self.headers)

    def _interim_head(self) -> None:
        """Swallow 100 and 103; refuse a switch of protocols, never asked for, and interim bodies."""
        names = {name for name, _ in self.headers}
        if self.status < 100 or self.status == 101 or names & {b"content-length", b"transfer-encoding"}:
            self._fail(UpstreamProtocolError(f"unacceptable interim response {self.status}"))
        self._interim = True
        self.headers = []

    def _final_head(self, version: str) -> None:
        """Decide where the body ends, refusing every head about which two parsers might disagree."""
        length = coding = 0
        plain = True
        close = version != "1.1"
        nominating = False
        kept = self.kept
        for pair in self.headers:
            name, value = pair
            if name == b"content-length":
                length += 1
                plain = value.isdigit() and len(value) < 19
            elif outbound_dropped(name):
                if name == b"transfer-encoding":
                    coding += 1
                elif name == b"connection" and value != b"keep-alive":
                    nominating = True
                    close = close or value.lower().find(b"close") >= 0
                continue
            kept.append(pair)
        if nominating and (named := nominated(self.headers)):
            self.kept = [pair for pair in kept if pair[0] not in named]
        if length > 1 or coding or not plain or self.status > 599 or version != "1.1":
            problem = self._head_problem(version, length, coding)
            if problem is not None:
                self._fail(UpstreamProtocolError(f"refused response: {problem}"))
                return
        bodiless = self._head_request or self.status in _BODILESS
        self._until_close = not (bodiless or length or coding)
        # after a chunked HEAD the parser waits for chunks that must not come, and misses surplus bytes
        self.keep_alive = not (close or self._until_close or (coding and self._head_request))
        self.complete = bodiless
        self.head_done = True

    def _head_problem(self, version: str, length: int, coding: int) -> str | None:
        """Say what is wrong with a head that is not of the plainest kind."""
        if length > 1:
            return "several Content-Length headers"
        if version not in ("1.1", "1.0") or (coding and version == "1.0"):
            return "an HTTP version that cannot carry this response"
        if self.status > 599:
            return "an unknown class of status"
        return framing_error(self.headers)

    # for the owner

    def take(self) -> bytes:
        """Hand over what is buffered and read on."""
        chunks = self.chunks
        if not chunks:
            return b""
        self.chunks = []
        self.size = 0
        if self._paused:
            self._paused = False
            if not self.closed:
                self.transport.resume_reading()
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    async def head(self) -> None:
        """Wait for the head of the response; raises what keeps it from coming."""
        while not self.head_done:
            if self.fault is not None:
                raise self.fault
            await self.more()

    def more(self) -> "asyncio.Future[None]":
        """What to wait for until something was received or lost."""
        self._waiter = waiter = self._loop.create_future()
        return waiter

    async def drain(self) -> None:
        """Sleep while the upstream does not read; wakes up on a lost connection as well."""
        while self._write_paused and not self.closed:
            self._drained = self._loop.create_future()
            try:
                await self._drained
            finally:
                self._drained = None

    def abort(self) -> None:
        """Reset the connection at once, so that the upstream stops working for nobody."""
        self.closed = True
        self.transport.abort()

    def _fail(self, fault: UpstreamError) -> None:
        """Record the first cause; a response already whole stays whole, only the connection is spent."""
        self.keep_alive = False
        if not self.complete and self.fault is None:
            self.fault = fault

    def _wake(self) -> None:
        """Wake the owner, if it sleeps."""
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)
