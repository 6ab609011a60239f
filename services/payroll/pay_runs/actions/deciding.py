"""Submitting a run, and a second person's decision on exactly that result (ADR 0047).

What is approved is a hash of inputs and results. Before each of the two steps the inputs are stamped again: where
anything has changed since the calculation began, the step is refused, and the run has to be calculated again.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from services.payroll.pay_runs import queries
from services.payroll.pay_runs.models import PayRun
from services.payroll.pay_runs.rules import (
    APPROVE,
    LIFECYCLE,
    InputsChanged,
    NobodyToPay,
    PayeesFailed,
    ResultChanged,
    RunKind,
    event_lines,
)
from services.payroll.payslips import actions as payslips
from services.payroll.payslips.rules.snapshots import ENGINE, tables_of
from shared.approvals import deciding, rows
from shared.approvals.asking import ask_approval
from shared.approvals.deciding import Approvable
from shared.approvals.rules import Step
from shared.background.jobs import start_job
from shared.context.ctx import Ctx
from shared.context.lifecycle import advance
from shared.contracts.payroll import PayRunApproved, PayRunReversed
from shared.values.faults import Refused
from shared.values.money import Money

STEPS = (Step("payroll:approve"),)


class NoApprovalPending(Refused):
    """The approval has expired or was withdrawn; reject the run and submit it anew (409)."""

    code = "no_approval_pending"


async def submit_run(ctx: Ctx, run_id: UUID) -> PayRun:
    """Ask that a second person approve a result in which nobody has failed."""
    run = await queries.get_run(ctx, run_id, lock=True)
    LIFECYCLE.target(run.state, "submit")
    failed, numbers = await queries.count_blockers(ctx, run.id)
    if failed:
        raise PayeesFailed(
            f"{failed} cannot be paid, among them {', '.join(numbers)}; see the run's problems.",
            failed=failed,
            numbers=list(numbers),
        )
    if not run.payslips:
        raise NobodyToPay(f"{run.number} pays nobody.")
    await _require_same_inputs(ctx, run)
    advance(ctx, LIFECYCLE, run, "submit")
    run.submitted_by = ctx.actor.id
    await ctx.tx.flush()
    await ask_approval(
        ctx,
        APPROVE,
        run.id,
        subject=f"pay run {run.number}",
        command={"result_hash": run.result_hash},
        facts=await find_approval_facts(ctx, run.id),
        steps=STEPS,
        amount=_net(run),
    )
    return run


async def find_approval_facts(ctx: Ctx, run_id: UUID) -> Mapping[str, Any]:
    """What an approval depends on: the result, and the inputs as they are now; the run is locked."""
    run = await queries.get_run(ctx, run_id, lock=True)
    return {
        "number": run.number,
        "state": run.state,
        "pay_on": run.pay_on,
        "payslips": run.payslips,
        "input_hash": run.input_hash,
        "result_hash": run.result_hash,
        "inputs": await _stamp(ctx, run),
    }


async def approve_run(ctx: Ctx, run_id: UUID, *, result_hash: str) -> PayRun:
    """Approve the result of that hash, by a second person: it is posted, counted and told."""
    run = await queries.get_run(ctx, run_id, lock=True)
    LIFECYCLE.target(run.state, "approve")
    if result_hash != run.result_hash:
        raise ResultChanged(f"{run.number} has another result.", result_hash=run.result_hash)
    await _require_same_inputs(ctx, run)
    approval = await rows.find_pending(ctx, APPROVE, run.id)
    if approval is None:
        raise NoApprovalPending(f"No approval of {run.number} is pending.")
    approvable = Approvable(APPROVE, find_approval_facts, post_approved_run)
    await deciding.approve(ctx, approval.id, approvables={APPROVE: approvable})
    return await queries.get_run(ctx, run_id)


async def reject_run(ctx: Ctx, run_id: UUID, *, reason: str) -> PayRun:
    """Send a run back to who submitted it."""
    run = await queries.get_run(ctx, run_id, lock=True)
    LIFECYCLE.target(run.state, "reject")
    approval = await rows.find_pending(ctx, APPROVE, run.id)
    if approval is not None:
        await deciding.reject(ctx, approval.id, reason=reason)
    advance(ctx, LIFECYCLE, run, "reject", why=reason)
    run.submitted_by = None
    return run


async def post_approved_run(ctx: Ctx, run_id: UUID, command: Mapping[str, Any]) -> PayRun:
    """Post an approved run: its payslips count and are issued, its entry is told; a reversal takes the other back."""
    run = await queries.get_run(ctx, run_id, lock=True)
    if command["result_hash"] != run.result_hash:
        raise ResultChanged(f"{run.number} has another result.", result_hash=run.result_hash)
    await _require_same_inputs(ctx, run)
    advance(ctx, LIFECYCLE, run, "approve")
    run.approved_by = ctx.actor.id
    await ctx.tx.flush()
    if run.kind == RunKind.REVERSAL:
        await _reverse_posted(ctx, run)
    else:
        await payslips.post_payslips(ctx, run.id)
        ctx.emit(
            PayRunApproved(**facts_of(run), lines=event_lines(run.posting or (), run.currency)),
            subject=run.id,
            version=run.version,
        )
    await start_job(ctx, payslips.ISSUE, run.id, total=run.payslips)
    return run


async def _reverse_posted(ctx: Ctx, run: PayRun) -> None:
    """Take the original back, by the payslips that negate its own."""
    assert run.reverses is not None
    original = await queries.get_run(ctx, run.reverses, lock=True)
    advance(ctx, LIFECYCLE, original, "reverse", why=run.number)
    await ctx.tx.flush()
    await payslips.mark_posted(ctx, run.id)
    await payslips.take_back(ctx, original.id, by=run.id)
    lines = event_lines(run.posting or (), run.currency)
    event = PayRunReversed(**facts_of(run), lines=lines, reverses=original.id)
    ctx.emit(event, subject=run.id, version=run.version)


def facts_of(run: PayRun) -> dict[str, Any]:
    """What is told of a run, but its lines."""
    return {
        "run_id": run.id,
        "number": run.number,
        "kind": run.kind,
        "pay_on": run.pay_on,
        "effective_on": run.period_end,
        "currency": run.currency,
        "result_hash": run.result_hash,
    }


async def _stamp(ctx: Ctx, run: PayRun) -> str | None:
    if run.kind == RunKind.REVERSAL:
        return None
    return await queries.find_stamp(ctx, run, engine=ENGINE, tables=tables_of(run.pack))


async def _require_same_inputs(ctx: Ctx, run: PayRun) -> None:
    if await _stamp(ctx, run) != run.inputs_stamp:
        raise InputsChanged(
            f"What {run.number} was calculated from has changed; calculate it again.",
            allowed_actions=["calculate"],
        )


def _net(run: PayRun) -> Money:
    return Money.parse((run.totals or {})["net"], run.currency)
