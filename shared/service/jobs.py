"""Long jobs over HTTP: `/v1/<service>-jobs`, in one shape for every service that has any."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Literal
from uuid import UUID

import asyncpg
from fastapi import Query, Request
from starlette.responses import Response

from shared.background.job_runner import FAILED
from shared.background.jobs import CANCELLED, Jobs, cancel_job
from shared.blobs.records import find_blob
from shared.context.ctx import Ctx
from shared.context.lifecycle import IllegalTransition
from shared.http.documents import FILE
from shared.http.downloads import Download
from shared.http.paging import Page, PageDep, page_of
from shared.http.router import CtxDep, Router
from shared.values.faults import NotFound
from shared.values.fields import Code, Timestamp, WireModel

State = Literal["pending", "running", "done", "failed", "cancelled"]
OPEN = ("pending", "running")

COLUMNS = """
select j.id, j.kind, j.state, j.done, j.total, j.error_code, j.error, j.created_at, j.started_at, j.finished_at,
  j.result_id, b.file_name, b.media_type, b.size
from jobs j left join blobs b on b.tenant_id = j.tenant_id and b.id = j.result_id and b.state = 'kept'
"""
LIST = f"""{COLUMNS}
where j.tenant_id = $1 and j.id < $2 and j.kind = any($3) and ($4::text is null or j.state = $4)
order by j.id desc limit $5
"""
GET = f"{COLUMNS} where j.tenant_id = $1 and j.id = $2 and j.kind = any($3)"


class JobErrorOut(WireModel):
    """Why a job failed: a code, and a sentence for people."""

    code: str
    message: str


class JobResultOut(WireModel):
    """What a job has left, to be fetched from its `/result`; `kept_until` is told once the job is over."""

    file_name: str
    media_type: str
    size: int
    kept_until: Timestamp | None


class JobOut(WireModel):
    """Work that goes on in the background: how far it is and what came of it.

    `done` and `total` count what the kind of job counts (rows, documents); `total` is null until it is known.
    """

    id: UUID
    kind: str
    state: State
    done: int
    total: int | None
    error: JobErrorOut | None
    result: JobResultOut | None
    allowed_actions: list[str]
    created_at: Timestamp
    started_at: Timestamp | None
    finished_at: Timestamp | None


def visible(ctx: Ctx, jobs: Jobs) -> list[str]:
    """The kinds of jobs that a caller may see."""
    return [kind for kind, job in jobs.items() if not job.reads or job.reads in ctx.scopes]


async def list_jobs(
    ctx: Ctx, kinds: Sequence[str], *, below: UUID, limit: int, state: str | None
) -> list[asyncpg.Record]:
    """Jobs of a tenant, newest first."""
    return list(await ctx.sql.fetch(LIST, ctx.tenant.id, below, list(kinds), state, limit))


async def find_job(ctx: Ctx, kinds: Sequence[str], job_id: UUID) -> asyncpg.Record:
    """One job; of another tenant, or of a kind that the caller may not see, there is none."""
    row = await ctx.sql.fetchrow(GET, ctx.tenant.id, job_id, list(kinds))
    if row is None:
        raise NotFound("job", job_id)
    return row


async def cancel(ctx: Ctx, jobs: Jobs, job_id: UUID) -> asyncpg.Record:
    """Cancel a job together with what it works on; refused when it is over."""
    kinds = visible(ctx, jobs)
    row = await find_job(ctx, kinds, job_id)
    unfinished = jobs[row["kind"]].unfinished
    if row["state"] in OPEN and unfinished is not None:
        await unfinished(ctx, job_id, CANCELLED)
    if not await cancel_job(ctx, job_id):
        state = (await find_job(ctx, kinds, job_id))["state"]
        raise IllegalTransition(
            f"This job is {state}; it cannot be cancelled.", state=state, allowed_actions=[]
        )
    return await find_job(ctx, kinds, job_id)


async def result_of(ctx: Ctx, jobs: Jobs, job_id: UUID) -> Response:
    """The file that a job has left."""
    row = await find_job(ctx, visible(ctx, jobs), job_id)
    if row["result_id"] is None:
        raise NotFound("result of job", job_id)
    ref = await find_blob(ctx, row["result_id"])
    return Download(ctx, ref, name=ref.file_name)


def shown(row: asyncpg.Record, kept: timedelta) -> JobOut:
    """A job as its client sees it; `kept` is how long it stays once it is over."""
    facts = dict(row)
    code, message, ended = facts.pop("error_code"), facts.pop("error"), facts["finished_at"]
    if code is None:  # what a program of a release before has written is not for clients
        code, message = FAILED.code, FAILED.message
    error = JobErrorOut(code=code, message=message) if row["state"] == "failed" else None
    return JobOut(
        **facts,
        error=error,
        result=_result(row, ended + kept if ended is not None else None),
        allowed_actions=["cancel"] if row["state"] in OPEN else [],
    )


def _result(row: asyncpg.Record, kept_until: datetime | None) -> JobResultOut | None:
    if row["file_name"] is None:
        return None
    return JobResultOut(
        file_name=row["file_name"], media_type=row["media_type"], size=row["size"], kept_until=kept_until
    )


def _kept(request: Request) -> timedelta:
    return timedelta(hours=request.app.state.runtime.settings.job_retention_hours)


def job_routes(service: str, jobs: Jobs) -> Router:
    """The service's resource `/v1/<service>-jobs`."""
    router = Router("Jobs")
    _add_reads(router, service, jobs)
    path = f"/{service}-jobs/{{job_id}}/cancel"

    @router.verb(path, scope=f"{service}:write", name=f"cancel_{service}_job")
    async def cancel_service_job(ctx: CtxDep, job_id: UUID, request: Request) -> JobOut:
        """Have the job stop, and close what it works on; what it has done stays."""
        return shown(await cancel(ctx, jobs, job_id), _kept(request))

    return router


def _add_reads(router: Router, service: str, jobs: Jobs) -> None:
    path, scope = f"/{service}-jobs", f"{service}:read"

    @router.read(path, scope=scope, name=f"list_{service}_jobs")
    async def list_service_jobs(
        ctx: CtxDep,
        page: PageDep,
        request: Request,
        state: Annotated[State | None, Query()] = None,
        kind: Annotated[Code | None, Query()] = None,
    ) -> Page[JobOut]:
        """Long jobs, newest first, of the kinds that the caller may see; one that is over leaves by and by."""
        kinds = [each for each in visible(ctx, jobs) if kind in (None, each)]
        found = await list_jobs(ctx, kinds, below=page.below_id, limit=page.limit + 1, state=state)
        return page_of([shown(row, _kept(request)) for row in found], page, lambda job: job.id)

    @router.read(path + "/{job_id}", scope=scope, name=f"get_{service}_job")
    async def get_service_job(ctx: CtxDep, job_id: UUID, request: Request) -> JobOut:
        """One job and how far it is."""
        return shown(await find_job(ctx, visible(ctx, jobs), job_id), _kept(request))

    @router.read(
        path + "/{job_id}/result",
        scope=scope,
        name=f"get_{service}_job_result",
        response_class=Response,
        responses={200: {"description": "The file that the job has left.", "content": {"*/*": FILE}}},
    )
    async def get_service_job_result(ctx: CtxDep, job_id: UUID) -> Response:
        """The file that the job has left, as an attachment; 404 while there is none, and when it is no longer kept."""
        return await result_of(ctx, jobs, job_id)
