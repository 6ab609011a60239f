"""One request and its answer, as the app sees them: ASGI's `receive` and `send`, and the task between them."""

import asyncio
import math
from typing import Protocol

import structlog

from shared.httpserver.asgi import LATE, TAKEN, AsgiApp, Message, Scope
from shared.httpserver.heads import CONTINUE, FAILED, AnswerInvalid, Defaults, Headers, answer_lines, checked
from shared.httpserver.write_batch import WriteBatch

log = structlog.get_logger()
HIGH_WATER = 64 * 1024
_BODILESS = frozenset((204, 304))


class CallerConnection(Protocol):
    """What a cycle asks of the connection that its request came on (see `connection.HttpConnection`)."""

    loop: asyncio.AbstractEventLoop
    transport: asyncio.Transport
    batch: WriteBatch
    leaving: bool
    stalled: asyncio.Future[None] | None

    def defaults(self) -> Defaults:
        """The headers of every answer, as they are now."""

    def write(self, *pieces: bytes) -> None:
        """Write at once, after what was said before; pieces are not copied into one."""

    async def drained(self) -> None:
        """Wait until the caller has read, or has gone."""

    def read_on(self) -> None:
        """Read again, if nothing else holds the reading up."""

    def answered(self, cycle: "Cycle") -> None:
        """Go on with the next request in line."""

    def ended(self, cycle: "Cycle") -> None:
        """Let go of a task that has nothing left to do."""

    def cut(self, last: bytes) -> None:
        """End the connection, after some last words."""


class Cycle:
    """State of one exchange; whatever happens to the connection is told here, and wakes who waits."""

    __slots__ = (
        "_bodiless", "_body_given", "_chunked", "_chunks", "_connection", "_expects", "_head", "_late", "_left",
        "_loop", "_until_close", "_waiters", "asked_at", "complete", "gone", "keep_alive", "more", "received",
        "scope", "size", "started", "task", "weight",
    )  # fmt: skip

    def __init__(
        self,
        connection: CallerConnection,
        scope: Scope,
        *,
        keep_alive: bool,
        expects: bool,
        asked_at: float = math.inf,
    ) -> None:
        """A request whose head is read; `expects` says that the caller waits to be told to send the body.

        `asked_at` is when it was told, if only by our reading its head: from then on its body is under way.
        """
        self._connection = connection
        self._loop = connection.loop
        self._expects = expects
        self._chunks: list[bytes] = []
        self._body_given = False
        self._waiters: list[asyncio.Future[None]] = []
        self._head = b""
        self._left = 0
        self._bodiless = self._chunked = self._until_close = self._late = False
        self.asked_at = math.inf if expects else asked_at
        self.received = 0  # of the body so far
        self.weight = 0  # of head and body while it waits in line
        self.scope = scope
        self.keep_alive = keep_alive
        self.more = True
        self.size = 0
        self.started = self.complete = self.gone = False
        self.task: asyncio.Task[None] | None = None

    async def run(self, app: AsgiApp) -> None:
        """Let the app answer. What it leaves unanswered is a 500, what it leaves half answered is cut off."""
        try:
            await app(self.scope, self.receive, self.send)
            if not self.complete and not self.gone:
                raise AnswerInvalid("the app ended without a whole answer")
        except Exception:
            log.exception("an app failed", path=self.scope["path"])
            self._break_off()
        except BaseException:
            self._break_off()
            raise
        finally:
            self._connection.ended(self)

    def _break_off(self) -> None:
        if not self.complete and not self.gone:
            self._connection.cut(b"" if self.started else FAILED)

    # what comes from the connection

    def feed(self, data: bytes) -> None:
        """Keep a piece of the body until the app asks for it; an answer given already makes it worthless."""
        if self.complete or self.gone:
            return
        self._chunks.append(data)
        self.size += len(data)
        self.received += len(data)
        self._wake()

    def end(self) -> None:
        """The request is whole."""
        self.more = False
        if self._waiters:
            self._wake()

    def disconnect(self, *, late: bool = False) -> None:
        """The caller has gone, or what it sends cannot be read any further, or came too slowly."""
        self.gone, self._late = True, late
        self._wake()

    def _wake(self) -> None:
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    # what the app calls

    async def receive(self) -> Message:
        """The next piece of the body; after the last one, and not before something has ended, a disconnect."""
        while True:
            if self.gone or self.complete:
                return {"type": "http.disconnect", LATE: self._late}
            if not self._body_given and (self._chunks or not self.more):
                return self._take()
            if self._expects and not self.started:
                self._expects = False
                self._connection.write(CONTINUE)
                self.asked_at = self._loop.time()
            waiter = self._loop.create_future()
            self._waiters.append(waiter)
            await waiter

    def _take(self) -> Message:
        chunks = self._chunks
        body = b"" if not chunks else chunks[0] if len(chunks) == 1 else b"".join(chunks)
        self._body_given = not self.more
        if chunks:
            self._chunks = []
            self.size = 0
            self._connection.read_on()
        return {"type": "http.request", "body": body, "more_body": self.more}

    async def send(self, message: Message) -> None:
        """Take a part of the answer; waits while the caller reads slower than the app writes."""
        connection = self._connection
        if connection.stalled is not None:
            await connection.drained()
        if self.gone or (self.complete and message["type"] == TAKEN):
            return
        if not self.started:
            if message["type"] != "http.response.start":
                raise AnswerInvalid(f"an answer cannot begin with {message['type']}")
            self._start(message["status"], message.get("headers", ()))
            return
        if message["type"] != "http.response.body" or self.complete:
            raise AnswerInvalid(f"{message['type']} does not belong here")
        self._write(message.get("body", b""), more=message.get("more_body", False))

    def _write(self, body: bytes, *, more: bool) -> None:
        """Send a piece, with the head if that is still due, and end the answer with the last one."""
        connection = self._connection
        data = self._framed(body, more)
        head, self._head = self._head, b""  # head and first piece leave in one write
        if more or len(data) > HIGH_WATER:  # written now, so that its reader's pace is felt
            if head or data:
                connection.write(head, data)
        elif head or data:
            connection.batch.write(connection.transport, head + data)
        if not more:
            if self._left > 0:
                raise AnswerInvalid("the body is shorter than its Content-Length")
            self.complete = True
            self._chunks, self.size = [], 0  # of a body that nobody wants any more; reading goes on
            self._wake()
            connection.answered(self)

    def _start(self, status: int, headers: Headers) -> None:
        """Write the head out, to be sent with the first piece of the body, as ASGI has it."""
        connection = self._connection
        defaults = connection.defaults()
        # A caller still waiting for our 100 may or may not send its body now: what follows cannot be understood.
        closes = defaults.closes or connection.leaving or self._expects or not self.keep_alive
        old = self.scope["http_version"] != "1.1"
        parts, length, closes = answer_lines(status, headers, defaults, closes)
        lines = 1 + defaults.count + (len(parts) - 2) // 3
        self._bodiless = status in _BODILESS or self.scope["method"] == "HEAD"
        if length is not None and status != 204:
            parts += (b"content-length: ", length, b"\r\n")
            lines += 1
        if not self._bodiless:
            self._chunked = length is None and not old
            self._left = int(length) if length is not None else 0
            self._until_close = length is None and old
            closes = closes or self._until_close
        if self._chunked:
            parts.append(b"transfer-encoding: chunked\r\n")
            lines += 1
        if closes:
            self.keep_alive = False
            parts.append(b"connection: close\r\n")
            lines += 1
        self._head = checked(b"".join(parts), lines) + b"\r\n"
        self.started = True

    def _framed(self, body: bytes, more: bool) -> bytes:
        """A piece of the body as it goes over the wire."""
        if self._bodiless:
            return b""
        if self._chunked:
            piece = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
            return piece if more else piece + b"0\r\n\r\n"
        if not self._until_close:
            self._left -= len(body)
            if self._left < 0:
                raise AnswerInvalid("the body is longer than its Content-Length")
        return body
