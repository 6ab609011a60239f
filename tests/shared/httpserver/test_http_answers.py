"""What callers get: framing, faults of the app, callers that are slow or leave, and the end of the server."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
import structlog
from uvicorn.server import ServerState

from deploy.run.server import bind
from deploy.run.server import served as served_by_us
from deploy.run.settings import DeploySettings
from shared.httpserver import limits
from shared.httpserver.heads import Defaults
from tests.shared.httpserver.http_harness import Served, answer, finish, one, said, serving, start, until

GET = b"GET / HTTP/1.1\r\nhost: x\r\n"
CLOSE = b"connection: close\r\n\r\n"


@pytest.fixture
def logs() -> Iterator[list[Any]]:
    """What is logged, which tests otherwise leave out."""
    kept = structlog.get_config()
    structlog.configure(wrapper_class=structlog.BoundLogger)
    with structlog.testing.capture_logs() as entries:
        yield entries
    structlog.configure(**kept)


async def test_an_answer_with_a_length_is_one_head_and_its_body() -> None:
    async def app(scope, receive, send) -> None:
        await answer(send, b"ok", 201, (b"X-Thing", b"1"))

    async with serving(app) as served:
        got = await said(served, GET + CLOSE)
    assert got == b"HTTP/1.1 201 Created\r\nx-thing: 1\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok"


async def test_the_headers_of_the_server_stand_first_and_follow_its_clock() -> None:
    async with serving() as served:
        reader, writer = await served.caller()
        for second in (b"one", b"two"):
            served.state.default_headers = [(b"date", second)]
            writer.write(GET + b"\r\n")
            assert (await one(reader)).startswith(b"HTTP/1.1 200 OK\r\ndate: " + second + b"\r\n")
        served.state.default_headers = [(b"date", b"x"), (b"connection", b"close")]
        writer.write(GET + b"\r\n")
        assert b"\r\nconnection: close\r\n" in await reader.read()
        writer.close()


async def test_an_answer_without_a_length_is_chunked_and_for_http_1_0_ends_with_the_connection() -> None:
    async def app(scope, receive, send) -> None:
        await start(send)
        await finish(send, b"ab", more=True)
        await finish(send, b"", more=True)
        await finish(send, b"cde")

    async with serving(app) as served:
        got = await said(served, GET + CLOSE)
        assert got.endswith(
            b"transfer-encoding: chunked\r\nconnection: close\r\n\r\n2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n"
        )
        got = await said(served, b"GET / HTTP/1.0\r\n\r\n")
        assert got == b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nabcde"


@pytest.mark.parametrize(("method", "status"), [(b"HEAD", 200), (b"GET", 204), (b"GET", 304)])
async def test_answers_without_a_body_have_none(method: bytes, status: int) -> None:
    async def app(scope, receive, send) -> None:
        await answer(send, b"left out", status)

    async with serving(app) as served:
        reader, writer = await served.caller()
        for _ in range(2):
            writer.write(method + b" / HTTP/1.1\r\nhost: x\r\n\r\n")
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 %d" % status)
            assert (b"content-length: 8" in head) == (status != 204)
            assert b"transfer-encoding" not in head
        writer.close()
        assert await reader.read() == b""


async def _raises(scope, receive, send) -> None:
    raise ValueError("of the app")


async def _says_nothing(scope, receive, send) -> None:
    return


async def _splits(scope, receive, send) -> None:
    await start(send, 200, (b"x-a", b"1\r\nx-b: 2"))


async def _odd_name(scope, receive, send) -> None:
    await start(send, 200, (b"x a", b"1"))


async def _odd_length(scope, receive, send) -> None:
    await start(send, 200, (b"content-length", b"2, 2"))


async def _body_first(scope, receive, send) -> None:
    await finish(send, b"x")


@pytest.mark.parametrize("app", [_raises, _says_nothing, _splits, _odd_name, _odd_length, _body_first])
async def test_an_app_that_fails_before_its_answer_is_a_500(app, logs: list[Any]) -> None:
    async with serving(app) as served:
        got = await said(served, GET + b"\r\n")
    assert got.startswith(b"HTTP/1.1 500 Internal Server Error\r\n")
    assert b"of the app" not in got
    assert [entry["event"] for entry in logs] == ["an app failed"]


async def _breaks_off(scope, receive, send) -> None:
    await start(send)
    await finish(send, b"half", more=True)
    raise ValueError("of the app")


async def _too_short(scope, receive, send) -> None:
    await start(send, 200, (b"content-length", b"9"))
    await finish(send, b"half")


async def _too_long(scope, receive, send) -> None:
    await start(send, 200, (b"content-length", b"4"))
    await finish(send, b"half", more=True)
    await finish(send, b"more")


@pytest.mark.parametrize("app", [_breaks_off, _too_short, _too_long])
async def test_an_answer_that_breaks_off_never_looks_whole_and_is_the_last(app, logs: list[Any]) -> None:
    async with serving(app) as served:
        got = await said(served, GET + b"\r\n" + GET + b"\r\n")
    assert len(logs) == 1
    assert got.count(b"HTTP/1.1") == 1
    assert b"half" in got
    assert not got.endswith(b"0\r\n\r\n")


async def test_a_caller_that_does_not_read_stops_the_app() -> None:
    sent = 0

    async def app(scope, receive, send) -> None:
        nonlocal sent
        await start(send)
        for _ in range(400):
            await finish(send, b"a" * 65536, more=True)
            sent += 1
        await finish(send)

    async with serving(app) as served:
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port, limit=1024)
        writer.write(GET + b"connection: close\r\n\r\n")
        await until(lambda: bool(served.connections) and served.connections[0].stalled is not None)
        stopped = sent
        await asyncio.sleep(0.05)
        assert sent == stopped < 400
        assert len(await reader.read()) > 400 * 65536
        writer.close()


async def test_a_caller_that_leaves_ends_what_the_app_still_waits_for() -> None:
    ends: list[str] = []

    async def app(scope, receive, send) -> None:
        await receive()
        await start(send)
        await finish(send, b"a" * 10_000_000, more=True)
        await finish(send, b"a" * 10_000_000, more=True)
        ends.append((await receive())["type"])
        await finish(send, b"nobody hears this")

    async with serving(app) as served:
        reader, writer = await served.caller()
        writer.write(GET + b"\r\n")
        await reader.readuntil(b"\r\n\r\n")
        writer.transport.abort()
        await until(lambda: ends == ["http.disconnect"])
        await until(lambda: not served.state.tasks and not served.state.connections)


# time and the end


def _later(served: Served, seconds: float) -> None:
    """As the server asks each second, but after so many."""
    for connection in served.connections:
        connection.expire(asyncio.get_running_loop().time() + seconds)


async def test_a_head_that_comes_too_slowly_is_refused() -> None:
    async with serving() as served:
        reader, writer = await served.caller()
        writer.write(b"GET / HT")
        await until(lambda: any(connection.in_head for connection in served.connections))
        _later(served, limits.HEAD_SECONDS - 1)
        writer.write(b"TP/1.1\r\nhost")
        await asyncio.sleep(0.02)
        _later(served, limits.HEAD_SECONDS + 1)
        assert (await reader.read()).startswith(b"HTTP/1.1 408")
        writer.close()


async def test_an_idle_connection_ends_and_one_that_is_answered_does_not() -> None:
    go = asyncio.Event()

    async def app(scope, receive, send) -> None:
        await go.wait()
        await answer(send, b"late")

    async with serving(app) as served:
        idle_reader, idle_writer = await served.caller()
        reader, writer = await served.caller()
        writer.write(GET + b"\r\n")
        await until(lambda: len(served.connections) == 2 and len(served.state.tasks) == 1)
        _later(served, 1000)
        assert await idle_reader.read() == b""
        go.set()
        assert (await one(reader)).endswith(b"late")
        for each in (writer, idle_writer):
            each.close()


async def test_a_caller_that_neither_reads_nor_leaves_is_cut_off_in_the_end() -> None:
    async def app(scope, receive, send) -> None:
        await answer(send, b"a" * 20_000_000, 200, (b"connection", b"close"))

    async with serving(app) as served:
        _, writer = await served.caller()
        writer.write(GET + b"\r\n")
        await until(lambda: bool(served.connections) and served.connections[0].transport.is_closing())
        _later(served, 0)  # looked at for the first time
        _later(served, limits.LINGER_SECONDS + 1)
        assert served.connections  # who reads slowly may go on
        _later(served, limits.ServerLimits().reader_seconds + 1)
        await until(lambda: not served.connections)
        writer.close()


async def test_shutdown_lets_the_answer_finish_and_ends_the_idle() -> None:
    go = asyncio.Event()

    async def app(scope, receive, send) -> None:
        await go.wait()
        await answer(send, b"done")

    async with serving(app) as served:
        idle_reader, idle_writer = await served.caller()
        reader, writer = await served.caller()
        writer.write(GET + b"\r\n" + GET + b"\r\n")
        await until(lambda: len(served.connections) == 2 and len(served.state.tasks) == 1)
        for connection in served.connections:
            connection.shutdown()
        assert await idle_reader.read() == b""
        go.set()
        got = await reader.read()
        assert got.count(b"HTTP/1.1 200") == 1
        assert got.endswith(b"connection: close\r\n\r\ndone")
        for each in (writer, idle_writer):
            each.close()


async def test_the_server_stops_gracefully_around_it() -> None:
    left: list[bool] = []
    begun = asyncio.Event()

    async def app(scope, receive, send) -> None:
        begun.set()
        await asyncio.sleep(0.2)
        await answer(send, b"finished")

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = DeploySettings(port=port, shutdown_seconds=5)
    listener = bind(settings)
    async with served_by_us(app, listener, settings, leave=lambda: left.append(True)):
        idle_reader, idle_writer = await asyncio.open_connection("127.0.0.1", port)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(GET + b"\r\n")
        await begun.wait()
    assert left == [True]
    assert (await reader.read()).endswith(b"finished")
    assert await idle_reader.read() == b""
    with pytest.raises(OSError):
        await asyncio.open_connection("127.0.0.1", port)
    for each in (writer, idle_writer):
        each.close()
        with suppress(OSError):
            await each.wait_closed()


def test_default_headers_are_written_once_for_each_second() -> None:
    state = ServerState()
    state.default_headers = [(b"Date", b"today"), (b"Connection", b"close")]
    made = Defaults(state.default_headers)
    assert (made.lines, made.count, made.closes) == (b"date: today\r\n", 1, True)
