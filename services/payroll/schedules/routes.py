"""Pay schedules over HTTP."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import Query

from services.payroll.schedules import actions, queries
from services.payroll.schedules.models import PaySchedule
from services.payroll.schedules.rules import Period
from services.payroll.schedules.schemas import PayPeriodsOut, PayScheduleChange, PayScheduleIn, PayScheduleOut
from shared.http.paging import Page, PageDep
from shared.http.router import CtxDep, IfMatch, Router
from shared.values.fields import Code, LocalDate

router = Router("Pay schedules")
From = Annotated[LocalDate | None, Query(alias="from", description="Today, unless given.")]
To = Annotated[LocalDate | None, Query(description="A year after `from`, unless given; 800 days at most.")]


@router.create("/pay-schedules", scope="payroll:write", response_model=PayScheduleOut)
async def create_pay_schedule(ctx: CtxDep, body: PayScheduleIn) -> PaySchedule:
    """Add a pay schedule.

    A period ends on its pay day and begins the day after the one before; a monthly one is the calendar month of its pay
    day. `pay_day_rule` says whether people are paid before or after a pay day that is a weekend or holiday.
    """
    return await actions.create_schedule(ctx, body)


@router.read("/pay-schedules", scope="payroll:read", response_model=Page[PayScheduleOut])
async def list_pay_schedules(
    ctx: CtxDep, page: PageDep, pack: Annotated[Code | None, Query()] = None
) -> Page[PaySchedule]:
    """Pay schedules, newest first."""
    return await queries.list_schedules(ctx, page, pack=pack)


@router.read("/pay-schedules/{schedule_id}", scope="payroll:read", response_model=PayScheduleOut)
async def get_pay_schedule(ctx: CtxDep, schedule_id: UUID) -> PaySchedule:
    """One pay schedule."""
    return await queries.get_schedule(ctx, schedule_id)


@router.change("/pay-schedules/{schedule_id}", scope="payroll:write", response_model=PayScheduleOut)
async def change_pay_schedule(
    ctx: CtxDep, schedule_id: UUID, body: PayScheduleChange, version: IfMatch
) -> PaySchedule:
    """Change a pay schedule; while somebody is paid by it only `name` and `cut_off_days` (409 `schedule_in_use`)."""
    return await actions.change_schedule(ctx, schedule_id, body, version=version)


@router.read("/pay-schedules/{schedule_id}/periods", scope="payroll:read", response_model=PayPeriodsOut)
async def list_pay_periods(
    ctx: CtxDep, schedule_id: UUID, from_: From = None, to: To = None
) -> dict[str, Sequence[Period]]:
    """The periods that have a day between `from` and `to`, both included, in order."""
    return {"items": await queries.list_periods(ctx, schedule_id, first=from_, last=to)}
