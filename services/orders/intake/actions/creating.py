"""Taking an order in: priced, promised when it is to be confirmed at once, and written in one statement."""

from collections.abc import Sequence
from datetime import date

import asyncpg

from services.orders.book import actions as book
from services.orders.book.rules import ORDER_LIFECYCLE, Order, OrderState
from services.orders.intake.actions.confirming import promise_order, tell_confirmed
from services.orders.intake.queries import find_prices
from services.orders.intake.rules import (
    agree_discount,
    price_order,
    require_possible_days,
    unknown_customer,
)
from services.orders.intake.schemas import OrderIn
from shared.base.loops import give_way
from shared.context.ctx import Ctx
from shared.context.lifecycle import begin
from shared.values import clock
from shared.values.ids import new_id
from shared.values.search_text import fold

CUSTOMER_KEY = "orders_customer_fkey"


async def create_order(ctx: Ctx, given: OrderIn) -> Order:
    """Take in one order, and confirm it if so wanted. What is returned comes from memory."""
    order = draft_order(ctx, given)
    prices = await find_prices(ctx, given.lines, given.charges, on=order_day(ctx, order))
    price_order(order, given.lines, given.charges, prices)
    await give_way(len(order.lines))
    if given.confirm:
        await promise_order(ctx, order)
        await give_way(len(order.lines))
    await store_orders(ctx, [order])
    if given.confirm:
        tell_confirmed(ctx, order)
    return order


def order_day(ctx: Ctx, order: Order) -> date:
    """The tenant's day of an order, whose prices and tax rates apply."""
    return clock.local_date(order.ordered_at, ctx.tenant.time_zone)


async def store_orders(ctx: Ctx, orders: Sequence[Order]) -> None:
    """Write new orders; refuses customers that do not exist."""
    try:
        await book.insert_orders(ctx, orders)
    except asyncpg.ForeignKeyViolationError as error:
        if error.constraint_name != CUSTOMER_KEY:
            raise
        raise unknown_customer() from error


def draft_order(ctx: Ctx, given: OrderIn) -> Order:
    """An order that has no lines yet. Refuses a requested day that cannot be kept."""
    order_id = new_id()
    order = Order(
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
        purchase_order=given.purchase_order,
        notes=given.notes,
        requested_on=given.requested_on,
        search_ref=fold(given.external_ref) if given.external_ref is not None else None,
    )
    agree_discount(order, given.discount)
    require_possible_days(order_day(ctx, order), order.requested_on, today=ctx.today)
    return order
