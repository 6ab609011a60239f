"""The suite in one process: PostgreSQL, transport, services and gateway, in the order they need each other."""

import fcntl
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

import asyncpg
from joserfc.jwk import KeySet

from deploy.run.boot import patiently, schema_ready
from deploy.run.secrets import with_role_secret, with_sealing_keys
from deploy.run.settings import DeploySettings
from deploy.run.transport import migrate_transport, transport_for
from gateway.app import Gateway, build_gateway
from gateway.first_start import FirstStart
from gateway.service import SERVICE as GATEWAY
from gateway.upstream.local import LocalUpstream
from services.all import SERVICES
from shared.base import telemetry
from shared.bus.transport import Transport
from shared.database.migrations import migrate
from shared.database.rls import password_of
from shared.embedded import server as embedded
from shared.http.internal_token import TokenVerifier
from shared.service.runtime import ServiceRuntime

DATABASE = "backoffice"


class AlreadyRunning(RuntimeError):  # noqa: N818 - a refusal named by its reason
    """Another process uses the data directory."""


class NoCredentials(RuntimeError):  # noqa: N818 - a refusal named by its reason
    """The file with the operator's made-up secret is gone."""


@dataclass
class EmbeddedSuite:
    """Everything that runs in this process."""

    settings: DeploySettings
    database_url: str
    services: dict[str, ServiceRuntime]
    gateway: Gateway
    first_start: FirstStart

    def leave(self) -> None:
        """Turn readiness off and hold no answer back; the end follows."""
        self.gateway.leave()
        for running in self.services.values():
            running.leave()

    def operator_credentials(self) -> tuple[str, str]:
        """The first operator client and its secret."""
        if self.settings.admin_client_secret:
            return self.first_start.client_id, self.settings.admin_client_secret
        if self.first_start.credentials_file is None:
            raise NoCredentials(
                f"The operator client's secret is not in {self.settings.data_dir}. Set BACKOFFICE_ADMIN_CLIENT_ID and "
                "BACKOFFICE_ADMIN_CLIENT_SECRET to have it set anew."
            )
        kept = json.loads(self.first_start.credentials_file.read_text())
        return kept["client_id"], kept["client_secret"]


@asynccontextmanager
async def database(settings: DeploySettings) -> AsyncIterator[str]:
    """The administrator's address of the suite's database: your own, or the embedded one for this long.

    A command beside a running suite attaches to that suite's server and leaves it running.
    """
    if settings.database_url:
        yield settings.database_url
        return
    server = embedded.start(settings.data_dir / "postgres")
    try:
        yield await _ensure_database(server.url)
    finally:
        if not in_use_by_another(settings.data_dir):
            server.stop()


async def _ensure_database(admin_url: str) -> str:
    sql = await asyncpg.connect(admin_url)
    try:
        with suppress(asyncpg.DuplicateDatabaseError):
            await sql.execute(f"create database {DATABASE}")
    finally:
        await sql.close()
    return admin_url.replace("/postgres?", f"/{DATABASE}?", 1)


async def migrate_all(database_url: str, settings: DeploySettings) -> list[str]:
    """Bring every schema to its newest revision; returns which were changed."""
    await migrate_transport(settings, database_url)
    return [
        service.name
        for service in (*SERVICES, GATEWAY)
        if await migrate(
            database_url,
            service.name,
            service.migrations,
            password=partial(password_of, settings),
            sealing_keys=settings.sealing_keys_of(service.keyring),
        )
    ]


@asynccontextmanager
async def embedded_suite(
    settings: DeploySettings, *, migrate_first: bool = True
) -> AsyncIterator[EmbeddedSuite]:
    """Run everything in this process for the length of a block.

    Without `migrate_first` it needs no administrator's rights: it waits for the schema that `backoffice migrate` makes.
    """
    settings = with_sealing_keys(with_role_secret(settings), embedded_services=True).with_blobs_url()
    async with AsyncExitStack() as stack:
        stack.callback(telemetry.flush_spans)
        stack.enter_context(_only_one(settings.data_dir))
        url = await stack.enter_async_context(database(settings))
        if migrate_first:
            await migrate_all(url, settings)
        else:
            await _await_schemas(settings)
        transport = transport_for(settings, url, name="backoffice", among_others=False)
        stack.push_async_callback(transport.close)
        await patiently("the transport of events", transport.start, seconds=settings.boot_seconds)
        services, gateway = _assemble(url, settings, transport)
        for running in services.values():
            stack.push_async_callback(running.stop)
            await running.start()
        stack.push_async_callback(gateway.stop)
        first = await gateway.start()
        yield EmbeddedSuite(settings, url, services, gateway, first)


async def _await_schemas(settings: DeploySettings) -> None:
    for service in (*SERVICES, GATEWAY):
        await patiently(
            f"the database of {service.name}",
            partial(schema_ready, service, settings),
            seconds=settings.boot_seconds,
        )


def _assemble(
    url: str, settings: DeploySettings, transport: Transport
) -> tuple[dict[str, ServiceRuntime], Gateway]:
    """The services and the gateway in front of them; nothing is started yet."""

    async def public_keys() -> KeySet:
        return await gateway.public_keys()

    services = {}
    for service in SERVICES:
        verifier = TokenVerifier(service.name, public_keys)
        services[service.name] = ServiceRuntime(
            service, dsn=url, settings=settings, transport=transport, verifier=verifier
        )
    upstreams = {name: LocalUpstream(running.app) for name, running in services.items()}
    gateway = build_gateway(
        upstreams, dsn=url, settings=settings, transport=transport, data_dir=settings.data_dir
    )
    return services, gateway


@contextmanager
def _only_one(data_dir: Path) -> Iterator[None]:
    """A lock on the data directory: two suites in it would be two schedulers over one embedded database."""
    with _lock_file(data_dir) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRunning(
                f"Backoffice already runs with its data in {data_dir.resolve()}. Stop it, or set BACKOFFICE_DATA_DIR "
                "to another folder and BACKOFFICE_PORT to another port."
            ) from None
        _OURS.add(data_dir.resolve())
        try:
            yield
        finally:
            _OURS.discard(data_dir.resolve())


_OURS: set[Path] = set()


def _lock_file(data_dir: Path) -> IO[str]:
    data_dir.mkdir(parents=True, exist_ok=True)
    return (data_dir / "running.lock").open("a")


def in_use_by_another(data_dir: Path) -> bool:
    """Whether another process runs the suite in this data directory."""
    if data_dir.resolve() in _OURS:
        return False
    with _lock_file(data_dir) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
