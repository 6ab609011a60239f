"""Reads of employees and employments as they stand now, locked where they are about to change."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from sqlmodel import col, select

from services.hr.employees.models import Employee, Employment, EmploymentTerms, PersonFacts
from services.hr.employees.rules import CANCELLED, Days
from shared.context.ctx import Ctx
from shared.http.paging import Page, PageQuery, list_rows, page_of
from shared.http.timeline import TimelineEntry
from shared.values.faults import NotFound

MOVES = """
select id, at, verb, from_state, to_state, why, actor_id, actor_kind, on_behalf_of from history
where tenant_id = $1 and aggregate = 'employment' and aggregate_id = any($2::uuid[]) and id < $3
order by id desc limit $4
"""

ENDED = """
select from_state from history where tenant_id = $1 and aggregate = 'employment' and aggregate_id = $2 and verb = 'end'
order by id desc limit 1
"""


@dataclass(frozen=True, slots=True)
class Terms:
    """Where and when somebody works, for a stretch of days (both included; no `last`: until further notice)."""

    first: date
    last: date | None
    country: str
    subdivision: str | None
    weekly_hours: Decimal
    work_days: tuple[str, ...]
    """`mon` to `sun`, in their order; the week's hours are worked on them in equal parts."""


async def get_employee(ctx: Ctx, employee_id: UUID, *, lock: bool = False) -> Employee:
    """One employee; locked when something of theirs is about to change, their employments included.

    The lock leaves the key alone, so that others may name the employee as their manager meanwhile.
    """
    statement = select(Employee).where(Employee.id == employee_id)
    if lock:
        statement = statement.with_for_update(key_share=True)
    row = (await ctx.session.exec(statement)).one_or_none()
    if row is None:
        raise NotFound("employee", employee_id)
    return row


async def get_employment(ctx: Ctx, employment_id: UUID, *, lock: bool = False) -> Employment:
    """One employment; with `lock` its employee and then itself are locked."""
    statement = select(Employment).where(Employment.id == employment_id)
    row = (await ctx.session.exec(statement)).one_or_none()
    if row is None:
        raise NotFound("employment", employment_id)
    if lock:
        await get_employee(ctx, row.employee_id, lock=True)
        await ctx.session.refresh(row, with_for_update={"key_share": True})
    return row


async def employments_of(ctx: Ctx, employee_id: UUID) -> Sequence[Employment]:
    """All employments of an employee, by their first day; a person has few."""
    statement = select(Employment).where(Employment.employee_id == employee_id)
    return (await ctx.session.exec(statement.order_by(col(Employment.hire_on), col(Employment.id)))).all()


async def list_employments(ctx: Ctx, employee_id: UUID, page: PageQuery) -> Page[Employment]:
    """An employee's employments, newest first."""
    await get_employee(ctx, employee_id)
    return await list_rows(ctx, Employment, page, Employment.employee_id == employee_id)


async def get_own_employment(ctx: Ctx, employee_id: UUID, employment_id: UUID) -> Employment:
    """An employment of an employee."""
    row = await get_employment(ctx, employment_id)
    if row.employee_id != employee_id:
        raise NotFound("employment", employment_id)
    return row


async def list_timeline(ctx: Ctx, employee_id: UUID, page: PageQuery) -> Page[TimelineEntry]:
    """The moves of all employments of an employee, newest first."""
    await get_employee(ctx, employee_id)
    ids = [each.id for each in await employments_of(ctx, employee_id)]
    rows = await ctx.sql.fetch(MOVES, ctx.tenant.id, ids, page.below_id, page.limit + 1)
    return page_of([TimelineEntry(**row) for row in rows], page, lambda entry: entry.id)


async def missing_employees(ctx: Ctx, ids: Collection[UUID]) -> set[UUID]:
    """Which of these are no employees of the company."""
    found = (await ctx.session.exec(select(Employee.id).where(col(Employee.id).in_(ids)))).all()
    return set(ids) - set(found)


async def terms_on(ctx: Ctx, employment_id: UUID, day: date) -> Terms | None:
    """Working pattern and place on a day, as known now; none on days that are not of the employment."""
    found = await terms_between(ctx, employment_id, day, day)
    return found[0] if found else None


async def terms_between(ctx: Ctx, employment_id: UUID, first: date, last: date) -> list[Terms]:
    """Working pattern and place on some days, both included, stretch by stretch; other days are left out."""
    employment = await get_employment(ctx, employment_id)
    if employment.state == CANCELLED:
        return []
    asked = Days(first, last).common(Days(employment.hire_on, employment.last_day))
    rows = await terms_rows(ctx, employment_id) if asked else []
    return [
        _terms(row, both)
        for row in rows
        if asked and (both := asked.common(Days(row.valid_from, row.valid_to))) is not None
    ]


def _terms(row: EmploymentTerms, days: Days) -> Terms:
    return Terms(days.first, days.last, row.country, row.subdivision, row.weekly_hours, tuple(row.work_days))


async def person_rows(ctx: Ctx, employee_id: UUID) -> Sequence[PersonFacts]:
    """What holds of a person over time, as known now, in its order."""
    statement = select(PersonFacts).where(
        PersonFacts.employee_id == employee_id, col(PersonFacts.superseded_at).is_(None)
    )
    return (await ctx.session.exec(statement.order_by(col(PersonFacts.valid_from)))).all()


async def terms_rows(ctx: Ctx, employment_id: UUID) -> Sequence[EmploymentTerms]:
    """The terms of an employment over time, as known now, in their order."""
    statement = select(EmploymentTerms).where(
        EmploymentTerms.employment_id == employment_id, col(EmploymentTerms.superseded_at).is_(None)
    )
    return (await ctx.session.exec(statement.order_by(col(EmploymentTerms.valid_from)))).all()


async def ended_from(ctx: Ctx, employment_id: UUID) -> str | None:
    """The state in which an employment was when it ended last; none of one that never has."""
    found: str | None = await ctx.sql.fetchval(ENDED, ctx.tenant.id, employment_id)
    return found
