"""What billing tells of an order's invoices, kept per invoice: facts of different lanes arrive in any order."""

from collections.abc import Sequence
from uuid import UUID

from services.orders.book import actions as book
from services.orders.book import queries
from shared.contracts.billing import AllocatedInvoice, InvoiceFinalized, InvoicePaid, InvoiceVoided
from shared.ctx import Ctx

# Every fact adds what it knows; a payment may be told before its invoice.
NOTE = """
insert into order_invoices as i (tenant_id, id, order_id, gross_minor, paid_minor, settled, voided)
values ($1, $2, $3, $4, $5, $6, $7)
on conflict (tenant_id, id) do update set
  gross_minor = coalesce(i.gross_minor, excluded.gross_minor),
  paid_minor = i.paid_minor + excluded.paid_minor,
  settled = i.settled or excluded.settled,
  voided = i.voided or excluded.voided
"""

SUMS = """
select coalesce(sum(gross_minor), 0)::bigint as invoiced,
  coalesce(sum(case when settled then gross_minor else least(gross_minor, paid_minor) end), 0)::bigint as paid
from order_invoices where tenant_id = $1 and order_id = $2 and not voided and gross_minor is not null
"""


async def record_invoice(ctx: Ctx, invoice: InvoiceFinalized) -> None:
    """An invoice for the order was made."""
    await _note(ctx, invoice.invoice_id, invoice.source_refs.order_id, gross_minor=invoice.gross.minor)


async def record_void(ctx: Ctx, invoice: InvoiceVoided) -> None:
    """An invoice counts no more."""
    await _note(ctx, invoice.invoice_id, invoice.source_refs.order_id, voided=True)


async def record_settlement(ctx: Ctx, invoice: InvoicePaid) -> None:
    """An invoice is settled in full, by whatever means."""
    order_id = invoice.source_refs.order_id
    await _note(ctx, invoice.invoice_id, order_id, gross_minor=invoice.gross.minor, settled=True)


async def record_allocations(ctx: Ctx, allocations: Sequence[AllocatedInvoice]) -> None:
    """A payment or a credit note settled some of one or more invoices; orders are locked in order of their ids."""
    for part in sorted(allocations, key=lambda a: (str(a.source_refs.order_id), a.invoice_id)):
        await _note(ctx, part.invoice_id, part.source_refs.order_id, paid_minor=part.amount.minor)


async def _note(
    ctx: Ctx,
    invoice_id: UUID,
    order_id: UUID | None,
    *,
    gross_minor: int | None = None,
    paid_minor: int = 0,
    settled: bool = False,
    voided: bool = False,
) -> None:
    """Add what a fact says of an invoice, and bring its order's payment status up to date.

    An invoice of no order, or of one that is none of ours, says nothing here.
    """
    for order in await queries.lock_orders(ctx, [order_id] if order_id else []):
        await ctx.sql.execute(
            NOTE, ctx.tenant.id, invoice_id, order.id, gross_minor, paid_minor, settled, voided
        )
        sums = await ctx.sql.fetchrow(SUMS, ctx.tenant.id, order.id)
        order.invoiced_minor, order.paid_minor = sums["invoiced"], sums["paid"]
        book.close_change(ctx, order)
        await book.save_orders(ctx, [order])
