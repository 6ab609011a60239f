"""What callers are granted: connections, time for a body, time to take an answer, a line of requests."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
from prometheus_client import REGISTRY

from shared.httpserver import limits as bounds
from shared.httpserver.asgi import LATE, TAKEN
from shared.httpserver.limits import ServerLimits
from shared.httpserver.reading import MOST_HEADERS
from shared.values.networks import Networks
from tests.shared.httpserver.http_harness import Served, answer, finish, one, serving, start, until

GET = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100000\r\n"
BODY = ServerLimits(body_grace_seconds=10, body_bytes_per_second=1000)


def later(served: Served, seconds: float) -> None:
    """As the server asks each second, but after so many."""
    for connection in served.connections:
        connection.expire(asyncio.get_running_loop().time() + seconds)


def counted(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(f"backoffice_http_{name}_total", labels) or 0.0


# bodies


async def test_a_body_that_stops_coming_is_a_408_for_the_caller_and_a_disconnect_for_the_app() -> None:
    got: list[dict] = []
    ended = counted("ended", reason="body")

    async def app(scope, receive, send) -> None:
        while not got or got[-1]["type"] == "http.request":
            got.append(await receive())

    async with serving(app, BODY) as served:
        reader, writer = await served.caller()
        writer.write(POST + b"\r\nabc")
        await until(lambda: len(got) == 1)
        later(served, BODY.body_grace_seconds - 1)
        assert served.connections[0].transport.is_reading()
        later(served, BODY.body_grace_seconds + 1)
        said = await reader.read()
        writer.close()
        await until(lambda: not served.state.tasks)
    assert said.startswith(b"HTTP/1.1 408")
    assert b"body_timeout" in said
    assert b"connection: close" in said
    assert got[-1] == {"type": "http.disconnect", LATE: True}
    assert counted("ended", reason="body") == ended + 1


async def test_what_has_come_earns_a_body_more_time() -> None:
    async with serving(limits=BODY) as served:
        reader, writer = await served.caller()
        writer.write(POST + b"\r\n" + b"a" * 50_000)
        await until(lambda: bool(served.scopes) and served.connections[0]._line[0].received == 50_000)
        later(served, 59)  # 10 and 50 seconds
        writer.write(b"a" * 50_000)
        assert (await one(reader)).startswith(b"HTTP/1.1 200")
        writer.write(POST + b"\r\n" + b"a" * 50_000)
        await until(lambda: bool(served.connections[0]._line))
        await until(lambda: served.connections[0]._line[0].received == 50_000)
        later(served, 61)
        assert (await reader.read()).startswith(b"HTTP/1.1 408")
        writer.close()


async def test_a_body_that_nobody_has_asked_for_is_not_late() -> None:
    go = asyncio.Event()

    async def app(scope, receive, send) -> None:
        await go.wait()
        await receive()
        await answer(send, b"ok")

    async with serving(app, BODY) as served:
        reader, writer = await served.caller()
        writer.write(POST + b"expect: 100-continue\r\n\r\n")
        await until(lambda: bool(served.state.tasks))
        later(served, 1000)
        go.set()
        assert (await reader.readline()) == b"HTTP/1.1 100 Continue\r\n"
        later(served, BODY.body_grace_seconds + 1)
        assert b"HTTP/1.1 408" in await reader.read()
        writer.close()


async def test_a_body_that_the_app_does_not_take_is_not_late() -> None:
    go = asyncio.Event()

    async def app(scope, receive, send) -> None:
        await go.wait()
        more = True
        while more:
            more = (await receive())["more_body"]
        await answer(send, b"ok")

    async with serving(app, BODY) as served:
        reader, writer = await served.caller()
        writer.write(POST + b"\r\n" + b"a" * 70_000)
        await until(lambda: bool(served.connections) and served.connections[0]._paused)
        later(served, 1000)
        served.connections[0]._paused_at -= 1000  # as if it had been so long
        go.set()
        await until(lambda: not served.connections[0]._paused)
        later(served, BODY.body_grace_seconds)
        writer.write(b"a" * 30_000)
        assert (await one(reader)).endswith(b"ok")
        writer.close()


# readers


async def test_a_reader_that_takes_nothing_is_cut_off_and_the_app_ends() -> None:
    ends: list[str] = []

    async def app(scope, receive, send) -> None:
        await receive()
        await start(send)
        for _ in range(400):
            await finish(send, b"a" * 65536, more=True)
        ends.append((await receive())["type"])

    async with serving(app) as served:
        _, writer = await asyncio.open_connection("127.0.0.1", served.port, limit=1024)
        writer.write(GET)
        await until(lambda: bool(served.connections) and served.connections[0].stalled is not None)
        later(served, 0)
        later(served, ServerLimits().reader_seconds - 1)
        assert served.connections[0].stalled is not None
        later(served, ServerLimits().reader_seconds + 1)
        await until(lambda: ends == ["http.disconnect"])
        await until(lambda: not served.connections and not served.state.tasks)
        writer.close()


async def test_a_reader_that_takes_a_little_now_and_then_is_not_cut_off() -> None:
    size = 30_000_000

    async def app(scope, receive, send) -> None:
        await answer(send, b"a" * size)

    async with serving(app) as served:
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port, limit=1024)
        writer.write(GET)
        await until(lambda: bool(served.connections) and served.connections[0].stalled is not None)
        left = served.connections[0].transport.get_write_buffer_size
        got = len(await reader.readuntil(b"\r\n\r\n")) * 0
        for tick in range(4):
            before = left()
            later(served, tick * ServerLimits().reader_seconds)
            while left() == before:
                got += len(await reader.read(65536))
        while got < size:
            got += len(await reader.read(1 << 20))
        assert got == size
        writer.close()


async def test_the_app_may_wait_until_its_answer_has_been_taken() -> None:
    taken = asyncio.Event()

    async def app(scope, receive, send) -> None:
        assert scope[TAKEN]
        await answer(send, b"a" * 10_000_000)
        await send({"type": TAKEN})
        taken.set()

    async with serving(app) as served:
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port, limit=1024)
        writer.write(GET)
        await until(lambda: bool(served.connections) and served.connections[0].stalled is not None)
        assert not taken.is_set()
        head = await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(10_000_000)
        assert head
        await asyncio.wait_for(taken.wait(), 5)
        writer.close()


# connections


@asynccontextmanager
async def calling(served: Served, address: str = "127.0.0.1") -> AsyncIterator[tuple]:
    """A connection from an address of this machine."""
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port, local_addr=(address, 0))
    try:
        yield reader, writer
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


async def _stays(scope, receive, send) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def test_the_connection_that_has_rested_longest_makes_room_for_the_next() -> None:
    async with (
        serving(limits=ServerLimits(connections=3, of_one_address=2)) as served,
        calling(served) as (first, first_writer),
        calling(served) as (second, second_writer),
    ):
        second_writer.write(b"GET / HT")  # a part of a head is no request in hand
        await until(lambda: any(connection.in_head for connection in served.connections))
        first_writer.write(GET)
        await one(first)
        async with calling(served) as (third, third_writer):
            third_writer.write(GET)
            await one(third)
            assert await second.read() == b""
            first_writer.write(GET)
            await one(first)


async def test_an_address_has_a_share_and_others_are_served_beside_it() -> None:
    turned_away = counted("turned_away", limit="address")
    async with (
        serving(_stays, ServerLimits(connections=3, of_one_address=2)) as served,
        calling(served) as (_, first),
        calling(served) as (_, second),
    ):
        for writer in (first, second):
            writer.write(GET)
        await until(lambda: len(served.state.tasks) == 2)
        async with calling(served) as (third, _):
            said = await third.read()
            assert said.startswith(b"HTTP/1.1 503")
            assert b"too_many_connections" in said
            assert b"retry-after: 1\r\n" in said
        async with calling(served, "127.0.0.2") as (_, other):
            other.write(GET)
            await until(lambda: len(served.state.tasks) == 3)
            async with calling(served, "127.0.0.3") as (late, _):
                assert (await late.read()).startswith(b"HTTP/1.1 503")
        await until(lambda: len(served.state.tasks) == 2)
        async with calling(served, "127.0.0.3") as (_, other):
            other.write(GET)
            await until(lambda: len(served.state.tasks) == 3)
    assert counted("turned_away", limit="address") == turned_away + 1


async def test_a_trusted_proxy_has_no_share() -> None:
    limits = ServerLimits(connections=3, of_one_address=1, trusted=Networks("127.0.0.0/8"))
    async with (
        serving(_stays, limits) as served,
        calling(served) as (_, first),
        calling(served) as (_, second),
    ):
        for writer in (first, second):
            writer.write(GET)
        await until(lambda: len(served.state.tasks) == 2)


async def test_beyond_a_hundred_callers_turned_away_the_rest_is_cut_off_without_a_word(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("shared.httpserver.admission.TURNED_AWAY_AT_ONCE", 2)
    async with serving(_stays, ServerLimits(connections=1)) as served, calling(served) as (_, first):
        first.write(GET)
        await until(lambda: len(served.state.tasks) == 1)
        raw = [socket.create_connection(("127.0.0.1", served.port)) for _ in range(5)]
        await until(lambda: len(served.connections) == 3)
        said = await asyncio.gather(*(asyncio.to_thread(_heard, each) for each in raw))
        assert sorted(bool(words) for words in said) == [False, False, False, True, True]


def _heard(connected: socket.socket) -> bytes:
    with connected, suppress(ConnectionError):
        connected.settimeout(5)
        return connected.recv(65536)
    return b""


# requests in line


async def test_requests_in_line_are_bounded_by_their_bytes() -> None:
    go = asyncio.Event()

    async def app(scope, receive, send) -> None:
        await go.wait()
        await answer(send, b"ok")

    filler = b"x-filler: " + b"a" * 20_000 + b"\r\n"
    request = b"GET / HTTP/1.1\r\nhost: x\r\n" + filler + b"\r\n"
    async with serving(app) as served:
        reader, writer = await served.caller()
        await until(lambda: bool(served.connections))
        connection = served.connections[0]
        connection.data_received(request * 60)  # as one read
        assert sum(waiting.weight for waiting in connection._line) < bounds.MAX_LINE_BYTES + len(request)
        in_line = len(connection._line)
        writer.write(request * 60)  # lies unread, and must not cost the answers
        go.set()
        got = await reader.read()
        writer.close()
    assert got.count(b"HTTP/1.1 200") == in_line == bounds.MAX_LINE_BYTES // len(request) + 2
    assert got.count(b"connection: close") == 1


@pytest.mark.parametrize("end", [b"", b"\r\n"])
async def test_a_head_has_only_so_many_headers_whether_it_ends_or_not(end: bytes) -> None:
    async with serving() as served:
        reader, writer = await served.caller()
        writer.write(b"GET / HTTP/1.1\r\nhost: x\r\n" + b"a:b\r\n" * (MOST_HEADERS + 5) + end)
        assert (await reader.read()).startswith(b"HTTP/1.1 431")
        writer.close()
    assert served.scopes == []
