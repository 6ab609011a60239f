"""Cancelling: what has not left the house never will, and its stock goes to who waits for it."""

from uuid import UUID

from services.orders.book import actions as book
from services.orders.book import queries
from services.orders.book.rules import (
    IN_HAND,
    ORDER_LIFECYCLE,
    UNSHIPPED,
    FulfilmentState,
    Order,
    OrderState,
)
from services.orders.promises.actions import share_out
from services.orders.stock import actions as stock
from services.orders.stock.rules import Allocation
from shared.context.ctx import Ctx
from shared.contracts.orders import OrderCancelled


async def cancel_order(ctx: Ctx, order_id: UUID, *, reason: str | None) -> Order:
    """Cancel an order, or what is left of one of which something was shipped; that one is then completed."""
    order = await queries.lock_order(ctx, order_id)
    ORDER_LIFECYCLE.target(order.state, "cancel")
    shipped = any(line.shipped for line in order.lines)
    was_draft = order.state == OrderState.DRAFT
    allocations = _withdraw(ctx, order, reason)
    for line in order.lines:
        rest = line.quantity if was_draft else line.reserved + line.backordered
        line.account(reserved=-line.reserved, backordered=-line.backordered, cancelled=rest)
    for charge in order.charges:
        charge.cancel()
    if not shipped:
        book.move_order(ctx, order, "cancel", why=reason)
    completed = book.close_change(ctx, order, why=reason)
    await book.save_orders(ctx, [order])
    await stock.release(ctx, allocations)
    await share_out(ctx, {allocation.product_id for allocation in allocations}, why=reason)
    fact = OrderCancelled(order_id=order.id, number=order.number, reason=reason, remainder_only=shipped)
    ctx.emit(fact, subject=order.id, version=order.version, ordering_key=order.ordering_key)
    if completed:
        book.tell_completed(ctx, order)
    return order


def _withdraw(ctx: Ctx, order: Order, reason: str | None) -> list[Allocation]:
    """Cancel every fulfilment that has not left; returns what was promised to them, once."""
    tracked = {line.id: line.product_id for line in order.lines if line.tracked}
    allocations = [
        Allocation(part.order_line_id, tracked[part.order_line_id], fulfilment.warehouse_id, part.quantity)
        for fulfilment in order.fulfilments
        if fulfilment.state in IN_HAND
        for part in fulfilment.lines
        if part.order_line_id in tracked
    ]
    for fulfilment in order.fulfilments:
        if FulfilmentState(fulfilment.state) in UNSHIPPED:
            book.move_fulfilment(ctx, fulfilment, "withdraw", why=reason)
    return allocations
