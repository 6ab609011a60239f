"""What the tenant's clock does with employments: they begin with their first day and end after their last."""

from uuid import UUID

from services.hr.employees import queries
from services.hr.employees.actions.stating import state_stage
from services.hr.employees.models import Employment
from services.hr.employees.rules import (
    ACTIVE,
    BEGIN,
    CANCELLED,
    DAY,
    END,
    LIFECYCLE,
    ON_LEAVE,
    PENDING,
    TERMINATED,
    first_moment,
)
from shared.context.ctx import Ctx
from shared.context.lifecycle import advance
from shared.database.tables import touch


def schedule_days(ctx: Ctx, employment: Employment) -> None:
    """Have an employment begin and end when its days come, or not, where it does not any more."""
    zone = ctx.tenant.time_zone
    if employment.state == PENDING:
        ctx.schedule(BEGIN, employment.id, first_moment(employment.hire_on, zone))
    else:
        ctx.unschedule(BEGIN, employment.id)
    if employment.last_day is not None and employment.state not in (TERMINATED, CANCELLED):
        ctx.schedule(END, employment.id, first_moment(employment.last_day + DAY, zone))
    else:
        ctx.unschedule(END, employment.id)


async def catch_up(ctx: Ctx, employment: Employment) -> None:
    """Bring a locked employment to the state that the clock has it in, whoever looks first."""
    if employment.state == PENDING and employment.hire_on <= ctx.today:
        advance(ctx, LIFECYCLE, employment, "begin")
        ctx.unschedule(BEGIN, employment.id)
        if employment.away:
            await go_on_leave(ctx, employment)
    ended = employment.last_day is not None and employment.last_day < ctx.today
    if ended and employment.state not in (PENDING, TERMINATED, CANCELLED):
        advance(ctx, LIFECYCLE, employment, "end")
        employment.away = False
        ctx.unschedule(END, employment.id)


async def day_has_come(ctx: Ctx, employment_id: UUID) -> None:
    """The first day of an employment has begun, or its last one is over."""
    employment = await queries.get_employment(ctx, employment_id, lock=True)
    await catch_up(ctx, employment)


async def leave_begins(ctx: Ctx, employment_id: UUID) -> None:
    """Approved leave begins today: an active employment is on leave, a suspended one stays so until it is resumed."""
    employment = await queries.get_employment(ctx, employment_id, lock=True)
    await catch_up(ctx, employment)
    employment.away = True
    touch(employment, ctx.now)
    if employment.state == ACTIVE:
        await go_on_leave(ctx, employment)


async def leave_ends(ctx: Ctx, employment_id: UUID) -> None:
    """Approved leave is over, or was taken back: from today on the employment is active again."""
    employment = await queries.get_employment(ctx, employment_id, lock=True)
    await catch_up(ctx, employment)
    employment.away = False
    touch(employment, ctx.now)
    if employment.state == ON_LEAVE:
        advance(ctx, LIFECYCLE, employment, "return")
        await state_stage(ctx, employment, ACTIVE, ctx.today, employment.last_day)


async def go_on_leave(ctx: Ctx, employment: Employment) -> None:
    """Move an active employment to leave, from today on."""
    advance(ctx, LIFECYCLE, employment, "leave")
    await state_stage(ctx, employment, ON_LEAVE, ctx.today, employment.last_day)
