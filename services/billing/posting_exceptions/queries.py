"""Reads of posting exceptions."""

from uuid import UUID

from sqlmodel import select

from services.billing.posting_exceptions.models import PostingException
from services.billing.posting_exceptions.schemas import PostingExceptionOut
from shared.context.ctx import Ctx
from shared.http.paging import Page, PageQuery, list_rows
from shared.values.faults import NotFound


async def get_exception(ctx: Ctx, exception_id: UUID, *, lock: bool = False) -> PostingException:
    """One posting exception; locked when it is about to be retried or discarded."""
    statement = select(PostingException).where(PostingException.id == exception_id)
    found = (await ctx.session.exec(statement.with_for_update() if lock else statement)).one_or_none()
    if found is None:
        raise NotFound("posting exception", exception_id)
    return found


async def list_exceptions(ctx: Ctx, page: PageQuery, *, state: str | None) -> Page[PostingExceptionOut]:
    """Posting exceptions, newest first."""
    conditions = [] if state is None else [PostingException.state == state]
    found = await list_rows(ctx, PostingException, page, *conditions)
    return Page(items=[PostingExceptionOut.of(row, ctx.now) for row in found.items], next=found.next)
