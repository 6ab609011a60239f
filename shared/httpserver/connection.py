"""The server's end of a connection: reading requests, answering them in turn, knowing when to end.

It stands where uvicorn's httptools protocol stood and is made and stopped by uvicorn's server. Requests that come
before their turn wait in line while the connection is not read any further. What cannot be read is answered in its
turn, too, and nothing after it is believed: after one misread boundary every later request could be another's.
"""

import asyncio
from collections import deque
from typing import Any

import httptools
import uvicorn
from uvicorn.server import ServerState

from shared.httpserver import heads
from shared.httpserver.asgi import AsgiApp
from shared.httpserver.cycle import HIGH_WATER, Cycle
from shared.httpserver.reading import MAX_HEAD, HeadReader
from shared.httpserver.write_batch import WriteBatch

MAX_LINE = 64
HEAD_SECONDS = 15.0
LINGER_SECONDS = 15.0


class HttpConnection(HeadReader, asyncio.Protocol):
    """State of one connection and of the requests on it."""

    transport: asyncio.Transport

    def __init__(
        self,
        config: uvicorn.Config,
        server_state: ServerState,
        app_state: dict[str, Any],  # noqa: ARG002 - uvicorn's signature
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        batch: WriteBatch,
    ) -> None:
        """As uvicorn makes it; `app_state` belongs to the lifespan, which our apps do not have.

        `batch` is shared by all connections of the server.
        """
        super().__init__()
        self.loop = _loop or asyncio.get_running_loop()
        self.batch = batch
        self.leaving = False
        self.stalled: asyncio.Future[None] | None = None
        self._app: AsgiApp = config.loaded_app
        self._keep_alive_seconds: float = config.timeout_keep_alive
        self._state = server_state
        self._tasks = server_state.tasks
        self._defaults = heads.Defaults(server_state.default_headers)
        self._line: deque[Cycle] = deque()  # requests in their order; the first one is being answered
        self._reading: Cycle | None = None  # the one whose body is still coming
        self._ignores_input = False  # nothing that comes now is a request any more
        self._paused = False
        self._since = self.loop.time()  # when the state began that may last only so long

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport, and what each scope says of the two ends."""
        self.transport = transport  # type: ignore[assignment]
        self._state.connections.add(self)  # type: ignore[arg-type]
        peer, own = transport.get_extra_info("peername"), transport.get_extra_info("sockname")
        self.ends = {
            "client": (str(peer[0]), int(peer[1])) if isinstance(peer, tuple) else None,
            "server": (str(own[0]), int(own[1])) if isinstance(own, tuple) else None,
            "scheme": "https" if transport.get_extra_info("sslcontext") else "http",
        }

    def data_received(self, data: bytes) -> None:
        """Parse what came; the callbacks below make requests of it."""
        if self._ignores_input or self.parser is None:
            return
        self.overhead += len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._ignores_input = (
                True  # we speak nothing else: the request is answered, what follows it is not read
            )
        except httptools.HttpParserError:
            self._refuse()
        if self.overhead > MAX_HEAD:
            self.refusal = heads.TOO_LARGE
            self._refuse()

    def eof_received(self) -> None:
        """Whoever sends no more is taken to have gone: nothing tells a half-closed caller from one that left."""

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Tell everyone who works for this caller."""
        self._state.connections.discard(self)
        self._ignores_input = True
        self.parser = None  # it holds our bound methods: a cycle
        for cycle in self._line:
            cycle.disconnect()
        self.resume_writing()

    def pause_writing(self) -> None:
        """The caller reads slower than we write."""
        if self.stalled is None:
            self.stalled = self.loop.create_future()

    def resume_writing(self) -> None:
        """Go on writing."""
        stalled, self.stalled = self.stalled, None
        if stalled is not None and not stalled.done():
            stalled.set_result(None)

    # httptools callbacks

    def on_message_begin(self) -> None:
        """A request begins, if only by its first byte."""
        if self._ignores_input:
            return
        self.in_head = True
        if not self._line:
            self._since = self.loop.time()
        self.forget()

    def on_headers_complete(self) -> None:
        """Begin with the request, or put it into line."""
        if self._ignores_input or self.parser is None:
            return
        scope, lasts = self.scope_of(self.parser)
        self._reading = cycle = Cycle(self, scope, keep_alive=lasts, expects=self.expects)
        self._line.append(cycle)
        if len(self._line) > 1:
            self._pause()
        else:
            self._begin(cycle)

    def on_body(self, body: bytes) -> None:
        """Hand a piece on, and stop reading when the app is too slow to take it."""
        self.overhead = 0
        reading = self._reading
        if reading is not None:
            reading.feed(body)
            if reading.size > HIGH_WATER:
                self._pause()

    def on_message_complete(self) -> None:
        """A request is whole."""
        self.overhead = 0
        reading, self._reading = self._reading, None
        if reading is None:
            return
        reading.end()
        if not reading.keep_alive or len(self._line) >= MAX_LINE:
            reading.keep_alive = False
            self._ignores_input = True
        if not self._line and reading.complete:
            self._since = self.loop.time()

    def _refuse(self) -> None:
        """Believe nothing more; answer so when nobody has spoken yet, else end after those who were before."""
        if self._ignores_input:
            return
        self._ignores_input = True
        reading, self._reading = self._reading, None
        if reading is not None and reading.more:  # its body will never be whole
            if reading in self._line:
                self._line.remove(reading)
            reading.disconnect()
            if reading.complete or reading.started:
                self.cut(b"")
                return
        if self._line:
            self._line[-1].keep_alive = False
        else:
            self.cut(self.refusal)

    # for the cycles

    def defaults(self) -> heads.Defaults:
        """The headers of every answer, as they are now."""
        if self._defaults.origin is not self._state.default_headers:
            self._defaults = heads.Defaults(self._state.default_headers)
        return self._defaults

    def write(self, data: bytes) -> None:
        """Write at once, after what was said before."""
        self.batch.flush()
        self.transport.write(data)

    async def drained(self) -> None:
        """Wait until the caller has read, or has gone."""
        while self.stalled is not None:
            await asyncio.shield(self.stalled)

    def answered(self, cycle: Cycle) -> None:
        """Go on with the next in line, or rest."""
        self._state.total_requests += 1
        self._line.popleft()
        self._since = self.loop.time()
        if not cycle.keep_alive:
            self.cut(b"")
        elif self._line:
            self._begin(self._line[0])
        if self._paused:
            self.read_on()

    def ended(self, cycle: Cycle) -> None:
        """Let go of a task that has nothing left to do."""
        if cycle.task is not None:
            self._tasks.discard(cycle.task)

    def read_on(self) -> None:
        """Read again, unless someone still waits in line or a body lies untaken."""
        reading = self._reading
        if self._paused and len(self._line) < 2 and (reading is None or reading.size <= HIGH_WATER):
            self._paused = False
            self.transport.resume_reading()

    def cut(self, last: bytes) -> None:
        """End the connection, after some last words.

        While the caller still sends, closing would reset the connection and the answer be lost: then only our side
        is closed, and what comes is thrown away until the caller ends it, or time does.
        """
        sending = self._reading is not None and self._reading.more and not self._ignores_input
        self._ignores_input = True
        self._since = self.loop.time()
        self._line.clear()
        self.batch.flush()
        if last:
            self.transport.write(last)
        if (sending or last) and self.transport.can_write_eof() and not self.leaving:
            self.transport.write_eof()
        else:
            self.transport.close()

    # for the server

    def shutdown(self) -> None:
        """End when what is being answered has been: uvicorn's word before it stops."""
        self.leaving = True
        if not self._line:
            self.transport.close()
        else:
            self._line[0].keep_alive = False

    def expire(self, now: float) -> None:
        """End what lasts too long; asked every second. A request being answered has a deadline of its own."""
        if self._line:
            return
        age = now - self._since
        if self._ignores_input or self.transport.is_closing() or self._reading is not None:
            if age > LINGER_SECONDS:
                self.transport.abort()
        elif self.in_head:
            if age > HEAD_SECONDS:
                self.refusal = heads.TOO_SLOW
                self._refuse()
        elif age > self._keep_alive_seconds:
            self.transport.close()

    def _begin(self, cycle: Cycle) -> None:
        """Let the app answer in a task of its own."""
        cycle.task = task = self.loop.create_task(cycle.run(self._app))
        self._tasks.add(task)

    def _pause(self) -> None:
        if not self._paused:
            self._paused = True
            self.transport.pause_reading()
