"""Posting exceptions over HTTP."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import Query

from services.billing.posting_exceptions import actions, queries
from services.billing.posting_exceptions.schemas import DiscardIn, PostingExceptionOut
from shared.http.paging import Page, PageDep
from shared.http.router import CtxDep, Router
from shared.http.timeline import add_timeline

router = Router("Posting exceptions")
add_timeline(router, "posting-exceptions", "posting_exception", scope="billing:read")


@router.read("/posting-exceptions", scope="billing:read", response_model=Page[PostingExceptionOut])
async def list_posting_exceptions(
    ctx: CtxDep,
    page: PageDep,
    state: Annotated[Literal["open", "resolved", "discarded"] | None, Query()] = None,
) -> Page[PostingExceptionOut]:
    """Events that could not be posted, newest first, with the reason and their age."""
    return await queries.list_exceptions(ctx, page, state=state)


@router.read("/posting-exceptions/{exception_id}", scope="billing:read", response_model=PostingExceptionOut)
async def get_posting_exception(ctx: CtxDep, exception_id: UUID) -> PostingExceptionOut:
    """One event that could not be posted."""
    return PostingExceptionOut.of(await queries.get_exception(ctx, exception_id), ctx.now)


@router.verb(
    "/posting-exceptions/{exception_id}/retry", scope="billing:write", response_model=PostingExceptionOut
)
async def retry_posting_exception(ctx: CtxDep, exception_id: UUID) -> PostingExceptionOut:
    """Post the event now; 409 with the reason when it is still refused."""
    return PostingExceptionOut.of(await actions.retry_exception(ctx, exception_id), ctx.now)


@router.verb(
    "/posting-exceptions/{exception_id}/discard", scope="billing:approve", response_model=PostingExceptionOut
)
async def discard_posting_exception(ctx: CtxDep, exception_id: UUID, body: DiscardIn) -> PostingExceptionOut:
    """Decide that the event is never to be posted, and say why."""
    return PostingExceptionOut.of(
        await actions.discard_exception(ctx, exception_id, reason=body.reason), ctx.now
    )
