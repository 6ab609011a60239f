"""The job: works through a file order by order, in committed steps, and finds its place again after a crash.

Each step is one transaction over some orders: their rows' outcomes are stored with them, so a killed run
leaves no order without its outcome. An order reference is an order's `external_ref`, unique per tenant: the
same file sent twice, or two runs at once, cannot take an order in twice. The file is read anew by each run, which
passes over the orders whose outcome is there.
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress

import asyncpg
import structlog

from services.orders.imports import queries
from services.orders.imports.actions import taking
from services.orders.imports.actions.countries import country_names
from services.orders.imports.actions.outcomes import Outcome, store_outcomes
from services.orders.imports.actions.reading import ImportFile, ImportLimits, open_steps
from services.orders.imports.rules import (
    LIFECYCLE,
    FileOrder,
    ImportState,
    Problem,
    Reading,
    Step,
    UnreadableFile,
    refuse_rest,
)
from services.orders.imports.schemas import ImportOptions
from shared.background.jobs import JobRun
from shared.base.side_process import SideProcesses, SideProcessFailed
from shared.blobs.records import delete_blob, find_blob
from shared.blobs.store import BlobLost, Blobs
from shared.context import lifecycle
from shared.context.ctx import Ctx
from shared.values.faults import Fault
from shared.values.money import CURRENCY_DIGITS

log = structlog.get_logger()
READ_BY = {"format", "mapping", "encoding", "delimiter", "decimal", "date_format", "sheet"}


class Rejected(Exception):  # noqa: N818 - a refusal, not an error of ours
    """An order was refused while the options ask for all or nothing."""


async def run_import(run: JobRun) -> None:
    """Read the file, refuse what must be refused, take the rest in."""
    found = await _begin(run)
    if found is None:
        return
    options, file = found
    try:
        async with open_steps(run, file) as steps:
            if options.on_error == "reject_all":
                whole = [step async for step in steps]
            else:
                async for step in steps:
                    async with run.transaction() as ctx:
                        await _take_step(run, ctx, options, step)
    except UnreadableFile as error:
        await _end(run, "fail", code=error.code, message=error.detail)
    except SideProcessFailed:
        log.exception("reading an import's file failed", import_id=str(run.job_id))
        message = "The file takes too much time or memory to read; split it."
        await _end(run, "fail", code="file_too_costly", message=message)
    except BlobLost:
        log.exception("an import's file is lost", import_id=str(run.job_id), tenant_id=str(run.tenant_id))
        await _end(run, "fail", code="file_lost", message="The file is no longer whole; send it again.")
    else:
        if options.on_error == "reject_all" and not await _take_all_or_nothing(run, options, whole):
            await _end(run, "fail", code="rejected", message="A row was refused, so nothing was imported.")
        else:
            await _end(run, "finish")


async def _begin(run: JobRun) -> tuple[ImportOptions, ImportFile] | None:
    """Mark the import running and say how its file is read; None when it has ended before."""
    async with run.transaction() as ctx:
        row = await queries.get_import(ctx, run.job_id, lock=True)
        if row.state == ImportState.PENDING:
            lifecycle.advance(ctx, LIFECYCLE, row, "start")
        if row.state != ImportState.RUNNING:
            return None
        options = ImportOptions.model_validate(row.options)
        reading = Reading(
            **options.model_dump(include=READ_BY),
            time_zone=ctx.tenant.time_zone,
            currency=options.currency or ctx.tenant.currency,
            digits=CURRENCY_DIGITS,
            countries=country_names(),
        )
        limits = ctx.port(ImportLimits)
        return options, ImportFile(
            None if row.blob_id is None else await find_blob(ctx, row.blob_id),
            reading,
            limits.rows_at_once if options.on_error == "reject_all" else limits.rows,
            ctx.port(Blobs),
            ctx.port(SideProcesses),
        )


async def _take_step(run: JobRun, ctx: Ctx, options: ImportOptions, step: Step) -> Outcome:
    """Take some orders in, in the transaction at hand, and report how far the file is."""
    orders = await _still_to_do(run, ctx, step.orders)
    outcome = Outcome()
    known = await taking.find_known_refs(ctx, [order.order_ref for order in orders])
    fresh = [order for order in orders if order.order_ref not in known and not order.problems]
    outcome.skipped = [order for order in orders if order.order_ref in known]
    outcome.refused = [order for order in orders if order.order_ref not in known and order.problems]
    ready = await taking.prepare(ctx, options, fresh)
    for order in fresh:
        taking.check_references(order, ready)
    outcome.refused += [order for order in fresh if order.problems]
    await _take_good(ctx, [o for o in fresh if not o.problems], options, ready, outcome)
    await run.progress(ctx, await store_outcomes(ctx, run.job_id, outcome, step.rows_total), step.rows_total)
    return outcome


async def _still_to_do(run: JobRun, ctx: Ctx, orders: Sequence[FileOrder]) -> list[FileOrder]:
    """Without the orders, or parts of one, that a run that died was done with: all rows of one are stored at once."""
    settled = await queries.find_settled(ctx, run.job_id, [order.numbers[0] for order in orders])
    return [order for order in orders if order.numbers[0] not in settled]


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


async def _take_all_or_nothing(run: JobRun, options: ImportOptions, steps: Sequence[Step]) -> bool:
    """Take the whole file in one transaction, or nothing of it; returns whether it was taken."""
    async with run.transaction() as ctx:  # by a run that died while it wrote the reasons
        refused = await queries.has_refused_rows(ctx, run.job_id)
    if not refused and not any(order.problems for step in steps for order in step.orders):
        with suppress(Rejected):
            return await _take_all(run, options, steps)
    # The orders with reasons of their own first: what is stored is there after a kill, and not found anew.
    for step in sorted(steps, key=lambda step: not any(order.problems for order in step.orders)):
        for order in step.orders:
            refuse_rest(order, "Another row of the file was refused.")
        async with run.transaction() as ctx:
            orders = await _still_to_do(run, ctx, step.orders)
            done = await store_outcomes(ctx, run.job_id, Outcome(refused=orders), step.rows_total)
            await run.progress(ctx, done, step.rows_total)
    return False


async def _take_all(run: JobRun, options: ImportOptions, steps: Iterable[Step]) -> bool:
    async with run.transaction() as ctx:
        for step in steps:
            outcome = await _take_step(run, ctx, options, step)
            if outcome.refused:
                raise Rejected
    return True


async def _end(run: JobRun, verb: str, *, code: str | None = None, message: str | None = None) -> None:
    """Close the import and let go of its file, unless it was closed before (cancelled, or rejected as a whole)."""
    async with run.transaction() as ctx:
        row = await queries.get_import(ctx, run.job_id, lock=True)
        if row.state == ImportState.RUNNING:
            row.error_code, row.error_message = code, message
            lifecycle.advance(ctx, LIFECYCLE, row, verb)
            if row.blob_id is not None:
                await delete_blob(ctx, row.blob_id)
