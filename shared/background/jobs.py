"""Long jobs: work that outlives its request, with progress, a checkpoint, a result, and an owner who learns its end.

    @on_job("thing_export", unfinished=actions.close_export)
    async def export_things(run: JobRun) -> None:
        after = (run.checkpoint or {}).get("after")
        while …:
            async with run.transaction() as ctx:
                …
                await run.progress(ctx, done, total, checkpoint={"after": after})

A job works in steps, each a transaction of `run.transaction()`. When its process is killed or stopped, or loses its
lease, its function is called again and finds in `run.checkpoint` what the last committed step has stored there. A
step of which the job was cancelled meanwhile, or taken up by another process, leaves nothing: each run is told from
the others by its number (`attempts`), which is asked for before every commit. The lease is renewed beside the work,
so that a long step needs no report to keep the job.

A job that a request queues begins at its commit, where a process is free for it; any other at the next poll. Whose
turn it is says `shared.background.job_queue`.
"""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, Literal
from uuid import UUID

import asyncpg
import orjson

from shared.blobs.records import delete_blob, keep_blob
from shared.blobs.refs import BlobKey, BlobRef
from shared.blobs.uploads import store_upload
from shared.context.ctx import Actor, Ctx
from shared.context.unit_of_work import Runtime, unit_of_work
from shared.values.ids import new_id

LEASE_SECONDS = 15
LONGEST_CHECKPOINT = 8192  # bytes of JSON: it names a place, it does not hold what was found there


class JobCancelled(Exception):  # noqa: N818 - named for what happened
    """Somebody cancelled the job, or another process has it; raised in its function by its next step or report."""


class JobStopped(Exception):  # noqa: N818 - named for what happened
    """The process is to end; raised in a job's function instead of its next step. It goes on at its checkpoint."""


@dataclass(frozen=True, slots=True)
class Unfinished:
    """How a job ended without having finished: a code, and a sentence for who asked for it that tells no internals."""

    state: Literal["failed", "cancelled"]
    code: str
    message: str


CANCELLED = Unfinished("cancelled", "job_cancelled", "It was cancelled; what was done before stays.")


class JobRun:
    """One run of one job, handed to its function.

    `checkpoint` is what the last committed step of an earlier run has stored; None when there was none.
    """

    def __init__(self, runtime: Runtime, row: asyncpg.Record, stopping: asyncio.Event) -> None:
        """`row` is the job as it was claimed."""
        self.job_id: UUID = row["id"]
        self.tenant_id: UUID = row["tenant_id"]
        self.checkpoint: Any = None if row["checkpoint"] is None else orjson.loads(row["checkpoint"])
        self._runtime = runtime
        self._row = row
        self._stopping = stopping

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Ctx]:
        """A committed step of the job, as the person or client who asked for it; nothing of it if the job is lost."""
        if self._stopping.is_set():
            raise JobStopped
        async with as_its_owner(self._runtime, self._row) as ctx:
            yield ctx
            await self._still_ours(ctx)

    async def progress(
        self, ctx: Ctx, done: int, total: int | None = None, *, checkpoint: object = None
    ) -> None:
        """Report how far the job is, in the step's own transaction, and where it goes on should this run end here.

        A checkpoint is a little JSON (a row number, an id): no content, nothing private. None leaves the one before.
        """
        stored = None if checkpoint is None else orjson.dumps(checkpoint)
        if stored is not None and len(stored) > LONGEST_CHECKPOINT:
            raise ValueError(f"a checkpoint has {LONGEST_CHECKPOINT} bytes at most, not {len(stored)}")
        await self._still_ours(ctx, done, total, None if stored is None else stored.decode())

    async def store_result(
        self, content: bytes | AsyncIterable[bytes], *, file_name: str, media_type: str
    ) -> BlobRef:
        """Put a result into the file store, outside any step; `leave_result` makes it the job's.

        The service needs the port `Blobs`.
        """
        chunks = _whole(content) if isinstance(content, bytes) else content
        key = BlobKey(self.tenant_id, self._runtime.name, new_id())
        ref = await store_upload(self._runtime, key, chunks, claimed_type=media_type, file_name=file_name)
        return replace(ref, media_type=media_type)  # made by us: what it is need not be guessed

    async def leave_result(self, ctx: Ctx, ref: BlobRef) -> None:
        """Leave a stored file as the job's result, in a step's own transaction; an earlier one is let go of."""
        await self._still_ours(ctx)
        of_the_job = (ctx.tenant.id, self.job_id)
        before = await ctx.sql.fetchval(
            "select result_id from jobs where tenant_id = $1 and id = $2", *of_the_job
        )
        if before is not None:
            await delete_blob(ctx, before)
        kept = await keep_blob(ctx, ref)
        await ctx.sql.execute(
            "update jobs set result_id = $3 where tenant_id = $1 and id = $2", *of_the_job, kept
        )

    async def _still_ours(
        self, ctx: Ctx, done: int | None = None, total: int | None = None, checkpoint: str | None = None
    ) -> None:
        """Write the report and renew the lease; from here to the commit nobody can cancel or take up the job."""
        # The clock, not now(): a lease counted from the begin of a long step would be over at its end.
        ours = await ctx.sql.fetchval(
            "update jobs set done = coalesce($4, done), total = coalesce($5, total), "
            "checkpoint = coalesce($6, checkpoint), lease_until = clock_timestamp() + make_interval(secs => $7) "
            "where tenant_id = $1 and id = $2 and state = 'running' and attempts = $3 returning true",
            self.tenant_id,
            self.job_id,
            self._row["attempts"],
            done,
            total,
            checkpoint,
            LEASE_SECONDS,
        )
        if not ours:
            raise JobCancelled


JobFunction = Callable[[JobRun], Awaitable[object]]
WhenUnfinished = Callable[[Ctx, UUID, Unfinished], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Job:
    """A kind of job.

    `unfinished` is what is done, in the same transaction, when one fails, was begun too often or is cancelled: it
    closes what the job works on. `reads` is the scope that seeing such a job needs beside the service's own
    `<service>:read`; one that some operation of the service needs, too.
    """

    kind: str
    function: JobFunction
    unfinished: WhenUnfinished | None = None
    reads: str = ""


Jobs = Mapping[str, Job]


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


async def cancel_job(ctx: Ctx, job_id: UUID) -> bool:
    """Have a job stop, at its next step at the latest; returns whether it was not over yet.

    Who calls this closes what the job works on; `unfinished` is for those who do not know what that is.
    """
    cancelled = await ctx.sql.fetchval(
        "update jobs set state = 'cancelled', finished_at = now() where tenant_id = $1 and id = $2 "
        "and state in ('pending', 'running') returning true",
        ctx.tenant.id,
        job_id,
    )
    return cancelled is not None


def as_its_owner(runtime: Runtime, row: asyncpg.Record) -> AbstractAsyncContextManager[Ctx]:
    """A unit of work for a job, as the person or client who asked for it."""
    return unit_of_work(
        runtime,
        row["tenant_id"],
        Actor(row["actor_id"], row["actor_kind"]),
        request_id=row["request_id"],
        traceparent=row["traceparent"],
        patient=True,
    )


async def _whole(content: bytes) -> AsyncIterator[bytes]:
    yield content
