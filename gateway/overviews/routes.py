"""Overviews over HTTP. Every credential may ask: each service shows what it may see there, and is named otherwise."""

from typing import Annotated
from uuid import UUID

from fastapi import Query
from starlette.responses import Response

from gateway.control import ControlDep
from gateway.overviews import actions
from gateway.overviews.schemas import ApprovalsOut, JobsOut
from shared.approvals.routes import State as ApprovalState
from shared.http.paging import PageDep
from shared.http.router import CtxDep, Router
from shared.service.jobs import State as JobState
from shared.values.fields import Code

router = Router("Overviews")


@router.read("/jobs", scope="self:read", response_model=JobsOut)
async def list_jobs(
    ctx: CtxDep,
    control: ControlDep,
    page: PageDep,
    state: Annotated[JobState | None, Query()] = None,
    kind: Annotated[Code | None, Query()] = None,
) -> Response:
    """Long jobs of all services, newest first; `missing` names those that did not answer within five seconds."""
    return await actions.overview(ctx, "jobs", page, control=control, state=state, kind=kind)


@router.read("/approvals", scope="self:read", response_model=ApprovalsOut)
async def list_approvals(
    ctx: CtxDep,
    control: ControlDep,
    page: PageDep,
    state: Annotated[ApprovalState | None, Query()] = None,
    kind: Annotated[Code | None, Query()] = None,
    subject_id: UUID | None = None,
) -> Response:
    """Approvals of all services, newest first; `missing` names those that did not answer within five seconds."""
    return await actions.overview(
        ctx, "approvals", page, control=control, state=state, kind=kind, subject_id=subject_id
    )
