"""An app whose every answer the test decides, behind our protocol, and callers that speak in bytes."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import uvicorn
from uvicorn.server import ServerState

from shared.httpserver.admission import Admission
from shared.httpserver.connection import HttpConnection
from shared.httpserver.limits import ServerLimits
from shared.httpserver.write_batch import WriteBatch

App = Callable[[dict[str, Any], Any, Any], Awaitable[None]]


@dataclass
class Served:
    """A listening socket, and what came over it."""

    port: int
    state: ServerState
    scopes: list[dict[str, Any]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    disconnects: int = 0

    @property
    def connections(self) -> list[HttpConnection]:
        """The connections open now."""
        return list(self.state.connections)

    async def caller(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A fresh connection."""
        return await asyncio.open_connection("127.0.0.1", self.port)


async def start(send: Any, status: int = 200, *headers: tuple[bytes, bytes]) -> None:
    await send({"type": "http.response.start", "status": status, "headers": list(headers)})


async def finish(send: Any, body: bytes = b"", more: bool = False) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": more})


async def answer(send: Any, body: bytes, status: int = 200, *headers: tuple[bytes, bytes]) -> None:
    """A whole answer with its length."""
    await start(send, status, (b"content-length", b"%d" % len(body)), *headers)
    await finish(send, body)


@asynccontextmanager
async def serving(app: App | None = None, limits: ServerLimits | None = None) -> AsyncIterator[Served]:
    """Serve an app, by default one that tells path and body back."""
    loop = asyncio.get_running_loop()
    state = ServerState()
    served = Served(0, state)

    async def echo(scope: dict[str, Any], receive: Any, send: Any) -> None:
        served.scopes.append(scope)
        body, more = b"", True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                served.disconnects += 1
                return
            body += message["body"]
            more = message["more_body"]
        served.bodies.append(body)
        await answer(send, scope["raw_path"] + b" " + body)

    config = uvicorn.Config(app or echo, ws="none", lifespan="off", log_config=None)
    config.load()
    config.loaded_app = app or echo  # as it is, without uvicorn's middleware
    made = partial(
        HttpConnection,
        config,
        state,
        {},
        loop,
        batch=WriteBatch(loop),
        admission=Admission(limits or ServerLimits()),
    )
    server = await loop.create_server(made, "127.0.0.1", 0)
    served.port = server.sockets[0].getsockname()[1]
    try:
        yield served
    finally:
        server.close()
        for connection in served.connections:
            connection.transport.abort()
        for task in tuple(state.tasks):
            task.cancel()
        await until(lambda: not state.connections)


async def until(condition: Callable[[], bool], within: float = 20.0) -> None:
    """Wait for a condition without sleeping longer than needed."""
    async with asyncio.timeout(within):
        while not condition():  # noqa: ASYNC110 - sockets and kernels raise no event
            await asyncio.sleep(0.002)


async def said(served: Served, request: bytes, *, within: float = 20.0) -> bytes:
    """Send bytes and read until the server ends the connection."""
    reader, writer = await served.caller()
    writer.write(request)
    try:
        return await asyncio.wait_for(reader.read(), within)
    finally:
        writer.close()


async def one(reader: asyncio.StreamReader) -> bytes:
    """Read one answer with a Content-Length."""
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
    length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    return head + await asyncio.wait_for(reader.readexactly(length), 5)
