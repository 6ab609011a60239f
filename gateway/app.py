"""The gateway put together: pipeline, identity, own resources, and the loops that keep them current.

    gateway = build_gateway({"orders": LocalUpstream(orders.app)}, dsn=…, settings=…, transport=…, data_dir=…)
    first = await gateway.start()
    … serve gateway.asgi …
    await gateway.stop()

In one process with the services, `gateway.public_keys` is their verifiers' `fetch_keys`; over HTTP they fetch
`/.well-known/jwks.json`.
"""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import structlog
from joserfc.jwk import KeySet

from gateway.control import Control
from gateway.door.front import Front
from gateway.door.pipeline import OWN_SERVICE, Pipeline
from gateway.first_start import FirstStart, prepare
from gateway.identity.directory import Directory
from gateway.identity.on_behalf import OnBehalf
from gateway.identity.secrets import SecretKeeper
from gateway.identity.sign_in import SignIns
from gateway.identity.signing import KeyRing, seal_of
from gateway.identity.token_endpoint import TokenEndpoint
from gateway.routes.catalog import Catalog
from gateway.service import SERVICE
from gateway.settings import GatewaySettings
from gateway.tenant_sync import TenantSync
from gateway.upstream.local import LocalUpstream
from gateway.upstream.spool import BodyRoom
from shared.base.database_errors import DATABASE_ERRORS
from shared.base.loops import pause, repeat
from shared.bus.transport import Transport
from shared.http.internal_token import TokenVerifier
from shared.httpserver.asgi import AsgiApp
from shared.service.runtime import ServiceRuntime

TELL_SECONDS = 1.0  # how late a service that missed a tenant is told when its pause is over
log = structlog.get_logger()


class Gateway:
    """A gateway; `asgi` is what a server serves."""

    def __init__(
        self,
        services: Mapping[str, AsgiApp],
        *,
        dsn: str,
        settings: GatewaySettings,
        transport: Transport,
        data_dir: Path,
    ) -> None:
        """Put the parts together; nothing is asked of database or services before `start`."""
        self._settings = settings
        self._services = tuple(services)
        self._data_dir = data_dir
        self._keeper = SecretKeeper()
        verifier = TokenVerifier(OWN_SERVICE, self.public_keys)
        self.running = ServiceRuntime(
            SERVICE, dsn=dsn, settings=settings, transport=transport, verifier=verifier
        )
        upstreams: dict[str, AsgiApp] = {**services, OWN_SERVICE: LocalUpstream(self.running.app)}
        self.keys = KeyRing(
            self.running.worker_db,
            seal_of(settings),
            max_age=timedelta(days=settings.signing_key_days),
            published_first=timedelta(seconds=2 * settings.upstream_refresh_seconds),
        )
        self.catalog = Catalog(upstreams)
        self.directory = Directory(self.running.worker_db, self.keys, settings, self._scopes)
        self.sync = TenantSync(
            services, self.running, self.keys, self.directory.forget, seconds=settings.provision_seconds
        )
        self._bodies = BodyRoom(
            Path(settings.spool_dir) if settings.spool_dir else data_dir / "bodies",
            of_one=settings.tenant_spool_bytes,
            in_all=settings.spool_bytes,
        )
        self.asgi: AsgiApp = Pipeline(
            front=self._front(services),
            directory=self.directory,
            keys=self.keys,
            upstreams=upstreams,
            bodies=self._bodies,
            settings=settings,
        )
        self._furnish(services)
        self._stopping = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._opened = False

    def _furnish(self, services: Mapping[str, AsgiApp]) -> None:
        """Give our own resources what they ask of us."""
        state = self.running.app.state
        state.keeper, state.control = self._keeper, self._control(services)

    def _front(self, services: Mapping[str, AsgiApp]) -> Front:
        """The paths outside /v1."""
        sign_ins = SignIns(self.directory, self._keeper, self._settings)
        tokens = TokenEndpoint(sign_ins, self.keys, self._scopes, self._settings)
        return Front(
            catalog=self.catalog,
            keys=self.keys,
            tokens=tokens,
            services=services,
            own_complaints=self._complaints,
            scrapers=self.running.scrapers,
        )

    def _control(self, services: Mapping[str, AsgiApp]) -> Control:
        """What our own resources may ask of us."""
        return Control(
            services=lambda: tuple(services),
            scopes=self._scopes,
            tell=self.sync.tell,
            push=self.sync.push,
            forget=self.directory.forget,
            owner=self._owner,
            silent=lambda: self.catalog.missing,
            read=OnBehalf(services, self.keys).read,
        )

    def _owner(self, resource: str) -> str | None:
        return self.catalog.routes.owners.get(resource)

    def _scopes(self) -> frozenset[str]:
        return self.catalog.routes.scopes

    async def public_keys(self) -> KeySet:
        """What internal tokens are verified with; `fetch_keys` for services of this process."""
        return await self.keys.public_keys()

    async def start(self) -> FirstStart:
        """Everything that is to be done before requests come, when the services are there already."""
        first = await self.prepare()
        await self.open(first)
        return first

    async def prepare(self) -> FirstStart:
        """Check the database, see to provider, first operator and keys; from here on `asgi` may be served.

        Services that start at the same time need the keys before they can answer anything we ask.
        """
        self._bodies.prepare()
        await self.running.start()
        first = await prepare(
            self.running.app_db, self.running.worker_db, self._keeper, self._settings, self._data_dir,
            services=self._services,
        )  # fmt: skip
        await self.keys.renew(first.provider_id)
        await self.catalog.refresh(only=[OWN_SERVICE], strict=True)  # our own resources wait for nobody
        return first

    async def open(self, first: FirstStart) -> None:
        """Learn the services' routes, as many as there are in time, and keep up with them from now on."""
        for name, loop in (
            (
                "tenant-sync",
                repeat(
                    "tenant-sync",
                    self.sync.round,
                    self._stopping,
                    min(self._settings.poll_seconds, TELL_SECONDS),
                ),
            ),
            ("keys-and-routes", self._refresh(first)),
        ):
            self._tasks.append(asyncio.create_task(loop, name=f"gateway:{name}"))
        await self.catalog.load(within=self._settings.upstream_start_seconds)
        await self.sync.push(first.provider_id)
        self._opened = True

    def leave(self) -> None:
        """Tell whoever asks for readiness to send requests elsewhere; `stop` follows."""
        self.running.leave()

    async def stop(self) -> None:
        """End the loops and let go of the database; stop serving `asgi` before."""
        self._stopping.set()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=self._settings.shutdown_seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
        self._bodies.stop()
        await self.running.stop()

    async def _refresh(self, first: FirstStart) -> None:
        """Follow new routes and new keys; ask more often while some service has not told its routes."""
        while not self._stopping.is_set():
            seconds = 1.0 if self.catalog.missing else self._settings.upstream_refresh_seconds
            await pause(self._stopping, seconds)
            try:
                await self.catalog.refresh(only=self.catalog.missing or None)
                await self.keys.renew(first.provider_id)
            except DATABASE_ERRORS as error:
                log.warning("keys or routes could not be refreshed", error=repr(error))

    async def _complaints(self) -> list[str]:
        found = await self.running.complaints()
        if not self._opened:
            found.append("the services are still asked for their routes")
        found += [f"{task.get_name()} has ended" for task in self._tasks if task.done()]
        return found


def build_gateway(
    services: Mapping[str, AsgiApp],
    *,
    dsn: str,
    settings: GatewaySettings,
    transport: Transport,
    data_dir: Path,
) -> Gateway:
    """A gateway for services by name, each behind an upstream (`LocalUpstream` or `HttpUpstream`)."""
    return Gateway(services, dsn=dsn, settings=settings, transport=transport, data_dir=data_dir)
