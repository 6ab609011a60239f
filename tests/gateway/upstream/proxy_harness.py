"""Raw servers that misbehave on purpose, and a client side that records what an ASGI server would see."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from gateway.upstream.http import OWNER, HttpUpstream

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


@dataclass
class RawServer:
    """A listening socket whose every byte is decided by the test."""

    port: int = 0
    connections: int = 0
    open: int = 0
    requests: list[bytes] = field(default_factory=list)
    callers: set[Any] = field(
        default_factory=set
    )  # connections of a server that a test has put in front of us

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


async def read_request(reader: asyncio.StreamReader) -> bytes:
    """Read one request with its body, as bytes."""
    head = await reader.readuntil(b"\r\n\r\n")
    lower = head.lower()
    body = b""
    if b"transfer-encoding: chunked" in lower:
        size = 1
        while size:
            line = await reader.readuntil(b"\r\n")
            size = int(line, 16)
            body += line + await reader.readexactly(size + 2)
    elif b"content-length: " in lower:
        body = await reader.readexactly(int(lower.split(b"content-length: ")[1].split(b"\r\n")[0]))
    return head + body


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[RawServer]:
    """Run a raw server; whatever its connections still do at the end is cancelled."""
    state = RawServer()
    tasks: set[asyncio.Task[None]] = set()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        state.connections += 1
        state.open += 1
        task = asyncio.current_task()
        tasks.add(task)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                await handler(reader, writer)
        except asyncio.CancelledError:
            pass
        finally:
            state.open -= 1
            tasks.discard(task)
            writer.close()

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    state.port = server.sockets[0].getsockname()[1]
    try:
        yield state
    finally:
        server.close()
        for task in tuple(tasks):
            task.cancel()
        if tasks:
            await asyncio.wait(tuple(tasks))
        await asyncio.sleep(0.01)


def answering(*replies: bytes, close: bool = False, record: list[bytes] | None = None) -> Handler:
    """Answer the n-th request of a connection with the n-th reply (the last one for ever)."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served = 0
        while True:
            request = await read_request(reader)
            if record is not None:
                record.append(request)
            writer.write(replies[min(served, len(replies) - 1)])
            await writer.drain()
            served += 1
            if close:
                return

    return handler


@asynccontextmanager
async def upstream_to(handler: Handler, **options: object) -> AsyncIterator[tuple[HttpUpstream, RawServer]]:
    """Run a raw server with an upstream that talks to it."""
    async with serving(handler) as server:
        upstream = HttpUpstream(server.url, **options)
        try:
            yield upstream, server
        finally:
            await upstream.aclose(grace=0.05)


@dataclass
class Client:
    """The server side of ASGI: feeds a body, records a response, can leave or be slow."""

    body: Iterable[bytes] = (b"",)
    status: int | None = None
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    received: bytearray = field(default_factory=bytearray)
    whole: bool = False
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    gate: asyncio.Event | None = None
    sends: int = 0

    def __post_init__(self) -> None:
        self._pieces = list(self.body)

    async def receive(self) -> dict[str, object]:
        if self._pieces:
            piece = self._pieces.pop(0)
            return {"type": "http.request", "body": piece, "more_body": bool(self._pieces)}
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: dict[str, object]) -> None:
        assert not self.whole
        self.sends += 1
        if message["type"] == "http.response.start":
            assert self.status is None
            self.status, self.headers = message["status"], message["headers"]
            return
        if self.gate is not None:
            await self.gate.wait()
        self.received += message["body"]
        self.whole = not message["more_body"]

    def header(self, name: bytes) -> bytes | None:
        return dict(self.headers).get(name)


def scope_of(method: str = "GET", path: str = "/", headers: Iterable[tuple[bytes, bytes]] = ()) -> dict:
    """Make the scope that a server would."""
    raw, _, query = path.partition("?")
    return {
        "type": "http",
        "method": method,
        "path": raw,
        "raw_path": raw.encode(),
        "query_string": query.encode(),
        "headers": list(headers),
    }


async def call(
    upstream: HttpUpstream,
    method: str = "GET",
    path: str = "/",
    headers: Iterable[tuple[bytes, bytes]] = (),
    body: Iterable[bytes] = (b"",),
    within: float = 5.0,
    client: Client | None = None,
    owner: str | None = None,
) -> Client:
    """Send one request through an upstream."""
    client = client or Client(body)
    deadline = asyncio.get_running_loop().time() + within
    scope = scope_of(method, path, headers) | {"extensions": {OWNER: owner}}
    await upstream(scope, client.receive, client.send, deadline=deadline)
    return client


async def until(condition: Callable[[], bool], within: float = 20.0) -> None:
    """Wait for a condition without sleeping longer than needed."""
    async with asyncio.timeout(within):
        while not condition():  # noqa: ASYNC110 - conditions of sockets and kernels raise no event
            await asyncio.sleep(0.002)
