"""Filling backorders: arrived stock goes to whoever was confirmed first."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import asyncpg

from services.orders.book import actions as book
from services.orders.book import queries as book_queries
from services.orders.book.rules import Fulfilment, FulfilmentState, Order
from services.orders.fulfilment import queries
from services.orders.stock import actions as stock
from services.orders.stock.rules import Allocation, Demand
from shared.context.ctx import Ctx

ARRIVED = "stock.arrived"
AT_ONCE = 100
"""Orders filled in one transaction; the rest follows in the next."""
SOON = timedelta(seconds=1)
# Whoever adjusts stock holds its row and then wants the row of this due time, which we hold: neither must wait
# for the other until the database finds the deadlock (after one second), so this side gives way sooner.
GIVE_WAY = "set local lock_timeout = '300ms'"


async def fill_backorders(ctx: Ctx, product_id: UUID) -> None:
    """Promise what has arrived of a product to the orders that wait for it, first confirmed first."""
    try:
        async with ctx.savepoint():
            await ctx.sql.execute(GIVE_WAY)
            more = await _fill(ctx, product_id)
    except asyncpg.LockNotAvailableError:
        ctx.schedule(ARRIVED, product_id, ctx.now + SOON)
        return
    if more:
        ctx.schedule(ARRIVED, product_id, ctx.now)


async def _fill(ctx: Ctx, product_id: UUID) -> bool:
    """Fill one batch; returns whether there may be both more stock and more orders that wait."""
    waiting = await queries.find_backordered(ctx, product_id, AT_ONCE)
    orders = {order.id: order for order in await book_queries.lock_orders(ctx, waiting)}
    demands = [
        Demand(line.id, line.product_id, line.sku, line.backordered)
        for order_id in waiting
        for line in orders[order_id].lines
        if line.product_id == product_id and line.backordered
    ]
    if not demands:
        return False
    reservation = await stock.reserve(ctx, demands, allow_backorder=True)
    filled = []
    for order in orders.values():
        own = {line.id for line in order.lines}
        allocations = [a for a in reservation.allocations if a.line_id in own]
        if allocations:
            _open(ctx, order, allocations)
            book.close_change(ctx, order)
            filled.append(order)
    if filled:
        await book.save_orders(ctx, filled)
    return not reservation.backordered and len(waiting) == AT_ONCE


def _open(ctx: Ctx, order: Order, allocations: Sequence[Allocation]) -> None:
    """Move what arrived out of the order's backordered fulfilment.

    When nothing is left waiting, the fulfilment itself opens, where the first of it arrived; else it keeps the
    rest. Whatever else arrived becomes an open fulfilment for each warehouse.
    """
    waiting = next(f for f in order.fulfilments if f.state == FulfilmentState.BACKORDERED)
    arrived = sum(allocation.quantity for allocation in allocations)
    opened: dict[UUID, Fulfilment] = {}
    if arrived == sum(part.quantity for part in waiting.lines):
        waiting.warehouse_id = allocations[0].warehouse_id
        book.move_fulfilment(ctx, waiting, "fill")
        opened[waiting.warehouse_id] = waiting
    for allocation in allocations:
        line, place = order.line(allocation.line_id), allocation.warehouse_id
        line.account(backordered=-allocation.quantity, reserved=allocation.quantity)
        target = opened.get(place) or book.add_fulfilment(ctx, order, place)
        opened[place] = target
        if target is not waiting:
            target.add(line, allocation.quantity)
            waiting.add(line, -allocation.quantity)
