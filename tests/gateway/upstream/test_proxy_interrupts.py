"""Interrupting requests: time running out, clients that leave, bodies that grow too large."""

import asyncio

import pytest

from gateway.upstream.body import capped_receive
from gateway.upstream.errors import BodyTooLarge, ClientDisconnected, UpstreamAborted, UpstreamTimeout
from shared.httpserver.asgi import set_deadline
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
        assert 0.05 < asyncio.get_running_loop().time() - now < 5
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
            await writer.drain()
            await asyncio.sleep(0.01)

    async with upstream_to(handler) as (upstream, server):
        client = Client()
        with pytest.raises(UpstreamAborted):
            await call(upstream, within=0.5, client=client)
        assert 0 < len(client.received) < 1000
        assert not client.whole
        await until(lambda: server.open == 0)


async def test_an_upstream_that_falls_silent_within_its_answer_is_given_up() -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
        for _ in range(5):
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.08)
        await reader.read()

    async with upstream_to(handler, idle_timeout=0.3) as (upstream, server):
        client = Client()
        began = asyncio.get_running_loop().time()
        with pytest.raises(UpstreamAborted, match="silent"):
            await call(upstream, within=20, client=client)
        assert asyncio.get_running_loop().time() - began > 0.6  # longer in all than it may be silent
        assert (len(client.received), client.whole) == (5, False)
        await until(lambda: server.open == 0)


async def test_a_client_that_is_slow_is_not_taken_for_silence() -> None:
    size = 4 * 1024 * 1024

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % size + bytes(size))
        await writer.drain()
        await reader.read()

    async with upstream_to(handler, idle_timeout=0.1) as (upstream, _):
        client = Client(gate=asyncio.Event())
        task = asyncio.create_task(call(upstream, within=20, client=client))
        await until(lambda: client.sends >= 2)
        await asyncio.sleep(0.3)  # three times what an upstream may be silent
        client.gate.set()
        assert len((await task).received) == size


async def test_the_deadline_also_cuts_a_client_that_does_not_read() -> None:
    async with upstream_to(answering(OK)) as (upstream, _):
        client = Client(gate=asyncio.Event())
        with pytest.raises(UpstreamAborted):
            await call(upstream, within=0.5, client=client)
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


async def test_the_body_cap_interrupts_an_upload() -> None:
    client = Client([b"ab", b"cd", b"ef"])
    async with upstream_to(_silent) as (upstream, server):
        with pytest.raises(BodyTooLarge):
            await upstream(scope_of("POST"), capped_receive(client.receive, 3), client.send)
        await until(lambda: server.open == 0)
        assert client.sends == 0
