"""Sharing out what there is: promises without goods are taken back, what is free goes to who waits longest.

Whoever changes stock holds its rows until the commit and does this in the same transaction, so nobody confirmed later
gets between. Orders come before stock in the order of locks; here stock is held already, so an order that somebody
else holds is never waited for: it and all behind it get their turn in a transaction of their own soon after, and
until then what is owed to them is no new order's.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import asyncpg

from services.orders.book import actions as book
from services.orders.book import queries as book_queries
from services.orders.book.rules import Order
from services.orders.promises import queries
from services.orders.promises.actions.moving import lose, open_arrived
from services.orders.promises.rules import Loss, in_turn, take_back, unshared
from services.orders.stock import actions as stock
from services.orders.stock.queries import lock_stock
from services.orders.stock.rules import (
    Allocation,
    LostPromise,
    StockItem,
    allocate,
    by_line,
    moved,
    sum_by_item,
)
from shared.context.ctx import Ctx

SOON = timedelta(milliseconds=200)
# Whoever changes stock holds its row and then wants the row of this due time, which we hold: neither must wait
# for the other until the database finds the deadlock (after one second), so this side gives way sooner.
GIVE_WAY = "set local lock_timeout = '300ms'"


@dataclass(slots=True)
class Shared:
    """What came of sharing out: stock as it is now, orders that got or lost something, and who lost what."""

    items: Sequence[StockItem]
    orders: dict[UUID, Order] = field(default_factory=dict)
    lost: Sequence[LostPromise] = ()
    pending: set[UUID] = field(default_factory=set)


async def share_out(ctx: Ctx, product_ids: Collection[UUID], *, why: str | None = None) -> Shared:
    """Share out what there is of some products; what a caller has changed of orders is written before.

    `why` is told where a promise is lost. What one transaction cannot do is `pending` and comes due.
    """
    if not product_ids:
        return Shared([])
    main_id, items = await lock_stock(ctx, product_ids)
    promised, waiting = await queries.find_promised(ctx, items), await queries.find_waiting(ctx, items)
    concerned = {claim.order_id for claim in (*promised, *waiting)}
    held = await book_queries.lock_orders(ctx, sorted(concerned), wait=False)
    orders = {order.id: order for order in held}
    taken = take_back(items, promised, orders)
    before = {
        x.claim.line_id: orders[x.claim.order_id].line(x.claim.line_id).backordered for x in taken.losses
    }
    returned = [_allocation(loss) for loss in taken.losses]
    items = moved(items, {place: -quantity for place, quantity in sum_by_item(returned).items()})
    for order in held:
        if losses := [loss for loss in taken.losses if loss.claim.order_id == order.id]:
            lose(ctx, order, losses, why)
    turns = in_turn(waiting, [loss.new_claim for loss in taken.losses], orders)
    allocations, _ = allocate(turns.demands, items, main=main_id)
    _give(ctx, held, by_line(allocations))
    items = moved(items, sum_by_item(allocations))
    await stock.release(ctx, returned)
    await stock.promise(ctx, allocations)
    lines = {allocation.line_id for allocation in (*returned, *allocations)}
    changed = {order.id: order for order in held if any(line.id in lines for line in order.lines)}
    await _save(ctx, changed)
    pending = unshared(taken, items, short=True) | unshared(turns, items, short=False)
    await _note_pending(ctx, items, pending, main_id)
    return Shared(items, changed, _tell_lost(ctx, orders, taken.losses, before, why), pending)


def _allocation(loss: Loss) -> Allocation:
    product_id, warehouse_id = loss.place
    return Allocation(loss.claim.line_id, product_id, warehouse_id, loss.quantity)


def _give(ctx: Ctx, orders: Sequence[Order], promised: Mapping[UUID, Sequence[Allocation]]) -> None:
    for order in orders:
        own = [allocation for line in order.lines for allocation in promised.get(line.id, ())]
        if own:
            open_arrived(ctx, order, own)


async def _save(ctx: Ctx, changed: Mapping[UUID, Order]) -> None:
    for order in changed.values():
        book.close_change(ctx, order)
    if changed:
        await book.save_orders(ctx, list(changed.values()))


async def _note_pending(ctx: Ctx, items: Sequence[StockItem], pending: set[UUID], main_id: UUID) -> None:
    """Have what is pending come due, and keep new orders from it meanwhile."""
    owed = {item.product_id for item in items if item.owed}
    await stock.owe(ctx, pending - owed, main_id, owed=True)
    await stock.owe(ctx, owed - pending, main_id, owed=False)
    for product_id in sorted(pending):
        ctx.schedule(stock.CHANGED, product_id, ctx.now)


def _tell_lost(
    ctx: Ctx,
    orders: Mapping[UUID, Order],
    losses: Sequence[Loss],
    before: Mapping[UUID, Decimal],
    why: str | None,
) -> list[LostPromise]:
    """Who lost what, each line once; other services learn of what waits for stock again."""
    sums: dict[UUID, Decimal] = {}
    for loss in losses:
        sums[loss.claim.line_id] = sums.get(loss.claim.line_id, Decimal(0)) + loss.quantity
    order_of = {loss.claim.line_id: orders[loss.claim.order_id] for loss in losses}
    lost = []
    for line_id, quantity in sums.items():
        order, line = order_of[line_id], order_of[line_id].line(line_id)
        waits = max(Decimal(0), line.backordered - before[line_id])
        if waits:
            book.tell_backordered(ctx, order, line, waits, why)
        lost.append(LostPromise(order.id, order.number or "", line.id, line.sku, quantity, waits))
    return lost


async def share_out_later(ctx: Ctx, product_id: UUID) -> None:
    """The same in a transaction of its own, which gives way to whoever changes the product's stock right now."""
    why = await queries.find_reason(ctx, product_id)
    try:
        async with ctx.savepoint():
            await ctx.sql.execute(GIVE_WAY)
            shared = await share_out(ctx, [product_id], why=why)
    except asyncpg.LockNotAvailableError:
        ctx.schedule(stock.CHANGED, product_id, ctx.now + SOON)
        return
    if shared.pending and not shared.orders:  # somebody else holds the order whose turn it is
        ctx.schedule(stock.CHANGED, product_id, ctx.now + SOON)
