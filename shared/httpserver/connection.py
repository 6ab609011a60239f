"""The server's end of a connection: reading requests, answering them in turn, knowing when to end.

It stands where uvicorn's httptools protocol stood and is made and stopped by uvicorn's server. Requests that come
before their turn wait in line while the connection is not read any further. What cannot be read is answered in its
turn, too, and nothing after it is believed: after one misread boundary every later request could be another's.
"""

import asyncio
import math
from collections import deque
from typing import Any

import httptools
import uvicorn
from uvicorn.server import ServerState

from shared.base import telemetry
from shared.httpserver import heads
from shared.httpserver.admission import Admission
from shared.httpserver.asgi import AsgiApp
from shared.httpserver.cycle import HIGH_WATER, Cycle
from shared.httpserver.limits import HEAD_SECONDS, LINGER_SECONDS, MAX_LINE, MAX_LINE_BYTES
from shared.httpserver.reading import MAX_HEAD, MOST_HEADERS, HeadReader
from shared.httpserver.write_batch import WriteBatch
from shared.httpserver.writing import AnswerWriter


class HttpConnection(HeadReader, AnswerWriter, asyncio.Protocol):
    """State of one connection and of the requests on it."""

    def __init__(
        self,
        config: uvicorn.Config,
        server_state: ServerState,
        app_state: dict[str, Any],  # noqa: ARG002 - uvicorn's signature
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        batch: WriteBatch,
        admission: Admission,
    ) -> None:
        """As uvicorn makes it; `app_state` belongs to the lifespan, which our apps do not have.

        `batch` and `admission` are shared by all connections of the server.
        """
        HeadReader.__init__(self)
        AnswerWriter.__init__(self, _loop or asyncio.get_running_loop(), batch)
        self.leaving = False
        self._admission = admission
        self._config = config
        self._state = server_state
        self._defaults = heads.Defaults(server_state.default_headers)
        self._line: deque[Cycle] = deque()  # requests in their order; the first one is being answered
        self._reading: Cycle | None = None  # the one whose body is still coming
        self._ignores_input = False  # nothing that comes now is a request any more
        self._leaves_some = False  # requests came, or may, that are not answered
        self._paused = False
        self._paused_at = 0.0
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
        if not self._admission.enters(self, str(peer[0]) if isinstance(peer, tuple) else ""):
            self._ignores_input = True
            if self._admission.tells(self):
                self.cut(heads.CROWDED)
            else:
                self.transport.abort()

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
            self._refuse(self.refusal)
        if self.overhead > MAX_HEAD or (self.in_head and len(self.headers) > MOST_HEADERS):
            self._refuse(heads.TOO_LARGE)

    def eof_received(self) -> None:
        """Whoever sends no more is taken to have gone: nothing tells a half-closed caller from one that left."""

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Tell everyone who works for this caller."""
        self._state.connections.discard(self)
        self._admission.leaves(self)
        self._ignores_input = True
        self.parser = None  # it holds our bound methods: a cycle
        for cycle in self._line:
            cycle.disconnect()
        self.resume_writing()

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
        asked_at = self.loop.time() if self.framed else math.inf
        cycle = Cycle(self, scope, keep_alive=lasts, expects=self.expects, asked_at=asked_at)
        self._reading = cycle
        self._line.append(cycle)
        if len(self._line) > 1:
            cycle.weight = self.head_size()
            self._pause()
        else:
            self._begin(cycle)

    def on_body(self, body: bytes) -> None:
        """Hand a piece on, and stop reading when the app is too slow to take it."""
        self.overhead = 0
        reading = self._reading
        if reading is not None:
            reading.feed(body)
            if len(self._line) > 1:
                reading.weight += len(body)
            if reading.size > HIGH_WATER:
                self._pause()

    def on_message_complete(self) -> None:
        """A request is whole."""
        self.overhead = 0
        reading, self._reading = self._reading, None
        if reading is None:
            return
        reading.end()
        too_many = len(self._line) > 1 and self._line_is_full()
        if too_many or not reading.keep_alive:
            reading.keep_alive = False
            self._ignores_input = True
            self._leaves_some = too_many
        if not self._line and reading.complete:
            self._since = self.loop.time()

    def _refuse(self, refusal: bytes) -> None:
        """Believe nothing more; answer so when nobody has spoken yet, else end after those who were before."""
        if self._ignores_input:
            return
        self._ignores_input = True
        reading, self._reading = self._reading, None
        if reading is not None and reading.more:  # its body will never be whole
            if reading in self._line:
                self._line.remove(reading)
            reading.disconnect(late=refusal is heads.BODY_TOO_SLOW)
            if reading.complete or reading.started:
                self.cut(b"")
                return
        if self._line:
            self._line[-1].keep_alive = False
        else:
            self.cut(refusal)

    # for the cycles

    def defaults(self) -> heads.Defaults:
        """The headers of every answer, as they are now."""
        if self._defaults.origin is not self._state.default_headers:
            self._defaults = heads.Defaults(self._state.default_headers)
        return self._defaults

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
            self._state.tasks.discard(cycle.task)

    def read_on(self) -> None:
        """Read again, unless someone still waits in line or a body lies untaken."""
        reading = self._reading
        if self._paused and len(self._line) < 2 and (reading is None or reading.size <= HIGH_WATER):
            self._paused = False
            if reading is not None:  # what we did not want to read was not late
                reading.asked_at += self.loop.time() - self._paused_at
            self.transport.resume_reading()

    def cut(self, last: bytes) -> None:
        """End the connection, after some last words.

        While the caller still sends, closing would reset the connection and the answer be lost: then only our side
        is closed, and what comes is thrown away until the caller ends it, or time does.
        """
        reading = None if self._ignores_input else self._reading
        sending = self._leaves_some or (reading is not None and reading.more)
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

    @property
    def rests_since(self) -> float | None:
        """Since when no request is in hand."""
        return None if self._line else self._since

    def make_room(self) -> None:
        """End at once for another's sake: asked only of connections with no request in hand."""
        self._ignores_input = True
        leave = self.transport.abort if self.transport.get_write_buffer_size() else self.transport.close
        leave()

    def expire(self, now: float) -> None:
        """End what lasts too long; asked every second. How long an answer may be thought about is the app's to say."""
        if self.takes_nothing(now, self._admission.limits.reader_seconds):
            telemetry.HTTP_ENDED.labels("reader").inc()
            self.transport.abort()
        elif self._line:
            self._expire_body(now)
        else:
            self._expire_rest(now - self._since)

    def _expire_body(self, now: float) -> None:
        """Refuse a request whose body comes too slowly, while we are willing to read it."""
        reading = self._reading
        if reading is None or self._paused:
            return
        if now - reading.asked_at > self._admission.limits.body_seconds(reading.received):
            telemetry.HTTP_ENDED.labels("body").inc()
            self._refuse(heads.BODY_TOO_SLOW)

    def _expire_rest(self, age: float) -> None:
        """End a connection with no request in hand that has been as it is for too long; who reads slowly may go on."""
        if self._ignores_input or self.transport.is_closing() or self._reading is not None:
            if age > LINGER_SECONDS and not self.transport.get_write_buffer_size():
                self.transport.abort()
        elif self.in_head:
            if age > HEAD_SECONDS:
                telemetry.HTTP_ENDED.labels("head").inc()
                self._refuse(heads.TOO_SLOW)
        elif age > self._config.timeout_keep_alive:
            self.transport.close()

    def _line_is_full(self) -> bool:
        waiting = sum(cycle.weight for cycle in self._line) - self._line[0].weight
        return len(self._line) >= MAX_LINE or waiting > MAX_LINE_BYTES

    def _begin(self, cycle: Cycle) -> None:
        """Let the app answer in a task of its own."""
        app: AsgiApp = self._config.loaded_app
        cycle.task = task = self.loop.create_task(cycle.run(app))
        self._state.tasks.add(task)

    def _pause(self) -> None:
        if not self._paused:
            self._paused = True
            self._paused_at = self.loop.time()
            self.transport.pause_reading()
