"""Long jobs: work that outlives its request, with progress, a lease and resumption after a crash.

A job's function is called again from the start when its process died (its lease ran out): it must find out
from its own tables what is already done. It works in transactions of its own through `run.transaction()`.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from uuid import UUID

import asyncpg
import structlog

from shared import telemetry
from shared.ctx import Actor, Ctx
from shared.db import Database
from shared.tenants import Tenants
from shared.work import leave_work

log = structlog.get_logger()
LEASE_SECONDS = 15
MAX_ATTEMPTS = 5


class JobCancelled(Exception):
    """Somebody cancelled the job; raised in its function at its next progress report."""


class JobRun:
    """One run of one job, handed to its function."""

    def __init__(
        self,
        service: str,
        app: Database,
        tenants: Tenants,
        wake_relay: Callable[[], None],
        row: asyncpg.Record,
    ) -> None:
        self.job_id: UUID = row["id"]
        self.tenant_id: UUID = row["tenant_id"]
        self._service = service
        self._app = app
        self._tenants = tenants
        self._wake_relay = wake_relay
        self._row = row

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Ctx]:
        """A committed step of the job, as the person or client who asked for it."""
        facts = False
        async with self._app.transaction(self.tenant_id) as tx:
            ctx = Ctx(
                service=self._service,
                tx=tx,
                tenant=await self._tenants.facts(tx, self.tenant_id),
                actor=Actor(self._row["actor_id"], self._row["actor_kind"]),
                scopes=frozenset(),
                now=await self._tenants.now(tx, self.tenant_id),
                request_id=self._row["request_id"],
                traceparent=self._row["traceparent"],
            )
            yield ctx
            facts = await leave_work(ctx)
        if facts:
            self._wake_relay()

    async def progress(self, ctx: Ctx, done: int, total: int | None = None) -> None:
        """Report how far the job is and renew its lease, in the step's own transaction."""
        state = await ctx.sql.fetchval(
            "update jobs set done = $3, total = coalesce($4, total), lease_until = now() + make_interval(secs => $5) "
            "where tenant_id = $1 and id = $2 returning state",
            self.tenant_id,
            self.job_id,
            done,
            total,
            LEASE_SECONDS,
        )
        if state == "cancelled":
            raise JobCancelled


JobFunction = Callable[[JobRun], Awaitable[object]]

CLAIM = """
update jobs set state = 'running', attempts = attempts + 1, lease_until = now() + make_interval(secs => $1)
where (tenant_id, id) in (
  select tenant_id, id from jobs where state = 'pending' or (state = 'running' and lease_until < now())
  order by created_at limit 1 for update skip locked)
returning *
"""


async def start_job(ctx: Ctx, kind: str, job_id: UUID, *, total: int | None = None) -> None:
    """Queue a job under the id of the thing it works on."""
    await ctx.sql.execute(
        "insert into jobs (tenant_id, id, kind, total, actor_id, actor_kind, request_id, traceparent) "
        "values ($1, $2, $3, $4, $5, $6, $7, $8)",
        ctx.tenant.id,
        job_id,
        kind,
        total,
        ctx.actor.id,
        ctx.actor.kind,
        ctx.request_id,
        ctx.traceparent,
    )


async def cancel_job(ctx: Ctx, job_id: UUID) -> None:
    """Have a job stop at its next progress report."""
    await ctx.sql.execute(
        "update jobs set state = 'cancelled', finished_at = now() where tenant_id = $1 and id = $2 "
        "and state in ('pending', 'running')",
        ctx.tenant.id,
        job_id,
    )


class JobRunner:
    """Runs one service's jobs, one at a time per process, so that requests keep the machine."""

    def __init__(
        self,
        service: str,
        app: Database,
        worker: Database,
        functions: Mapping[str, JobFunction],
        tenants: Tenants,
        wake_relay: Callable[[], None],
    ) -> None:
        self._service = service
        self._app = app
        self._worker = worker
        self._functions = functions
        self._tenants = tenants
        self._wake_relay = wake_relay

    async def run_one(self) -> bool:
        """Take up one job if there is one; answers whether there was."""
        async with self._worker.transaction(None) as tx:
            row = await tx.sql.fetchrow(CLAIM, LEASE_SECONDS)
            telemetry.JOBS_OPEN.labels(self._service).set(
                await tx.sql.fetchval("select count(*) from jobs where state in ('pending', 'running')")
            )
        if row is None:
            return False
        run = JobRun(self._service, self._app, self._tenants, self._wake_relay, row)
        try:
            if row["attempts"] > MAX_ATTEMPTS:
                raise RuntimeError(f"the job died {MAX_ATTEMPTS} times; see the log of its process")
            await self._functions[row["kind"]](run)
            await self._finish(row, "done", None)
        except JobCancelled:
            log.info("job cancelled", service=self._service, kind=row["kind"], job_id=str(row["id"]))
        except (asyncpg.PostgresConnectionError, asyncpg.InterfaceError, asyncpg.OperatorInterventionError, OSError):
            raise  # the lease runs out and the job is taken up again
        except Exception as error:  # noqa: BLE001 - a failed job is shown to whoever asked for it
            log.exception("job failed", service=self._service, kind=row["kind"], job_id=str(row["id"]))
            await self._finish(row, "failed", f"{type(error).__name__}: {error}"[:2000])
        return True

    async def _finish(self, row: asyncpg.Record, state: str, error: str | None) -> None:
        async with self._worker.transaction(None) as tx:
            await tx.sql.execute(
                "update jobs set state = $3, error = $4, finished_at = now() where tenant_id = $1 and id = $2 "
                "and state = 'running'",
                row["tenant_id"],
                row["id"],
                state,
                error,
            )


async def run_jobs(runner: JobRunner, stopping: asyncio.Event, poll_seconds: float) -> None:
    """Run jobs until told to stop."""
    while not stopping.is_set():
        try:
            busy = await runner.run_one()
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
            log.warning("job runner lost its database", error=str(error))
            busy = False
        if not busy:
            try:
                await asyncio.wait_for(stopping.wait(), max(poll_seconds, 0.25))
            except TimeoutError:
                continue
