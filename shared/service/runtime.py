"""A service at work: pools, ports, relay, inbox, scheduler, jobs and the app, started and stopped in order."""

import asyncio
from collections.abc import Callable, Collection, Coroutine, Iterator, Sequence
from contextlib import AsyncExitStack, suppress
from functools import partial
from typing import Any

from fastapi import FastAPI

from shared.background.housekeeping import run_housekeeping
from shared.background.job_runner import JobRunner
from shared.background.scheduler import Scheduler, run_scheduler
from shared.base import telemetry
from shared.base.database_errors import DATABASE_ERRORS
from shared.base.health import add_health
from shared.base.loops import REPORT_SECONDS, repeat
from shared.base.settings import KernelSettings
from shared.base.shared_answer import SharedAnswer
from shared.base.side_process import SideProcesses
from shared.bus.transport import Subscription, Transport
from shared.context.ports import Ports
from shared.context.tenants import Tenants
from shared.contracts.event import Envelope
from shared.database import rls
from shared.database.notifier import Notifier
from shared.database.pool import Database
from shared.database.sealing import Keyring, keyring_for, require_known_keys
from shared.http.fast.request_batches import RequestBatches
from shared.http.internal_token import TokenVerifier
from shared.http.request_transaction import EdgeState
from shared.http.waiting import Waiting
from shared.messaging.inbox import BATCH_LIMIT, Inbox
from shared.messaging.relay import Relay
from shared.messaging.retries import Retries, run_retries
from shared.service.manifest import Probe, Service
from shared.service.provisioning import add_provisioning
from shared.values.networks import Networks

FACTS, HELD, JOBS = "facts", "held", "jobs"  # what the notifier is rung for
PROBE_SECONDS = 3.0
READY_SECONDS = 1.0  # how old what is said of database and ports may be, however many ask


class ServiceRuntime:
    """A service at work. It is what units of work belong to (`shared.context.unit_of_work.Runtime`)."""

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
        self.service = service
        self.name = service.name
        self.settings = own_settings(service, settings)
        self.transport = transport
        keys = self.settings.sealing_keys_of(service.keyring)
        self.keyring = keyring_for(self.name, service.metadatas(), keys, keyring=service.keyring)
        self.app_db = _database(
            dsn, rls.app_role(self.name), settings, settings.app_pool_size, self.keyring, shared_out=True
        )
        self.worker_db = _database(dsn, rls.worker_role(self.name), settings, settings.worker_pool_size)
        self.tenants = Tenants()
        self.ports = Ports()
        self.relay = Relay(self.name, self.worker_db, transport, settings)
        self.waiting = Waiting(self.name)
        self.inbox = Inbox(self, service.handlers(), self._held)
        self.retries = Retries(self, self.inbox)
        self.scheduler = Scheduler(self, service.due_functions())
        self.jobs = JobRunner(self, service.jobs(), self._job_queued)
        self.notifier = Notifier(self.name, self.worker_db, self._heard())
        self.subscription: Subscription | None = None
        self.scrapers = Networks(self.settings.metrics_networks)
        self.working = self.leaving = False
        self._dependencies = SharedAnswer(self._missed, seconds=READY_SECONDS)
        self._stopping = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._open_ports = AsyncExitStack()
        self.app = app or service.app()
        self._furnish(self.app, verifier)

    def _furnish(self, app: FastAPI, verifier: TokenVerifier) -> None:
        """Give the app what its routes need of us."""
        edge = EdgeState(self, verifier, self.waiting)
        app.state.runtime, app.state.edge = self, edge
        app.state.batches = RequestBatches(edge, at_once=self.settings.app_pool_size)
        add_health(app)
        add_provisioning(app, edge, self.service.provision)

    def _heard(self) -> dict[str, Callable[[], None]]:
        """What to do when another process of the service has rung."""
        return {FACTS: self._facts_heard, HELD: self.inbox.wake, JOBS: self.jobs.alarm.ring}

    def _facts_heard(self) -> None:
        """Another process has committed facts: their partitions may be ours, and somebody here may wait for them."""
        self.relay.wake()
        self.waiting.hear()

    def facts_committed(self, facts: Sequence[Envelope]) -> None:
        """Wake our relay, those of the service's other processes (they own partitions, too), and who waits for news."""
        self.relay.wake()
        self.notifier.ring(FACTS)
        self.waiting.tell(facts)

    def job_queued(self) -> None:
        """Have a job that was just committed taken up, here or by another process."""
        self.jobs.queued()

    def retry_now(self) -> None:
        """An event may be tried again that was given up or waited: look now, whichever process does."""
        self.inbox.wake()
        self._held()

    def _held(self) -> None:
        """Let the service's other processes learn when a held event is due, in case we are gone by then."""
        self.notifier.ring(HELD)

    def _job_queued(self) -> None:
        self.notifier.ring(JOBS)

    async def start(self, *, work: bool = True, among_others: bool = False) -> None:
        """Check the database's protection, open the ports, then begin; `work=False` takes requests only.

        `among_others` says that the service has further processes, which are to hear of what we commit.
        """
        try:
            async with self.app_db.transaction(None) as tx:
                await rls.boot_guard(tx.sql, self.name)
            if self.keyring is not None:
                async with self.worker_db.transaction(None) as tx:
                    await require_known_keys(tx.sql, self.name, self.keyring)
            made: dict[type, object] = {SideProcesses: self._aside()}
            for kind, make in self.service.ports.items():
                made[kind] = await self._open_ports.enter_async_context(make(self.settings))
            self.ports.open(made)
            if among_others:
                self.notifier.start()
            if work:
                await self._begin_work()
        except BaseException:
            await self.stop()
            raise

    def _aside(self) -> SideProcesses:
        """Processes beside ours, for as long as the ports are open; and have metrics tell what waits."""
        aside = SideProcesses()
        self._open_ports.push_async_callback(aside.close)
        for of, waiting in (
            ("connection", lambda: self.app_db.places.waiting),
            ("document", lambda: aside.share.waiting),
            ("news", lambda: len(self.waiting)),
        ):
            telemetry.PLACES_WAITING.labels(self.name, of).set_function(waiting)
        return aside

    async def _begin_work(self) -> None:
        self.working = True
        if self.inbox.types:  # before the relay: a fact published before its queue is bound would be unrouted
            self.subscription = await self.transport.subscribe(
                self.name,
                self.inbox.types,
                self.inbox.deliver,
                concurrency=BATCH_LIMIT,
            )
        self.relay.start()
        for kind, loop in self._loops():
            self._tasks.append(asyncio.create_task(loop, name=f"{kind}:{self.name}"))

    def _loops(self) -> Iterator[tuple[str, Coroutine[Any, Any, None]]]:
        """The kernel's loops and the service's own."""
        stopping, linger = self._stopping, self.settings.linger_seconds
        yield "retries", run_retries(self.retries, stopping, self._pause(self.inbox.types), linger)
        yield "scheduler", run_scheduler(self.scheduler, stopping, self._pause(self.scheduler.kinds))
        yield "jobs", self.jobs.run(stopping, self._pause(self.jobs.kinds))
        yield "housekeeping", run_housekeeping(self.worker_db, self.settings, stopping)
        for own in self.service.loops:
            yield own.name, repeat(own.name, partial(own.look, self), stopping, own.idle_seconds)

    def _pause(self, kinds: Collection[str]) -> float:
        """How long a loop rests; longer where only the metrics need it, since nothing here leaves it work."""
        poll = self.settings.poll_seconds
        return poll if kinds else max(poll, REPORT_SECONDS)

    def leave(self) -> None:
        """Tell whoever asks for readiness to send requests elsewhere, and hold no reply back; `stop` follows."""
        self.leaving = True
        self.waiting.end()

    async def stop(self) -> None:
        """Take no more work, finish what is in hand, publish what it left, let go of ports and database."""
        self._stopping.set()
        self.waiting.end()
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
        await self._open_ports.aclose()
        await self.notifier.stop()
        await self.app_db.close()
        await self.worker_db.close()

    async def complaints(self) -> list[str]:
        """What keeps this process from doing its work right now; none means ready."""
        if self.leaving:
            return ["this process is stopping"]
        return (self._work_complaints() if self.working else []) + await self._dependencies.get()

    async def _missed(self) -> list[str]:
        """What of database and ports does not answer."""
        found = []
        try:
            async with asyncio.timeout(PROBE_SECONDS), self.app_db.transaction(None) as tx:
                await tx.sql.fetchval("select 1")
        except DATABASE_ERRORS as error:
            found.append(f"the database does not answer: {type(error).__name__}")
        asked = (self._ask(probe) for probe in self.service.probes)
        return found + [said for said in await asyncio.gather(*asked) if said]

    async def _ask(self, probe: Probe) -> str | None:
        try:
            async with asyncio.timeout(PROBE_SECONDS):
                return await probe(self)
        except Exception as error:  # noqa: BLE001 - a probe that fails tells as much as one that complains
            return f"{getattr(probe, '__name__', 'a probe')} failed: {error!r}"

    def _work_complaints(self) -> list[str]:
        found = [f"{task.get_name()} has ended" for task in self._tasks if task.done()]
        if not self.relay.healthy:
            found.append("the relay does not reach its database")
        if self.subscription is not None and not self.subscription.healthy:
            found.append("the consumer does not reach its queue")
        return found


def own_settings(service: Service, given: KernelSettings) -> KernelSettings:
    """A service's settings: those given, and its own from the environment where they are of the kernel only."""
    if isinstance(given, service.settings):
        return given
    known = set(service.settings.model_fields) & set(type(given).model_fields)
    return service.settings(**given.model_dump(include=known))


def _database(
    dsn: str,
    role: str,
    settings: KernelSettings,
    size: int,
    keyring: Keyring | None = None,
    *,
    shared_out: bool = False,
) -> Database:
    database = Database(
        dsn,
        user=role,
        password=rls.password_of(settings, role),
        size=size,
        application_name=role,
        shared_out=shared_out,
    )
    database.keyring = keyring
    return database
