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

from deploy.http import heads
from deploy.http.cycle import HIGH_WATER, Cycle
from deploy.http.ending import Ending
from gateway.proxy.asgi import WHOLE, AsgiApp, HeaderBlock, Scope
from gateway.proxy.headers import find, framing_error

MAX_HEAD = 64 * 1024
MAX_LINE = 64
_NOTABLE = frozenset((b"host", b"expect", b"upgrade", b"content-length", b"transfer-encoding"))
_EXTENSIONS: dict[str, dict[str, object]] = {WHOLE: {}}
_ASGI = {"version": "3.0", "spec_version": "2.3"}


class HttpConnection(Ending):
    """State of one connection and of the requests on it."""

    def __init__(
        self,
        config: uvicorn.Config,
        server_state: ServerState,
        app_state: dict[str, Any],  # noqa: ARG002 - uvicorn's signature
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        """As uvicorn makes it; `app_state` belongs to the lifespan, which our apps do not have."""
        self.loop = _loop or asyncio.get_running_loop()
        self.leaving = False
        self.stalled: asyncio.Future[None] | None = None
        self._app: AsgiApp = config.loaded_app
        self._keep_alive_seconds: float = config.timeout_keep_alive
        self._state = server_state
        self._tasks = server_state.tasks
        self._defaults = heads.Defaults(server_state.default_headers)
        self._parser: httptools.HttpRequestParser | None = httptools.HttpRequestParser(self)
        self._line: deque[Cycle] = deque()  # requests in their order; the first one is being answered
        self._reading: Cycle | None = None  # the one whose body is still coming
        self._deaf = False  # nothing that comes now is a request any more
        self._paused = False
        self._refusal: bytes = heads.MALFORMED
        self._overhead = 0
        self._in_head = False
        self._headers = HeaderBlock()
        self._since = self.loop.time()  # when the state began that may last only so long
        self._forget()

    def _forget(self) -> None:
        """Nothing is known of a next request."""
        self._url = b""
        self._before = self._headers
        self._headers = HeaderBlock()
        self._hosts = 0
        self._expects = self._framed = self._upgrades = False

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport, and what each scope says of the two ends."""
        self.transport = transport  # type: ignore[assignment]
        self._state.connections.add(self)  # type: ignore[arg-type]
        peer, own = transport.get_extra_info("peername"), transport.get_extra_info("sockname")
        self._client = (str(peer[0]), int(peer[1])) if isinstance(peer, tuple) else None
        self._server = (str(own[0]), int(own[1])) if isinstance(own, tuple) else None
        self._scheme = "https" if transport.get_extra_info("sslcontext") else "http"

    def data_received(self, data: bytes) -> None:
        """Parse what came; the callbacks below make requests of it."""
        if self._deaf or self._parser is None:
            return
        self._overhead += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._deaf = True  # we speak nothing else: the request is answered, what follows it is not read
        except httptools.HttpParserError:
            self._refuse()
        if self._overhead > MAX_HEAD:
            self._refusal = heads.TOO_LARGE
            self._refuse()

    def eof_received(self) -> None:
        """Whoever sends no more is taken to have gone: nothing tells a half-closed caller from one that left."""

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Tell everyone who works for this caller."""
        self._state.connections.discard(self)
        self._deaf = True
        self._parser = None  # it holds our bound methods: a cycle
        for cycle in self._line:
            cycle.lose()
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
        if self._deaf:
            return
        self._in_head = True
        if not self._line:
            self._since = self.loop.time()
        self._forget()

    def on_url(self, url: bytes) -> None:
        """Gather the target."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Gather the head; what comes after it are trailers, which nobody asked for."""
        if not self._in_head:
            return
        name = name.lower()
        self._headers.append((name, value))
        if name in _NOTABLE:
            if name == b"host":
                self._hosts += 1
            elif name == b"expect":
                self._expects = self._expects or value.lower() == b"100-continue"
            elif name == b"upgrade":
                self._upgrades = True
            else:
                self._framed = True

    def on_headers_complete(self) -> None:
        """Begin with the request, or put it into line."""
        if self._deaf or self._parser is None:
            return
        parser = self._parser
        version = parser.get_http_version()
        self._judge(version)
        if self._headers == self._before:
            self._headers = self._before  # the same object, with what was made of it (see HeaderBlock)
        path, raw_path, query = heads.target(self._url)
        scope: Scope = {
            "type": "http",
            "asgi": _ASGI,
            "http_version": version,
            "server": self._server,
            "client": self._client,
            "scheme": self._scheme,
            "root_path": "",
            "method": parser.get_method().decode("ascii"),
            "path": path,
            "raw_path": raw_path,
            "query_string": query,
            "headers": self._headers,
            "extensions": _EXTENSIONS,
        }
        lasts = version == "1.1" and not self._upgrades and parser.should_keep_alive()
        self._in_head = False
        self._overhead = 0
        self._reading = cycle = Cycle(self, scope, keep_alive=lasts, expects=self._expects)
        self._line.append(cycle)
        if len(self._line) == 1:
            self._begin(cycle)
        else:
            self._pause()

    def on_body(self, body: bytes) -> None:
        """Hand a piece on, and stop reading when the app is too slow to take it."""
        self._overhead = 0
        reading = self._reading
        if reading is not None:
            reading.feed(body)
            if reading.size > HIGH_WATER:
                self._pause()

    def on_message_complete(self) -> None:
        """A request is whole."""
        self._overhead = 0
        reading, self._reading = self._reading, None
        if reading is None:
            return
        reading.end()
        if not reading.keep_alive or len(self._line) >= MAX_LINE:
            reading.keep_alive = False
            self._deaf = True
        if not self._line and reading.complete:
            self._since = self.loop.time()

    # judging

    def _judge(self, version: str) -> None:
        """Refuse heads that another server might read otherwise; what is raised here comes back from the parser."""
        if self._overhead > MAX_HEAD:
            size = len(self._url) + sum(len(name) + len(value) + 4 for name, value in self._headers)
            if size > MAX_HEAD:
                self._refusal = heads.TOO_LARGE
                raise ValueError("the head is too large")
        if version not in ("1.1", "1.0"):
            self._refusal = heads.UNKNOWN_VERSION
            raise ValueError("this version is not spoken here")
        if self._hosts != 1 and (self._hosts or version == "1.1"):
            raise ValueError("a request has one Host")
        if self._framed and framing_error(self._headers):  # the parser would find it only after this
            raise ValueError("the body's end is in doubt")
        if self._framed and version == "1.0" and find(self._headers, b"transfer-encoding") is not None:
            raise ValueError("HTTP/1.0 has no Transfer-Encoding")

    # for the cycles

    def defaults(self) -> heads.Defaults:
        """The headers of every answer, as they are now."""
        if self._defaults.origin is not self._state.default_headers:
            self._defaults = heads.Defaults(self._state.default_headers)
        return self._defaults

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

    def _begin(self, cycle: Cycle) -> None:
        """Let the app answer in a task of its own."""
        cycle.task = task = self.loop.create_task(cycle.run(self._app))
        self._tasks.add(task)

    def _pause(self) -> None:
        if not self._paused:
            self._paused = True
            self.transport.pause_reading()
