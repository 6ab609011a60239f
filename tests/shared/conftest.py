"""A database of the probe's own; the business services are not started for tests of the kernel."""

import os
from collections.abc import AsyncIterator

import httpx
import pytest

from shared.context.ctx import TenantFacts
from shared.values.ids import new_id
from tests.kit import postgres
from tests.kit.suite import Suite, cloned_database, migrate_all, running_suite
from tests.shared.probe.service import PROBE


@pytest.fixture(scope="session")
async def probe_template(admin_url: str) -> AsyncIterator[str]:
    name = f"probe_template_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}_{os.getpid()}"
    await migrate_all(await postgres.create_database(admin_url, name), [PROBE])
    yield name
    await postgres.drop_database(admin_url, name)


@pytest.fixture
async def fresh_url(admin_url: str, probe_template: str) -> AsyncIterator[str]:
    """A database for one test alone, for those who kill processes or need every partition."""
    name = f"probe_{new_id().hex}"
    yield await cloned_database(admin_url, name, probe_template)
    await postgres.drop_database(admin_url, name)


@pytest.fixture(scope="session")
async def probe_url(admin_url: str, probe_template: str) -> AsyncIterator[str]:
    name = f"probe_{new_id().hex}"
    yield await cloned_database(admin_url, name, probe_template)
    await postgres.drop_database(admin_url, name)


@pytest.fixture(scope="session")
async def kernel(probe_url: str) -> AsyncIterator[Suite]:
    """The probe at work."""
    async with running_suite(probe_url, [PROBE]) as suite:
        yield suite


@pytest.fixture
async def owner(kernel: Suite) -> TenantFacts:
    return await kernel.new_tenant()


@pytest.fixture
async def kernel_stranger(kernel: Suite) -> TenantFacts:
    """Another client company, that must never see anything of the first."""
    return await kernel.new_tenant(name="Stranger", legal_name="Stranger Ltd")


@pytest.fixture
def probe(kernel: Suite, owner: TenantFacts) -> httpx.AsyncClient:
    return kernel.client("probe", owner)
