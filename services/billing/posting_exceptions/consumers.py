"""The facts of other services that billing posts."""

from services.billing.posting_exceptions import actions
from shared.context.batch import Batch
from shared.contracts.orders import FulfilmentShipped
from shared.service.subscriptions import on_batch


@on_batch(FulfilmentShipped)
async def invoice_shipments(batch: Batch[FulfilmentShipped]) -> None:
    """Goods left the house: invoice them, or say why not."""
    await actions.post_events(batch)
