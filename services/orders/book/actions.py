"""Writing whole orders: one statement for any number of new orders, and one for any change of existing ones."""

from collections.abc import Sequence
from decimal import Decimal
from itertools import chain
from uuid import UUID

from services.orders.book.queries import FULFILMENTS, LINES, ORDERS, PARTS
from services.orders.book.rules import (
    FULFILMENT_LIFECYCLE,
    ORDER_LIFECYCLE,
    Fulfilment,
    FulfilmentState,
    Order,
    OrderLine,
    OrderState,
    mark_changed,
)
from services.orders.customers.queries import BUYERS
from shared.context.ctx import Ctx
from shared.context.lifecycle import advance, begin, step
from shared.contracts.orders import LineBackordered, OrderCompleted
from shared.mail.queue import queue_mail
from shared.values.ids import new_id
from shared.values.party_fields import USUAL_TERMS

# What changes of an order and of a line once they are confirmed.
MOVING = (
    "number", "state", "fulfilment_status", "payment_status", "version", "updated_at", "confirmed_at",
    "invoiced_minor", "paid_minor", "credited_minor", "lost_minor", "taken_back_minor", "shipped_tax", "charges",
    "ship_to",
)  # fmt: skip
ACCOUNTS = (
    "reserved", "backordered", "shipped", "cancelled", "shipped_net_minor", "shipped_tax_minor",
    "shipped_discount_minor",
)  # fmt: skip
DRAFT = tuple(name for name in ORDERS.names if name != "id")

# New and changed fulfilments alike, with their lines.
_FULFILMENTS = (
    f"f as ({FULFILMENTS.replace(5, keep=('order_id', 'created_at'))}), "
    f"fl as ({PARTS.replace(6, keep=('fulfilment_id', 'order_line_id'))})"
)
# An order that is confirmed at once keeps its destination from here on; a draft follows its customer until then.
_DESTINATION = """case when new.state = 'draft' then new.ship_to
  else coalesce(new.ship_to, c.shipping_address, c.billing_address) end"""
_TERMS = f"coalesce(new.payment_terms_days, c.payment_terms_days, {USUAL_TERMS})"
_CUSTOMER = "left join customers c on c.tenant_id = $1 and c.id = new.customer_id"
_ORDERS = ORDERS.insert(3, given={"ship_to": _DESTINATION, "payment_terms_days": _TERMS}, rest=_CUSTOMER)
INSERT = (
    f"with o as ({_ORDERS}), l as ({LINES.insert(4)}), {_FULFILMENTS} "  # noqa: S608
    f"select {BUYERS.columns('c')} from customers c where c.tenant_id = $1 and c.id = any($2::uuid[])"
)
SAVE = (
    f"with o as ({ORDERS.update(3, MOVING)}), l as ({LINES.update(4, ACCOUNTS)}), {_FULFILMENTS} "  # noqa: S608
    "delete from fulfilment_lines where tenant_id = $1 and id = any($2::uuid[])"
)
REPLACE_DRAFT = (
    f"with o as ({ORDERS.update(2, DRAFT)}) "  # noqa: S608
    f"select {BUYERS.columns('c')} from customers c where c.tenant_id = $1 and c.id = $3"
)
REPLACE_LINES = LINES.insert(2)


def _fulfilment_values(fulfilments: Sequence[Fulfilment]) -> tuple[str, str]:
    parts = chain.from_iterable(fulfilment.lines for fulfilment in fulfilments)
    return FULFILMENTS.json(fulfilments), PARTS.json(part for part in parts if part.quantity)


async def insert_orders(ctx: Ctx, orders: Sequence[Order]) -> None:
    """Write new orders with all their parts, and learn who the buyers are, in one statement.

    A customer that does not exist breaks the foreign key `orders_customer_fkey`.
    """
    rows = await ctx.sql.fetch(
        INSERT,
        ctx.tenant.id,
        list({order.customer_id for order in orders}),
        ORDERS.json(orders),
        LINES.json(line for order in orders for line in order.lines),
        *_fulfilment_values([fulfilment for order in orders for fulfilment in order.fulfilments]),
    )
    found = {row["id"]: BUYERS.read(row) for row in rows}
    for order in orders:
        order.buyer = found.get(order.customer_id)
        order.payment_terms_days = order.terms_days
        order.ship_to = order.destination


async def save_orders(ctx: Ctx, orders: Sequence[Order]) -> None:
    """Write what has changed of locked orders, their lines' accounts and their fulfilments, in one statement."""
    touched = [f for order in orders for f in order.fulfilments if f.touched]
    gone: list[UUID] = [part.id for f in touched for part in f.lines if not part.quantity]
    await ctx.sql.execute(
        SAVE,
        ctx.tenant.id,
        gone,
        ORDERS.json(orders, MOVING),
        LINES.json((line for order in orders for line in order.lines if line.touched), ACCOUNTS),
        *_fulfilment_values(touched),
    )


async def replace_draft(ctx: Ctx, order: Order, *, lines: bool) -> None:
    """Write a changed draft, with its lines when they were replaced."""
    if lines:
        await ctx.sql.execute(
            "delete from order_lines where tenant_id = $1 and order_id = $2", ctx.tenant.id, order.id
        )
        await ctx.sql.execute(REPLACE_LINES, ctx.tenant.id, LINES.json(order.lines))
    row = await ctx.sql.fetchrow(REPLACE_DRAFT, ctx.tenant.id, ORDERS.json([order], DRAFT), order.customer_id)
    order.buyer = BUYERS.read(row) if row else None
    order.ship_to = order.destination


def add_fulfilment(
    ctx: Ctx,
    order: Order,
    warehouse_id: UUID,
    *,
    backordered: bool = False,
    of: Fulfilment | None = None,
) -> Fulfilment:
    """Plan that goods of an order leave a warehouse, now or when they arrive.

    What was part `of` another fulfilment goes where that one goes.
    """
    fulfilment_id = new_id()
    verb, first = ("backorder", FulfilmentState.BACKORDERED) if backordered else ("create", None)
    state = begin(ctx, FULFILMENT_LIFECYCLE, fulfilment_id, verb=verb, state=first)
    fulfilment = Fulfilment(
        id=fulfilment_id,
        order_id=order.id,
        order_number=order.number or "",
        warehouse_id=warehouse_id,
        state=state,
        version=1,
        created_at=ctx.now,
        updated_at=ctx.now,
        redirected_to=of.redirected_to if of else None,
        order_ship_to=order.ship_to,
    )
    order.fulfilments.append(fulfilment)
    return fulfilment


def waiting_fulfilment(ctx: Ctx, order: Order, of: Fulfilment) -> Fulfilment:
    """Where goods of a fulfilment wait for stock: in a backordered one of the same destination, or a new one."""
    for fulfilment in order.fulfilments:
        if fulfilment.state == FulfilmentState.BACKORDERED and fulfilment.redirected_to == of.redirected_to:
            return fulfilment
    return add_fulfilment(ctx, order, of.warehouse_id, backordered=True, of=of)


def move_fulfilment(ctx: Ctx, fulfilment: Fulfilment, verb: str, *, why: str | None = None) -> None:
    """Move a fulfilment of a locked order by a verb."""
    advance(ctx, FULFILMENT_LIFECYCLE, fulfilment, verb, why=why)
    fulfilment.touched = True


def change_fulfilment(ctx: Ctx, fulfilment: Fulfilment, verb: str, *, why: str | None) -> None:
    """Count and record a change of a fulfilment of a locked order that leaves its state as it is."""
    ctx.record_move("fulfilment", fulfilment.id, verb, fulfilment.state, fulfilment.state, why)
    fulfilment.version += 1
    fulfilment.updated_at = ctx.now
    fulfilment.touched = True


def move_order(ctx: Ctx, order: Order, verb: str, *, why: str | None = None) -> None:
    """Move a locked order by a verb; `close_change` counts the change."""
    step(ctx, ORDER_LIFECYCLE, order, verb, why=why)


def close_change(ctx: Ctx, order: Order, *, why: str | None = None) -> bool:
    """End a change of an order: complete it when nothing is left to do, count the change, derive its statuses.

    Returns whether it was completed; `tell_completed` then says so after the facts that led to it.
    """
    completed = order.state == OrderState.PROCESSING and all(line.settled for line in order.lines)
    if completed:
        move_order(ctx, order, "complete", why=why)
    mark_changed(order, ctx.now)
    return completed


def mail_customer(ctx: Ctx, kind: str, order: Order, about: Order | Fulfilment) -> None:
    """Have a customer who wants mail be told of its order, or of a fulfilment of it."""
    buyer = order.buyer
    if buyer is not None and buyer.delivery == "mail" and buyer.email is not None:
        queue_mail(
            ctx,
            kind,
            aggregate="order" if about is order else "fulfilment",
            aggregate_id=about.id,
            number=order.number,
            recipient=buyer.email,
            state=about.state,
        )


def tell_completed(ctx: Ctx, order: Order) -> None:
    """Tell other services that everything of an order was shipped or cancelled."""
    fact = OrderCompleted(order_id=order.id, number=order.number or "")
    ctx.emit(fact, subject=order.id, version=order.version, ordering_key=order.ordering_key)


def tell_backordered(ctx: Ctx, order: Order, line: OrderLine, quantity: Decimal, reason: str | None) -> None:
    """Tell other services that so much of a line had been promised, and waits for stock again."""
    fact = LineBackordered(
        order_id=order.id,
        number=order.number or "",
        line_id=line.id,
        sku=line.sku,
        quantity=quantity,
        reason=reason,
    )
    ctx.emit(fact, subject=line.id, version=order.version, ordering_key=order.ordering_key)
