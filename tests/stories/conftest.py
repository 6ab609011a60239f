"""Fixtures of the stories: the whole suite behind a gateway, as the gateway's own tests have it."""

from collections.abc import AsyncIterator

import pytest

from tests.gateway.world import Caller, World, running_world

EVERYTHING = ("orders:read", "orders:write", "billing:read", "billing:write", "billing:approve",
              "hr:read", "hr:write", "hr:approve", "hr.private:read", "hr.pay:read",
              "payroll:read", "payroll:write", "payroll:approve", "payroll.private:read", "payroll.bank:read",
              "events:read", "events:write", "sandbox:read", "sandbox:write")  # fmt: skip


@pytest.fixture(scope="session")
async def open_world(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    async with running_world(database_url, tmp_path_factory.mktemp("data")) as found:
        yield found


@pytest.fixture
async def acme(open_world: World) -> Caller:
    """A sandbox client company with a client that may do everything."""
    return await open_world.given_client(await open_world.given_tenant(), *EVERYTHING)


@pytest.fixture
async def stranger_company(open_world: World) -> Caller:
    """Another one, with just as many rights in its own house."""
    tenant = await open_world.given_tenant(name="Stranger", legal_name="Stranger Ltd")
    return await open_world.given_client(tenant, *EVERYTHING)
