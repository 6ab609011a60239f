"""A service from its manifest: routes, consumers, scheduled work, jobs, migrations, health and OpenAPI.

    SERVICE = Service(
        "billing", "services.billing", title="Billing", capabilities=("ledger", "invoices"),
        provision=(ledger_actions.provision,),
    )

Everything else is found by convention in the capabilities' modules: `routes.router`, functions marked in
`consumers.py`, tables in `models.py`, `rules.LIFECYCLE`.
"""

import asyncio
import importlib
import importlib.util
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from fastapi import FastAPI
from sqlalchemy import MetaData

from shared import tenancy
from shared.auth import TokenVerifier
from shared.bus import Subscription, Transport
from shared.ctx import Ctx
from shared.db import Database
from shared.dead_letters import dead_letter_routes
from shared.dispatch import ServiceApp
from shared.doorbell import Doorbell
from shared.effects import Handler
from shared.events import Event
from shared.health import add_health
from shared.housekeeping import run_housekeeping
from shared.inbox import TOGETHER, Inbox
from shared.jobs import JobFunction, JobRunner, run_jobs
from shared.loops import REPORT_SECONDS
from shared.openapi import add_openapi
from shared.provisioning import add_provisioning
from shared.relay import Relay
from shared.retries import Retries, run_retries
from shared.schedule import DueFunction, Scheduler, run_scheduler
from shared.settings import KernelSettings
from shared.tables import TenantRow
from shared.tenants import Tenants
from shared.web import EdgeState, Router

FACTS, HELD, JOBS = "facts", "held", "jobs"  # what the doorbell is rung for
Provision = Callable[[Ctx], Awaitable[object]]


@dataclass(frozen=True)
class Service:
    """What a service is made of."""

    name: str
    package: str
    title: str
    capabilities: Sequence[str]
    provision: Sequence[Provision] = field(default=())

    @property
    def migrations(self) -> Path:
        """The folder of its alembic revisions."""
        return Path(str(importlib.import_module(self.package).__file__)).parent / "migrations"

    def modules(self, name: str) -> Iterator[ModuleType]:
        """The module of that name in each capability that has one."""
        for capability in self.capabilities:
            full = f"{self.package}.{capability}.{name}"
            if importlib.util.find_spec(full) is not None:
                yield importlib.import_module(full)

    def routers(self) -> list[Router]:
        """The routes of all capabilities, and the service's dead letters."""
        return [*(module.router for module in self.modules("routes")), dead_letter_routes(self.name)]

    def metadatas(self) -> list[MetaData]:
        """The tables its models declare."""
        found = {id(t.metadata): t.metadata for m in self.modules("models") for t in _tables(m)}
        return list(found.values())

    def _marked(self, mark: str) -> Iterator[tuple[Any, Any]]:
        for module in self.modules("consumers"):
            for _, function in inspect.getmembers(module, inspect.iscoroutinefunction):
                if function.__module__ == module.__name__ and hasattr(function, mark):
                    yield getattr(function, mark), function

    def handlers(self) -> dict[type[Event], list[Handler]]:
        """What the service does on which event."""
        found: dict[type[Event], list[Handler]] = {}
        for contracts, function in self._marked("__consumes__"):
            for contract in contracts:
                found.setdefault(contract, []).append(function)
        return found

    def due_functions(self) -> dict[str, DueFunction]:
        """What the service does when due times arrive."""
        return dict(self._marked("__due_kind__"))

    def job_functions(self) -> dict[str, JobFunction]:
        """The service's long jobs."""
        return dict(self._marked("__job_kind__"))

    def app(self) -> FastAPI:
        """The ASGI app with all routes; it answers once `run` has hung its edge on it."""
        app = ServiceApp(title=self.title, version="1", docs_url=None, redoc_url=None, openapi_url=None)
        app.add_operations(self.routers())
        add_openapi(app)
        return app


def _tables(module: ModuleType) -> list[type[TenantRow]]:
    return [
        table
        for _, table in inspect.getmembers(module, inspect.isclass)
        if issubclass(table, TenantRow)
        and table.__module__ == module.__name__
        and hasattr(table, "__table__")
    ]


class Running:
    """A service at work: pools, relay, inbox, scheduler, jobs and the app."""

    def __init__(
        self,
        service: Service,
        *,
        dsn: str,
        settings: KernelSettings,
        transport: Transport,
        verifier: TokenVerifier,
        app: FastAPI | None = None,
    ) -> None:
        name = service.name
        self.service = service
        self.settings = settings
        self.transport = transport
        self.app_db = _database(dsn, tenancy.app_role(name), settings, settings.app_pool_size)
        self.worker_db = _database(dsn, tenancy.worker_role(name), settings, settings.worker_pool_size)
        self.tenants = Tenants()
        self.relay = Relay(name, self.worker_db, transport, settings)
        wake = self.facts_committed
        self.inbox = Inbox(
            name, self.app_db, self.worker_db, service.handlers(), self.tenants, settings, wake, self._held
        )
        self.retries = Retries(name, self.app_db, self.worker_db, self.inbox, settings)
        self.scheduler = Scheduler(
            name, self.app_db, self.worker_db, service.due_functions(), self.tenants, settings, wake
        )
        self.jobs = JobRunner(
            name, self.app_db, self.worker_db, service.job_functions(), self.tenants, wake, self._job_queued
        )
        self.doorbell = Doorbell(name, self.worker_db, self._heard())
        self.subscription: Subscription | None = None
        self.working = False
        self.leaving = False
        self._stopping = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self.app = app or service.app()
        self.app.state.edge = EdgeState(name, self.app_db, verifier, wake, settings.max_body_bytes)
        self.app.state.running = self
        add_health(self.app)
        add_provisioning(self.app)

    def _heard(self) -> dict[str, Callable[[], None]]:
        """What to do when another process of the service has rung."""
        return {FACTS: self.relay.wake, HELD: self.inbox.wake, JOBS: self.jobs.alarm.ring}

    def facts_committed(self) -> None:
        """Wake our relay, and those of the service's other processes: they own partitions, too."""
        self.relay.wake()
        self.doorbell.ring(FACTS)

    def retry_now(self) -> None:
        """An event may be tried again that was given up or waited: look now, whichever process does."""
        self.inbox.wake()
        self._held()

    def _held(self) -> None:
        """Let the service's other processes learn when a held event is due, in case we are gone by then."""
        self.doorbell.ring(HELD)

    def _job_queued(self) -> None:
        self.doorbell.ring(JOBS)

    async def start(self, *, work: bool = True, among_others: bool = False) -> None:
        """Check the database's protection, then begin; `work=False` answers requests only.

        `among_others` says that the service has further processes, which are to hear of what we commit.
        """
        try:
            async with self.app_db.transaction(None) as tx:
                await tenancy.boot_guard(tx.sql, self.service.name)
            if among_others:
                self.doorbell.start()
            if work:
                await self._begin_work()
        except BaseException:
            await self.stop()
            raise

    async def _begin_work(self) -> None:
        self.working = True
        if self.inbox.types:  # before the relay: a fact published before its queue is bound would be unrouted
            self.subscription = await self.transport.subscribe(
                self.service.name,
                self.inbox.types,
                self.inbox.deliver,
                concurrency=TOGETHER,
            )
        self.relay.start()
        name, stopping, linger = self.service.name, self._stopping, self.settings.linger_seconds
        for kind, loop in (
            ("retries", run_retries(self.retries, stopping, self._pause(self.inbox.types), linger)),
            ("scheduler", run_scheduler(self.scheduler, stopping, self._pause(self.scheduler.kinds))),
            ("jobs", run_jobs(self.jobs, stopping, self._pause(self.jobs.kinds))),
            ("housekeeping", run_housekeeping(self.worker_db, self.settings, stopping)),
        ):
            self._tasks.append(asyncio.create_task(loop, name=f"{kind}:{name}"))

    def _pause(self, kinds: Collection[str]) -> float:
        """How long a loop rests; longer where only the metrics need it, since nothing here leaves it work."""
        poll = self.settings.poll_seconds
        return poll if kinds else max(poll, REPORT_SECONDS)

    def leave(self) -> None:
        """Tell whoever asks for readiness to send requests elsewhere; `stop` follows."""
        self.leaving = True

    async def stop(self) -> None:
        """Take no more work, finish what is in hand, publish what it left, let go of the database."""
        self._stopping.set()
        self.inbox.wake()
        self.jobs.alarm.ring()
        if self.subscription is not None:
            # A handler that never returns must not keep the process: cancelled, its message comes again.
            with suppress(TimeoutError):
                await asyncio.wait_for(self.subscription.stop(), self.settings.shutdown_seconds)
        with suppress(TimeoutError):
            await asyncio.wait_for(self.inbox.settle(), self.settings.shutdown_seconds)
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=self.settings.shutdown_seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
        with suppress(TimeoutError):
            await asyncio.wait_for(self.relay.stop(), self.settings.shutdown_seconds)
        await self.doorbell.stop()
        await self.app_db.close()
        await self.worker_db.close()

    def complaints(self) -> list[str]:
        """What keeps this process from doing its work right now; none means ready."""
        if self.leaving:
            return ["this process is stopping"]
        if not self.working:
            return []
        found = [f"{task.get_name()} has ended" for task in self._tasks if task.done()]
        if not self.relay.healthy:
            found.append("the relay does not reach its database")
        if self.subscription is not None and not self.subscription.healthy:
            found.append("the consumer does not reach its queue")
        return found


def _database(dsn: str, role: str, settings: KernelSettings, size: int) -> Database:
    return Database(
        dsn,
        user=role,
        password=tenancy.role_password(settings.role_secret, role),
        size=size,
        application_name=role,
    )


@asynccontextmanager
async def running(
    service: Service, *, dsn: str, settings: KernelSettings, transport: Transport, verifier: TokenVerifier
) -> AsyncIterator[Running]:
    """A started service for the length of a block."""
    found = Running(service, dsn=dsn, settings=settings, transport=transport, verifier=verifier)
    await found.start()
    try:
        yield found
    finally:
        await found.stop()
