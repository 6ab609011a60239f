"""Responses good and bad: what is relayed, what is refused, and what is never shown as whole."""

import asyncio

import pytest

from gateway.upstream.errors import UpstreamAborted, UpstreamProtocolError, UpstreamUnavailable
from gateway.upstream.pool import PoolLimits
from tests.gateway.upstream.proxy_harness import OK, Client, answering, call, read_request, until, upstream_to

HEAD = b"HTTP/1.1 200 OK\r\n"


async def _get(reply: bytes, method: str = "GET", close: bool = True) -> Client:
    async with upstream_to(answering(reply, close=close)) as (upstream, _):
        return await call(upstream, method)


@pytest.mark.parametrize(
    ("reply", "status", "body"),
    [
        (OK, 200, b"ok"),
        (
            HEAD + b"transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nx-t: 1\r\n\r\n",
            200,
            b"abcde",
        ),
        (HEAD + b"\r\nuntil the end", 200, b"until the end"),
        (HEAD + b"connection: close\r\ncontent-length: 2\r\n\r\nok", 200, b"ok"),
        (b"HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok", 200, b"ok"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", 204, b""),
        (b"HTTP/1.1 204 No Content\r\ncontent-length: 7\r\n\r\n", 204, b""),
        (b"HTTP/1.1 304 Not Modified\r\ncontent-length: 700\r\n\r\n", 304, b""),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nlink: x\r\n\r\n" + OK, 200, b"ok"),
        (b"HTTP/1.1 102 Processing\r\n\r\n" * 3 + OK, 200, b"ok"),
        (b"HTTP/1.1 200\r\ncontent-length: 0\r\n\r\n", 200, b""),
        (b"HTTP/1.1 599 Odd\r\ncontent-length: 1\r\n\r\nx", 599, b"x"),
    ],
)
async def test_good_responses(reply: bytes, status: int, body: bytes) -> None:
    client = await _get(reply)
    assert (client.status, client.received, client.whole) == (status, body, True)
    assert client.header(b"link") is None
    assert client.header(b"x-t") is None
    assert client.header(b"transfer-encoding") is None
    if status in (204, 304):
        assert client.header(b"content-length") is None


@pytest.mark.parametrize("framing", [b"content-length: 7\r\n", b"transfer-encoding: chunked\r\n", b""])
async def test_head_has_no_body_whatever_it_announces(framing: bytes) -> None:
    replies = (HEAD + framing + b"\r\n", OK)
    async with upstream_to(answering(*replies)) as (upstream, server):
        client = await call(upstream, "HEAD")
        assert (client.received, client.whole) == (b"", True)
        assert client.header(b"content-length") == (b"7" if b"7" in framing else None)
        if b"chunked" in framing:
            assert upstream.stats().idle == 0  # the parser could not tell whether chunks followed
            return
        assert (await call(upstream)).received == b"ok"
        assert server.connections == 1


@pytest.mark.parametrize(
    "reply",
    [
        b"garbage\r\n\r\n",
        b"\x16\x03\x01\x02",
        b"\r\n" + OK,
        b"HTTP/2.0 200 OK\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 600 OK\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 000 OK\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n",
        b"HTTP/1.1 103 Early\r\ncontent-length: 5\r\n\r\nhello" + OK,
        HEAD + b"content-length: 2\r\ncontent-length: 3\r\n\r\nokk",
        HEAD + b"content-length: 2\r\ncontent-length: 2\r\n\r\nok",
        HEAD + b"content-length: 2, 2\r\n\r\nok",
        HEAD + b"content-length: -2\r\n\r\nok",
        HEAD + b"content-length: +2\r\n\r\nok",
        HEAD + b"content-length: 99999999999999999999999\r\n\r\nok",
        HEAD + b"content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        HEAD + b"transfer-encoding: chunked\r\ncontent-length: 2\r\n\r\n0\r\n\r\n",
        HEAD + b"transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        HEAD + b"transfer-encoding: gzip\r\n\r\nx",
        HEAD + b"transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n\r\n0\r\n\r\n",
        b"HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        HEAD + b"x-bad: a\x00b\r\ncontent-length: 0\r\n\r\n",
        HEAD + b"x-bad: a\rb\r\ncontent-length: 0\r\n\r\n",
        HEAD + b"x bad: a\r\ncontent-length: 0\r\n\r\n",
        HEAD + b"x-bad : a\r\ncontent-length: 0\r\n\r\n",
        HEAD + b"x-folded: a\r\n b\r\ncontent-length: 0\r\n\r\n",
        HEAD + b": a\r\ncontent-length: 0\r\n\r\n",
        HEAD + b"x-long: " + b"a" * 70_000 + b"\r\ncontent-length: 0\r\n\r\n",
        HEAD + b"x: 1\r\n" * 20_000 + b"content-length: 0\r\n\r\n",
        b"HTTP/1.1 103 Early\r\nlink: " + b"a" * 1000 + b"\r\n\r\n",
    ],
)
async def test_responses_that_are_refused_before_the_client_sees_anything(reply: bytes) -> None:
    endless = reply * 100 if reply.startswith(b"HTTP/1.1 103 Early\r\nlink") else reply
    async with upstream_to(answering(endless, close=True)) as (upstream, _):
        client = Client()
        with pytest.raises(UpstreamProtocolError):
            await call(upstream, client=client)
        assert client.sends == 0
        assert upstream.stats().idle == upstream.stats().active == 0


@pytest.mark.parametrize("cut", range(1, len(OK) - 2, 6))
async def test_a_connection_closed_within_the_head(cut: int) -> None:
    with pytest.raises(UpstreamUnavailable):
        await _get(OK[:cut])


@pytest.mark.parametrize(
    ("reply", "seen"),
    [
        (HEAD + b"content-length: 10\r\n\r\nhalf", b"half"),
        (HEAD + b"transfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n", b"half"),
        (HEAD + b"transfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n0\r\n", b"half"),
        (HEAD + b"transfer-encoding: chunked\r\n\r\n4\r\nhalf\r\nzz\r\n", b"half"),
        (HEAD + b"transfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n4\nevil\r\n0\r\n\r\n", b"half"),
        (HEAD + b"transfer-encoding: chunked\r\n\r\n4\r\nhalfX\r\n0\r\n\r\n", b"half"),
        (HEAD + b"transfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n0\r\nx: " + b"a" * 70_000, b"half"),
    ],
)
async def test_a_response_that_breaks_off_never_ends_cleanly(reply: bytes, seen: bytes) -> None:
    client = Client()
    async with upstream_to(answering(reply, close=True)) as (upstream, _):
        with pytest.raises((UpstreamAborted, UpstreamProtocolError)) as caught:
            await call(upstream, client=client)
    assert not client.whole
    # a fault found in the very read that brought the head may still be told as an error
    assert client.received == seen if caught.type is UpstreamAborted else client.sends == 0


async def test_a_reset_within_a_body_until_close_is_not_its_end() -> None:
    reset = asyncio.Event()

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(HEAD + b"\r\nhalf")
        await reset.wait()
        writer.get_extra_info("socket").setsockopt(1, 13, b"\x01\0\0\0\0\0\0\0")  # SO_LINGER 0: RST
        writer.transport.abort()

    async with upstream_to(handler) as (upstream, _):
        client = Client()
        task = asyncio.create_task(call(upstream, client=client))
        await until(lambda: client.received == b"half")
        reset.set()
        with pytest.raises(UpstreamAborted):
            await task
        assert not client.whole


@pytest.mark.parametrize(
    "surplus",
    [OK, b"x", b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil", b"\x00"],
)
@pytest.mark.parametrize("late", [False, True])
async def test_a_second_response_is_never_given_to_anyone(surplus: bytes, late: bool) -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(OK if late else OK + surplus)
        if late:
            await asyncio.sleep(0.01)
            writer.write(surplus)
        await reader.read()

    async with upstream_to(handler) as (upstream, server):
        assert (await call(upstream)).received == b"ok"
        if late:
            await until(lambda: upstream.stats().idle == 0)
        assert upstream.stats().idle == 0
        assert (await call(upstream)).received == b"ok"
        assert server.connections == 2


async def test_a_body_sent_after_head_spends_the_connection() -> None:
    reply = HEAD + b"content-length: 4\r\n\r\nevil"
    async with upstream_to(answering(reply)) as (upstream, server):
        for _ in range(2):
            assert (await call(upstream, "HEAD")).received == b""
        assert server.connections == 2


@pytest.mark.parametrize("step", [1, 7])
async def test_every_split_of_the_stream_reads_the_same(step: int) -> None:
    reply = (
        b"HTTP/1.1 103 E\r\nl: x\r\n\r\n"
        + HEAD
        + b"transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nt: 1\r\n\r\n"
    )

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await read_request(reader)
            for at in range(0, len(reply), step):
                writer.write(reply[at : at + step])
                await asyncio.sleep(0)

    async with upstream_to(handler) as (upstream, server):
        for _ in range(3):
            client = await call(upstream)
            assert (client.received, client.whole) == (b"abc", True)
        assert server.connections == 1


async def test_many_small_headers_below_the_bound_pass() -> None:
    reply = HEAD + b"x: 1\r\n" * 500 + b"content-length: 200000\r\n\r\n" + b"a" * 200_000
    async with upstream_to(answering(reply), limits=PoolLimits(max_head=4096 + 500)) as (upstream, _):
        client = await call(upstream)
        assert len(client.received) == 200_000
        assert len(client.headers) == 501
