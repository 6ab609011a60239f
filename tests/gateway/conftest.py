"""Fixtures of the gateway's tests."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.gateway.world import Caller, World, running_world


@pytest.fixture(scope="session")
async def shared_world(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    async with running_world(database_url, tmp_path_factory.mktemp("data")) as found:
        yield found


@pytest.fixture
def world(shared_world: World) -> Iterator[World]:
    """The world with every service there, before and after."""
    yield shared_world
    for switch in shared_world.switches.values():
        switch.away, switch.failure = False, None


@pytest.fixture
async def acme(world: World) -> Caller:
    """A sandbox client company with a client that may do everything in orders, billing and the echo."""
    tenant = await world.given_tenant()
    return await world.given_client(
        tenant, "orders:read", "orders:write", "billing:read", "billing:write", "helpdesk:read", "events:read"
    )
