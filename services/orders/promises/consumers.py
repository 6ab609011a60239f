"""What happens to promises in a transaction of its own."""

from uuid import UUID

from services.orders.promises import actions
from services.orders.stock.actions import CHANGED
from shared.context.ctx import Ctx
from shared.service.subscriptions import on_due


@on_due(CHANGED)
async def stock_changed(ctx: Ctx, product_id: UUID) -> None:
    """What could not be shared out of a product when its stock changed is shared out now."""
    await actions.share_out_later(ctx, product_id)
