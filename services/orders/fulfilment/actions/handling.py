"""The way of a fulfilment through the house, and back."""

from uuid import UUID

from services.orders.book import actions as book
from services.orders.book import queries
from services.orders.book.rules import (
    FULFILMENT_LIFECYCLE,
    Fulfilment,
    Order,
    OrderState,
    require_not_held,
)
from services.orders.promises.actions import share_out
from services.orders.stock import actions as stock
from services.orders.stock.rules import Allocation
from shared.context.ctx import Ctx


async def release_fulfilment(ctx: Ctx, fulfilment_id: UUID) -> Fulfilment:
    """Hand a fulfilment to the warehouse."""
    return await _handle(ctx, fulfilment_id, "release")


async def pick_fulfilment(ctx: Ctx, fulfilment_id: UUID) -> Fulfilment:
    """Begin to collect the goods."""
    return await _handle(ctx, fulfilment_id, "pick")


async def pack_fulfilment(ctx: Ctx, fulfilment_id: UUID) -> Fulfilment:
    """The goods are in their parcels."""
    return await _handle(ctx, fulfilment_id, "pack")


async def _handle(ctx: Ctx, fulfilment_id: UUID, verb: str) -> Fulfilment:
    order, fulfilment = await queries.lock_order_of(ctx, fulfilment_id)
    begin_move(ctx, order, fulfilment, verb)
    book.close_change(ctx, order)
    await book.save_orders(ctx, [order])
    return fulfilment


def begin_move(ctx: Ctx, order: Order, fulfilment: Fulfilment, verb: str) -> None:
    """Move goods on, which a hold forbids; the first move starts the order's processing."""
    FULFILMENT_LIFECYCLE.target(fulfilment.state, verb)
    require_not_held(order)
    if order.state == OrderState.CONFIRMED:
        book.move_order(ctx, order, "start")
    book.move_fulfilment(ctx, fulfilment, verb)


async def deliver_fulfilment(ctx: Ctx, fulfilment_id: UUID) -> Fulfilment:
    """The goods have reached the buyer."""
    order, fulfilment = await queries.lock_order_of(ctx, fulfilment_id)
    book.move_fulfilment(ctx, fulfilment, "deliver")
    book.close_change(ctx, order)
    await book.save_orders(ctx, [order])
    return fulfilment


async def cancel_fulfilment(ctx: Ctx, fulfilment_id: UUID, *, reason: str | None) -> Fulfilment:
    """Take a fulfilment back: its stock is free again, the order still wants its goods.

    What is tracked is promised anew at once, to whoever waits longest: to this order, too, unless others were
    confirmed before. What then waits is told. What has no stock opens anew at once. To want the goods no more is to
    cancel the order.
    """
    order, fulfilment = await queries.lock_order_of(ctx, fulfilment_id)
    book.move_fulfilment(ctx, fulfilment, "cancel", why=reason)
    allocations = _take_apart(ctx, order, fulfilment)
    book.close_change(ctx, order, why=reason)
    await book.save_orders(ctx, [order])
    await stock.release(ctx, allocations)
    shared = await share_out(ctx, {allocation.product_id for allocation in allocations}, why=reason)
    now = shared.orders.get(order.id, order)
    for allocation in allocations:
        line = now.line(allocation.line_id)
        waits = allocation.quantity + line.backordered - order.line(line.id).backordered
        if waits > 0:
            book.tell_backordered(ctx, now, line, waits, reason)
    return fulfilment


def _take_apart(ctx: Ctx, order: Order, fulfilment: Fulfilment) -> list[Allocation]:
    """Have a cancelled fulfilment's goods wait, and what has no stock open anew; returns what was promised."""
    reopened: Fulfilment | None = None
    allocations: list[Allocation] = []
    for part in fulfilment.lines:
        line = order.line(part.order_line_id)
        if line.tracked:
            line.account(reserved=-part.quantity, backordered=part.quantity)
            allocations.append(Allocation(line.id, line.product_id, fulfilment.warehouse_id, part.quantity))
            book.waiting_fulfilment(ctx, order, fulfilment).add(line, part.quantity)
        else:
            reopened = reopened or book.add_fulfilment(ctx, order, fulfilment.warehouse_id, of=fulfilment)
            reopened.add(line, part.quantity)
    return allocations
