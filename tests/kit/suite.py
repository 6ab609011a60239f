"""The suite for tests: services started in this process over a real PostgreSQL, callers with forged-free tokens.

Tests pass the services in (the kernel knows none). The database is migrated once per run into a template and
cloned for each pytest-xdist worker; every test works in tenants of its own, so nothing is cleaned up between.
"""

import asyncio
import atexit
import fcntl
import os
import shutil
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cache, partial
from http import HTTPStatus
from pathlib import Path
from shutil import rmtree
from tempfile import gettempdir, mkdtemp
from typing import Any, TypeVar
from uuid import UUID

import asyncpg
import httpx
from joserfc.jwk import KeySet, OKPKey

from shared.base.settings import KernelSettings
from shared.bus.pg import transport as bus_pg
from shared.bus.pg.schema import ROLE as BUS_ROLE
from shared.bus.transport import Transport
from shared.context.ctx import SYSTEM, Actor, Ctx, TenantFacts
from shared.context.unit_of_work import unit_of_work
from shared.database.migrations import migrate
from shared.database.rls import no_place_for_tables, role_password
from shared.http import internal_token
from shared.http.router import Operation
from shared.service.manifest import Service
from shared.service.provisioning import PATH, SCOPE, TenantWanted
from shared.service.runtime import ServiceRuntime
from shared.values.ids import new_id
from tests.kit.postgres import create_database, drop_database

ROLE_SECRET = "a test's role secret"
PASSWORD = partial(role_password, ROLE_SECRET)  # of a role
BUS_PASSWORD = PASSWORD(BUS_ROLE)
SEALING_KEYS = "YSBzZWFsaW5nIGtleSBmb3IgdGVzdHM6IDMyIGJ5dGU"  # 32 bytes in URL-safe base64
TEMPLATE = "backoffice_template"
T = TypeVar("T")


@cache
def blobs_url() -> str:
    """Where the tests of this process, and the processes they start, keep files."""
    given = os.environ.get("BACKOFFICE_BLOBS_URL")
    if given:
        return given
    folder = mkdtemp(prefix="bo-blobs-")
    atexit.register(rmtree, folder, ignore_errors=True)
    return Path(folder).as_uri()


def test_settings(**changes: Any) -> KernelSettings:
    """Settings under which tests need not wait."""
    values: dict[str, Any] = {
        "role_secret": ROLE_SECRET,
        "sealing_keys": SEALING_KEYS,
        "blobs_url": blobs_url(),
        "poll_seconds": 0.05,
        "linger_seconds": 0.0,
        "consumer_backoff_seconds": 0.05,
        "consumer_attempts": 4,
        "app_pool_size": 12,
        "log_level": os.environ.get("BACKOFFICE_TEST_LOG_LEVEL", "CRITICAL"),
    }
    return KernelSettings(**(values | changes))


def mail_settings(url: str, **changes: Any) -> KernelSettings:
    """Settings with a mail server, under which tests need not wait."""
    values: dict[str, Any] = {
        "smtp_url": url,
        "mail_from": "post@provider.example",
        "mail_from_name": "Provider",
        "mail_backoff_seconds": 0.02,
        "smtp_seconds": 5.0,
    }
    return test_settings(**(values | changes))


async def migrated_database(admin_url: str, services: Sequence[Service], name: str) -> str:
    """A fresh database with every service's schema; the template is made by whoever comes first."""
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))[:12]
    template = f"{TEMPLATE}_{run}_{len(services)}_{services[0].name}"
    lock = Path(gettempdir()) / f"bo-template-{template}-{os.geteuid()}.lock"
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        sql = await asyncpg.connect(admin_url)
        ready = await sql.fetchval("select 1 from pg_database where datname = $1 and datistemplate", template)
        if not ready:
            await drop_database(admin_url, template)
            url = await create_database(admin_url, template)
            await migrate_all(url, services)
            await sql.execute(f'alter database "{template}" with is_template true')
        await drop_database(admin_url, name)
        url = await cloned_database(admin_url, name, template)
        await sql.close()
    return url


async def cloned_database(admin_url: str, name: str, template: str) -> str:
    """A copy of a migrated database; who may do what in it as a whole is not copied by PostgreSQL."""
    url = await create_database(admin_url, name, template)
    sql = await asyncpg.connect(url)
    await sql.execute(no_place_for_tables(BUS_ROLE))
    await sql.close()
    return url


async def migrate_all(url: str, services: Sequence[Service]) -> None:
    """Migrate the bus and every service."""
    await bus_pg.migrate(url, password=BUS_PASSWORD)
    for service in services:
        await migrate(url, service.name, service.migrations, password=PASSWORD)


def revisions_before(directory: Path, number: str, copy: Path) -> Path:
    """A copy of a service's migrations as they were before the revision of that number came."""
    copy.mkdir()
    for revision in directory.glob("*.py"):
        if revision.name < number:
            shutil.copy(revision, copy)
    return copy


class _FreshToken(httpx.Auth):
    """A token for each request, as from the gateway: one is good for a minute, a test may take longer."""

    def __init__(self, mint: Callable[[], str]) -> None:
        self._mint = mint

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Sent unless the test sends one of its own."""
        request.headers.setdefault("x-internal-token", self._mint())
        yield request


@dataclass
class Suite:
    """Running services, and ways to call them as anybody."""

    url: str
    running: dict[str, ServiceRuntime]
    transport: Transport
    key: OKPKey
    all_scopes: frozenset[str]
    _clients: list[httpx.AsyncClient] = field(default_factory=list, repr=False)

    def __getitem__(self, service: str) -> ServiceRuntime:
        return self.running[service]

    async def new_tenant(self, **facts: Any) -> TenantFacts:
        """A client company of its own, known to every service."""
        values: dict[str, Any] = {
            "id": new_id(),
            "name": "Acme",
            "legal_name": "Acme Ltd",
            "country": "GB",
            "currency": "GBP",
            "time_zone": "Europe/London",
            "kind": "sandbox",
        }
        tenant = TenantFacts(**(values | facts))
        await self.provision(tenant)
        return tenant

    async def provision(self, tenant: TenantFacts) -> None:
        """Tell every service of a tenant, as the gateway does."""
        body = TenantWanted.of(tenant).model_dump_json()
        for name in self.running:
            client = self.client(name, tenant, scopes={SCOPE}, actor=SYSTEM)
            answer = await client.put(PATH, content=body)
            assert answer.status_code == 200, answer.text

    async def advance_clock(self, tenant: TenantFacts, by: timedelta) -> TenantFacts:
        """Move a sandbox tenant's clock ahead; callers made afterwards live in the later time."""
        later = replace(tenant, clock_offset=tenant.clock_offset + by, version=tenant.version + 1)
        await self.provision(later)
        return later

    def token(
        self,
        service: str,
        tenant: TenantFacts,
        *,
        scopes: set[str] | frozenset[str] | None = None,
        actor: Actor | None = None,
    ) -> str:
        """An internal token as the gateway would mint it."""
        return internal_token.mint(
            self.key,
            audience=service,
            tenant=tenant,
            actor=actor or Actor("client-of-a-test"),
            scopes=self.all_scopes if scopes is None else frozenset(scopes),
        )

    def client(
        self,
        service: str,
        tenant: TenantFacts,
        *,
        scopes: set[str] | frozenset[str] | None = None,
        actor: Actor | None = None,
    ) -> httpx.AsyncClient:
        """An HTTP client of one service, as somebody acting for a tenant."""
        client = self.anonymous(service)
        client.auth = _FreshToken(partial(self.token, service, tenant, scopes=scopes, actor=actor))
        return client

    def anonymous(self, service: str) -> httpx.AsyncClient:
        """An HTTP client of one service without any token."""
        transport = httpx.ASGITransport(app=self.running[service].app)
        client = httpx.AsyncClient(transport=transport, base_url=f"http://{service}")
        self._clients.append(client)
        return client

    def work(self, service: str, tenant: TenantFacts) -> AbstractAsyncContextManager[Ctx]:
        """One transaction of a service, to call actions that have no route of their own."""
        return unit_of_work(self.running[service], tenant, Actor("a-test"), request_id="a-test")

    async def outbox(self, service: str, tenant_id: UUID) -> list[asyncpg.Record]:
        """The facts a service has recorded for a tenant, oldest first."""
        async with self.running[service].worker_db.transaction(None) as tx:
            return list(
                await tx.sql.fetch("select * from outbox where tenant_id = $1 order by seq", tenant_id)
            )

    async def settled(self, *, within: float = 10.0) -> None:
        """Wait until every fact is published and taken in by everybody it concerns."""
        await eventually(self._nothing_under_way, within=within)

    async def _nothing_under_way(self) -> bool:
        sql = await asyncpg.connect(self.url)
        try:
            if await sql.fetchval("select exists (select from bus.messages)"):
                return False
            for name in self.running:
                waiting = await sql.fetchval(
                    f"select exists (select from {name}.outbox where published_at is null) or exists "
                    f"(select from {name}.inbox i where state = 'retry' or (state = 'waiting' and not exists "
                    f"(select from {name}.inbox d where (d.tenant_id, d.ordering_key) = (i.tenant_id, i.ordering_key) "
                    "and d.state = 'dead' and d.seq < i.seq)))"
                )
                if waiting:
                    return False
            return not await sql.fetchval("select exists (select from bus.messages)")
        finally:
            await sql.close()

    async def close(self) -> None:
        """Close the callers."""
        for client in self._clients:
            await client.aclose()


@asynccontextmanager
async def running_suite(
    url: str, services: Sequence[Service], *, settings: KernelSettings | None = None
) -> AsyncIterator[Suite]:
    """Start the services over a migrated database."""
    settings = settings or test_settings()
    key = internal_token.new_key()
    keys = KeySet([OKPKey.import_key(key.as_dict(private=False))])

    async def fetch_keys() -> KeySet:
        return keys

    transport = bus_pg.PgTransport(url, password=BUS_PASSWORD, poll_seconds=settings.poll_seconds)
    await transport.start()
    found: dict[str, ServiceRuntime] = {}
    async with AsyncExitStack() as stack:
        stack.push_async_callback(transport.close)
        for service in services:
            verifier = internal_token.TokenVerifier(service.name, fetch_keys)
            running = ServiceRuntime(
                service, dsn=url, settings=settings, transport=transport, verifier=verifier
            )
            await running.start()
            stack.push_async_callback(running.stop)
            found[service.name] = running
        suite = Suite(url, found, transport, key, scopes_of(services))
        stack.push_async_callback(suite.close)
        yield suite


def scopes_of(services: Sequence[Service]) -> frozenset[str]:
    """Every scope any route needs."""
    routes = (route for service in services for router in service.routers() for route in router.routes)
    return frozenset(route.needed_scope for route in routes if isinstance(route, Operation))


async def eventually(
    condition: Callable[[], Awaitable[T | bool | None]], *, within: float = 10.0, every: float = 0.02
) -> T:
    """Ask until the answer is truthy, as briefly as it takes; fails when the time is up."""
    deadline = time.monotonic() + within
    while True:
        answer = await condition()
        if answer:
            return answer  # type: ignore[return-value]
        assert time.monotonic() < deadline, f"still not so after {within} s: {condition}"
        await asyncio.sleep(every)


async def when_made(ask: Callable[[], Awaitable[httpx.Response]]) -> httpx.Response:
    """What is answered once a document can be made: a busy machine may find no process for it at first (503)."""

    async def made() -> httpx.Response | None:
        answer = await ask()
        return None if answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE else answer

    return await eventually(made, within=60.0)
