"""Pay runs over HTTP."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import Query

from services.payroll.pay_runs import actions, queries
from services.payroll.pay_runs.models import PayRunProblem
from services.payroll.pay_runs.rules import RunKind, RunState
from services.payroll.pay_runs.schemas import (
    ApproveRunIn,
    CalculateRunIn,
    CancelRunIn,
    PayRunIn,
    PayRunOut,
    PayRunPaymentIn,
    PayRunProblemOut,
    RegisterRowOut,
    RejectRunIn,
    ReverseRunIn,
    VarianceOut,
)
from shared.http.paging import Page, PageDep
from shared.http.router import CtxDep, Router
from shared.http.timeline import add_timeline

router = Router("Pay runs")
READ, WRITE, APPROVE, READ_PRIVATE = (
    "payroll:read",
    "payroll:write",
    "payroll:approve",
    "payroll.private:read",
)


@router.create("/pay-runs", scope=WRITE)
async def create_pay_run(ctx: CtxDep, body: PayRunIn) -> PayRunOut:
    """Begin a pay run for the period of a schedule that begins on `period_start`.

    A pay day that is a weekend or holiday is refused (422 `not_a_working_day`). A period is paid by one run: of two
    that pay somebody's salary for it, the second one reports `period_taken` for them.
    """
    return await queries.show_run(ctx, await actions.create_run(ctx, body))


@router.read("/pay-runs", scope=READ)
async def list_pay_runs(
    ctx: CtxDep,
    page: PageDep,
    schedule_id: UUID | None = None,
    state: Annotated[RunState | None, Query()] = None,
    kind: Annotated[RunKind | None, Query()] = None,
) -> Page[PayRunOut]:
    """Pay runs, newest first."""
    return await queries.list_runs(ctx, page, schedule_id=schedule_id, state=state, kind=kind)


@router.read("/pay-runs/{run_id}", scope=READ)
async def get_pay_run(ctx: CtxDep, run_id: UUID) -> PayRunOut:
    """One pay run; while it is calculated, how far that is."""
    return await queries.show_run(ctx, await queries.get_run(ctx, run_id))


@router.create("/pay-runs/{run_id}/calculate", scope=WRITE, status=202)
async def calculate_pay_run(ctx: CtxDep, run_id: UUID, body: CalculateRunIn | None = None) -> PayRunOut:
    """Calculate all payslips, in the background; follow `state` and `progress`, or `/v1/payroll-jobs/{job_id}`.

    Who cannot be paid is among the run's problems, the others are calculated. `exclude` leaves payees out.
    """
    exclude = body.exclude if body else []
    return await queries.show_run(ctx, await actions.start_calculation(ctx, run_id, exclude=exclude))


@router.verb("/pay-runs/{run_id}/submit", scope=WRITE)
async def submit_pay_run(ctx: CtxDep, run_id: UUID) -> PayRunOut:
    """Ask for approval of the result; 409 `payees_failed` while somebody is neither paid nor excluded.

    409 `inputs_changed` when anything that it was calculated from has changed since: calculate it again.
    """
    return await queries.show_run(ctx, await actions.submit_run(ctx, run_id))


@router.verb("/pay-runs/{run_id}/approve", scope=APPROVE)
async def approve_pay_run(ctx: CtxDep, run_id: UUID, body: ApproveRunIn) -> PayRunOut:
    """Approve the result of that hash; never by who submitted it (403 `four_eyes`). It is posted at once, and once.

    409 `inputs_changed` as for `submit`, 409 `result_changed` when the hash is another.
    """
    return await queries.show_run(ctx, await actions.approve_run(ctx, run_id, result_hash=body.result_hash))


@router.verb("/pay-runs/{run_id}/reject", scope=APPROVE)
async def reject_pay_run(ctx: CtxDep, run_id: UUID, body: RejectRunIn) -> PayRunOut:
    """Send a submitted run back; it is `calculated` again."""
    return await queries.show_run(ctx, await actions.reject_run(ctx, run_id, reason=body.reason))


@router.verb("/pay-runs/{run_id}/cancel", scope=WRITE)
async def cancel_pay_run(ctx: CtxDep, run_id: UUID, body: CancelRunIn | None = None) -> PayRunOut:
    """Give a run up. One that is approved and not paid is taken back exactly, which needs `payroll:approve`, too."""
    return await queries.show_run(
        ctx, await actions.cancel_run(ctx, run_id, reason=body.reason if body else None)
    )


@router.verb("/pay-runs/{run_id}/pay", scope=WRITE)
async def pay_pay_run(ctx: CtxDep, run_id: UUID, body: PayRunPaymentIn) -> PayRunOut:
    """Note that net pay left the account on `paid_on`."""
    return await queries.show_run(ctx, await actions.pay_run(ctx, run_id, paid_on=body.paid_on))


@router.verb("/pay-runs/{run_id}/close", scope=WRITE)
async def close_pay_run(ctx: CtxDep, run_id: UUID) -> PayRunOut:
    """Nothing more is to be done with a paid run."""
    return await queries.show_run(ctx, await actions.close_run(ctx, run_id))


@router.create("/pay-runs/{run_id}/reverse", scope=WRITE)
async def reverse_pay_run(ctx: CtxDep, run_id: UUID, body: ReverseRunIn | None = None) -> PayRunOut:
    """Make the run that takes a paid one back, every amount negated; submit and approve it like any other."""
    return await queries.show_run(
        ctx, await actions.reverse_run(ctx, run_id, reason=body.reason if body else None)
    )


@router.read("/pay-runs/{run_id}/problems", scope=READ, response_model=Page[PayRunProblemOut])
async def list_pay_run_problems(
    ctx: CtxDep, run_id: UUID, page: PageDep, severity: Literal["blocker", "warning"] | None = None
) -> Page[PayRunProblem]:
    """Who cannot be paid (`blocker`), and what is odd (`warning`), newest first."""
    return await queries.list_problems(ctx, run_id, page, severity=severity)


@router.read("/pay-runs/{run_id}/variances", scope=READ_PRIVATE)
async def list_pay_run_variances(
    ctx: CtxDep, run_id: UUID, page: PageDep, against: UUID | None = None
) -> Page[VarianceOut]:
    """What differs from another run, by payee and code; audited.

    Without `against` that is the last approved run of the same kind and schedule for an earlier period.
    """
    return await queries.list_variances(ctx, run_id, page, against=against)


@router.read("/pay-runs/{run_id}/register", scope=READ_PRIVATE)
async def list_pay_run_register(ctx: CtxDep, run_id: UUID, page: PageDep) -> Page[RegisterRowOut]:
    """What each payee gets, in the order of their ids; audited."""
    return await queries.list_register(ctx, run_id, page)


add_timeline(router, "pay-runs", "pay_run", scope=READ)
