"""Shipping many fulfilments at once: what `ship_fulfilment` does for one, in as many statements as one needs."""

from uuid import UUID

from services.orders.book import actions as book
from services.orders.book import queries
from services.orders.book.rules import Fulfilment
from services.orders.fulfilment.actions.shipping import make_shipment, tell_shipped
from services.orders.fulfilment.schemas import ShipIn
from services.orders.stock import actions as stock
from shared.context.batch import Batch


async def ship_fulfilments(batch: Batch[tuple[UUID, ShipIn | None]]) -> list[Fulfilment]:
    """Ship fulfilments of a tenant, or some of each, all or none; several may be of one order."""
    ctx = batch.ctx
    fulfilment_ids = [fulfilment_id for _, (fulfilment_id, _) in batch.items]
    batch.require_light(await queries.count_lines_of(ctx, fulfilment_ids))
    locked = await queries.lock_orders_of(ctx, fulfilment_ids)
    shipments = [
        (its_ctx, make_shipment(its_ctx, order, fulfilment, wanted or ShipIn()))
        for (its_ctx, (_, wanted)), (order, fulfilment) in zip(batch.items, locked, strict=True)
    ]
    await stock.consume_all(
        Batch([(its_ctx, (each.fulfilment.id, each.goods)) for its_ctx, each in shipments])
    )
    await book.save_orders(ctx, list({order.id: order for order, _ in locked}.values()))
    for its_ctx, each in shipments:
        tell_shipped(its_ctx, each)
    return [fulfilment for _, fulfilment in locked]
