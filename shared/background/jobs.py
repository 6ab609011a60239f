"""Long jobs: work that outlives its request, with progress, a lease and resumption after a crash.

A job's function is called again from the start when its process died (its lease ran out) or was stopped: it must
find out from its own tables what is already done. It works in transactions of its own through
`run.transaction()`. The lease is renewed beside it, so that a long step needs no report to keep the job.

A job that a request queues begins at its commit, where a process is free for it; any other at the next poll.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import AbstractAsyncContextManager
from uuid import UUID

import asyncpg
import structlog

from shared.base import telemetry
from shared.base.database_errors import DATABASE_ERRORS
from shared.base.loops import LoopAlarm, repeat
from shared.context.ctx import Actor, Ctx
from shared.context.unit_of_work import Runtime, unit_of_work
from shared.database.pool import DatabaseAway
from shared.values.faults import Unavailable

log = structlog.get_logger()
LEASE_SECONDS = 15
MAX_ATTEMPTS = 5


class JobCancelled(Exception):  # noqa: N818 - named for what happened
    """Somebody cancelled the job, or another process has it; raised in its function at its next progress report."""


class JobRun:
    """One run of one job, handed to its function."""

    def __init__(self, runtime: Runtime, row: asyncpg.Record) -> None:
        self.job_id: UUID = row["id"]
        self.tenant_id: UUID = row["tenant_id"]
        self._runtime = runtime
        self._row = row
        self._attempt: int = row["attempts"]

    def transaction(self) -> AbstractAsyncContextManager[Ctx]:
        """A committed step of the job, as the person or client who asked for it."""
        return unit_of_work(
            self._runtime,
            self.tenant_id,
            Actor(self._row["actor_id"], self._row["actor_kind"]),
            request_id=self._row["request_id"],
            traceparent=self._row["traceparent"],
            patient=True,
        )

    async def progress(self, ctx: Ctx, done: int, total: int | None = None) -> None:
        """Report how far the job is and renew its lease, in the step's own transaction."""
        state = await ctx.sql.fetchval(
            "update jobs set done = $3, total = coalesce($4, total), lease_until = now() + make_interval(secs => $5) "
            "where tenant_id = $1 and id = $2 and state = 'running' and attempts = $6 returning state",
            self.tenant_id,
            self.job_id,
            done,
            total,
            LEASE_SECONDS,
            self._attempt,
        )
        if state is None:
            raise JobCancelled


JobFunction = Callable[[JobRun], Awaitable[object]]

OPEN = """
select count(*) as open, coalesce(bool_or(state = 'pending' or lease_until < now()), false) as waiting,
  extract(epoch from min(lease_until) filter (where lease_until >= now()) - now())::float8 as next_lapse
from jobs where state in ('pending', 'running') and kind = any($1)
"""

CLAIM = """
with next as materialized (
  select tenant_id, id from jobs where kind = any($2)
  and (state = 'pending' or (state = 'running' and lease_until < now()))
  order by created_at limit 1 for update skip locked)
update jobs set state = 'running', attempts = attempts + 1, lease_until = now() + make_interval(secs => $1)
from next where jobs.tenant_id = next.tenant_id and jobs.id = next.id
returning jobs.*
"""

RENEW = """
update jobs set lease_until = now() + make_interval(secs => $4)
where tenant_id = $1 and id = $2 and state = 'running' and attempts = $3
"""

# A stop of the process is no failure of the job: the try does not count.
RELEASE = """
update jobs set state = 'pending', attempts = attempts - 1, lease_until = null
where tenant_id = $1 and id = $2 and state = 'running' and attempts = $3
"""

FINISH = """
update jobs set state = $4, error = $5, finished_at = now()
where tenant_id = $1 and id = $2 and state = 'running' and attempts = $3
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
    ctx.job_queued = True


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
        runtime: Runtime,
        functions: Mapping[str, JobFunction],
        tell_others: Callable[[], None] = lambda: None,
    ) -> None:
        """`tell_others` is called when the service's other processes are to look for jobs, too."""
        self._runtime = runtime
        self.service = runtime.name
        self.alarm = LoopAlarm()
        self._tell_others = tell_others
        self._functions = functions

    @property
    def kinds(self) -> Collection[str]:
        """What jobs there may be."""
        return self._functions.keys()

    def queued(self) -> None:
        """A job waits: look now, and let the service's other processes look; one of them has it first."""
        self.alarm.ring()
        self._tell_others()

    async def run_one(self) -> bool:
        """Take up one job if there is one; returns whether there was."""
        (jobs,) = await self._runtime.worker_db.repeatable(OPEN, list(self._functions))
        telemetry.JOBS_OPEN.labels(self.service).set(jobs["open"])
        if jobs["next_lapse"] is not None:  # should its process have died, the job is taken up then
            self.alarm.ring(jobs["next_lapse"])
        if not jobs["waiting"]:
            return False
        async with self._runtime.worker_db.transaction(None) as tx:
            row = await tx.sql.fetchrow(CLAIM, LEASE_SECONDS, list(self._functions))
        if row is None:
            return False
        run = JobRun(self._runtime, row)
        heart = asyncio.create_task(self._keep_lease(row), name=f"lease of job {row['id']}")
        try:
            await self._run(run, row)
        finally:
            heart.cancel()
            await asyncio.gather(heart, return_exceptions=True)
        return True

    async def _run(self, run: JobRun, row: asyncpg.Record) -> None:
        try:
            if row["attempts"] > MAX_ATTEMPTS:
                raise RuntimeError(f"the job died {MAX_ATTEMPTS} times; see the log of its process")
            await self._functions[row["kind"]](run)
            await self._change(FINISH, row, "done", None)
        except JobCancelled:
            log.info("job cancelled", service=self.service, kind=row["kind"], job_id=str(row["id"]))
        except asyncio.CancelledError:
            await self._change(RELEASE, row)
            self._tell_others()
            raise
        except (DatabaseAway, Unavailable):
            raise  # the lease runs out and the job is taken up again
        except Exception as error:
            log.exception("job failed", service=self.service, kind=row["kind"], job_id=str(row["id"]),
                          tenant_id=str(row["tenant_id"]))  # fmt: skip
            sentence = f"{type(error).__name__}: {error}"[:2000].replace("\x00", "\ufffd")
            await self._change(FINISH, row, "failed", sentence)

    async def _keep_lease(self, row: asyncpg.Record) -> None:
        """Renew the lease while the job runs; while a step holds the row, nobody else can claim it either."""
        while True:
            await asyncio.sleep(LEASE_SECONDS / 3)
            try:
                await self._change(RENEW, row, LEASE_SECONDS)
            except DATABASE_ERRORS as error:
                log.warning(
                    "lease not renewed", service=self.service, job_id=str(row["id"]), error=repr(error)
                )

    async def _change(self, statement: str, row: asyncpg.Record, *values: object) -> None:
        async with self._runtime.worker_db.transaction(None) as tx:
            await tx.sql.execute(statement, row["tenant_id"], row["id"], row["attempts"], *values)


async def run_jobs(runner: JobRunner, stopping: asyncio.Event, poll_seconds: float) -> None:
    """Run jobs until told to stop."""
    await repeat("jobs", runner.run_one, stopping, max(poll_seconds, 0.25), alarm=runner.alarm)
