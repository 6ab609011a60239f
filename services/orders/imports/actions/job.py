"""The job: works through a file order by order, in committed steps, and finds its place again after a crash.

Each step is one transaction over some orders: their rows' outcomes are stored with them, so a killed run
leaves no order without its outcome. An order reference is an order's `external_ref`, unique per tenant: the
same file sent twice, or two runs at once, cannot take an order in twice.
"""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import asyncpg
import structlog

from services.orders.imports import queries
from services.orders.imports.actions import taking
from services.orders.imports.actions.outcomes import Outcome, store_outcomes
from services.orders.imports.rules import (
    LIFECYCLE,
    Code,
    FileOrder,
    ImportState,
    ParsedFile,
    Problem,
    Reading,
    UnreadableFile,
    parse_file,
    refuse_rest,
)
from services.orders.imports.schemas import ImportOptions
from shared.background.jobs import JobRun
from shared.blobs.records import delete_blob
from shared.blobs.store import BlobLost, Blobs
from shared.context import lifecycle
from shared.context.ctx import Ctx
from shared.values.faults import Fault
from shared.values.money import currency_digits

log = structlog.get_logger()
ROWS_PER_STEP = 200


class Rejected(Exception):  # noqa: N818 - a refusal, not an error of ours
    """An order was refused while the options ask for all or nothing."""


@dataclass
class Plan:
    """A read file and what of it is still to do."""

    options: ImportOptions
    parsed: ParsedFile
    todo: list[FileOrder] = field(default_factory=list)


async def run_import(run: JobRun) -> None:
    """Read the file, refuse what must be refused, take the rest in."""
    plan = await _begin(run)
    if plan is None:
        return
    if plan.options.on_error == "reject_all":
        await _take_all_or_nothing(run, plan)
    else:
        for step in _steps(plan.todo):
            async with run.transaction() as ctx:
                await _take_step(run, ctx, plan.options, step)
    await _end(run, "finish")


async def _begin(run: JobRun) -> Plan | None:
    """Mark the import running and read its file; None when it has ended before, or the file cannot be read at all."""
    async with run.transaction() as ctx:
        row = await queries.get_import(ctx, run.job_id, lock=True)
        if row.state == ImportState.PENDING:
            lifecycle.advance(ctx, LIFECYCLE, row, "start")
        if row.state != ImportState.RUNNING:
            return None
        options = ImportOptions.model_validate(row.options)
        file, blobs = await queries.find_file(ctx, row), ctx.port(Blobs)
        settled = await queries.list_settled_refs(ctx, run.job_id)
        currency = options.currency or ctx.tenant.currency
        reading = Reading(
            options.format,
            options.mapping.model_dump(),
            options.encoding,
            options.date_format,
            ctx.tenant.time_zone,
            currency_digits(currency),
        )
    try:
        content = file if isinstance(file, bytes) else await blobs.read(file)
        parsed = await asyncio.to_thread(parse_file, content, reading)
    except UnreadableFile as error:
        await _end(run, "fail", code=error.code, message=error.detail)
        return None
    except BlobLost:
        log.exception("an import's file is lost", import_id=str(run.job_id), tenant_id=str(run.tenant_id))
        await _end(run, "fail", code="file_lost", message="The file is no longer whole; send it again.")
        return None
    plan = Plan(options, parsed, [o for ref, o in parsed.orders.items() if ref not in settled])
    async with run.transaction() as ctx:
        await store_outcomes(ctx, run.job_id, Outcome(problems=parsed.orphans))
        await ctx.sql.execute(
            "update order_imports set rows_total = $3 where tenant_id = $1 and id = $2",
            ctx.tenant.id,
            run.job_id,
            parsed.rows,
        )
        await run.progress(ctx, len(parsed.orphans), parsed.rows)
    return plan


def _steps(orders: Sequence[FileOrder]) -> Iterator[list[FileOrder]]:
    """The orders in steps of about as many rows."""
    step: list[FileOrder] = []
    rows = 0
    for order in orders:
        step.append(order)
        rows += len(order.numbers)
        if rows >= ROWS_PER_STEP:
            yield step
            step, rows = [], 0
    if step:
        yield step


async def _take_step(run: JobRun, ctx: Ctx, options: ImportOptions, step: Sequence[FileOrder]) -> Outcome:
    """Take some orders in, in the transaction at hand, and report how far the file is."""
    outcome = Outcome()
    known = await taking.find_known_refs(ctx, [order.order_ref for order in step])
    fresh = [order for order in step if order.order_ref not in known and not order.problems]
    outcome.skipped = [order for order in step if order.order_ref in known]
    outcome.refused = [order for order in step if order.order_ref not in known and order.problems]
    ready = await taking.prepare(ctx, options, fresh)
    for order in fresh:
        taking.check_references(order, ready)
    outcome.refused += [order for order in fresh if order.problems]
    await _take_good(ctx, [o for o in fresh if not o.problems], options, ready, outcome)
    done = await store_outcomes(ctx, run.job_id, outcome)
    await run.progress(ctx, done)
    return outcome


async def _take_good(
    ctx: Ctx, orders: Sequence[FileOrder], options: ImportOptions, ready: taking.Ready, outcome: Outcome
) -> None:
    """Take sound orders in at once; when one of them is refused, one by one, so that the others get in."""
    if not orders:
        return
    try:
        async with ctx.savepoint():
            ids = await taking.take(ctx, [taking.wish(order, options, ready) for order in orders])
        outcome.created |= {o.order_ref: (i, o) for o, i in zip(orders, ids, strict=True)}
    except (Fault, ValueError, asyncpg.UniqueViolationError) as error:
        if len(orders) == 1:
            _refuse(orders[0], error, outcome)
            return
        for order in orders:
            await _take_good(ctx, [order], options, ready, outcome)


def _refuse(order: FileOrder, error: Exception, outcome: Outcome) -> None:
    """Note why an order was refused; one that is there already is skipped instead."""
    if isinstance(error, asyncpg.UniqueViolationError):
        outcome.skipped.append(order)
        return
    code = error.code if isinstance(error, Fault) else "invalid"
    text = error.detail if isinstance(error, Fault) else str(error)
    order.problems = [Problem(order.numbers[0], code, text[:1000], order.order_ref)]
    refuse_rest(order)
    outcome.refused.append(order)


async def _take_all_or_nothing(run: JobRun, plan: Plan) -> None:
    """Take the whole file in one transaction, or nothing of it."""
    refused = bool(plan.parsed.orphans) or any(order.problems for order in plan.todo)
    if not refused:
        try:
            async with run.transaction() as ctx:
                for step in _steps(plan.todo):
                    outcome = await _take_step(run, ctx, plan.options, step)
                    if outcome.refused:
                        raise Rejected
        except Rejected:
            refused = True
    if not refused:
        return
    for order in plan.todo:
        known = {problem.row for problem in order.problems}
        order.problems += [
            Problem(n, Code.ORDER, "Another row of the file was refused.", order.order_ref)
            for n in order.numbers
            if n not in known
        ]
    async with run.transaction() as ctx:
        await run.progress(ctx, await store_outcomes(ctx, run.job_id, Outcome(refused=plan.todo)))
    await _end(run, "fail", code="rejected", message="A row was refused, so nothing was imported.")


async def _end(run: JobRun, verb: str, *, code: str | None = None, message: str | None = None) -> None:
    """Close the import and let go of its file, unless it was closed before (cancelled, or rejected as a whole)."""
    async with run.transaction() as ctx:
        row = await queries.get_import(ctx, run.job_id, lock=True)
        if row.state == ImportState.RUNNING:
            row.error_code, row.error_message = code, message
            lifecycle.advance(ctx, LIFECYCLE, row, verb)
            if row.blob_id is not None:
                await delete_blob(ctx, row.blob_id)
