"""Redirecting: the desk sends a fulfilment elsewhere, as long as its parcels carry no label yet."""

from uuid import UUID

from services.orders.book import actions as book
from services.orders.book import queries
from services.orders.book.rules import Fulfilment
from services.orders.fulfilment.rules import require_not_packed
from services.orders.fulfilment.schemas import FulfilmentChange
from shared.context.ctx import Ctx
from shared.values.faults import PreconditionFailed


async def redirect_fulfilment(
    ctx: Ctx, fulfilment_id: UUID, change: FulfilmentChange, *, version: int
) -> Fulfilment:
    """Send a fulfilment to another address than its order, or again to the order's; not once it is packed."""
    order, fulfilment = await queries.lock_order_of(ctx, fulfilment_id)
    if fulfilment.version != version:
        raise PreconditionFailed("The resource has changed meanwhile.", current_version=fulfilment.version)
    require_not_packed(fulfilment)
    fulfilment.redirected_to = change.ship_to.model_dump() if change.ship_to else None
    book.change_fulfilment(ctx, fulfilment, "redirect", why=None)
    book.close_change(ctx, order)
    await book.save_orders(ctx, [order])
    return fulfilment
