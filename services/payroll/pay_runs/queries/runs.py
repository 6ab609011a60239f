"""Reads of runs and their problems."""

from collections.abc import Sequence
from uuid import UUID

from sqlmodel import select

from services.payroll.pay_runs.models import PayRun, PayRunProblem
from services.payroll.pay_runs.rules import RunKind, RunState
from services.payroll.pay_runs.schemas import PayRunOut, ProgressOut, RunErrorOut, RunTotalsOut
from shared.context.ctx import Ctx
from shared.http.paging import Page, PageQuery, list_rows
from shared.values.faults import NotFound
from shared.values.money import Money

PROGRESS = "select id, done, total from jobs where tenant_id = $1 and id = any($2::uuid[])"
BLOCKERS = """
select count(*) as count, (array_agg(number order by number))[1:5] as numbers from pay_run_problems
where tenant_id = $1 and run_id = $2 and severity = 'blocker'
"""
AMOUNTS = ("gross", "reimbursed", "deductions", "net", "employer_cost")


async def get_run(ctx: Ctx, run_id: UUID, *, lock: bool = False) -> PayRun:
    """One pay run; locked when it is about to change."""
    statement = select(PayRun).where(PayRun.id == run_id)
    if lock:
        statement = statement.with_for_update().execution_options(populate_existing=True)
    found = (await ctx.session.exec(statement)).one_or_none()
    if found is None:
        raise NotFound("pay run", run_id)
    return found


async def find_run_of_job(ctx: Ctx, job_id: UUID, *, lock: bool = False) -> PayRun | None:
    """The run that a job calculates; None when it was begun anew since."""
    statement = select(PayRun).where(PayRun.job_id == job_id)
    if lock:
        statement = statement.with_for_update()
    return (await ctx.session.exec(statement)).one_or_none()


async def list_runs(
    ctx: Ctx, page: PageQuery, *, schedule_id: UUID | None, state: RunState | None, kind: RunKind | None
) -> Page[PayRunOut]:
    """Runs, newest first."""
    wanted = {PayRun.schedule_id: schedule_id, PayRun.state: state, PayRun.kind: kind}
    conditions = [column == value for column, value in wanted.items() if value is not None]
    found: Page[PayRun] = await list_rows(ctx, PayRun, page, *conditions)
    return Page(items=await _shown(ctx, found.items), next=found.next)


async def show_run(ctx: Ctx, run: PayRun) -> PayRunOut:
    """A run as it is answered."""
    await ctx.tx.flush()
    return (await _shown(ctx, [run]))[0]


async def _shown(ctx: Ctx, runs: Sequence[PayRun]) -> list[PayRunOut]:
    jobs = [run.job_id for run in runs if run.job_id is not None and run.state == RunState.CALCULATING]
    progress = {row["id"]: row for row in await ctx.sql.fetch(PROGRESS, ctx.tenant.id, jobs)} if jobs else {}
    return [_out(run, progress.get(run.job_id)) for run in runs]


def _out(run: PayRun, progress: object) -> PayRunOut:
    told = ProgressOut.model_validate(dict(progress)) if progress else None  # type: ignore[call-overload]
    error = None
    if run.error_code is not None:
        error = RunErrorOut(code=run.error_code, message=run.error_message or "")
    shown = PayRunOut.model_validate(
        {
            **{name: getattr(run, name) for name in PayRunOut.model_fields if hasattr(run, name)},
            "totals": _totals(run),
            "warnings": (run.totals or {}).get("warnings", {}),
            "progress": told,
            "error": error,
        }
    )
    return shown


def _totals(run: PayRun) -> RunTotalsOut | None:
    if run.totals is None:
        return None
    taxes = run.totals["taxes"]
    return RunTotalsOut(
        **{name: Money.parse(run.totals[name], run.currency) for name in AMOUNTS},
        taxes={code: Money.parse(amount, run.currency) for code, amount in sorted(taxes.items())},
    )


async def list_problems(
    ctx: Ctx, run_id: UUID, page: PageQuery, *, severity: str | None
) -> Page[PayRunProblem]:
    """The problems of a run, newest first."""
    await get_run(ctx, run_id)
    conditions = [PayRunProblem.run_id == run_id]
    conditions += [] if severity is None else [PayRunProblem.severity == severity]
    return await list_rows(ctx, PayRunProblem, page, *conditions)


async def count_blockers(ctx: Ctx, run_id: UUID) -> tuple[int, Sequence[str]]:
    """How many payees a run cannot pay, and the numbers of some of them."""
    row = await ctx.sql.fetchrow(BLOCKERS, ctx.tenant.id, run_id)
    return row["count"], row["numbers"] or []
