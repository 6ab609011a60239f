"""Several gateways at once over one database: one provider, one operator, one set of keys, each tenant told once."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import orjson
import pytest

from gateway.app import Gateway, build_gateway
from gateway.first_start import FILE
from gateway.service import SERVICE
from services.all import SERVICES
from shared.bus.pg.transport import PgTransport
from shared.httpserver.asgi import Receive, Scope, Send
from shared.service.provisioning import PATH
from tests.gateway.world import World, settings
from tests.kit import postgres
from tests.kit.suite import BUS_PASSWORD, eventually, migrated_database


@pytest.fixture
async def fresh_url(admin_url: str) -> AsyncIterator[str]:
    """A database that no gateway has seen."""
    name = f"gateways_{uuid4().hex}"
    yield await migrated_database(admin_url, (*SERVICES, SERVICE), name)
    await postgres.drop_database(admin_url, name)


def gateway_at(url: str, data_dir: Path, **changes: Any) -> Gateway:
    """A gateway before no services at all."""
    transport = PgTransport(url, password=BUS_PASSWORD)
    chosen = settings(app_pool_size=2, worker_pool_size=2, **changes)
    return build_gateway({}, dsn=url, settings=chosen, transport=transport, data_dir=data_dir)


async def test_gateways_that_start_at_the_same_moment_agree(fresh_url: str, tmp_path: Path):
    gateways = [
        gateway_at(fresh_url, tmp_path / str(n), admin_client_id="", admin_client_secret="") for n in range(4)
    ]
    try:
        firsts = await asyncio.gather(*(gateway.prepare() for gateway in gateways))
        kids = {(str(g.keys.access.kid), str(g.keys.internal.kid)) for g in gateways}
    finally:
        await asyncio.gather(*(gateway.stop() for gateway in gateways))
    sql = await asyncpg.connect(fresh_url)
    counts = await sql.fetchrow(
        "select (select count(*) from gateway.registered_tenants) as tenants, "
        "(select count(*) from gateway.clients) as clients, (select count(*) from gateway.signing_keys) as keys"
    )
    await sql.close()

    assert len({first.provider_id for first in firsts}) == 1
    assert tuple(counts) == (1, 1, 2)
    assert len(kids) == 1
    assert sorted(first.made_now for first in firsts) == [False, False, False, True]
    (maker,) = (n for n, first in enumerate(firsts) if first.made_now)
    assert [first.credentials_file for first in firsts if first.credentials_file] == [
        tmp_path / str(maker) / FILE
    ]


async def test_a_file_whose_secret_no_longer_counts_is_not_shown(fresh_url: str, tmp_path: Path):
    unset = {"admin_client_id": "", "admin_client_secret": ""}
    first = gateway_at(fresh_url, tmp_path / "first", **unset)
    second = gateway_at(fresh_url, tmp_path / "second", **unset)
    stale = tmp_path / "second" / FILE
    stale.parent.mkdir()
    stale.write_bytes(orjson.dumps({"client_id": "admin", "client_secret": "of a start that failed"}))
    try:
        told = [(await gateway.prepare()).credentials_file for gateway in (first, second)]
    finally:
        await first.stop()
        await second.stop()

    assert told == [tmp_path / "first" / FILE, None]


async def test_two_gateways_tell_a_service_once(world: World):
    async with world.another_gateway(), world.another_gateway():
        world.switches["billing"].away = True
        tenants = [await world.given_tenant(name=f"Waiting {n}") for n in range(5)]
        told: list[bytes] = []
        real = world.switches["billing"].upstream

        async def counting(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["path"] == PATH:
                told.append(dict(scope["headers"])[b"x-request-id"])
                await asyncio.sleep(0.1)  # long enough for the others' loops to look
            await real(scope, receive, send)

        world.switches["billing"].upstream = counting
        world.switches["billing"].away = False
        try:
            operator = await world.operator()

            async def all_active() -> bool:
                states = [
                    (await operator.get(f"/v1/tenants/{tenant['id']}")).json()["state"] for tenant in tenants
                ]
                return set(states) == {"active"}

            await eventually(all_active, within=60)
        finally:
            world.switches["billing"].upstream = real

    assert {tenant["state"] for tenant in tenants} == {"provisioning"}
    assert len(told) == 5
