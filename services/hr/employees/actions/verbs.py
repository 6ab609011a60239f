"""Verbs on employments: suspend, resume, terminate, and what takes a start or an end back."""

from collections.abc import Callable, Sequence
from uuid import UUID

from services.hr.employees import queries
from services.hr.employees.actions import telling
from services.hr.employees.actions.clock import catch_up, go_on_leave, schedule_days
from services.hr.employees.actions.stating import reopen, state_stage
from services.hr.employees.models import Employment
from services.hr.employees.rules import (
    ACTIVE,
    CANCELLED,
    DAY,
    LIFECYCLE,
    SUSPENDED,
    TERMINATED,
    NothingToCancel,
    first_moment,
    only_of,
    require_end,
)
from services.hr.employees.schemas import EmployeeOut, EmploymentVerbIn, TerminateIn
from shared.context.ctx import Ctx
from shared.context.lifecycle import advance
from shared.database.tables import touch
from shared.values import clock
from shared.values.faults import Invalid


async def suspend(ctx: Ctx, employee_id: UUID, body: EmploymentVerbIn) -> EmployeeOut:
    """Suspend an employment from today on."""
    employment = await _chosen(ctx, employee_id, body.employment_id, _goes_on)
    advance(ctx, LIFECYCLE, employment, "suspend", why=body.reason)
    await state_stage(ctx, employment, SUSPENDED, ctx.today, employment.last_day)
    return await _shown(ctx, employee_id)


async def resume(ctx: Ctx, employee_id: UUID, body: EmploymentVerbIn) -> EmployeeOut:
    """Let a suspended employment go on from today on; one whose leave goes on is on leave."""
    employment = await _chosen(ctx, employee_id, body.employment_id, _goes_on)
    advance(ctx, LIFECYCLE, employment, "resume", why=body.reason)
    if employment.away:
        await go_on_leave(ctx, employment)
    else:
        await state_stage(ctx, employment, ACTIVE, ctx.today, employment.last_day)
    return await _shown(ctx, employee_id)


async def terminate(ctx: Ctx, employee_id: UUID, body: TerminateIn) -> EmployeeOut:
    """State the last day of an employment, in the past or to come, in place of one that was stated before."""
    employment = await _chosen(ctx, employee_id, body.employment_id, _goes_on)
    LIFECYCLE.target(employment.state, "terminate")
    zone = ctx.tenant.time_zone
    access_end_at = body.access_end_at or first_moment(body.last_day + DAY, zone)
    given = None if body.access_end_at is None else clock.local_date(body.access_end_at, zone)
    require_end(employment.hire_on, body.last_day, body.final_pay_on, given)
    await reopen(ctx, employment, until=body.last_day)
    advance(ctx, LIFECYCLE, employment, "terminate", why=body.reason)
    employment.last_day, employment.access_end_at = body.last_day, access_end_at
    employment.final_pay_on = body.final_pay_on
    await state_stage(ctx, employment, TERMINATED, body.last_day + DAY, None)
    schedule_days(ctx, employment)
    telling.tell_terminated(ctx, employment)
    await catch_up(ctx, employment)
    return await _shown(ctx, employee_id)


async def cancel_termination(ctx: Ctx, employee_id: UUID, body: EmploymentVerbIn) -> EmployeeOut:
    """Take the end of an employment back: it goes on without one, also when the last day is over.

    One that was suspended when it ended is suspended again, until it is resumed.
    """
    employment = await _chosen(ctx, employee_id, body.employment_id, _has_end)
    LIFECYCLE.target(employment.state, "cancel-termination")
    if employment.last_day is None:
        raise NothingToCancel("No end of this employment is stated.")
    ended = employment.state == TERMINATED
    suspended = ended and await queries.ended_from(ctx, employment.id) == SUSPENDED
    await reopen(ctx, employment, until=None, suspended=suspended)
    advance(ctx, LIFECYCLE, employment, "cancel-termination", why=body.reason)
    if suspended and employment.state == ACTIVE:
        advance(ctx, LIFECYCLE, employment, "suspend", why="The suspension goes on.")
    employment.last_day = employment.access_end_at = employment.final_pay_on = None
    schedule_days(ctx, employment)
    telling.tell_termination_cancelled(ctx, employment)
    return await _shown(ctx, employee_id)


async def cancel_start(ctx: Ctx, employee_id: UUID, body: EmploymentVerbIn) -> EmployeeOut:
    """Let an employment that has not begun never begin."""
    employment = await _chosen(ctx, employee_id, body.employment_id, _goes_on)
    advance(ctx, LIFECYCLE, employment, "cancel-start", why=body.reason)
    employment.last_day = employment.access_end_at = employment.final_pay_on = None
    await state_stage(ctx, employment, CANCELLED, ctx.today, None)
    schedule_days(ctx, employment)
    telling.tell_start_cancelled(ctx, employment)
    return await _shown(ctx, employee_id)


def _goes_on(employment: Employment) -> bool:
    return employment.state not in (TERMINATED, CANCELLED)


def _has_end(employment: Employment) -> bool:
    return employment.last_day is not None and employment.state != CANCELLED


async def _chosen(
    ctx: Ctx, employee_id: UUID, employment_id: UUID | None, preferred: Callable[[Employment], bool]
) -> Employment:
    """The employment that is named, or the only one that can be meant, locked and in the state of now."""
    employee = await queries.get_employee(ctx, employee_id, lock=True)
    touch(employee, ctx.now)
    employments = await queries.employments_of(ctx, employee_id)
    for each in employments:
        await catch_up(ctx, each)
    return named_or_only(employments, employment_id, preferred)


def named_or_only(
    employments: Sequence[Employment], employment_id: UUID | None, preferred: Callable[[Employment], bool]
) -> Employment:
    """Which employment is meant; where none is preferred the last one, whose state says why not."""
    known = {each.id: each for each in employments}
    if employment_id is not None:
        if employment_id not in known:
            raise Invalid.field(
                "/employment_id", "unknown_employment", "The employee has no such employment."
            )
        return known[employment_id]
    found = [each.id for each in employments if preferred(each)]
    return known[only_of(found)] if found else employments[-1]


async def _shown(ctx: Ctx, employee_id: UUID) -> EmployeeOut:
    return await queries.show_employee(ctx, employee_id, queries.Moment.of(ctx), reveal=False)
