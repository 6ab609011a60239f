"""What happens to fulfilments when stock arrives."""

from uuid import UUID

from services.orders.fulfilment import actions
from shared.context.ctx import Ctx
from shared.service.subscriptions import on_due


@on_due("stock.arrived")
async def stock_arrived(ctx: Ctx, product_id: UUID) -> None:
    """Orders that wait for the product get what has arrived, or was given back."""
    await actions.fill_backorders(ctx, product_id)
