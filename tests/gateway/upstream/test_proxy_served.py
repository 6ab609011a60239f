"""The whole path as it is deployed: a socket client, uvicorn on uvloop, the pool, a raw upstream."""

import asyncio
import logging
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest
import uvicorn

from gateway.upstream.errors import ClientDisconnected, ProxyError, UpstreamAborted
from gateway.upstream.http import HttpUpstream
from shared.httpserver.asgi import Receive, Scope, Send
from shared.httpserver.headers import strip_inbound
from tests.gateway.upstream.proxy_harness import OK, RawServer, read_request, serving, until


class Gateway:
    """The smallest pipeline: the port to forward to is the first segment of the path."""

    def __init__(self) -> None:
        self.upstreams: dict[int, HttpUpstream] = {}
        self.failures: list[ProxyError] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        port = int(scope["path"].split("/")[1])
        upstream = self.upstreams.setdefault(port, HttpUpstream(f"http://127.0.0.1:{port}"))
        scope["headers"] = strip_inbound(scope["headers"])
        try:
            await upstream(scope, receive, send)
        except ProxyError as error:
            self.failures.append(error)
            if isinstance(error, UpstreamAborted | ClientDisconnected):
                raise
            await send({"type": "http.response.start", "status": error.status, "headers": []})
            await send({"type": "http.response.body", "body": b"", "more_body": False})


@pytest.fixture(scope="module")
def gateway() -> Iterator[tuple[Gateway, int]]:
    """Run uvicorn in a thread with a uvloop of its own."""
    app = Gateway()
    config = uvicorn.Config(
        app, port=0, loop="uvloop", http="httptools", lifespan="off", log_config=None,
        server_header=False, date_header=False, access_log=False, proxy_headers=False,
    )  # fmt: skip
    server = uvicorn.Server(config)
    logging.getLogger("uvicorn.error").disabled = True
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.005)
    yield app, server.servers[0].sockets[0].getsockname()[1]
    server.force_exit = server.should_exit = True
    thread.join(10)
    logging.getLogger("uvicorn.error").disabled = False


async def _exchange(port: int, request: bytes) -> bytes:
    """Send raw bytes and read until the server closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    with suppress(ConnectionError):
        data = await asyncio.wait_for(reader.read(), 5)
    writer.close()
    return data


def _get(server: RawServer, more: bytes = b"connection: close\r\n") -> bytes:
    return b"GET /%d/x HTTP/1.1\r\nhost: gateway\r\n%b\r\n" % (server.port, more)


async def test_a_request_there_and_back(gateway: tuple[Gateway, int]) -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await read_request(reader)
        assert b"x-tenant-id" not in request
        assert b"GET /%d/x HTTP/1.1\r\nhost: 127.0.0.1:" % server.port in request
        writer.write(OK)

    async with serving(handler) as server:
        answer = await _exchange(gateway[1], _get(server, b"x-tenant-id: 7\r\nconnection: close\r\n"))
    assert answer == b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok"


@pytest.mark.parametrize("framing", [b"content-length: 100", b"transfer-encoding: chunked"])
async def test_the_client_sees_a_truncated_message_never_a_clean_end(
    gateway: tuple[Gateway, int], framing: bytes
) -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\n" + framing + b"\r\n\r\n4\r\nhalf\r\n")
        await asyncio.sleep(0.03)
        writer.transport.abort()

    async with serving(handler) as server:
        answer = await _exchange(gateway[1], _get(server))
    assert b"half" in answer
    assert not answer.endswith(b"0\r\n\r\n")
    assert isinstance(gateway[0].failures.pop(), UpstreamAborted)


async def test_a_client_that_hangs_up_releases_the_upstream(gateway: tuple[Gateway, int]) -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with serving(handler) as server:
        _, writer = await asyncio.open_connection("127.0.0.1", gateway[1])
        writer.write(_get(server))
        await until(lambda: server.open == 1)
        writer.close()
        await until(lambda: server.open == 0)
        await until(lambda: bool(gateway[0].failures))
    assert isinstance(gateway[0].failures.pop(), ClientDisconnected)


async def test_a_client_that_does_not_read_stops_the_upstream(gateway: tuple[Gateway, int]) -> None:
    size, pushed = 48 * 1024 * 1024, 0

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal pushed
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % size)
        while pushed < size:
            writer.write(b"a" * 65536)
            pushed += 65536
            await writer.drain()

    async with serving(handler) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", gateway[1], limit=1024)
        writer.write(_get(server))
        seen = -1
        while seen != pushed:
            seen = pushed
            await asyncio.sleep(0.1)
        assert pushed < size
        assert gateway[0].upstreams[server.port].stats().buffered <= 320 * 1024
        head = await reader.readuntil(b"\r\n\r\n")
        assert b"content-length: %d" % size in head
        assert len(await reader.readexactly(size)) == size
        writer.close()


async def test_a_large_upload_streams_through(gateway: tuple[Gateway, int]) -> None:
    body = bytes(range(256)) * 40_000
    seen: list[bytes] = []

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await read_request(reader))
        writer.write(OK)

    async with serving(handler) as server:
        head = b"POST /%d/up HTTP/1.1\r\nhost: g\r\nconnection: close\r\ncontent-length: %d\r\n\r\n"
        answer = await _exchange(gateway[1], head % (server.port, len(body)) + body)
    assert answer.endswith(b"ok")
    assert seen[0].endswith(body)


async def test_a_chunked_upload_is_framed_anew(gateway: tuple[Gateway, int]) -> None:
    seen: list[bytes] = []

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await read_request(reader))
        writer.write(OK)

    async with serving(handler) as server:
        head = b"POST /%d/up HTTP/1.1\r\nhost: g\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n"
        answer = await _exchange(gateway[1], head % server.port + b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
    assert answer.endswith(b"ok")
    assert b"content-length: 5\r\n" in seen[0] or b"transfer-encoding: chunked\r\n" in seen[0]
    assert (b"content-length" in seen[0]) != (b"transfer-encoding" in seen[0])
    assert seen[0].replace(b"\r\n", b"").find(b"abc") > 0


async def test_pipelined_clients_get_their_own_answers_in_order(gateway: tuple[Gateway, int]) -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            number = (await read_request(reader)).split(b" ")[1][-1:]
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n" + number)

    async with serving(handler) as server:
        first = b"".join(b"GET /%d/%d HTTP/1.1\r\nhost: g\r\n\r\n" % (server.port, n) for n in range(5))
        answer = await _exchange(gateway[1], first + _get(server).replace(b"/x", b"/9"))
    assert [part[-1:] for part in answer.split(b"HTTP/1.1 200 OK")[1:]] == [
        b"0",
        b"1",
        b"2",
        b"3",
        b"4",
        b"9",
    ]
