"""What orders does when billing tells of invoices and payments."""

from collections.abc import Sequence

from services.orders.intake import actions
from shared.context.ctx import Ctx
from shared.contracts.billing import (
    CreditNoteAllocated,
    CreditNoteFinalized,
    InvoiceFinalized,
    InvoicePaid,
    InvoiceVoided,
    PaymentAllocated,
    PaymentRecorded,
)
from shared.service.subscriptions import on_batch


@on_batch(
    InvoiceFinalized, InvoiceVoided, InvoicePaid,
    PaymentRecorded, PaymentAllocated, CreditNoteFinalized, CreditNoteAllocated,
)  # fmt: skip
async def billing_told(told: Sequence[tuple[Ctx, actions.Told]]) -> None:
    """More or less of orders was invoiced, or money or a credit settled some of their invoices."""
    await actions.record_billing(told[-1][0], [fact for _, fact in told])
