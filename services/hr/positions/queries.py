"""Reads of positions and of the org chart."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnElement
from sqlmodel import col, select

from services.hr.employees import queries as employees
from services.hr.employees.queries import Moment, Wanted
from services.hr.employees.rules import ACTIVE, ON_LEAVE, SUSPENDED
from services.hr.positions.models import Position
from services.hr.positions.schemas import OrgChartOut, OrgNodeOut, PositionOut
from shared.context.ctx import Ctx
from shared.http.paging import Page, PageQuery, list_rows
from shared.values.faults import NotFound

AT_WORK = (ACTIVE, ON_LEAVE, SUSPENDED)


def _counted(column: str, value: str) -> str:
    """SQL of how many have certain terms on a day, by employments that go on then."""
    holding = (
        "{0}.valid_from <= $3 and ({0}.valid_to is null or {0}.valid_to >= $3) and {0}.superseded_at is null"
    )
    return f"""
select x.{column} as key, count(distinct x.employee_id) as number
from employment_terms x join employment_stages s on s.tenant_id = $1 and s.employment_id = x.employment_id
  and s.state in ('active', 'on_leave', 'suspended') and {holding.format("s")}
where x.tenant_id = $1 and x.{column} = any({value}) and {holding.format("x")}
group by x.{column}
"""  # noqa: S608 - no input in it


FILLED = _counted("position", "$2::text[]")
REPORTS = _counted("manager_id", "$2::uuid[]")
# Up from the position above; a position comes once.
ABOVE = """
with recursive above as (
  select p.id, p.reports_to from positions p where p.tenant_id = $1 and p.id = $2
  union
  select p.id, p.reports_to from above a join positions p on p.tenant_id = $1 and p.id = a.reports_to
)
select exists (select from above where id = $3)
"""


async def get_position(ctx: Ctx, position_id: UUID, *, lock: bool = False) -> Position:
    """One position; locked when it is about to change."""
    statement = select(Position).where(Position.id == position_id)
    if lock:
        statement = statement.with_for_update(key_share=True)
    row = (await ctx.session.exec(statement)).one_or_none()
    if row is None:
        raise NotFound("position", position_id)
    return row


async def is_above(ctx: Ctx, above: UUID, position_id: UUID) -> bool:
    """Whether a position is another one, or above it."""
    found: bool = await ctx.sql.fetchval(ABOVE, ctx.tenant.id, above, position_id)
    return found


async def is_there(ctx: Ctx, position_id: UUID) -> bool:
    """Whether there is such a position."""
    statement = select(Position.id).where(Position.id == position_id)
    return (await ctx.session.exec(statement)).one_or_none() is not None


async def list_positions(ctx: Ctx, page: PageQuery, moment: Moment) -> Page[PositionOut]:
    """Positions, newest first, with how they are filled on a day."""
    found = await list_rows(ctx, Position, page)
    return Page(items=await show_positions(ctx, found.items, moment), next=found.next)


async def show_positions(ctx: Ctx, rows: Sequence[Position], moment: Moment) -> list[PositionOut]:
    """Positions with how they are filled on a day."""
    found = await ctx.sql.fetch(FILLED, ctx.tenant.id, [row.code for row in rows], moment.day)
    filled = {each["key"]: each["number"] for each in found}
    return [
        PositionOut(
            **row.model_dump(),
            filled=filled.get(row.code, 0),
            vacant=max(row.headcount - filled.get(row.code, 0), 0),
            as_of=moment.day,
        )
        for row in rows
    ]


async def show_org_chart(
    ctx: Ctx, page: PageQuery, moment: Moment, *, manager_id: UUID | None
) -> OrgChartOut:
    """Who reports to somebody on a day, or to nobody, and the vacant positions beside them."""
    wanted = Wanted(states=AT_WORK, manager_id=manager_id, top=manager_id is None)
    found = await employees.list_employees(ctx, page, moment, wanted)
    counted = await ctx.sql.fetch(REPORTS, ctx.tenant.id, [row["id"] for row in found.items], moment.day)
    reports = {each["key"]: each["number"] for each in counted}
    nodes = [
        OrgNodeOut(**row, employee_id=row["id"], reports=reports.get(row["id"], 0)) for row in found.items
    ]
    vacancies = await _vacancies(ctx, page, moment, manager_id) if page.after is None else []
    return OrgChartOut(
        as_of=moment.day, manager_id=manager_id, items=nodes, vacancies=vacancies, next=found.next
    )


async def _vacancies(ctx: Ctx, page: PageQuery, moment: Moment, manager_id: UUID | None) -> list[PositionOut]:
    """Vacant positions that report to the position of a manager, or to none."""
    above: ColumnElement[bool] = col(Position.reports_to).is_(None)
    if manager_id is not None:
        manager = await employees.find_facts(ctx, [manager_id], moment)
        if not manager:
            raise NotFound("employee", manager_id)
        code = select(Position.id).where(Position.code == manager[0]["position"])
        above = col(Position.reports_to).in_(code)
    statement = select(Position).where(above).order_by(col(Position.id).desc()).limit(page.limit)
    shown = await show_positions(ctx, (await ctx.session.exec(statement)).all(), moment)
    return [each for each in shown if each.vacant]
