"""The calculation of a run: a job that goes through its payees some at a time, and finds its place again after a crash.

Each step reads some payees, has them calculated in a process beside this one, and stores their payslips together with
the place that it has come to: what is stored twice is never, and a run that was killed goes on behind its last step.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from services.payroll.packs import packs
from services.payroll.pay_runs import queries
from services.payroll.pay_runs.actions.problems import forget_problems, keep_problems
from services.payroll.pay_runs.models import PayRun
from services.payroll.pay_runs.rules import LIFECYCLE, RunState, require_of_kind
from services.payroll.payslips import actions as payslips
from services.payroll.payslips.queries import find_lines_before, find_period_holders
from services.payroll.payslips.rules.chunks import Made, Problem, Wanted, calculate_chunk
from services.payroll.payslips.rules.snapshots import ENGINE, RunTerms, snapshot_of, tables_of
from services.payroll.profile.queries import find_profile_facts
from services.payroll.profile.rules import missing_for
from services.payroll.run_facts.queries import facts_for_run
from services.payroll.run_facts.rules import Finding, PayeeFacts, findings
from services.payroll.schedules.rules import Period
from shared.background.jobs import JobCancelled, JobRun, Unfinished, start_job
from shared.base.side_process import Limits, SideProcesses
from shared.context.ctx import Ctx
from shared.context.lifecycle import advance
from shared.values.ids import new_id

JOB: Final = "pay_run_calculation"
AT_ONCE: Final = 200
"""Payees of a step: as many as keep a step below a second."""
LIMITS: Final = Limits(cpu_seconds=120, memory_mb=512)
BEFORE_ALL: Final = UUID(int=0)
BEHIND_ALL: Final = UUID(int=2**128 - 1)


@dataclass(frozen=True, slots=True)
class _Chunk:
    """Some payees as they were read: those to calculate, and the problems that are known before."""

    last: UUID
    size: int
    wanted: Sequence[Wanted]
    problems: Sequence[Problem]


async def start_calculation(ctx: Ctx, run_id: UUID, *, exclude: Sequence[UUID]) -> PayRun:
    """Have a run calculated, without some payees; what was calculated before counts no more."""
    run = await queries.get_run(ctx, run_id, lock=True)
    require_of_kind(run.kind, run.state, "calculate")
    advance(ctx, LIFECYCLE, run, "calculate")
    run.job_id, run.excluded = new_id(), sorted(set(exclude))
    run.error_code = run.error_message = run.submitted_by = None
    run.totals = run.posting = run.input_hash = run.result_hash = None
    await ctx.tx.flush()
    await start_job(ctx, JOB, run.job_id)
    return run


async def calculate_run(job: JobRun) -> None:
    """Calculate all payees of the run that the job belongs to.

    While some are calculated beside this process, those before them are stored here, and the next ones read.
    """
    place = job.checkpoint or await _begin(job)
    if place is None:
        return
    done: tuple[_Chunk, Made] | None = None
    chunk, aside = await _step(job, place, done, after=UUID(place["after"]))
    while chunk is not None:
        calculation = asyncio.create_task(
            aside.call(job.tenant_id, calculate_chunk, chunk.wanted, limits=LIMITS)
        )
        try:
            following, aside = await _step(job, place, done, after=chunk.last)
            done = chunk, await calculation
        finally:
            calculation.cancel()
            await asyncio.gather(calculation, return_exceptions=True)
        chunk = following
    await _step(job, place, done, after=BEHIND_ALL)
    await _finish(job)


async def _step(
    job: JobRun, place: dict[str, Any], done: tuple[_Chunk, Made] | None, *, after: UUID
) -> tuple[_Chunk | None, SideProcesses]:
    """Store what was calculated with the place that it brings the job to, and read the next payees."""
    async with job.transaction() as ctx:
        run = await queries.find_run_of_job(ctx, job.job_id)
        if run is None:
            raise JobCancelled
        if done is not None:
            chunk, made = done
            await _store(ctx, run, chunk, made)
            place |= {"after": str(chunk.last), "done": place["done"] + chunk.size}
        await job.progress(ctx, place["done"], checkpoint=place)
        return await _read(ctx, run, after=after), ctx.port(SideProcesses)


async def _begin(job: JobRun) -> dict[str, Any] | None:
    """Forget an earlier result and stamp the inputs before any is read; None where the run is no longer calculated."""
    async with job.transaction() as ctx:
        run = await queries.find_run_of_job(ctx, job.job_id, lock=True)
        if run is None or run.state != RunState.CALCULATING:
            return None
        async with ctx.reporting():
            await payslips.forget_payslips(ctx, run.id)
            await forget_problems(ctx, run.id)
        run.inputs_stamp = await queries.find_stamp(ctx, run, engine=ENGINE, tables=tables_of(run.pack))
        place = {"after": str(BEFORE_ALL), "done": 0}
        await job.progress(ctx, 0, await queries.find_total(ctx, run), checkpoint=place)
        return place


async def _finish(job: JobRun) -> None:
    async with job.transaction() as ctx:
        run = await queries.find_run_of_job(ctx, job.job_id, lock=True)
        if run is None or run.state != RunState.CALCULATING:
            return
        await queries.add_up(ctx, run)
        lacking = missing_for(await find_profile_facts(ctx), run.pack, on=run.tax_on)
        run.missing = [{"pointer": each.pointer, "message": each.message} for each in lacking]
        advance(ctx, LIFECYCLE, run, "finish")


async def _read(ctx: Ctx, run: PayRun, *, after: UUID) -> _Chunk | None:
    """The next payees with everything that is known of them; None behind the last."""
    ids = await queries.find_next_payees(ctx, run, after=after, limit=AT_ONCE)
    if not ids:
        return None
    found = await facts_for_run(ctx, run.schedule_id, period_of(run), payee_ids=ids)
    before = await find_lines_before(ctx, ids, tax_year=run.tax_year, until=run.tax_on)
    terms, currency = terms_of(run), packs()[run.pack].currency
    wanted: list[Wanted] = []
    problems: list[Problem] = []
    for facts in found:
        told = findings(facts, pack=run.pack, currency=currency)
        problems += [_told(facts, each) for each in told]
        if any(each.severity == "blocker" for each in told):
            continue
        each_wanted = _wanted(run, facts, terms, before.get(facts.payee_id, {}))
        if run.basic_pay or each_wanted.snapshot["items"]:
            wanted.append(each_wanted)
        elif run.payee_ids is not None:
            problems.append(_nothing_due(each_wanted))
    return _Chunk(ids[-1], len(ids), wanted, problems)


def _wanted(run: PayRun, facts: PayeeFacts, terms: RunTerms, before: Mapping[str, Any]) -> Wanted:
    columns = {
        "run_id": str(run.id),
        "employee_id": str(facts.employee_id),
        "employment_id": str(facts.employment_id),
        "kind": facts.kind,
        "cost_centre": facts.cost_centre,
        "currency": run.currency,
        "pays_period": run.basic_pay,
        **{
            name: getattr(terms, name)
            for name in ("period_start", "period_end", "tax_year", "pay_on", "tax_on")
        },
    }
    snapshot = snapshot_of(facts, terms, lines_before=before, employer=None)
    return Wanted(new_id(), facts.payee_id, facts.number, facts.name, columns, snapshot)


def _told(facts: PayeeFacts, finding: Finding) -> Problem:
    rule = f"payroll.{finding.code}"
    return Problem(
        facts.payee_id, facts.number, facts.name, finding.severity, finding.code, finding.message, rule
    )


async def _store(ctx: Ctx, run: PayRun, chunk: _Chunk, made: Made) -> None:
    """Store a step's payslips and problems; whose period another run pays is one of these."""
    stored = await payslips.store_payslips(ctx, made)
    refused = {payslip_id for payslip_id, _ in made.records} - stored
    taken = [each for each in chunk.wanted if each.payslip_id in refused]
    problems = [*chunk.problems, *made.problems]
    if taken:
        ids = [each.payee_id for each in taken]
        holders = await find_period_holders(ctx, ids, period_start=run.period_start)
        problems += [_already_paid(each, holders.get(each.payee_id, "another run")) for each in taken]
    await keep_problems(ctx, run.id, problems)


def _already_paid(each: Wanted, number: str) -> Problem:
    text = f"{each.number} {each.name}: {number} pays this period already."
    return Problem(
        each.payee_id, each.number, each.name, "blocker", "period_taken", text, "payroll.one_payslip_a_period"
    )


def _nothing_due(each: Wanted) -> Problem:
    """Somebody is named in a run that pays them nothing; of all others who have nothing due none is told."""
    text = f"{each.number} {each.name}: nothing is due."
    return Problem(each.payee_id, each.number, each.name, "warning", "nothing_due", text, "payroll.items_due")


def period_of(run: PayRun) -> Period:
    """The period of a run, as it is paid."""
    return Period(
        number=run.period_number,
        tax_year=run.tax_year,
        period_start=run.period_start,
        period_end=run.period_end,
        pay_day=run.pay_on,
        pay_on=run.pay_on,
        tax_on=run.tax_on,
        cut_off_on=None,
    )


def terms_of(run: PayRun) -> RunTerms:
    """What all payslips of a run have in common."""
    return RunTerms(**{name: getattr(run, name) for name in RunTerms.__slots__})


async def close_unfinished(ctx: Ctx, job_id: UUID, why: Unfinished) -> None:
    """Close a run whose job has ended without having finished: failed with the reason, or cancelled."""
    run = await queries.find_run_of_job(ctx, job_id, lock=True)
    if run is None or run.state != RunState.CALCULATING:
        return
    if why.state == "cancelled":
        advance(ctx, LIFECYCLE, run, "cancel")
        await payslips.void_payslips(ctx, run.id)
    else:
        run.error_code, run.error_message = why.code, why.message
        advance(ctx, LIFECYCLE, run, "fail", why=why.code)
