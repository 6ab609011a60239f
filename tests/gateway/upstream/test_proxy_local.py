"""A service in process keeps the promises of one behind HTTP."""

import asyncio

import pytest

from gateway.upstream.body import capped_receive
from gateway.upstream.errors import (
    BodyTooLarge,
    ClientDisconnected,
    UpstreamAborted,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from gateway.upstream.local import LocalUpstream
from tests.gateway.upstream.proxy_harness import Client, scope_of

START = {"type": "http.response.start", "status": 200, "headers": [(b"x-internal-a", b"1"), (b"etag", b"e")]}


def _body(data: bytes, more: bool = False) -> dict[str, object]:
    return {"type": "http.response.body", "body": data, "more_body": more}


async def _run(app, client: Client, within: float = 2.0, receive=None) -> None:
    deadline = asyncio.get_running_loop().time() + within
    await LocalUpstream(app)(scope_of(), receive or client.receive, client.send, deadline=deadline)


async def test_a_response_passes_without_internal_headers() -> None:
    async def app(scope, receive, send):
        await send(START)
        await send(_body(b"a", more=True))
        await send({"type": "http.response.body", "body": b"b"} | {"more_body": False})

    client = Client()
    await _run(app, client)
    assert (client.received, client.whole, client.headers) == (b"ab", True, [(b"etag", b"e")])


async def test_an_exception_before_and_after_the_start() -> None:
    async def early(scope, receive, send):
        raise KeyError("x")

    async def late(scope, receive, send):
        await send(START)
        raise KeyError("x")

    async def unfinished(scope, receive, send):
        await send(START)
        await send(_body(b"a", more=True))

    async def mute(scope, receive, send):
        return

    async def afterwards(scope, receive, send):
        await send(START)
        await send(_body(b""))
        raise KeyError("background task")

    cases = [
        (early, UpstreamUnavailable), (mute, UpstreamUnavailable), (late, UpstreamAborted),
        (unfinished, UpstreamAborted), (afterwards, KeyError),
    ]  # fmt: skip
    for app, expected in cases:
        with pytest.raises(expected):
            await _run(app, Client())


async def test_the_deadline_before_and_after_the_start() -> None:
    async def silent(scope, receive, send):
        await asyncio.sleep(10)

    async def started(scope, receive, send):
        await send(START)
        await asyncio.sleep(10)

    with pytest.raises(UpstreamTimeout):
        await _run(silent, Client(), 0.03)
    with pytest.raises(UpstreamAborted):
        await _run(started, Client(), 0.03)


async def test_a_framework_cannot_turn_the_cap_into_an_answer_of_its_own() -> None:
    async def app(scope, receive, send):
        try:
            await receive()
        except BodyTooLarge:
            await send(START)
            await send(_body(b"There was an error parsing the body"))

    client = Client([b"too much"])
    with pytest.raises(BodyTooLarge):
        await _run(app, client, receive=capped_receive(client.receive, 3))
    assert client.sends == 0


async def test_a_client_that_left_is_named_as_such() -> None:
    async def gone():
        raise ClientDisconnected("gone")

    async def app(scope, receive, send):
        await receive()

    with pytest.raises(ClientDisconnected):
        await _run(app, Client(), receive=gone)


async def test_cancellation_from_outside_stays_a_cancellation() -> None:
    async def silent(scope, receive, send):
        await asyncio.sleep(10)

    task = asyncio.create_task(_run(silent, Client()))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
