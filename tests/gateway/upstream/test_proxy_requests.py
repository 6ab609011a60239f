"""Sending requests: framing, streaming, early answers, and what may be sent twice."""

import asyncio

import pytest

from gateway.upstream.errors import RequestInvalid, UpstreamUnavailable
from gateway.upstream.http import HttpUpstream
from tests.gateway.upstream.proxy_harness import (
    OK,
    Client,
    answering,
    call,
    read_request,
    scope_of,
    until,
    upstream_to,
)


@pytest.mark.parametrize(
    ("method", "headers", "pieces", "framing", "sent"),
    [
        ("GET", [], [b""], b"", b""),
        ("DELETE", [], [b""], b"", b""),
        ("POST", [], [b""], b"content-length: 0\r\n", b""),
        ("POST", [], [b"abc"], b"content-length: 3\r\n", b"abc"),
        ("GET", [], [b"abc"], b"content-length: 3\r\n", b"abc"),
        ("POST", [(b"content-length", b"6")], [b"abc", b"", b"def"], b"content-length: 6\r\n", b"abcdef"),
        (
            "PUT",
            [],
            [b"abc", b"def"],
            b"transfer-encoding: chunked\r\n",
            b"3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n",
        ),
        ("PUT", [], [b"", b"def", b""], b"transfer-encoding: chunked\r\n", b"3\r\ndef\r\n0\r\n\r\n"),
        (
            "PUT",
            [(b"content-length", b"4"), (b"content-length", b"4")],
            [b"abcd"],
            b"content-length: 4\r\n",
            b"abcd",
        ),
    ],
)
async def test_the_request_on_the_wire(
    method: str, headers: list[tuple[bytes, bytes]], pieces: list[bytes], framing: bytes, sent: bytes
) -> None:
    record: list[bytes] = []
    async with upstream_to(answering(OK, record=record)) as (upstream, server):
        sent_headers = [(b"host", b"evil"), (b"accept", b"*/*"), *headers]
        for _ in range(2):
            assert (await call(upstream, method, "/a?b=c", sent_headers, pieces)).whole
        host = b"host: 127.0.0.1:%d\r\n" % server.port
        head = method.encode() + b" /a?b=c HTTP/1.1\r\n" + host + b"accept: */*\r\n" + framing + b"\r\n"
        assert record == [head + sent] * 2
        assert server.connections == 1


@pytest.mark.parametrize(
    ("headers", "pieces"),
    [
        ([(b"content-length", b"2")], [b"abc"]),
        ([(b"content-length", b"4")], [b"abc"]),
        ([(b"content-length", b"4")], [b""]),
        ([(b"content-length", b"3"), (b"transfer-encoding", b"chunked")], [b"abc"]),
        ([(b"content-length", b"3"), (b"content-length", b"4")], [b"abc"]),
        ([(b"content-length", b"3x")], [b"abc"]),
    ],
)
async def test_a_body_that_contradicts_its_head_is_never_sent(
    headers: list[tuple[bytes, bytes]], pieces: list[bytes]
) -> None:
    async with upstream_to(answering(OK)) as (upstream, server):
        with pytest.raises(RequestInvalid):
            await call(upstream, "POST", headers=headers, body=pieces)
        assert server.connections == 0


@pytest.mark.parametrize("pieces", [[b"ab", b"cdX"], [b"ab", b"c"], [b"abcde", b""]])
async def test_a_streamed_body_never_exceeds_its_length(pieces: list[bytes]) -> None:
    seen = bytearray()

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(1000):
            seen.extend(data)

    async with upstream_to(handler) as (upstream, server):
        with pytest.raises(RequestInvalid):
            await call(upstream, "POST", headers=[(b"content-length", b"4")], body=pieces)
        await until(lambda: server.open == 0)
        assert b"X" not in seen
        assert upstream.stats().idle == upstream.stats().active == 0


async def test_a_slow_upstream_slows_the_client_down() -> None:
    go, pieces, taken = asyncio.Event(), 400, 0

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await go.wait()
        await read_request(reader)
        writer.write(OK)

    class Uploader(Client):
        async def receive(self) -> dict[str, object]:
            nonlocal taken
            taken += 1
            return await super().receive()

    async with upstream_to(handler) as (upstream, _):
        headers = [(b"content-length", b"%d" % (pieces * 65536))]
        client = Uploader([b"a" * 65536] * pieces)
        task = asyncio.create_task(call(upstream, "POST", headers=headers, client=client))
        stalled = -1
        while stalled != taken:
            stalled = taken
            await asyncio.sleep(0.1)
        # what the kernel's buffers hold is sent; the 25 MB are not
        assert 0 < stalled < pieces / 2
        go.set()
        assert (await task).whole


async def test_an_early_answer_is_relayed_while_the_body_is_still_coming() -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Too Large\r\nconnection: close\r\ncontent-length: 3\r\n\r\nbig")
        await reader.read()

    class Endless(Client):
        async def receive(self) -> dict[str, object]:
            await asyncio.sleep(0.001)
            return {"type": "http.request", "body": b"a" * 1000, "more_body": True}

    async with upstream_to(handler) as (upstream, server):
        client = await call(upstream, "POST", client=Endless())
        assert (client.status, client.received, client.whole) == (413, b"big", True)
        await until(lambda: server.open == 0)
        assert upstream.stats().idle == 0


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
async def test_a_reused_connection_that_died_is_replaced_for_idempotent_requests(method: str) -> None:
    async with upstream_to(_one_then_hang_up()) as (upstream, server):
        await call(upstream, "HEAD")
        assert upstream.stats().idle == 1
        assert (await call(upstream, method)).status == 200
        assert server.connections == 2


@pytest.mark.parametrize(("method", "body"), [("POST", [b"x"]), ("PUT", [b"x"]), ("GET", [b"x", b"y"])])
async def test_what_may_have_been_acted_upon_is_never_sent_twice(method: str, body: list[bytes]) -> None:
    async with upstream_to(_one_then_hang_up()) as (upstream, server):
        await call(upstream, "HEAD")
        with pytest.raises(UpstreamUnavailable):
            await call(upstream, method, body=body)
        assert server.connections == 1


async def test_a_fresh_connection_that_dies_is_not_retried() -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)

    async with upstream_to(handler) as (upstream, server):
        with pytest.raises(UpstreamUnavailable):
            await call(upstream)
        assert server.connections == 1


def _one_then_hang_up():
    """Answer one request, then close only when the next has arrived: the race every pool runs into."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")

    return handler


@pytest.mark.parametrize("url", ["https://h:1", "http://h:1/path", "http://u:p@h:1", "h:1", "http://h:1/?q"])
def test_base_urls_that_mean_something_else_are_refused(url: str) -> None:
    with pytest.raises(ValueError):
        HttpUpstream(url)


async def test_websockets_are_not_forwarded() -> None:
    upstream = HttpUpstream("http://127.0.0.1:1")
    with pytest.raises(RequestInvalid):
        await upstream({**scope_of(), "type": "websocket"}, Client().receive, Client().send)
