"""Reserving by hand: another try to have stock promised to what waits."""

from uuid import UUID

from services.orders.book import queries
from services.orders.book.rules import FULFILMENT_LIFECYCLE, Fulfilment
from services.orders.promises.actions import share_out
from services.orders.stock.rules import Demand, shortage
from shared.context.ctx import Ctx
from shared.values.faults import Busy


async def reserve_fulfilment(ctx: Ctx, fulfilment_id: UUID) -> Fulfilment:
    """Have a backordered fulfilment promised what there is; who waits longer comes first, now as ever.

    It opens when nothing of it is left waiting; else what it got is an open fulfilment beside it. Raises
    InsufficientStock when it got nothing.
    """
    order, fulfilment = await queries.lock_order_of(ctx, fulfilment_id)
    FULFILMENT_LIFECYCLE.target(fulfilment.state, "reserve")
    wanted = [
        Demand(line.id, line.product_id, line.sku, part.quantity)
        for part in fulfilment.lines
        for line in [order.line(part.order_line_id)]
    ]
    shared = await share_out(ctx, {demand.product_id for demand in wanted})
    changed = shared.orders.get(order.id)
    if changed is None:
        if shared.pending:
            raise Busy("Stock for it is being promised just now.")
        raise shortage(wanted, shared.items)
    found = next(f for f in changed.fulfilments if f.id == fulfilment_id)
    found.lines = [part for part in found.lines if part.quantity]
    return found
