"""Running jobs: several at a time in each process, one tenant's at most half of them."""

import asyncio
from collections import Counter
from collections.abc import Callable, Collection

import asyncpg
import structlog

from shared.background import job_queue, jobs
from shared.background.jobs import (
    Job,
    JobCancelled,
    JobRun,
    Jobs,
    JobStopped,
    Unfinished,
    WhenUnfinished,
    as_its_owner,
)
from shared.base import telemetry
from shared.base.database_errors import DATABASE_ERRORS, REPEATABLE
from shared.base.error_text import error_text
from shared.base.loops import REPORT_SECONDS, LoopAlarm, Seldom, repeat
from shared.context.unit_of_work import Runtime
from shared.database.pool import DatabaseAway
from shared.values.faults import Busy, Fault, Unavailable

log = structlog.get_logger()
MAX_ATTEMPTS = 5
AWAY = (DatabaseAway, Unavailable)
LATER = (*AWAY, Busy, *REPEATABLE, asyncpg.LockNotAvailableError, asyncpg.QueryCanceledError)

FAILED = Unfinished(
    "failed",
    "job_failed",
    "The work ended with an error on our side; what was done before stays. Quote the job's id.",
)
DIED = Unfinished(
    "failed",
    "job_died",
    f"The work was begun {MAX_ATTEMPTS} times and never ended; what was done before stays. Quote the job's id.",
)


class BegunTooOften(Exception):  # noqa: N818 - named for what happened
    """The job's process died, or gave up, each time it was begun; its log says why."""


class JobRunner:
    """Runs one service's jobs; so few at a time that requests keep the machine."""

    def __init__(self, runtime: Runtime, kinds: Jobs, tell_others: Callable[[], None] = lambda: None) -> None:
        """`tell_others` is called when the service's other processes are to look for jobs, too."""
        self._runtime = runtime
        self._worker = runtime.worker_db
        self.service = runtime.name
        self.alarm = LoopAlarm()
        self._tell_others = tell_others
        self._jobs = kinds
        self._places = runtime.settings.job_places
        self._of_one = max(1, self._places // 2)
        self._at_work: dict[asyncio.Task[None], asyncpg.Record] = {}
        self._stopping = asyncio.Event()
        self._reporting = Seldom(REPORT_SECONDS)

    @property
    def kinds(self) -> Collection[str]:
        """What jobs there may be."""
        return self._jobs.keys()

    def queued(self) -> None:
        """A job waits: look now, and let the service's other processes look; one of them has it first."""
        self.alarm.ring()
        self._tell_others()

    async def run(self, stopping: asyncio.Event, poll_seconds: float) -> None:
        """Run jobs until told to stop; those at work end with their step then, and go on where a process is free."""
        self._stopping = stopping
        try:
            await repeat("jobs", self.take_up, stopping, max(poll_seconds, 0.25), alarm=self.alarm)
            if self._at_work:
                await asyncio.wait(self._at_work)
        finally:
            at_work = list(self._at_work)
            for task in at_work:
                task.cancel()
            await asyncio.gather(*at_work, return_exceptions=True)

    async def take_up(self) -> bool:
        """Begin one job where a place is free and somebody's turn has come; returns whether more may be waiting."""
        if self._reporting.due():
            await job_queue.report(self._worker, self.service)
        if len(self._at_work) >= self._places:
            return False  # the next one that ends rings
        waiting, next_lapse = await job_queue.look(self._worker, self.kinds)
        if next_lapse is not None:  # should its process have died, the job is taken up then
            self.alarm.ring(next_lapse)
        row = await self._claim() if waiting else None
        if row is None:
            return False
        task = asyncio.create_task(self._work(row), name=f"job {row['id']}")
        self._at_work[task] = row
        task.add_done_callback(self._ended)
        return True

    async def _claim(self) -> asyncpg.Record | None:
        here = Counter(row["tenant_id"] for row in self._at_work.values())
        have_their_share = [
            tenant_id for tenant_id, jobs_of_one in here.items() if jobs_of_one >= self._of_one
        ]
        return await job_queue.claim(
            self._worker, self.kinds, but_of=have_their_share, seconds=jobs.LEASE_SECONDS
        )

    def _ended(self, task: asyncio.Task[None]) -> None:
        """A place is free again."""
        row = self._at_work.pop(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            # Mostly the database: its lease runs out and the job is taken up again.
            log.warning("a job's end was not stored", **self._named(row), error=error_text(error))
        self.alarm.ring()

    async def _work(self, row: asyncpg.Record) -> None:
        """One run of one job, whatever comes of it."""
        job = self._jobs[row["kind"]]
        try:
            if row["attempts"] - row["given_back"] > MAX_ATTEMPTS:
                raise BegunTooOften
            await self._under_lease(JobRun(self._runtime, row, self._stopping), job, row)
            if await self._change(job_queue.DONE, row):
                telemetry.JOBS_ENDED.labels(self.service, "done").inc()
        except JobCancelled:
            log.info("job cancelled, or taken up elsewhere", **self._named(row))
        except JobStopped:
            await self._give_back(row)
        except asyncio.CancelledError:
            await self._give_back(row)
            raise
        except LATER as error:
            log.warning("job put off", **self._named(row), error=error_text(error))
            if isinstance(error, AWAY):
                await self._change(job_queue.EXCUSE, row)
        except Exception as error:
            log.exception("job failed", **self._named(row))
            await self._fail(job, row, _told(error))

    async def _under_lease(self, run: JobRun, job: Job, row: asyncpg.Record) -> None:
        """Call the job's function and renew the lease beside it; who loses the lease is interrupted."""
        work = asyncio.ensure_future(job.function(run))
        heart = asyncio.create_task(self._keep_lease(row), name=f"lease of job {row['id']}")
        try:
            await asyncio.wait((work, heart), return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                raise JobCancelled
            if work.cancelled():  # by itself: taken for a stop of ours it would be begun again for ever
                raise RuntimeError("the job's function ended as if it had been cancelled")
            await work
        finally:
            work.cancel()
            heart.cancel()
            await asyncio.gather(work, heart, return_exceptions=True)

    async def _keep_lease(self, row: asyncpg.Record) -> None:
        """Renew the lease until it is somebody else's, or nobody's; while a step holds the row, nobody can claim it."""
        ours = True
        while ours:
            await asyncio.sleep(jobs.LEASE_SECONDS / 3)
            try:
                ours = await self._change(job_queue.RENEW, row, jobs.LEASE_SECONDS)
            except DATABASE_ERRORS as error:
                log.warning("lease not renewed", **self._named(row), error=error_text(error))

    async def _give_back(self, row: asyncpg.Record) -> None:
        """Let another process go on at the checkpoint."""
        await self._change(job_queue.GIVE_BACK, row)
        self._tell_others()

    async def _fail(self, job: Job, row: asyncpg.Record, why: Unfinished) -> None:
        """End a job as failed, together with what it works on."""
        try:
            await self._end(row, why, job.unfinished)
        except (JobCancelled, *LATER):
            raise  # its lease runs out, and then this is done
        except Exception:
            log.exception("what is done for a failed job has failed itself", **self._named(row))
            await self._end(row, why, None)
        telemetry.JOBS_ENDED.labels(self.service, "failed").inc()

    async def _end(self, row: asyncpg.Record, why: Unfinished, unfinished: WhenUnfinished | None) -> None:
        """Tell the owner first, then end the job: in the order in which a cancellation locks the two."""
        async with as_its_owner(self._runtime, row) as ctx:
            if unfinished is not None:
                await unfinished(ctx, row["id"], why)
            ours = await ctx.sql.fetchval(
                job_queue.FAIL, row["tenant_id"], row["id"], row["attempts"], why.code, why.message
            )
            if not ours:
                raise JobCancelled

    async def _change(self, statement: str, row: asyncpg.Record, *values: object) -> bool:
        return await job_queue.change(self._worker, statement, row, *values)

    def _named(self, row: asyncpg.Record) -> dict[str, str]:
        """What a line of the log says of a job."""
        return {
            "service": self.service,
            "kind": row["kind"],
            "job_id": str(row["id"]),
            "tenant_id": str(row["tenant_id"]),
        }


def _told(error: Exception) -> Unfinished:
    """What is told of a failure: a refusal in its own words, of anything else only that it happened."""
    if isinstance(error, BegunTooOften):
        return DIED
    if isinstance(error, Fault):
        return Unfinished("failed", error.code, error.detail[:1000].replace("\x00", "\ufffd"))
    return FAILED
