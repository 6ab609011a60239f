"""A service at work: pools, relay, inbox, scheduler, jobs and the app, started and stopped in order."""

import asyncio
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress

from fastapi import FastAPI

from shared.background.housekeeping import run_housekeeping
from shared.background.jobs import JobRunner, run_jobs
from shared.background.scheduler import Scheduler, run_scheduler
from shared.base.health import add_health
from shared.base.loops import REPORT_SECONDS
from shared.base.settings import KernelSettings
from shared.bus.transport import Subscription, Transport
from shared.context.tenants import Tenants
from shared.contracts.event import Envelope
from shared.database import rls
from shared.database.notifier import Notifier
from shared.database.pool import Database
from shared.http.fast.request_batches import RequestBatches
from shared.http.internal_token import TokenVerifier
from shared.http.router import EdgeState
from shared.http.waiting import Waiting
from shared.messaging.inbox import BATCH_LIMIT, Inbox
from shared.messaging.relay import Relay
from shared.messaging.retries import Retries, run_retries
from shared.service.manifest import Service
from shared.service.provisioning import add_provisioning

FACTS, HELD, JOBS = "facts", "held", "jobs"  # what the notifier is rung for


class ServiceRuntime:
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
        self.app_db = _database(dsn, rls.app_role(name), settings, settings.app_pool_size)
        self.worker_db = _database(dsn, rls.worker_role(name), settings, settings.worker_pool_size)
        self.tenants = Tenants()
        self.relay = Relay(name, self.worker_db, transport, settings)
        self.waiting = Waiting()
        told = self.facts_committed
        self.inbox = Inbox(
            name, self.app_db, self.worker_db, service.handlers(), self.tenants, settings, told, self._held
        )
        self.retries = Retries(name, self.app_db, self.worker_db, self.inbox, settings)
        self.scheduler = Scheduler(
            name, self.app_db, self.worker_db, service.due_functions(), self.tenants, settings, told
        )
        self.jobs = JobRunner(
            name, self.app_db, self.worker_db, service.job_functions(), self.tenants, told, self._job_queued
        )
        self.notifier = Notifier(name, self.worker_db, self._heard())
        self.subscription: Subscription | None = None
        self.working = self.leaving = False
        self._stopping = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self.app = app or service.app()
        self._furnish(self.app, verifier)

    def _furnish(self, app: FastAPI, verifier: TokenVerifier) -> None:
        """Give the app what its routes need of us."""
        edge = EdgeState(
            service=self.service.name,
            app=self.app_db,
            verifier=verifier,
            facts_committed=self.facts_committed,
            job_queued=self.jobs.queued,
            waiting=self.waiting,
            max_body=self.settings.max_body_bytes,
        )
        app.state.edge, app.state.rounds = edge, RequestBatches(edge, at_once=self.settings.app_pool_size)
        app.state.running = self
        add_health(app)
        add_provisioning(app)

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
        """Check the database's protection, then begin; `work=False` answers requests only.

        `among_others` says that the service has further processes, which are to hear of what we commit.
        """
        try:
            async with self.app_db.transaction(None) as tx:
                await rls.boot_guard(tx.sql, self.service.name)
            if among_others:
                self.notifier.start()
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
                concurrency=BATCH_LIMIT,
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
        """Tell whoever asks for readiness to send requests elsewhere, and hold no answer back; `stop` follows."""
        self.leaving = True
        self.waiting.end()

    async def stop(self) -> None:
        """Take no more work, finish what is in hand, publish what it left, let go of the database."""
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
        await self.notifier.stop()
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
        password=rls.role_password(settings.role_secret, role),
        size=size,
        application_name=role,
    )
