"""The facts of other services that billing posts."""

from services.billing.posting_exceptions import actions
from shared.contracts.orders import FulfilmentShipped
from shared.ctx import Ctx
from shared.events import on


@on(FulfilmentShipped)
async def invoice_shipment(ctx: Ctx, event: FulfilmentShipped) -> None:
    """Goods left the house: invoice them, or say why not."""
    await actions.post_event(ctx, event)
