"""What callers send, byte by byte: requests in turn, bodies, and everything that is not a request."""

import asyncio

import pytest

from shared.httpserver import limits
from shared.httpserver.cycle import HIGH_WATER
from tests.shared.httpserver.http_harness import answer, finish, one, said, serving, start, until

CLOSE = b"connection: close\r\n"
GET = b"GET /a?b=%2Fc HTTP/1.1\r\nHost: x\r\n"


async def test_an_app_sees_the_request_as_it_was_written() -> None:
    async with serving() as served:
        reader, writer = await served.caller()
        writer.write(GET + b"X-Thing: \xe9 1\r\n\r\n")
        assert (await one(reader)).endswith(b"/a ")
        writer.close()
    scope = served.scopes[0]
    assert scope["method"] == "GET"
    assert (scope["path"], scope["raw_path"], scope["query_string"]) == ("/a", b"/a", b"b=%2Fc")
    assert scope["headers"] == [(b"host", b"x"), (b"x-thing", b"\xe9 1")]
    assert scope["http_version"] == "1.1"
    assert scope["client"][0] == "127.0.0.1"
    assert scope["server"] == ("127.0.0.1", served.port)


async def test_a_path_is_unquoted_and_an_absolute_target_is_understood() -> None:
    async with serving() as served:
        await said(served, b"GET /a%20b HTTP/1.1\r\nhost: x\r\n" + CLOSE + b"\r\n")
        await said(served, b"GET http://other/p?q HTTP/1.1\r\nhost: x\r\n" + CLOSE + b"\r\n")
    assert [(s["path"], s["raw_path"]) for s in served.scopes] == [("/a b", b"/a%20b"), ("/p", b"/p")]


async def test_pipelined_requests_are_answered_in_their_order() -> None:
    async def app(scope, receive, send) -> None:
        await asyncio.sleep(0.02 if scope["path"] == "/0" else 0)
        await answer(send, scope["raw_path"])

    async with serving(app) as served:
        many = b"".join(b"GET /%d HTTP/1.1\r\nhost: x\r\n\r\n" % n for n in range(20))
        got = await said(served, many + GET + CLOSE + b"\r\n")
    bodies = [part.split(b"\r\n\r\n")[1] for part in got.split(b"HTTP/1.1 200 OK\r\n")[1:]]
    assert bodies == [b"/%d" % n for n in range(20)] + [b"/a"]


async def test_a_line_of_requests_has_an_end() -> None:
    async with serving() as served:
        many = b"".join(b"GET /%d HTTP/1.1\r\nhost: x\r\n\r\n" % n for n in range(500))
        got = await said(served, many)
    assert got.count(b"HTTP/1.1 200") == limits.MAX_LINE
    assert got.count(b"connection: close") == 1


async def test_a_request_may_come_byte_by_byte() -> None:
    request = b"POST /p HTTP/1.1\r\nHost: x\r\ncontent-length: 3\r\n\r\nabc"
    async with serving() as served:
        reader, writer = await served.caller()
        for at in range(len(request)):
            writer.write(request[at : at + 1])
            await writer.drain()
            await asyncio.sleep(0)
        assert (await one(reader)).endswith(b"/p abc")
        writer.close()


async def test_a_chunked_body_is_joined_and_its_trailers_are_dropped() -> None:
    chunked = b"3;x=1\r\nabc\r\n2\r\nde\r\n0\r\nX-Internal-Token: forged\r\n\r\n"
    async with serving() as served:
        got = await said(
            served,
            b"POST /p HTTP/1.1\r\nHost: x\r\ntransfer-encoding: chunked\r\n" + CLOSE + b"\r\n" + chunked,
        )
    assert got.endswith(b"/p abcde")
    assert b"x-internal-token" not in dict(served.scopes[0]["headers"])


async def test_an_app_that_takes_its_time_stops_the_sender() -> None:
    size, go, got = 24 * 1024 * 1024, asyncio.Event(), 0

    async def app(scope, receive, send) -> None:
        nonlocal got
        await go.wait()
        more = True
        while more:
            message = await receive()
            got += len(message["body"])
            more = message["more_body"]
        await answer(send, b"ok")

    async with serving(app) as served:
        reader, writer = await served.caller()
        writer.write(b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n")
        piece = b"%x\r\n%b\r\n" % (65536, b"a" * 65536)

        async def push() -> None:
            for _ in range(size // 65536):
                writer.write(piece)
                await writer.drain()
            writer.write(b"0\r\n\r\n")

        pushing = asyncio.create_task(push())
        await until(lambda: bool(served.connections) and served.connections[0]._paused)
        held = served.connections[0]._line[0].size
        assert held <= HIGH_WATER + 512 * 1024
        await asyncio.sleep(0.05)
        assert served.connections[0]._line[0].size == held
        assert not pushing.done()
        go.set()
        assert (await one(reader)).endswith(b"ok")
        await pushing
        writer.close()
    assert got == size


async def test_a_body_is_asked_for_only_when_the_app_wants_it() -> None:
    async with serving() as served:
        reader, writer = await served.caller()
        writer.write(b"POST /p HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n")
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(b"ab")
        assert (await one(reader)).endswith(b"/p ab")
        writer.write(GET + b"\r\n")
        assert (await one(reader)).endswith(b"/a ")
        writer.close()


async def test_a_body_never_asked_for_ends_the_connection() -> None:
    async def app(scope, receive, send) -> None:
        await answer(send, b"no", 413)

    async with serving(app) as served:
        got = await said(
            served, b"POST /p HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 99\r\n\r\n"
        )
    assert got.startswith(b"HTTP/1.1 413")
    assert b"100 Continue" not in got
    assert b"connection: close" in got


async def test_what_is_left_of_a_refused_body_is_thrown_away() -> None:
    async def app(scope, receive, send) -> None:
        await answer(send, scope["raw_path"], 413 if scope["method"] == "POST" else 200)

    async with serving(app) as served:
        reader, writer = await served.caller()
        writer.write(b"POST /p HTTP/1.1\r\nhost: x\r\ncontent-length: 3000000\r\n\r\n" + b"x" * 1000)
        assert (await one(reader)).startswith(b"HTTP/1.1 413")
        writer.write(b"y" * 2_999_000)
        writer.write(GET + b"\r\n")
        assert (await one(reader)).endswith(b"/a")
        writer.close()


async def test_a_refused_body_that_was_held_back_does_not_hold_up_the_next_request() -> None:
    async def app(scope, receive, send) -> None:
        if scope["method"] == "POST":
            await until(lambda: served.connections[0]._paused)
        await answer(send, scope["raw_path"])

    async with serving(app) as served:
        reader, writer = await served.caller()
        writer.write(b"POST /p HTTP/1.1\r\nhost: x\r\ncontent-length: 3000000\r\n\r\n" + b"x" * 3_000_000)
        assert (await one(reader)).endswith(b"/p")
        writer.write(GET + b"\r\n")
        assert (await one(reader)).endswith(b"/a")
        writer.close()


async def test_a_caller_that_still_sends_gets_its_last_answer() -> None:
    async def app(scope, receive, send) -> None:
        await answer(send, b"too much", 413, (b"connection", b"close"))

    async with serving(app) as served:
        reader, writer = await served.caller()
        writer.write(b"POST /p HTTP/1.1\r\nhost: x\r\ncontent-length: 8000000\r\n\r\n" + b"x" * 1000)
        await asyncio.sleep(0.05)
        for _ in range(60):
            writer.write(b"y" * 100_000)
            await writer.drain()
        assert (await one(reader)).endswith(b"too much")
        assert await reader.read() == b""
        writer.close()


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"not http at all\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: x\r\n folded: 1\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost : x\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: x\r\na: b\rc: d\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: x\r\na: b\x00\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: x\r\nhost: y\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nhost: x\r\n\r\n",
        b"CONNECT x:443 HTTP/1.1\r\nhost: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
        b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: gzip\r\n\r\nab",
        b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: +3\r\n\r\nabc",
        b"POST / HTTP/1.1\r\nhost: x\r\nupgrade: h2c\r\nconnection: upgrade\r\ncontent-length: 3\r\n\r\nabc",
        b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 99999999999999999999\r\n\r\nabc",
    ],
)
async def test_what_is_no_request_is_refused_and_reaches_no_app(request_bytes: bytes) -> None:
    async with serving() as served:
        got = await said(served, request_bytes)
    assert got.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert b"application/problem+json" in got
    assert b"connection: close\r\n" in got
    assert served.scopes == []


async def test_another_version_is_not_spoken() -> None:
    async with serving() as served:
        assert (await said(served, b"GET / HTTP/2.0\r\nhost: x\r\n\r\n")).startswith(b"HTTP/1.1 505")
    assert served.scopes == []


async def test_nonsense_after_a_request_waits_for_its_answer_and_is_not_answered_itself() -> None:
    async def app(scope, receive, send) -> None:
        await start(send, 200, (b"content-length", b"4"))
        await finish(send, b"ab", more=True)
        await asyncio.sleep(0.03)
        await finish(send, b"cd")

    async with serving(app) as served:
        got = await said(served, GET + b"\r\n" + b"\x00\x01nonsense\r\n\r\n")
    assert got.startswith(b"HTTP/1.1 200 OK")
    assert got.endswith(b"abcd")


async def test_a_broken_body_is_a_disconnect_for_the_app_and_a_400_for_the_caller() -> None:
    async with serving() as served:
        got = await said(
            served, b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabcXX"
        )
        await until(lambda: served.disconnects == 1)
    assert got.startswith(b"HTTP/1.1 400")
    assert served.bodies == []


@pytest.mark.parametrize("shape", ["many headers", "one header", "the target", "one read", "trailers"])
async def test_a_head_has_a_largest_size(shape: str) -> None:
    line = b"x-filler: " + b"a" * 1000 + b"\r\n"
    first = b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n"
    request = {
        "many headers": GET + line * 100,
        "one header": GET + b"x-filler: " + b"a" * 100_000,
        "the target": b"GET /" + b"a" * 100_000,
        "one read": GET + line * 70 + b"\r\n",
        "trailers": first + b"\r\n3\r\nabc\r\n0\r\n" + line * 500,
    }[shape]
    async with serving() as served:
        got = await said(served, request)
    assert got.startswith(b"HTTP/1.1 431")
    assert served.bodies == []


async def test_a_head_just_small_enough_passes() -> None:
    async with serving() as served:
        got = await said(served, GET + b"x-filler: " + b"a" * 60_000 + b"\r\n" + CLOSE + b"\r\n")
    assert got.startswith(b"HTTP/1.1 200")


async def test_nothing_after_a_closing_request_or_an_upgrade_is_read() -> None:
    async with serving() as served:
        got = await said(served, GET + CLOSE + b"\r\n" + GET + b"\r\n")
        assert got.count(b"HTTP/1.1") == 1
        upgrade = GET + b"Connection: Upgrade\r\nUpgrade: h2c\r\n\r\nPRI * HTTP/2.0\r\n\r\n"
        got = await said(served, upgrade)
        assert got.count(b"HTTP/1.1 200") == 1
        assert b"connection: close" in got
    assert len(served.scopes) == 2


async def test_a_caller_that_sends_no_more_is_taken_to_have_gone() -> None:
    gone = asyncio.Event()

    async def app(scope, receive, send) -> None:
        await receive()
        assert (await receive())["type"] == "http.disconnect"
        gone.set()
        await answer(send, b"nobody hears this")

    async with serving(app) as served:
        reader, writer = await served.caller()
        writer.write(GET + b"\r\n")
        writer.write_eof()
        await asyncio.wait_for(gone.wait(), 5)
        assert await reader.read() == b""
        writer.close()
        await until(lambda: not served.state.connections and not served.state.tasks)
