"""Positions and the org chart over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from services.hr.employees.queries import Moment
from services.hr.positions import actions, queries
from services.hr.positions.schemas import OrgChartOut, PositionChange, PositionIn, PositionOut
from shared.http.paging import Page, PageDep
from shared.http.router import CtxDep, IfMatch, Router
from shared.values.fields import LocalDate

router = Router("Positions")
READ, WRITE = "hr:read", "hr:write"
AsOf = Annotated[LocalDate | None, Query(description="How it is on this day; today by default.")]


@router.create("/positions", scope=WRITE, response_model=PositionOut)
async def create_position(ctx: CtxDep, body: PositionIn) -> PositionOut:
    """Add a position; employments whose terms name its `code` fill its `headcount` places."""
    return await actions.create_position(ctx, body)


@router.read("/positions", scope=READ, response_model=Page[PositionOut])
async def list_positions(ctx: CtxDep, page: PageDep, as_of: AsOf = None) -> Page[PositionOut]:
    """Positions, newest first, with how many of their places are filled on the day."""
    return await queries.list_positions(ctx, page, Moment.of(ctx, as_of))


@router.read("/positions/{position_id}", scope=READ, response_model=PositionOut)
async def get_position(ctx: CtxDep, position_id: UUID, as_of: AsOf = None) -> PositionOut:
    """One position."""
    row = await queries.get_position(ctx, position_id)
    return (await queries.show_positions(ctx, [row], Moment.of(ctx, as_of)))[0]


@router.change("/positions/{position_id}", scope=WRITE, response_model=PositionOut)
async def change_position(
    ctx: CtxDep, position_id: UUID, body: PositionChange, version: IfMatch
) -> PositionOut:
    """Change a position; 409 `position_cycle` where it would be above the one it reports to."""
    return await actions.change_position(ctx, position_id, body, version=version)


@router.read("/org-chart", scope=READ, response_model=OrgChartOut)
async def get_org_chart(
    ctx: CtxDep, page: PageDep, manager_id: Annotated[UUID | None, Query()] = None, as_of: AsOf = None
) -> OrgChartOut:
    """One level of the org chart on a day: who reports to `manager_id`, or to nobody; newest first, page by page.

    `vacancies` are the vacant positions that report to the manager's position, or to none. Who has left is not in it;
    who still reports to them is found by `manager_id`.
    """
    return await queries.show_org_chart(ctx, page, Moment.of(ctx, as_of), manager_id=manager_id)
