"""What orders does when billing tells of invoices and payments."""

from services.orders.intake import actions
from shared.context.batch import Batch
from shared.contracts.billing import (
    CreditNoteAllocated,
    CreditNoteDeallocated,
    CreditNoteFinalized,
    InvoiceFinalized,
    InvoicePaid,
    InvoiceVoided,
    PaymentAllocated,
    PaymentDeallocated,
    PaymentRecorded,
    PaymentReversed,
    WriteOffRecorded,
    WriteOffReversed,
)
from shared.service.subscriptions import on_batch


@on_batch(
    InvoiceFinalized, InvoicePaid, InvoiceVoided,
    PaymentRecorded, PaymentAllocated, PaymentDeallocated, PaymentReversed,
    CreditNoteFinalized, CreditNoteAllocated, CreditNoteDeallocated, WriteOffRecorded, WriteOffReversed,
)  # fmt: skip
async def note_billing(batch: Batch[actions.BillingFact]) -> None:
    """More or less of orders was invoiced, or money or a credit settled some of their invoices, or no longer does."""
    await actions.record_billing(batch.ctx, [fact for _, fact in batch.items])
