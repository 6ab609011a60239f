"""Holding an order back, for as many reasons as there are; it goes out when every one of them is gone."""

from uuid import UUID

from services.orders.book import actions as book
from services.orders.book import queries
from services.orders.book.rules import Hold, Order
from services.orders.intake.rules import HoldReleased, active_hold_ids, require_holdable
from services.orders.intake.schemas import HoldIn
from shared.context.ctx import Ctx
from shared.values.faults import NotFound
from shared.values.ids import new_id

PLACE = queries.HOLDS.insert(2)

RELEASE = """
update order_holds set released_by = $4, released_at = $5, release_reason = $6
where tenant_id = $1 and id = $2 and order_id = $3
"""

EXISTS = "select exists (select from order_holds where tenant_id = $1 and id = $2 and order_id = $3)"


async def place_hold(ctx: Ctx, order_id: UUID, hold: HoldIn) -> Order:
    """Hold an order back: nothing of it is released, picked, packed or shipped meanwhile."""
    order = await queries.lock_order(ctx, order_id)
    require_holdable(order)
    placed = Hold(new_id(), order.id, hold.reason, hold.source, ctx.actor.id, ctx.now)
    await ctx.sql.execute(PLACE, ctx.tenant.id, queries.HOLDS.json([placed]))
    order.holds.append(placed)
    await _changed(ctx, order, "hold", hold.reason)
    return order


async def release_hold(ctx: Ctx, order_id: UUID, hold_id: UUID, *, reason: str | None) -> Order:
    """Take one reason away; the others go on holding the order."""
    order = await queries.lock_order(ctx, order_id)
    if hold_id not in active_hold_ids(order):
        if not await ctx.sql.fetchval(EXISTS, ctx.tenant.id, hold_id, order.id):
            raise NotFound("hold", hold_id)
        raise HoldReleased("This hold was released before.")
    await ctx.sql.execute(RELEASE, ctx.tenant.id, hold_id, order.id, ctx.actor.id, ctx.now, reason)
    order.holds = [hold for hold in order.holds if hold.id != hold_id]
    await _changed(ctx, order, "release_hold", reason)
    return order


async def _changed(ctx: Ctx, order: Order, verb: str, why: str | None) -> None:
    ctx.record_move("order", order.id, verb, order.state, order.state, why)
    book.close_change(ctx, order)
    await book.save_orders(ctx, [order])
