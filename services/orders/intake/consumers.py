"""What orders does when billing tells of invoices and payments."""

from services.orders.intake import actions
from shared.contracts.billing import (
    CreditNoteAllocated,
    CreditNoteFinalized,
    InvoiceFinalized,
    InvoicePaid,
    InvoiceVoided,
    PaymentAllocated,
    PaymentRecorded,
)
from shared.ctx import Ctx
from shared.events import on


@on(InvoiceFinalized)
async def invoice_finalized(ctx: Ctx, event: InvoiceFinalized) -> None:
    """More of the order was invoiced."""
    await actions.record_invoice(ctx, event)


@on(InvoiceVoided)
async def invoice_voided(ctx: Ctx, event: InvoiceVoided) -> None:
    """Less of the order was invoiced."""
    await actions.record_void(ctx, event)


@on(InvoicePaid)
async def invoice_paid(ctx: Ctx, event: InvoicePaid) -> None:
    """An invoice of the order is settled."""
    await actions.record_settlement(ctx, event)


@on(PaymentRecorded, PaymentAllocated, CreditNoteFinalized, CreditNoteAllocated)
async def invoices_settled(
    ctx: Ctx, event: PaymentRecorded | PaymentAllocated | CreditNoteFinalized | CreditNoteAllocated
) -> None:
    """Money or a credit settled some of the order's invoices."""
    await actions.record_allocations(ctx, event.allocations)
