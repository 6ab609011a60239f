"""Wages in the books over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from services.billing.wages import queries
from services.billing.wages.schemas import WagePostingOut, WagePostingState
from shared.http.finding import Number
from shared.http.paging import Page, PageDep
from shared.http.router import CtxDep, Router
from shared.http.timeline import add_timeline

router = Router("Wage postings")
add_timeline(router, "wage-postings", "wage_posting", scope="billing:read")


@router.read("/wage-postings", scope="billing:read", response_model=Page[WagePostingOut])
async def list_wage_postings(
    ctx: CtxDep,
    page: PageDep,
    run_id: UUID | None = None,
    number: Number = None,
    state: Annotated[WagePostingState | None, Query()] = None,
) -> Page[WagePostingOut]:
    """Pay runs as the books have them, the newest run first.

    One that is `waiting` is not posted yet: its approval has not come (`received`), or the books refuse it
    (`posting_exception_ids`).
    """
    return await queries.list_postings(ctx, page, run_id=run_id, number=number, state=state)


@router.read("/wage-postings/{run_id}", scope="billing:read", response_model=WagePostingOut)
async def get_wage_posting(ctx: CtxDep, run_id: UUID) -> WagePostingOut:
    """One pay run as the books have it."""
    return await queries.show_posting(ctx, run_id)
