"""Changing a draft: what was agreed may change as long as nothing is promised."""

from uuid import UUID

import asyncpg

from services.orders.book import actions as book
from services.orders.book import queries as book_queries
from services.orders.book.rules import Order
from services.orders.intake.actions.creating import CUSTOMER_KEY, order_day
from services.orders.intake.queries import find_prices
from services.orders.intake.rules import (
    AgreedLine,
    WantedCharge,
    WantedLine,
    agree_discount,
    price_order,
    require_draft,
    require_possible_days,
    unknown_customer,
)
from services.orders.intake.schemas import OrderChange
from shared.context.ctx import Ctx
from shared.values.faults import PreconditionFailed

PLAIN = {
    "customer_id", "backorder", "payment_terms_days", "prices", "purchase_order", "notes", "requested_on",
}  # fmt: skip


async def change_draft(ctx: Ctx, order_id: UUID, change: OrderChange, *, version: int) -> Order:
    """Change a draft, based on the version the caller has seen; lines or price mode have it priced anew."""
    order = await book_queries.lock_order(ctx, order_id)
    require_draft(order)
    if order.version != version:
        raise PreconditionFailed("The resource has changed meanwhile.", current_version=order.version)
    given = change.model_fields_set
    for name in given & PLAIN:
        setattr(order, name, getattr(change, name))
    require_possible_days(order_day(ctx, order), order.requested_on, today=ctx.today)
    if "ship_to" in given:
        order.ship_to = change.ship_to.model_dump() if change.ship_to else None
    if "discount" in given:
        agree_discount(order, change.discount)
    priced_anew = bool(given & {"lines", "prices", "discount", "charges"})
    if priced_anew:
        wanted: list[WantedLine] = (
            [*change.lines] if "lines" in given else [AgreedLine.of(li) for li in order.lines]
        )
        charges: list[WantedCharge] = [*change.charges] if "charges" in given else [*order.charges]
        prices = await find_prices(ctx, wanted, charges, on=order_day(ctx, order))
        price_order(order, wanted, charges, prices)
    order.revision += 1
    book.close_change(ctx, order)
    try:
        await book.replace_draft(ctx, order, lines=priced_anew)
    except asyncpg.ForeignKeyViolationError as error:
        if error.constraint_name != CUSTOMER_KEY:
            raise
        raise unknown_customer() from error
    ctx.record_move("order", order.id, "change", order.state, order.state, None)
    return order
