"""Reopening: what payments and credits had settled of invoices is open again; and what is given up of an open one."""

from collections.abc import Iterable, Mapping
from uuid import UUID

from services.billing.invoices import queries
from services.billing.invoices.actions.settling import CHANGED, Locked, allocated, reduce_open, store_settled
from services.billing.invoices.rules import LIFECYCLE, OVERDUE, OpenInvoice, midnight_after
from shared.context import lifecycle
from shared.context.ctx import Ctx
from shared.contracts.billing import AllocatedInvoice
from shared.values.money import Money

WRITTEN_OFF = (*CHANGED, "written_off_minor", "lost_minor")
WRITE_OFF = queries.OPEN.update(2, WRITTEN_OFF)


async def lock_to_reopen(ctx: Ctx, invoice_ids: Iterable[UUID]) -> Locked:
    """Lock the invoices that are to be open again, before anything is posted."""
    return await queries.lock_invoices(ctx, list(invoice_ids))


async def reopen_invoices(
    ctx: Ctx, invoices: Locked, taken_back: Mapping[UUID, Money], *, why: str
) -> list[AllocatedInvoice]:
    """Have locked invoices open again by what the ledger took back; returns what other services learn of each."""
    told = []
    for invoice_id, amount in taken_back.items():
        row = invoices[invoice_id]
        row.paid_minor -= amount.minor
        _open_again(ctx, row, amount, why=why)
        told.append(allocated(row, amount))
    await store_settled(ctx, [invoices[invoice_id] for invoice_id in taken_back])
    return told


async def write_off_invoice(
    ctx: Ctx, row: OpenInvoice, amount: Money, *, lost: bool, why: str
) -> AllocatedInvoice:
    """Give up what is open of a locked invoice by an amount; `lost` when it is a bad debt."""
    row.written_off_minor += amount.minor
    row.lost_minor += amount.minor if lost else 0
    lifecycle.move(ctx, LIFECYCLE, row.id, row.state, "write_off", why=why)
    reduce_open(ctx, row, amount)
    await _store_written_off(ctx, row)
    return allocated(row, amount)


async def reinstate_invoice(
    ctx: Ctx, row: OpenInvoice, amount: Money, *, lost: bool, why: str
) -> AllocatedInvoice:
    """Have a locked invoice open again by what was given up of it."""
    row.written_off_minor -= amount.minor
    row.lost_minor -= amount.minor if lost else 0
    _open_again(ctx, row, amount, why=why)
    await _store_written_off(ctx, row)
    return allocated(row, amount)


def _open_again(ctx: Ctx, row: OpenInvoice, amount: Money, *, why: str) -> None:
    """What passed its due date meanwhile is told to be overdue at once."""
    lifecycle.move(ctx, LIFECYCLE, row.id, row.state, "reopen", why=why)
    if not row.open_minor and row.due_on is not None:
        ctx.schedule(OVERDUE, row.id, midnight_after(row.due_on, ctx.tenant.time_zone))
    row.open_minor += amount.minor
    row.version += 1
    row.updated_at = ctx.now


async def _store_written_off(ctx: Ctx, row: OpenInvoice) -> None:
    await ctx.sql.execute(WRITE_OFF, ctx.tenant.id, queries.OPEN.json([row], WRITTEN_OFF))
