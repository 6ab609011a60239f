"""Creating a run, and what becomes of it beside its calculation and approval: cancelled, paid, closed, reversed."""

from datetime import date
from uuid import UUID

from services.payroll.packs import packs
from services.payroll.pay_runs import queries
from services.payroll.pay_runs.actions.deciding import facts_of
from services.payroll.pay_runs.models import PayRun
from services.payroll.pay_runs.rules import (
    LIFECYCLE,
    SERIES,
    NotPossible,
    RunKind,
    RunState,
    event_lines,
    paid_period,
    require_kind_sound,
    require_of_kind,
    require_paid_day,
)
from services.payroll.pay_runs.schemas import PayRunIn
from services.payroll.payslips import actions as payslips
from services.payroll.schedules.queries import find_period, find_schedule_for_use
from services.payroll.schedules.rules.calendars import calendar_of
from shared.background.jobs import cancel_job
from shared.context.ctx import Ctx
from shared.context.lifecycle import advance, begin
from shared.context.numbering import take_number
from shared.contracts.payroll import PayRunPaid, PayRunReversed
from shared.values.faults import Forbidden, Invalid
from shared.values.ids import new_id
from shared.values.money import Money

REVERSING = """
select number from pay_runs where tenant_id = $1 and reverses = $2 and state <> 'cancelled'
"""
COPIED = (
    "schedule_id", "pack", "currency", "frequency", "basic_pay", "period_number", "period_start", "period_end",
    "tax_year", "tax_on",
)  # fmt: skip


async def create_run(ctx: Ctx, wanted: PayRunIn) -> PayRun:
    """Begin a run for a period of a schedule; nothing is calculated yet."""
    basic_pay = wanted.kind is RunKind.REGULAR if wanted.basic_pay is None else wanted.basic_pay
    require_kind_sound(wanted.kind, basic_pay=basic_pay, payee_ids=wanted.payee_ids)
    schedule = await find_schedule_for_use(ctx, wanted.schedule_id)
    if schedule is None:
        raise Invalid.field("/schedule_id", "unknown_schedule", "There is no such pay schedule.")
    planned = find_period(schedule, wanted.period_start)
    period = paid_period(schedule, planned, wanted.kind, wanted.pay_on, calendar_of(schedule.pack))
    run_id = new_id()
    run = PayRun(
        tenant_id=ctx.tenant.id,
        id=run_id,
        created_at=ctx.now,
        updated_at=ctx.now,
        state=begin(ctx, LIFECYCLE, run_id),
        kind=wanted.kind,
        schedule_id=schedule.id,
        pack=schedule.pack,
        currency=packs()[schedule.pack].currency,
        frequency=schedule.frequency,
        basic_pay=basic_pay,
        period_number=period.number,
        period_start=period.period_start,
        period_end=period.period_end,
        tax_year=period.tax_year,
        pay_on=period.pay_on,
        tax_on=period.tax_on,
        payee_ids=None if wanted.payee_ids is None else sorted(set(wanted.payee_ids)),
        number=await take_number(ctx, SERIES, period.pay_on.year),
    )
    ctx.session.add(run)
    await ctx.tx.flush()
    return run


async def cancel_run(ctx: Ctx, run_id: UUID, *, reason: str | None) -> PayRun:
    """Give a run up; one that was approved is taken back exactly, by whoever may approve."""
    run = await queries.get_run(ctx, run_id, lock=True)
    require_of_kind(run.kind, run.state, "cancel")
    posted = run.state == RunState.APPROVED
    if posted and "payroll:approve" not in ctx.scopes:
        raise Forbidden(
            "Cancelling an approved run needs payroll:approve.", code="missing_scope", scope="payroll:approve"
        )
    if run.state == RunState.CALCULATING and run.job_id is not None:
        await cancel_job(ctx, run.job_id)
    advance(ctx, LIFECYCLE, run, "cancel", why=reason)
    await ctx.tx.flush()
    if posted:
        await payslips.take_back(ctx, run.id, by=run.id)
        lines = event_lines(run.posting or (), run.currency, mirrored=True)
        event = PayRunReversed(**facts_of(run), lines=lines, reverses=run.id)
        ctx.emit(event, subject=run.id, version=run.version)
    await payslips.void_payslips(ctx, run.id)
    return run


async def pay_run(ctx: Ctx, run_id: UUID, *, paid_on: date) -> PayRun:
    """Note that net pay left the account."""
    run = await queries.get_run(ctx, run_id, lock=True)
    require_of_kind(run.kind, run.state, "pay")
    require_paid_day(paid_on, period_start=run.period_start, today=ctx.today)
    advance(ctx, LIFECYCLE, run, "pay")
    run.paid_on = paid_on
    await ctx.tx.flush()
    event = PayRunPaid(
        run_id=run.id,
        number=run.number,
        paid_on=paid_on,
        currency=run.currency,
        amount=Money.parse((run.totals or {})["net"], run.currency),
    )
    ctx.emit(event, subject=run.id, version=run.version)
    return run


async def close_run(ctx: Ctx, run_id: UUID) -> PayRun:
    """Nothing more is to be done with a paid run."""
    run = await queries.get_run(ctx, run_id, lock=True)
    advance(ctx, LIFECYCLE, run, "close")
    return run


async def reverse_run(ctx: Ctx, run_id: UUID, *, reason: str | None) -> PayRun:
    """Make the run that takes a paid one back, with every amount negated; it takes effect once it is approved."""
    original = await queries.get_run(ctx, run_id, lock=True)
    require_of_kind(original.kind, original.state, "reverse")
    if number := await ctx.sql.fetchval(REVERSING, ctx.tenant.id, original.id):
        raise NotPossible(f"{number} takes {original.number} back already.", number=number)
    reversal_id = new_id()
    run = PayRun(
        tenant_id=ctx.tenant.id,
        id=reversal_id,
        created_at=ctx.now,
        updated_at=ctx.now,
        state=begin(ctx, LIFECYCLE, reversal_id, verb="reverse", state=RunState.CALCULATED, why=reason),
        kind=RunKind.REVERSAL,
        reverses=original.id,
        pay_on=max(ctx.today, original.period_start),
        payee_ids=original.payee_ids,
        number=await take_number(ctx, SERIES, ctx.today.year),
        **{name: getattr(original, name) for name in COPIED},
    )
    run.result_hash = original.result_hash
    ctx.session.add(run)
    await ctx.tx.flush()
    await payslips.mirror_payslips(ctx, original.id, into=run.id, pay_on=run.pay_on)
    await queries.add_up(ctx, run)
    await ctx.tx.flush()
    return run
