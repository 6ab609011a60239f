"""What invoices do when goods are shipped, customers change and due dates pass."""

from uuid import UUID

from services.billing.invoices import actions
from services.billing.invoices.rules import OVERDUE
from services.billing.posting_exceptions import actions as posting
from shared.context.batch import Batch
from shared.context.ctx import Ctx
from shared.contracts.orders import CustomerChanged, FulfilmentShipped
from shared.service.subscriptions import on, on_batch, on_due


@on_batch(FulfilmentShipped)
async def invoice_shipments(batch: Batch[FulfilmentShipped]) -> None:
    """Goods left the house: invoice them, or keep what the books refuse with the reason why."""
    await posting.post_or_keep(actions.SHIPMENTS, batch)


@on(CustomerChanged)
async def keep_customer(ctx: Ctx, event: CustomerChanged) -> None:
    """Keep the copy of the customer that invoices are made out to."""
    await actions.keep_customer(ctx, event)


@on_due(OVERDUE)
async def tell_overdue(ctx: Ctx, invoice_id: UUID) -> None:
    """The due date is over."""
    await actions.tell_overdue(ctx, invoice_id)
