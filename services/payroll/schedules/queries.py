"""Reads of pay schedules and their periods."""

from collections.abc import Collection, Sequence
from datetime import date, timedelta
from uuid import UUID

from sqlmodel import col, select

from services.payroll.schedules.models import PaySchedule
from services.payroll.schedules.rules import Period, period_starting, periods_between
from services.payroll.schedules.rules.calendars import calendar_of
from shared.context.ctx import Ctx
from shared.http.paging import Page, PageQuery, list_rows
from shared.values.faults import NotFound

A_YEAR = timedelta(days=365)


async def get_schedule(ctx: Ctx, schedule_id: UUID, *, lock: bool = False) -> PaySchedule:
    """One schedule; locked when it is about to change."""
    statement = select(PaySchedule).where(PaySchedule.id == schedule_id)
    if lock:
        statement = statement.with_for_update()
    found = (await ctx.session.exec(statement)).one_or_none()
    if found is None:
        raise NotFound("pay schedule", schedule_id)
    return found


async def find_schedule_for_use(ctx: Ctx, schedule_id: UUID) -> PaySchedule | None:
    """A schedule by which somebody is about to be paid: until then nobody changes it. None where there is none."""
    statement = select(PaySchedule).where(PaySchedule.id == schedule_id).with_for_update(read=True)
    return (await ctx.session.exec(statement)).one_or_none()


async def find_schedules(ctx: Ctx, ids: Collection[UUID]) -> dict[UUID, PaySchedule]:
    """Schedules by their ids; unknown ones are left out."""
    found = await ctx.session.exec(select(PaySchedule).where(col(PaySchedule.id).in_(ids)))
    return {row.id: row for row in found}


async def list_schedules(ctx: Ctx, page: PageQuery, *, pack: str | None) -> Page[PaySchedule]:
    """Schedules, newest first."""
    return await list_rows(ctx, PaySchedule, page, *([] if pack is None else [PaySchedule.pack == pack]))


async def list_periods(
    ctx: Ctx, schedule_id: UUID, *, first: date | None, last: date | None
) -> Sequence[Period]:
    """The schedule's periods that have a day between two days; without them, those of a year from today on."""
    schedule = await get_schedule(ctx, schedule_id)
    first = first or ctx.today
    last = last or first + A_YEAR
    return list(periods_between(schedule, first, last, calendar_of(schedule.pack)))


def find_period(schedule: PaySchedule, period_start: date) -> Period:
    """The period of a schedule that begins on a day. Raises NoSuchPeriod."""
    return period_starting(schedule, period_start, calendar_of(schedule.pack))
