"""Taking orders in: priced, promised when they are to be confirmed at once, and written in one statement."""

from collections.abc import Sequence
from datetime import date

import asyncpg

from services.orders.book import actions as book
from services.orders.book.rules import ORDER_LIFECYCLE, Order, OrderState
from services.orders.intake.actions.confirming import promise_orders, tell_confirmed
from services.orders.intake.queries import find_prices
from services.orders.intake.rules import PriceList, price_lines, unknown_customer
from services.orders.intake.schemas import OrderIn
from shared.context.batch import Batch
from shared.context.ctx import Ctx
from shared.context.lifecycle import begin
from shared.values import clock
from shared.values.ids import new_id

CUSTOMER_KEY = "orders_customer_fkey"


async def create_order(ctx: Ctx, given: OrderIn) -> Order:
    """Take in one order, and confirm it if so wanted. The answer is built from memory."""
    return (await create_orders(Batch([(ctx, (given,))])))[0]


async def create_orders(batch: Batch[tuple[OrderIn]]) -> list[Order]:
    """Take in orders of a tenant, all or none, in as many statements as one order needs.

    A refusal names the order by the first part of its pointers (`/3/lines/0/sku`) when there are several; a
    shortage of stock or an unknown customer among several is not told apart. Whoever wants the good ones of a
    batch nonetheless makes the batch in a savepoint and, if it is refused, the orders one by one.
    """
    pointers = [f"/{n}" if len(batch) > 1 else "" for n in range(len(batch))]
    drafts = [(ctx, _draft(ctx, given)) for ctx, (given,) in batch.items]
    ctx, orders = batch.ctx, [order for _, order in drafts]
    given = [each for _, (each,) in batch.items]
    prices = await _find_prices(ctx, given, orders)
    for order, wanted, pointer in zip(orders, given, pointers, strict=True):
        price_lines(order, wanted.lines, prices[_day(ctx, order)], pointer=pointer)
    confirmed = [draft for draft, wanted in zip(drafts, given, strict=True) if wanted.confirm]
    if confirmed:
        await promise_orders(Batch(confirmed))
    try:
        await book.insert_orders(ctx, orders)
    except asyncpg.ForeignKeyViolationError as error:
        if error.constraint_name != CUSTOMER_KEY:
            raise
        raise unknown_customer(pointers[0] if len(batch) == 1 else "") from error
    for its_ctx, order in confirmed:
        tell_confirmed(its_ctx, order)
    return orders


async def _find_prices(ctx: Ctx, given: Sequence[OrderIn], orders: Sequence[Order]) -> dict[date, PriceList]:
    """What the orders' products cost and how they are taxed, on each order's own day."""
    by_day: dict[date, list[OrderIn]] = {}
    for order, wanted in zip(orders, given, strict=True):
        by_day.setdefault(_day(ctx, order), []).append(wanted)
    return {
        day: await find_prices(ctx, [line for order in found for line in order.lines], on=day)
        for day, found in by_day.items()
    }


def _day(ctx: Ctx, order: Order) -> date:
    return clock.local_date(order.ordered_at, ctx.tenant.time_zone)


def _draft(ctx: Ctx, given: OrderIn) -> Order:
    """An order that has no lines yet."""
    order_id = new_id()
    return Order(
        id=order_id,
        version=1,
        created_at=ctx.now,
        updated_at=ctx.now,
        number=None,
        customer_id=given.customer_id,
        channel=given.channel,
        external_ref=given.external_ref,
        currency=given.currency or ctx.tenant.currency,
        prices=given.prices,
        rounding="document",
        state=OrderState(begin(ctx, ORDER_LIFECYCLE, order_id)),
        fulfilment_status="unfulfilled",
        payment_status="unpaid",
        backorder=given.backorder,
        ship_to=given.ship_to.model_dump() if given.ship_to else None,
        payment_terms_days=given.payment_terms_days,
        net_minor=0,
        tax_minor=0,
        gross_minor=0,
        tax_breakdown=[],
        revision=1,
        ordered_at=given.ordered_at or ctx.now,
    )
