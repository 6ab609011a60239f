"""What invoices do when customers change and due dates pass. Shipments come through posting_exceptions."""

from uuid import UUID

from services.billing.invoices import actions
from services.billing.invoices.rules import OVERDUE
from shared.context.ctx import Ctx
from shared.contracts.orders import CustomerChanged
from shared.service.subscriptions import on, on_due


@on(CustomerChanged)
async def keep_customer(ctx: Ctx, event: CustomerChanged) -> None:
    """Keep the copy of the customer that invoices are made out to."""
    await actions.keep_customer(ctx, event)


@on_due(OVERDUE)
async def tell_overdue(ctx: Ctx, invoice_id: UUID) -> None:
    """The due date is over."""
    await actions.tell_overdue(ctx, invoice_id)
