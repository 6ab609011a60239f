"""Sending requests: framing, streaming, retries, clients that leave, and time running out."""

import asyncio

import pytest

from gateway.proxy.asgi import set_deadline
from gateway.proxy.errors import (
    BodyTooLarge,
    ClientDisconnected,
    RequestInvalid,
    UpstreamAborted,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from gateway.proxy.upstream_http import HttpUpstream

from proxy_harness import OK, Client, answering, call, read_request, scope_of, until, upstream_to  # isort: skip


@pytest.mark.parametrize(
    ("method", "headers", "pieces", "framing", "sent"),
    [
        ("GET", [], [b""], b"", b""),
        ("DELETE", [], [b""], b"", b""),
        ("POST", [], [b""], b"content-length: 0\r\n", b""),
        ("POST", [], [b"abc"], b"content-length: 3\r\n", b"abc"),
        ("GET", [], [b"abc"], b"content-length: 3\r\n", b"abc"),
        ("POST", [(b"content-length", b"6")], [b"abc", b"", b"def"], b"content-length: 6\r\n", b"abcdef"),
        ("PUT", [], [b"abc", b"def"], b"transfer-encoding: chunked\r\n", b"3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n"),
        ("PUT", [], [b"", b"def", b""], b"transfer-encoding: chunked\r\n", b"3\r\ndef\r\n0\r\n\r\n"),
        ("PUT", [(b"content-length", b"4"), (b"content-length", b"4")], [b"abcd"], b"content-length: 4\r\n", b"abcd"),
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
        await asyncio.sleep(0.1)
        # what the kernel's buffers hold is sent; the 25 MB are not
        stalled = taken
        assert stalled < pieces / 2
        await asyncio.sleep(0.05)
        assert taken == stalled
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


async def test_the_body_cap_interrupts_an_upload() -> None:
    class TooMuch(Client):
        async def receive(self) -> dict[str, object]:
            if self._pieces:
                return await super().receive()
            raise BodyTooLarge(3)

    async with upstream_to(answering(OK)) as (upstream, server):
        client = TooMuch([b"ab", b"c", b"d"])
        client._pieces.pop()
        client.receive_more = True
        with pytest.raises(BodyTooLarge):
            await upstream(scope_of("POST"), _endless(client), client.send)
        await until(lambda: server.open == 0)
        assert client.sends == 0


def _endless(client: Client):
    async def receive() -> dict[str, object]:
        return {**await client.receive(), "more_body": True}

    return receive


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


async def _silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


@pytest.mark.parametrize("how", ["argument", "extension", "default", "head"])
async def test_silence_ends_in_a_timeout_and_a_closed_connection(how: str) -> None:
    options = {"default": {"default_timeout": 0.1}, "head": {"head_timeout": 0.1}}.get(how, {})
    async with upstream_to(_silent, **options) as (upstream, server):
        scope, client, now = scope_of(), Client(), asyncio.get_running_loop().time()
        if how == "extension":
            set_deadline(scope, now + 0.1)
        deadline = now + 0.1 if how == "argument" else None
        with pytest.raises(UpstreamTimeout):
            await upstream(scope, client.receive, client.send, deadline=deadline)
        assert 0.05 < asyncio.get_running_loop().time() - now < 0.5
        assert client.sends == 0
        await until(lambda: server.open == 0)


async def test_a_deadline_in_the_past_costs_nothing() -> None:
    async with upstream_to(_silent) as (upstream, server):
        with pytest.raises(UpstreamTimeout):
            await call(upstream, within=-1)
        assert server.connections == 0


async def test_the_deadline_cuts_a_trickling_body() -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
        while True:
            writer.write(b"x")
            await asyncio.sleep(0.01)

    async with upstream_to(handler) as (upstream, server):
        client = Client()
        with pytest.raises(UpstreamAborted):
            await call(upstream, within=0.1, client=client)
        assert 0 < len(client.received) < 1000
        assert not client.whole
        await until(lambda: server.open == 0)


async def test_the_deadline_also_cuts_a_client_that_does_not_read() -> None:
    async with upstream_to(answering(OK)) as (upstream, _):
        client = Client(gate=asyncio.Event())
        with pytest.raises(UpstreamAborted):
            await call(upstream, within=0.1, client=client)
        assert not client.whole


@pytest.mark.parametrize("body", [[b""], [b"a", b"b"]])
async def test_a_client_that_leaves_while_waiting_cancels_the_upstream(body: list[bytes]) -> None:
    async with upstream_to(_silent) as (upstream, server):
        client = Client(body)
        task = asyncio.create_task(call(upstream, "POST", client=client))
        await until(lambda: server.open == 1)
        client.gone.set()
        with pytest.raises(ClientDisconnected):
            await task
        await until(lambda: server.open == 0)
        assert upstream.stats().idle == upstream.stats().active == 0


async def test_a_client_that_leaves_in_the_middle_of_the_response() -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.005)

    async with upstream_to(handler) as (upstream, server):
        client = Client()
        task = asyncio.create_task(call(upstream, client=client))
        await until(lambda: len(client.received) > 3)
        client.gone.set()
        with pytest.raises(ClientDisconnected):
            await task
        await until(lambda: server.open == 0)
        assert not client.whole


async def test_a_server_that_raises_on_send_means_that_the_client_left() -> None:
    async def send(message: dict[str, object]) -> None:
        raise ConnectionResetError("gone")

    async with upstream_to(answering(OK)) as (upstream, _):
        with pytest.raises(ClientDisconnected):
            await upstream(scope_of(), Client().receive, send)


async def test_a_client_gone_before_its_body() -> None:
    async def receive() -> dict[str, object]:
        return {"type": "http.disconnect"}

    async with upstream_to(answering(OK)) as (upstream, server):
        with pytest.raises(ClientDisconnected):
            await upstream(scope_of(), receive, Client().send)
        assert server.connections == 0


async def test_cancelling_the_request_from_outside_stays_a_cancellation() -> None:
    async with upstream_to(_silent) as (upstream, server):
        task = asyncio.create_task(call(upstream))
        await until(lambda: server.open == 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await until(lambda: server.open == 0)


@pytest.mark.parametrize("url", ["https://h:1", "http://h:1/path", "http://u:p@h:1", "h:1", "http://h:1/?q"])
def test_base_urls_that_mean_something_else_are_refused(url: str) -> None:
    with pytest.raises(ValueError):
        HttpUpstream(url)


async def test_websockets_are_not_forwarded() -> None:
    upstream = HttpUpstream("http://127.0.0.1:1")
    with pytest.raises(RequestInvalid):
        await upstream({**scope_of(), "type": "websocket"}, Client().receive, Client().send)
