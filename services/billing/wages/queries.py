"""Reads of wages in the books."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlmodel import col, select

from services.billing.wages.models import WageFact, WagePosting, WagePostingLine, WageRemittance
from services.billing.wages.rules import ACCOUNTS, LIFECYCLE, RunLine
from services.billing.wages.schemas import WageLineOut, WagePostingOut
from shared.context.ctx import Ctx
from shared.http.paging import Page, PageQuery, list_rows
from shared.values.faults import NotFound
from shared.values.money import Money

RECEIVED = """
select f.run_id, f.kind, e.id as exception_id from wage_facts f
left join posting_exceptions e on e.tenant_id = $1 and e.event_id = f.event_id and e.state = 'open'
where f.tenant_id = $1 and f.run_id = any($2::uuid[]) order by f.run_id, f.kind
"""


@dataclass(slots=True)
class _Told:
    """What stands beside the row of a run."""

    lines: list[WagePostingLine]
    kinds: list[str]
    exceptions: list[UUID]


async def get_posting(ctx: Ctx, run_id: UUID, *, lock: bool = False) -> WagePosting:
    """One run; locked when something of it is about to be posted."""
    statement = select(WagePosting).where(WagePosting.id == run_id)
    found = (await ctx.session.exec(statement.with_for_update() if lock else statement)).one_or_none()
    if found is None:
        raise NotFound("wage posting", run_id)
    return found


async def find_facts(ctx: Ctx, run_id: UUID) -> dict[str, WageFact]:
    """What payroll has told of a run, by kind."""
    rows = (await ctx.session.exec(select(WageFact).where(WageFact.run_id == run_id))).all()
    return {row.kind: row for row in rows}


async def find_lines(ctx: Ctx, row: WagePosting) -> list[RunLine]:
    """The lines of a run as they were posted."""
    return [
        RunLine(line.role, line.cost_centre, Money(line.debit_minor - line.credit_minor, row.currency))  # type: ignore[arg-type]
        for line in await _lines(ctx, [row.id])
    ]


async def find_remittance(ctx: Ctx, liability_id: UUID) -> WageRemittance | None:
    """What was paid over of a liability, if anything."""
    statement = select(WageRemittance).where(WageRemittance.id == liability_id)
    return (await ctx.session.exec(statement)).one_or_none()


async def show_posting(ctx: Ctx, run_id: UUID) -> WagePostingOut:
    """One run with its lines, as callers see it."""
    return (await _shown(ctx, [await get_posting(ctx, run_id)]))[0]


async def list_postings(
    ctx: Ctx, page: PageQuery, *, run_id: UUID | None, number: str | None, state: str | None
) -> Page[WagePostingOut]:
    """Runs with their lines, the newest run first."""
    wanted = {"id": run_id, "number": number, "state": state}
    conditions: list[Any] = [
        getattr(WagePosting, name) == value for name, value in wanted.items() if value is not None
    ]
    found = await list_rows(ctx, WagePosting, page, *conditions)
    return Page(items=await _shown(ctx, found.items), next=found.next)


async def _lines(ctx: Ctx, run_ids: Sequence[UUID]) -> Sequence[WagePostingLine]:
    of_runs = select(WagePostingLine).where(col(WagePostingLine.run_id).in_(run_ids))
    ordered = of_runs.order_by(col(WagePostingLine.run_id), col(WagePostingLine.line))
    return (await ctx.session.exec(ordered)).all()


async def _shown(ctx: Ctx, rows: Sequence[WagePosting]) -> list[WagePostingOut]:
    """Two statements, however many runs."""
    told = {row.id: _Told([], [], []) for row in rows}
    for line in await _lines(ctx, list(told)):
        told[line.run_id].lines.append(line)
    for fact in await ctx.sql.fetch(RECEIVED, ctx.tenant.id, list(told)):
        of_run = told[fact["run_id"]]
        of_run.kinds.append(fact["kind"])
        if fact["exception_id"] is not None:
            of_run.exceptions.append(fact["exception_id"])
    return [_out(row, told[row.id]) for row in rows]


def _out(row: WagePosting, told: _Told) -> WagePostingOut:
    return WagePostingOut.model_validate(
        row.model_dump(exclude={"tenant_id", "entry_id", "payment_entry_id", "reversal_entry_id"})
        | {
            "run_id": row.id,
            "lines": [_line_out(line, row.currency) for line in told.lines],
            "received": told.kinds,
            "posting_exception_ids": told.exceptions,
            "journal_entry_id": row.entry_id,
            "payment_journal_entry_id": row.payment_entry_id,
            "reversal_journal_entry_id": row.reversal_entry_id,
            "allowed_actions": LIFECYCLE.allowed(row.state),
        }
    )


def _line_out(line: WagePostingLine, currency: str) -> WageLineOut:
    role: Any = line.role
    return WageLineOut(
        role=role,
        account=ACCOUNTS[role],
        cost_centre=line.cost_centre,
        debit=Money(line.debit_minor, currency) if line.debit_minor else None,
        credit=Money(line.credit_minor, currency) if line.credit_minor else None,
        cleared=Money(line.cleared_minor, currency),
    )
