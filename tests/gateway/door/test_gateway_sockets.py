"""The pipeline between real sockets: our protocol in front, a service whose every byte the test decides behind."""

import asyncio
import itertools
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from uuid import uuid4

import pytest
import uvicorn
from uvicorn.server import ServerState

from gateway.door.exchange import IN_FLIGHT, LIMITED
from gateway.door.pipeline import Pipeline
from gateway.identity.directory import Directory, Grant
from gateway.identity.signing import fingerprint
from gateway.routes.table import RouteTable
from gateway.settings import GatewaySettings
from gateway.upstream.http import HttpUpstream
from gateway.upstream.pool import PoolLimits
from gateway.upstream.spool import BodyRoom
from shared.context.ctx import Actor, TenantFacts
from shared.httpserver.admission import Admission
from shared.httpserver.connection import HttpConnection
from shared.httpserver.limits import ServerLimits
from shared.httpserver.write_batch import WriteBatch
from tests.gateway.upstream.proxy_harness import (
    OK,
    Handler,
    RawServer,
    answering,
    read_request,
    serving,
    until,
)

BEARER = b"Bearer of-the-test"
GET = b"GET /v1/echoes HTTP/1.1\r\nhost: x\r\nauthorization: " + BEARER + b"\r\n"
LARGEST = 4 * 1024 * 1024
DOCUMENT = {
    "paths": {
        "/v1/echoes": {
            m: {"operationId": m, "x-body-limit": LARGEST} for m in ("get", "head", "post", "delete")
        }
    }
}


def _grant() -> Grant:
    tenant = TenantFacts(
        id=uuid4(), name="A", legal_name="A", country="GB", currency="GBP", time_zone="Europe/London",
        kind="live", state="active", clock_offset=timedelta(0), version=1,
    )  # fmt: skip
    made = Grant(
        owner_id=tenant.id, actor=Actor("c", "client"), tenant=tenant, state="active",
        services=frozenset(("helpdesk",)), scopes=frozenset(), chosen=True, limit_key="t",
        until=time.monotonic() + 1000,
    )  # fmt: skip
    made._tokens["helpdesk"] = (b"internal", time.monotonic() + 1000)
    return made


@asynccontextmanager
async def gateway(handler: Handler, **changes: object) -> AsyncIterator[tuple[int, HttpUpstream, RawServer]]:
    """The pipeline between our protocol and a raw service, with one caller remembered."""
    loop = asyncio.get_running_loop()
    settings = GatewaySettings(role_secret="x" * 40, **changes)
    directory = Directory(None, None, settings, frozenset)
    directory._grants[fingerprint(BEARER, None)] = _grant()
    table = RouteTable({"helpdesk": DOCUMENT})
    front = SimpleNamespace(catalog=SimpleNamespace(routes=table, route=table.find))
    async with serving(handler) as service:
        folder = Path(tempfile.gettempdir())
        upstream = HttpUpstream(service.url, limits=PoolLimits(), head_timeout=1.0)
        bodies = BodyRoom(folder, of_one=settings.tenant_spool_bytes, in_all=settings.spool_bytes)
        app = Pipeline(
            front=front,
            directory=directory,
            keys=None,
            upstreams={"helpdesk": upstream},
            bodies=bodies,
            settings=settings,
        )
        config = uvicorn.Config(app, ws="none", lifespan="off", log_config=None)
        config.load()
        config.loaded_app = app
        state = ServerState()
        service.callers = state.connections
        made = partial(
            HttpConnection,
            config,
            state,
            {},
            loop,
            batch=WriteBatch(loop),
            admission=Admission(ServerLimits()),
        )
        server = await loop.create_server(made, "127.0.0.1", 0)
        try:
            yield server.sockets[0].getsockname()[1], upstream, service
        finally:
            server.close()
            for connection in tuple(state.connections):
                connection.transport.abort()
            await until(lambda: not state.connections and not state.tasks)
            await upstream.aclose(0.05)
            bodies.stop()
    assert not next(iter(IN_FLIGHT.collect())).samples[0].value


async def said(port: int, request: bytes) -> bytes:
    """One request on a connection of its own."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request + b"connection: close\r\n\r\n")
    try:
        return await asyncio.wait_for(reader.read(), 5)
    finally:
        writer.close()


def after_the_first(*handlers: Handler) -> Handler:
    """Answer the first request plainly, so that a connection rests, then those that follow by these."""
    turn = itertools.count()

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            request = await read_request(reader)
            number = next(turn)
            if number == 0:
                writer.write(OK)
            else:
                await handlers[min(number, len(handlers)) - 1](request, reader, writer)

    return handler


async def test_a_second_request_is_answered_as_the_first_over_the_same_connection() -> None:
    seen: list[bytes] = []
    async with gateway(answering(OK, record=seen)) as (port, upstream, service):
        first, second = await said(port, GET), await said(port, GET)
        assert upstream.stats().active == 0
        assert service.connections == 1
    assert first.split(b"x-request-id")[0] == second.split(b"x-request-id")[0]
    for answer in (first, second):
        assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
        assert b"\r\nratelimit: " in answer
        assert b"\r\nx-content-type-options: nosniff\r\n" in answer
        assert b"\r\ncache-control: no-store\r\n" in answer
        assert answer.endswith(b"\r\n\r\nok")
    for request in seen:
        assert b"x-internal-token: internal\r\n" in request
        assert b"traceparent: 00-" in request
        assert b"traceparent: \r\n" not in request
        assert BEARER not in request


async def test_many_at_once_get_their_own_answers() -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            query = (await read_request(reader)).split(b"?n=")[1].split(b" ")[0]
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(query) + query)

    async with gateway(handler) as (port, _, service):

        async def caller(name: int) -> None:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            for n in range(50):
                query = b"%d-%d" % (name, n)
                writer.write(GET.replace(b"echoes", b"echoes?n=" + query) + b"\r\n")
                head = await reader.readuntil(b"\r\n\r\n")
                assert b"content-length: %d\r\n" % len(query) in head
                assert await reader.readexactly(len(query)) == query
            writer.close()

        await asyncio.gather(*(caller(n) for n in range(20)))
        assert service.connections <= 20


@pytest.mark.parametrize(
    ("method", "reply", "end"),
    [
        (b"HEAD", b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n", b"\r\n\r\n"),
        (b"DELETE", b"HTTP/1.1 204 No Content\r\n\r\n", b"\r\n\r\n"),
        (b"GET", b"HTTP/1.1 304 Not Modified\r\ncontent-length: 9\r\netag: 1\r\n\r\n", b"\r\n\r\n"),
        (
            b"POST",
            b"HTTP/1.1 201 Created\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
            b"0\r\n\r\n",
        ),
        (b"GET", b"HTTP/1.1 103 Early Hints\r\nlink: a\r\n\r\n" + OK, b"\r\n\r\nok"),
    ],
)
async def test_answers_of_every_shape_pass(method: bytes, reply: bytes, end: bytes) -> None:
    async with gateway(answering(reply)) as (port, _, _service):
        request = GET.replace(b"GET", method, 1)
        first, second = await said(port, request), await said(port, request)
    assert first.split(b"x-request-id")[0] == second.split(b"x-request-id")[0]
    assert first.endswith(end)
    assert second.endswith(end)


async def test_a_slow_answer_is_waited_for() -> None:
    async def slow(_, reader, writer) -> None:
        await asyncio.sleep(0.12)
        writer.write(OK)

    async with gateway(after_the_first(slow)) as (port, upstream, service):
        await said(port, GET)
        assert (await said(port, GET)).endswith(b"ok")
        assert upstream.stats().idle == 1
        assert service.connections == 1


async def test_an_answer_in_pieces_streams() -> None:
    go = asyncio.Event()

    async def pieces(_, reader, writer) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\nhalf")
        await go.wait()
        writer.write(b"more")

    async with gateway(after_the_first(pieces)) as (port, _, _service):
        await said(port, GET)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(GET + b"\r\n")
        await asyncio.wait_for(reader.readuntil(b"half"), 5)
        go.set()
        await asyncio.wait_for(reader.readuntil(b"more"), 5)
        writer.close()


async def test_an_answer_that_breaks_off_is_cut() -> None:
    async def breaks(_, reader, writer) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\nhalf")
        await writer.drain()
        writer.transport.close()

    async with gateway(after_the_first(breaks)) as (port, upstream, _):
        await said(port, GET)
        assert (await said(port, GET)).endswith(b"half")
        assert upstream.stats().idle == 0


async def test_a_resting_connection_that_dies_is_replaced_for_what_may_be_repeated() -> None:
    async def dies(_, reader, writer) -> None:
        writer.transport.abort()

    async def works(_, reader, writer) -> None:
        writer.write(OK)

    async with gateway(after_the_first(dies, works)) as (port, _, service):
        await said(port, GET)
        assert (await said(port, GET)).endswith(b"ok")
        assert service.connections == 2
    async with gateway(after_the_first(dies, works)) as (port, _, service):
        await said(port, GET)
        answer = await said(port, GET.replace(b"GET", b"POST", 1))
        assert answer.startswith(b"HTTP/1.1 503")
        assert b"service_unavailable" in answer


async def test_nonsense_for_an_answer_is_a_bad_gateway() -> None:
    async def nonsense(_, reader, writer) -> None:
        writer.write(b"what?\r\n\r\n")

    async with gateway(after_the_first(nonsense)) as (port, upstream, _):
        await said(port, GET)
        answer = await said(port, GET)
        assert answer.startswith(b"HTTP/1.1 502")
        assert upstream.stats().idle == 0


async def test_no_answer_at_all_is_a_timeout() -> None:
    async def silent(_, reader, writer) -> None:
        await reader.read()

    async with gateway(after_the_first(silent)) as (port, _, _service):
        await said(port, GET)
        assert (await said(port, GET)).startswith(b"HTTP/1.1 504")


async def test_a_caller_that_leaves_frees_the_service() -> None:
    async def silent(_, reader, writer) -> None:
        await reader.read()

    async with gateway(after_the_first(silent)) as (port, upstream, service):
        await said(port, GET)
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(GET + b"\r\n")
        await until(lambda: upstream.stats().active == 1)
        writer.transport.abort()
        await until(lambda: service.open == 0 and upstream.stats().active == 0)


async def test_refusals_are_the_same_and_count_once() -> None:
    refused = LIMITED.labels("tenant")._value.get()
    async with gateway(answering(OK), tenant_rate_per_minute=1, tenant_burst=3) as (port, _, _service):
        left = [(await said(port, GET)).split(b"ratelimit: ")[1].split(b"\r\n")[0] for _ in range(4)]
        assert [state.split(b";")[1] for state in left] == [b"r=2", b"r=1", b"r=0", b"r=0"]
        assert (await said(port, GET)).startswith(b"HTTP/1.1 429")
        assert (await said(port, GET.replace(b"echoes", b"nothing"))).startswith(b"HTTP/1.1 404")
        assert (await said(port, GET.replace(b"GET", b"PATCH", 1))).startswith(b"HTTP/1.1 405")
    assert LIMITED.labels("tenant")._value.get() - refused == 2


async def test_a_request_whose_resting_connection_is_too_old_counts_once() -> None:
    async with gateway(answering(OK), tenant_rate_per_minute=1, tenant_burst=3) as (port, upstream, _service):
        first = await said(port, GET)
        for resting in upstream._pool._idle:  # older than one may be, and not yet closed for it
            resting.idle_since -= 1000
        second = await said(port, GET)
    left = [answer.split(b"ratelimit: ")[1].split(b"\r\n")[0] for answer in (first, second)]
    assert [state.split(b";")[1] for state in left] == [b"r=2", b"r=1"]


async def test_what_a_caller_changes_between_two_requests_counts() -> None:
    seen: list[bytes] = []
    async with gateway(answering(OK, record=seen)) as (port, _, _service):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for more in (
            b"",
            b"",
            b"x-thing: 1\r\n",
            b"x-thing: 2\r\n",
            b"x-thing: 2\r\n",
            b"connection: x-thing\r\nx-thing: 3\r\n",
        ):
            writer.write(GET + more + b"\r\n")
            await asyncio.wait_for(reader.readuntil(b"\r\n\r\nok"), 5)
        writer.close()
    things = [request.partition(b"x-thing: ")[2][:1] for request in seen]
    assert things == [b"", b"", b"1", b"2", b"2", b""]
    ids = [request.split(b"x-request-id: ")[1][:36] for request in seen]
    assert len(set(ids)) == 6
