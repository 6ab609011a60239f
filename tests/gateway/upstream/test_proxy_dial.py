"""Names of upstreams: resolved anew for each connection, and every address tried."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from gateway.upstream.dial import connect
from gateway.upstream.errors import UpstreamUnavailable
from gateway.upstream.http import HttpUpstream
from gateway.upstream.pool import PoolLimits
from tests.gateway.upstream.proxy_harness import OK, answering, call, serving, until


class Names:
    """A resolver of ours in the loop's place: what a name means now, and how often it was asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
        self.addresses = list(addresses)
        self.asked = 0
        loop = asyncio.get_running_loop()
        real = loop.getaddrinfo

        async def resolve(host: str, port: int, **more: object) -> list[tuple]:
            if host != "replicas.test":
                return await real(host, port, **more)
            self.asked += 1
            if not self.addresses:
                raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (a, port)) for a in self.addresses]

        monkeypatch.setattr(loop, "getaddrinfo", resolve)


@asynccontextmanager
async def replica_at(address: str, port: int, record: list[bytes]) -> AsyncIterator[None]:
    """A server at one address of several."""

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await answering(OK, record=record)(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            writer.close()

    server = await asyncio.start_server(accept, address, port)
    yield
    server.close()
    await asyncio.sleep(0)


async def test_a_name_that_has_moved_is_found_at_its_new_address(monkeypatch: pytest.MonkeyPatch) -> None:
    names = Names(monkeypatch, "127.0.0.1")
    async with serving(answering(OK, close=True)) as server:
        upstream = HttpUpstream(f"http://replicas.test:{server.port}")
        assert (await call(upstream)).whole
        names.addresses = ["127.0.0.2"]
        with pytest.raises(UpstreamUnavailable, match="cannot connect"):
            await call(upstream)
        moved: list[bytes] = []
        async with replica_at("127.0.0.2", server.port, moved):
            assert (await call(upstream)).whole
            await upstream.aclose(0.1)

    assert len(moved) == 1
    assert names.asked == 3


async def test_an_address_where_nobody_listens_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    names = Names(monkeypatch, "127.0.0.3", "127.0.0.1")
    async with serving(answering(OK, close=True)) as server:
        upstream = HttpUpstream(f"http://replicas.test:{server.port}")
        for _ in range(4):
            assert (await call(upstream, "POST")).whole
            await until(lambda: upstream.stats().idle == 0)
        await upstream.aclose(0.1)

    assert names.asked == 4
    assert not upstream.stats().breaker_open


async def test_connections_spread_over_the_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    Names(monkeypatch, "127.0.0.1", "127.0.0.2")
    first: list[bytes] = []
    second: list[bytes] = []
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    async with replica_at("127.0.0.1", port, first), replica_at("127.0.0.2", port, second):
        upstream = HttpUpstream(f"http://replicas.test:{port}", limits=PoolLimits(idle_lifetime=0.01))
        for _ in range(6):
            assert (await call(upstream)).whole
            await until(lambda: upstream.stats().idle == 0)
        await upstream.aclose(0.1)

    assert len(first) == len(second) == 3


async def test_a_name_that_means_nothing_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    Names(monkeypatch)
    upstream = HttpUpstream("http://replicas.test:80")

    with pytest.raises(UpstreamUnavailable, match="cannot connect"):
        await call(upstream)


async def test_an_address_that_does_not_answer_gets_only_its_share_of_the_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Names(monkeypatch, "127.0.0.1", "127.0.0.2")
    deaf = socket.socket()
    deaf.bind(("127.0.0.2", 0))
    deaf.listen(0)
    fillers = [socket.socket() for _ in range(4)]
    for filler in fillers:
        filler.setblocking(False)
        filler.connect_ex(deaf.getsockname())
    port = deaf.getsockname()[1]
    record: list[bytes] = []
    loop = asyncio.get_running_loop()
    async with replica_at("127.0.0.1", port, record):
        for _ in range(2):  # one of the two begins at the deaf address
            protocol = await connect(loop, asyncio.Protocol, "replicas.test", port, within=0.4)
            assert isinstance(protocol, asyncio.Protocol)
    for opened in (deaf, *fillers):
        opened.close()
