"""Runs: what is told of one is kept first, and posted once its approval is.

A fact that the books refuse (closed period, amounts that differ) is a posting exception and stays kept.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

import orjson

from services.billing.ledger import actions as ledger
from services.billing.ledger import queries as ledger_queries
from services.billing.ledger.rules import SOURCE_NET_PAY, SOURCE_PAY_RUN, SOURCE_PAY_RUN_REVERSAL
from services.billing.posting_exceptions import actions as posting
from services.billing.posting_exceptions.actions import Poster, posted_by
from services.billing.wages import queries
from services.billing.wages.actions.entries import post_on
from services.billing.wages.models import WagePosting, WagePostingLine
from services.billing.wages.rules import (
    APPROVED,
    LIFECYCLE,
    PAID,
    REVERSED,
    WAITING,
    PayRunDiffers,
    RunLine,
    clearing,
    require_mirror,
    require_net_pay,
    require_usable,
    run_lines,
)
from shared.context import lifecycle
from shared.context.batch import Batch
from shared.context.ctx import Ctx
from shared.contracts.payroll import PayRunApproved, PayRunPaid, PayRunReversed
from shared.database.table_sql import TableSql
from shared.database.tables import touch
from shared.values.faults import Fault
from shared.values.ids import new_id

RunEvent = PayRunApproved | PayRunPaid | PayRunReversed

OPEN = """
insert into wage_postings (tenant_id, id, created_at, updated_at, state, currency) values ($1, $2, $3, $3, $4, $5)
on conflict (tenant_id, id) do nothing returning 1
"""
KEEP = """
insert into wage_facts (tenant_id, id, created_at, updated_at, run_id, kind, event_id, facts)
values ($1, $2, $3, $3, $4, $5, $6, $7::text::jsonb) on conflict (tenant_id, run_id, kind) do nothing returning 1
"""
CLEAR = """
update wage_posting_lines set cleared_minor = credit_minor - debit_minor, version = version + 1, updated_at = $3
where tenant_id = $1 and run_id = $2 and role = 'net_pay'
"""


@dataclass(frozen=True, slots=True)
class _NewLine:
    """The row of a line of a run."""

    id: UUID
    created_at: datetime
    updated_at: datetime
    run_id: UUID
    line: int
    role: str
    cost_centre: str | None
    debit_minor: int
    credit_minor: int


LINES = TableSql(WagePostingLine, _NewLine)


async def take_run(ctx: Ctx, event: RunEvent) -> None:
    """Keep a fact of a run and post it, or leave it waiting for the run's approval.

    Raises UnusablePayRun for one that contradicts itself; what the books refuse becomes a posting exception.
    """
    require_usable(event)
    await _keep(ctx, event)
    await posting.post_or_keep(POSTERS[_kind_of(event)], Batch([(ctx, event)]))


def _kind_of(event: RunEvent) -> str:
    return next(kind for kind, poster in POSTERS.items() if isinstance(event, poster.contract))


def _run_of(event: RunEvent) -> UUID:
    """The run that an event tells of: of a reversal the one that it takes back."""
    return event.reverses if isinstance(event, PayRunReversed) else event.run_id


async def _keep(ctx: Ctx, event: RunEvent) -> None:
    """Store what was told of a run, the first of each kind; the run's row comes to be with the first of all."""
    run_id = _run_of(event)
    state = str(LIFECYCLE.initial)
    if await ctx.sql.fetchval(OPEN, ctx.tenant.id, run_id, ctx.now, state, event.currency):
        lifecycle.begin(ctx, LIFECYCLE, run_id)
    row = await queries.get_posting(ctx, run_id, lock=True)
    event_id = UUID(ctx.causation_id) if ctx.causation_id else new_id()
    text = event.model_dump_json()
    kind = _kind_of(event)
    if not await ctx.sql.fetchval(KEEP, ctx.tenant.id, new_id(), ctx.now, run_id, kind, event_id, text):
        return
    if isinstance(event, PayRunApproved):
        await _describe(ctx, row, event)
    elif isinstance(event, PayRunPaid) and row.number is None:
        row.number = event.number
        touch(row, ctx.now)
    await ctx.tx.flush()


async def _describe(ctx: Ctx, row: WagePosting, event: PayRunApproved) -> None:
    """What is known of a run once its approval was told."""
    row.number, row.kind, row.currency = event.number, event.kind, event.currency
    row.pay_on, row.effective_on = event.pay_on, event.effective_on
    touch(row, ctx.now)
    rows = [
        _NewLine(
            id=new_id(),
            created_at=ctx.now,
            updated_at=ctx.now,
            run_id=row.id,
            line=n,
            role=line.role,
            cost_centre=line.cost_centre,
            debit_minor=max(line.amount.minor, 0),
            credit_minor=max(-line.amount.minor, 0),
        )
        for n, line in enumerate(run_lines(event), 1)
    ]
    await ctx.sql.execute(LINES.insert(2), ctx.tenant.id, LINES.json(rows))


async def _post_approved(batch: Batch[PayRunApproved]) -> None:
    """One entry per run, a line for each role and cost centre; then what was told of it before."""
    for ctx, event in batch.items:
        row, lines = await _locked(ctx, event)
        if row.state != WAITING:
            continue
        row.entry_id = await post_on(
            ctx,
            [line.posting for line in lines],
            day=("/effective_on", event.effective_on),
            memo=f"Pay run {event.number}",
            source=(SOURCE_PAY_RUN, row.id),
        )
        lifecycle.advance(ctx, LIFECYCLE, row, "post", why=f"pay run {event.number} approved")
        await ctx.tx.flush()
        await _post_waiting(ctx, event.run_id)


async def _post_waiting(ctx: Ctx, run_id: UUID) -> None:
    """Post what came before the approval, each as its own event: one that the books refuse holds up no other."""
    waiting: dict[str, RunEvent] = {}
    facts = await queries.find_facts(ctx, run_id)
    event_ids = {kind: str(fact.event_id) for kind, fact in facts.items()}
    if PAID in facts:
        waiting[PAID] = PayRunPaid.model_validate(facts[PAID].facts)
    if REVERSED in facts:
        waiting[REVERSED] = PayRunReversed.model_validate(facts[REVERSED].facts)
    for kind, event in waiting.items():
        its_ctx = replace(ctx, causation_id=event_ids[kind])
        await posting.post_or_keep(POSTERS[kind], Batch([(its_ctx, event)]))


async def _post_paid(batch: Batch[PayRunPaid]) -> None:
    """Dr wages payable, Cr bank, once the run is posted."""
    for ctx, event in batch.items:
        row, lines = await _locked(ctx, event)
        if row.state == WAITING or row.paid_on is not None:
            continue
        require_net_pay(event.amount, lines, row.currency)
        row.payment_entry_id = await post_on(
            ctx,
            clearing("net_pay", event.amount) if event.amount.minor else [],
            day=("/paid_on", event.paid_on),
            memo=f"Net pay of pay run {row.number}",
            source=(SOURCE_NET_PAY, row.id),
        )
        row.paid_on = event.paid_on
        lifecycle.advance(ctx, LIFECYCLE, row, "pay", why=f"net pay left the bank on {event.paid_on}")
        await ctx.sql.execute(CLEAR, ctx.tenant.id, row.id, ctx.now)


async def _post_reversed(batch: Batch[PayRunReversed]) -> None:
    """The mirror image of the run's entry, once that is posted. What was paid stays paid: it is owed back."""
    for ctx, event in batch.items:
        row, lines = await _locked(ctx, event)
        if row.state == WAITING or row.reversed_on is not None:
            continue
        require_mirror(run_lines(event), lines)
        (await ledger_queries.entry_days(ctx)).require("/effective_on", event.effective_on)
        if row.entry_id is not None:
            row.reversal_entry_id = await ledger.reverse_entry(
                ctx,
                row.entry_id,
                effective_on=event.effective_on,
                memo=f"Reversal of pay run {row.number}: {event.number}",
                source=(SOURCE_PAY_RUN_REVERSAL, row.id),
            )
        row.reversed_on = event.effective_on
        lifecycle.advance(ctx, LIFECYCLE, row, "reverse", why=f"reversed by {event.number}")


async def _locked(ctx: Ctx, event: RunEvent) -> tuple[WagePosting, list[RunLine]]:
    """The run of an event, and its lines. Raises PayRunDiffers where something else of its kind was told before."""
    row = await queries.get_posting(ctx, _run_of(event), lock=True)
    kind = _kind_of(event)
    if (await queries.find_facts(ctx, row.id))[kind].facts != orjson.loads(event.model_dump_json()):
        raise PayRunDiffers(
            f"Something else was told as {kind} of this run before.", run_id=row.id, number=row.number
        )
    return row, await queries.find_lines(ctx, row)


async def _stays_refused(_ctx: Ctx, _event: RunEvent, refusal: Fault) -> Fault | None:
    """A run's row is locked while it is posted: who is refused was not posted."""
    return refusal


POSTERS: Final[dict[str, Poster]] = {
    APPROVED: posted_by(Poster(PayRunApproved, _post_approved, _stays_refused)),
    PAID: posted_by(Poster(PayRunPaid, _post_paid, _stays_refused)),
    REVERSED: posted_by(Poster(PayRunReversed, _post_reversed, _stays_refused)),
}
