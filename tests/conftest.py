"""What every test may use: the suite over a real database, a tenant of its own, callers."""

import os
from collections import Counter
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from gateway.service import SERVICE as GATEWAY
from services.all import SERVICES
from shared.base import telemetry
from shared.context.ctx import TenantFacts
from tests.kit import docker_engine, postgres
from tests.kit.smtp import MailServer, serving
from tests.kit.suite import Suite, mail_settings, migrated_database, running_suite, test_settings

telemetry.configure_logs(test_settings())


def pytest_runtest_setup(item: pytest.Item) -> None:
    """A test marked `docker` is left out with its reason where that is missing, unless it is demanded."""
    needed = item.get_closest_marker("docker")
    if needed is not None and (reason := docker_engine.missing(**needed.kwargs)):
        if docker_engine.demanded():
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line for each reason why tests were left out; pytest's own `-rs` has one for each test."""
    left_out = terminalreporter.stats.get("skipped", [])
    reasons = Counter(report.longrepr[2].removeprefix("Skipped: ") for report in left_out)
    for reason, times in sorted(reasons.items()):
        terminalreporter.write_line(f"{times} left out: {reason}")


@pytest.fixture(scope="session")
def admin_url() -> Iterator[str]:
    with postgres.test_cluster() as url:
        yield url


@pytest.fixture(scope="session")
async def database_url(admin_url: str) -> AsyncIterator[str]:
    name = f"backoffice_test_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}_{os.getpid()}"
    yield await migrated_database(admin_url, (*SERVICES, GATEWAY), name)
    await postgres.drop_database(admin_url, name)


@pytest.fixture(scope="session")
async def suite(database_url: str) -> AsyncIterator[Suite]:
    async with running_suite(database_url, SERVICES) as running:
        yield running


@pytest.fixture(scope="session")
def mail_server() -> Iterator[MailServer]:
    with serving() as server:
        yield server


@pytest.fixture(scope="session")
async def mailing(admin_url: str, mail_server: MailServer) -> AsyncIterator[Suite]:
    """A suite that can send mail, over a database of its own: none of the other's processes takes its work."""
    name = f"backoffice_mail_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}_{os.getpid()}"
    url = await migrated_database(admin_url, (*SERVICES, GATEWAY), name)
    async with running_suite(url, SERVICES, settings=mail_settings(mail_server.url)) as running:
        yield running
    await postgres.drop_database(admin_url, name)


@pytest.fixture
async def tenant(suite: Suite) -> TenantFacts:
    return await suite.new_tenant()


@pytest.fixture
async def stranger(suite: Suite) -> TenantFacts:
    """Another client company, that must never see anything of the first."""
    return await suite.new_tenant(name="Stranger", legal_name="Stranger Ltd")


@pytest.fixture
def orders(suite: Suite, tenant: TenantFacts) -> httpx.AsyncClient:
    return suite.client("orders", tenant)


@pytest.fixture
def billing(suite: Suite, tenant: TenantFacts) -> httpx.AsyncClient:
    return suite.client("billing", tenant)
