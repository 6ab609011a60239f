"""Taking many orders in at once: what `create_order` does for one, in as many statements as one order needs."""

from collections.abc import Sequence
from datetime import date

from services.orders.book.rules import Order
from services.orders.intake.actions.confirming import (
    SERIES,
    begin_promise,
    demands_of,
    plan_fulfilments,
    tell_confirmed,
)
from services.orders.intake.actions.creating import draft_order, order_day, store_orders
from services.orders.intake.queries import find_prices
from services.orders.intake.rules import PriceList, price_order
from services.orders.intake.schemas import OrderIn
from services.orders.stock import actions as stock
from services.orders.stock.rules import by_line
from shared.base.loops import give_way
from shared.context import numbering
from shared.context.batch import Batch
from shared.context.ctx import Ctx


async def create_orders(batch: Batch[tuple[OrderIn]]) -> list[Order]:
    """Take in orders of a tenant, all or none.

    A refused line is named with its order's place (`/3/lines/0/sku`); a shortage of stock or an unknown customer
    does not say whose it is. Whoever wants the good ones of a batch nonetheless makes the batch in a savepoint and,
    if it is refused, the orders one by one.
    """
    drafts = [(ctx, draft_order(ctx, given)) for ctx, (given,) in batch.items]
    ctx, orders = batch.ctx, [order for _, order in drafts]
    given = [each for _, (each,) in batch.items]
    prices = await _find_prices(ctx, given, orders)
    for place, (order, wanted) in enumerate(zip(orders, given, strict=True)):
        on = order_day(ctx, order)
        price_order(order, wanted.lines, wanted.charges, prices[on], pointer=f"/{place}")
    lines = sum(len(order.lines) for order in orders)
    await give_way(lines)
    confirmed = [draft for draft, wanted in zip(drafts, given, strict=True) if wanted.confirm]
    if confirmed:
        await _promise_orders(Batch(confirmed))
        await give_way(lines)
    await store_orders(ctx, orders)
    for its_ctx, order in confirmed:
        tell_confirmed(its_ctx, order)
    return orders


async def _find_prices(ctx: Ctx, given: Sequence[OrderIn], orders: Sequence[Order]) -> dict[date, PriceList]:
    """What the orders' products cost and how they are taxed, on each order's own day."""
    by_day: dict[date, list[OrderIn]] = {}
    for order, wanted in zip(orders, given, strict=True):
        by_day.setdefault(order_day(ctx, order), []).append(wanted)
    return {
        day: await find_prices(
            ctx,
            [line for order in found for line in order.lines],
            [charge for order in found for charge in order.charges],
            on=day,
        )
        for day, found in by_day.items()
    }


async def _promise_orders(batch: Batch[Order]) -> None:
    """Confirm drafts in memory, as `promise_order` does: first those that must have all of their stock now."""
    ctx = batch.ctx
    year = ctx.today.year
    await numbering.prepare_numbers(ctx, SERIES, year, len(batch))
    for its_ctx, order in batch.items:
        begin_promise(its_ctx, order)
    for allow in (False, True):
        of_policy = [each for each in batch.items if (each[1].backorder == "allow") is allow]
        if of_policy:
            await _reserve(Batch(of_policy), allow_backorder=allow)
    numbers = await numbering.lease_numbers(ctx, SERIES, year, len(batch))
    for (_, order), number in zip(batch.items, numbers, strict=True):
        order.number = numbering.written(SERIES, year, number)


async def _reserve(batch: Batch[Order], *, allow_backorder: bool) -> None:
    demands = [demand for _, order in batch.items for demand in demands_of(order)]
    reservation = await stock.reserve(batch.ctx, demands, allow_backorder=allow_backorder)
    promised = by_line(reservation.allocations)
    for ctx, order in batch.items:
        plan_fulfilments(ctx, order, reservation, promised)
