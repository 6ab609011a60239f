"""Bodies at the gateway: no service hears of one before it is whole, and no tenant has more in hand than its share."""

import asyncio
from contextlib import suppress

import pytest

from gateway.door.exchange import LIMITED
from gateway.upstream.http import HttpUpstream
from shared.httpserver.limits import ServerLimits
from tests.gateway.door.test_gateway_sockets import GET, gateway, said
from tests.gateway.upstream.proxy_harness import OK, RawServer, answering, read_request, until

POST = GET.replace(b"GET", b"POST", 1)
MIB = 1024 * 1024


async def begun(port: int, request: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A request of which only so much is sent."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2 * MIB)
    writer.write(request)
    return reader, writer


def in_hand(service: RawServer, count: int) -> bool:
    return sum(bool(caller._line) for caller in service.callers) == count


async def test_silent_bodies_hold_no_connection_to_the_service() -> None:
    async with gateway(answering(OK), tenant_in_hand=30) as (port, upstream, service):
        silent = [await begun(port, POST + b"content-length: 10\r\n\r\n12345") for _ in range(20)]
        await until(lambda: in_hand(service, 20))
        assert upstream.stats().active == upstream.stats().opened == 0
        assert (await said(port, GET)).endswith(b"ok")
        for reader, writer in silent:
            writer.write(b"67890")
            assert (await reader.readuntil(b"ok")).startswith(b"HTTP/1.1 200")
            writer.close()


@pytest.mark.parametrize("framing", [b"content-length: %d\r\n", b"transfer-encoding: chunked\r\n"])
@pytest.mark.parametrize("size", [3, 100_000, 3 * MIB])
async def test_a_body_in_pieces_reaches_the_service_whole(framing: bytes, size: int) -> None:
    seen: list[bytes] = []
    async with gateway(answering(OK, record=seen)) as (port, upstream, _):
        chunked = b"chunked" in framing
        head = POST + (framing if chunked else framing % size) + b"connection: close\r\n\r\n"
        reader, writer = await begun(port, head)
        sent = bytes(range(256)) * (size // 256 + 1)
        for at in range(0, size, 50_000):
            piece = sent[at : min(size, at + 50_000)]
            writer.write(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
            await writer.drain()
            await asyncio.sleep(0)
        if chunked:
            writer.write(b"0\r\n\r\n")
        assert (await reader.read()).endswith(b"ok")
        writer.close()
        assert upstream.stats().active == 0
    _, _, body = seen[0].partition(b"\r\n\r\n")
    assert (_unchunked(body) if b"\r\ntransfer-encoding" in seen[0] else body) == sent[:size]


def _unchunked(body: bytes) -> bytes:
    whole = b""
    while body:
        length, _, rest = body.partition(b"\r\n")
        size = int(length, 16)
        whole, body = whole + rest[:size], rest[size + 2 :]
    return whole


async def test_a_body_that_comes_too_slowly_is_a_408_and_the_service_never_hears_of_it() -> None:
    seen: list[bytes] = []
    async with gateway(answering(OK, record=seen)) as (port, upstream, service):
        reader, writer = await begun(port, POST + b"content-length: 10\r\n\r\n1")
        await until(lambda: in_hand(service, 1))
        for caller in service.callers:
            caller.expire(asyncio.get_running_loop().time() + ServerLimits().body_grace_seconds + 1)
        assert (await reader.read()).startswith(b"HTTP/1.1 408")
        writer.close()
        assert upstream.stats().opened == 0
    assert seen == []


async def test_a_tenant_has_only_so_many_requests_in_hand() -> None:
    refused = LIMITED.labels("in_hand")._value.get()
    async with gateway(answering(OK), tenant_in_hand=2) as (port, _, service):
        waiting = [await begun(port, POST + b"content-length: 1\r\n\r\n") for _ in range(2)]
        await until(lambda: in_hand(service, 2))
        answer = await said(port, GET)
        assert answer.startswith(b"HTTP/1.1 429")
        assert b"too_many_in_hand" in answer
        assert b"retry-after: 1\r\n" in answer
        waiting[0][1].transport.abort()
        await until(lambda: in_hand(service, 1))
        assert (await said(port, GET)).endswith(b"ok")
        waiting[1][1].write(b"x")
        assert (await waiting[1][0].readuntil(b"ok")).startswith(b"HTTP/1.1 200")
        waiting[1][1].close()
    assert LIMITED.labels("in_hand")._value.get() == refused + 1


async def test_a_request_is_in_hand_until_its_answer_has_been_taken() -> None:
    size = 20 * MIB

    async def large(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            asked = await read_request(reader)
            if b"?small" in asked:
                writer.write(OK)
            else:
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % size)
                with suppress(ConnectionError):
                    for _ in range(20):
                        writer.write(bytes(MIB))
                        await writer.drain()

    small = GET.replace(b"echoes", b"echoes?small")
    async with gateway(large, tenant_in_hand=1) as (port, _, service):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
        writer.write(GET + b"\r\n")
        await until(lambda: any(caller.stalled for caller in service.callers))
        assert (await said(port, small)).startswith(b"HTTP/1.1 429")
        await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(size)
        writer.close()
        await until(lambda: in_hand(service, 0))
        assert (await said(port, small)).endswith(b"ok")


async def test_bytes_that_a_tenant_announces_count_against_its_share() -> None:
    async with gateway(answering(OK), tenant_spool_bytes=MIB) as (port, _, service):
        _, writer = await begun(port, POST + b"content-length: %d\r\n\r\n1" % MIB)
        await until(lambda: in_hand(service, 1))
        reader, other = await begun(port, POST + b"content-length: 100\r\nconnection: close\r\n\r\n1")
        answer = await reader.read()
        assert answer.startswith(b"HTTP/1.1 429")
        assert b"too_many_bytes_in_hand" in answer
        assert (await said_whole(port, b"x" * 100)).endswith(b"ok")  # of one piece: nothing is kept
        for each in (writer, other):
            each.close()


async def said_whole(port: int, body: bytes) -> bytes:
    """A request that comes with its body."""
    reader, writer = await begun(
        port, POST + b"content-length: %d\r\nconnection: close\r\n\r\n" % len(body) + body
    )
    try:
        return await asyncio.wait_for(reader.read(), 5)
    finally:
        writer.close()


async def test_the_service_has_its_time_from_when_the_body_is_whole() -> None:
    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(OK)

    async with gateway(slow, request_seconds=0.5) as (port, upstream, service):
        reader, writer = await begun(port, POST + b"content-length: 2\r\n\r\n1")
        await until(lambda: in_hand(service, 1))
        await asyncio.sleep(0.6)
        writer.write(b"2")
        assert (await reader.readuntil(b"ok")).startswith(b"HTTP/1.1 200")
        writer.close()
        assert isinstance(upstream, HttpUpstream)
