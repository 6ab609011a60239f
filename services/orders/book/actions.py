"""Writing whole orders: one statement for any number of new orders, and one for any change of existing ones."""

from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import Any
from uuid import UUID

import orjson

from services.orders.book.queries import LINE_COLUMNS, ORDER_COLUMNS, read_buyer, written_breakdown
from services.orders.book.rules import (
    FULFILMENT_LIFECYCLE,
    ORDER_LIFECYCLE,
    Fulfilment,
    FulfilmentState,
    Order,
    OrderState,
    mark_changed,
)
from shared.context.ctx import Ctx
from shared.context.lifecycle import advance, begin, step
from shared.contracts.orders import OrderCompleted
from shared.database.json_rows import recordset, rows_json
from shared.values.ids import new_id

Reader = Callable[[Any], tuple[object, ...]]

_ORDER_TYPES = (
    "uuid", "bigint", "timestamptz", "timestamptz", "text", "uuid", "text", "text", "text", "text", "text", "text",
    "text", "text", "text", "jsonb", "integer", "bigint", "bigint", "bigint", "jsonb", "integer", "timestamptz",
    "timestamptz", "bigint", "bigint",
)  # fmt: skip
_LINE_TYPES = (
    "uuid", "uuid", "integer", "uuid", "text", "text", "boolean", "numeric", "text", "bigint", "numeric", "bigint",
    "text", "text", "numeric", "bigint", "bigint", "bigint", "numeric", "numeric", "numeric", "numeric", "numeric",
    "bigint", "bigint", "bigint",
)  # fmt: skip
ORDER = dict(zip(ORDER_COLUMNS, _ORDER_TYPES, strict=True))
LINE = dict(zip(LINE_COLUMNS, _LINE_TYPES, strict=True))
# What changes of an order and of a line once they exist; a draft's other columns change by `replace_draft`.
MOVING = {
    "id": "uuid",
    "number": "text", "state": "text", "fulfilment_status": "text", "payment_status": "text", "version": "bigint",
    "updated_at": "timestamptz", "confirmed_at": "timestamptz", "invoiced_minor": "bigint", "paid_minor": "bigint",
}  # fmt: skip
ACCOUNTS = {
    "id": "uuid",
    "reserved": "numeric", "backordered": "numeric", "shipped": "numeric", "cancelled": "numeric",
    "shipped_net_minor": "bigint", "shipped_tax_minor": "bigint", "shipped_discount_minor": "bigint",
}  # fmt: skip
FULFILMENT = {
    "id": "uuid", "order_id": "uuid", "warehouse_id": "uuid", "state": "text", "parcels": "jsonb",
    "shipped_at": "timestamptz", "version": "bigint", "created_at": "timestamptz", "updated_at": "timestamptz",
}  # fmt: skip
PART = {"id": "uuid", "fulfilment_id": "uuid", "order_line_id": "uuid", "quantity": "numeric"}
DRAFT = (
    "customer_id", "prices", "backorder", "ship_to", "payment_terms_days", "net_minor", "tax_minor", "gross_minor",
    "tax_breakdown", "revision", "version", "updated_at",
)  # fmt: skip


def _insert(table: str, columns: Mapping[str, str], parameter: int) -> str:
    names = ", ".join(columns)
    rows = recordset(parameter, columns, "new")
    return f"insert into {table} (tenant_id, {names}) select $1, {names} from {rows}"  # noqa: S608


def _update(table: str, columns: Mapping[str, str], parameter: int) -> str:
    changes = ", ".join(f"{column} = new.{column}" for column in columns if column != "id")
    rows = recordset(parameter, columns, "new")
    return f"update {table} t set {changes} from {rows} where t.tenant_id = $1 and t.id = new.id"  # noqa: S608


def _fulfilments(parameter: int) -> str:
    """The part of a statement that writes fulfilments and their lines, new and changed ones alike."""
    changes = ", ".join(
        f"{c} = excluded.{c}" for c in FULFILMENT if c not in ("id", "order_id", "created_at")
    )
    return (
        f"f as ({_insert('fulfilments', FULFILMENT, parameter)} "  # noqa: S608
        f"on conflict (tenant_id, id) do update set {changes}), "
        f"fl as ({_insert('fulfilment_lines', PART, parameter + 1)} "
        "on conflict (tenant_id, id) do update set quantity = excluded.quantity)"
    )


INSERT = (
    f"with o as ({_insert('orders', ORDER, 3)}), l as ({_insert('order_lines', LINE, 4)}), {_fulfilments(5)} "  # noqa: S608
    "select id, name, email, tax_id, billing_address::text from customers where tenant_id = $1 and id = any($2::uuid[])"
)
SAVE = (
    f"with o as ({_update('orders', MOVING, 3)}), l as ({_update('order_lines', ACCOUNTS, 4)}), "  # noqa: S608
    f"{_fulfilments(5)} delete from fulfilment_lines where tenant_id = $1 and id = any($2::uuid[])"
)
REPLACE_DRAFT = (
    f"update orders set ({', '.join(DRAFT)}) = ({', '.join(f'${n}' for n in range(3, 3 + len(DRAFT)))}) "  # noqa: S608
    "where tenant_id = $1 and id = $2"
)
REPLACE_LINES = _insert("order_lines", LINE, 2)

_line: Reader = attrgetter(*LINE)
_moving: Reader = attrgetter(*MOVING)
_accounts: Reader = attrgetter(*ACCOUNTS)
_plain: Reader = attrgetter(*ORDER_COLUMNS)
_SHIP_TO, _BREAKDOWN = ORDER_COLUMNS.index("ship_to"), ORDER_COLUMNS.index("tax_breakdown")


def _whole(order: Order) -> tuple[object, ...]:
    values = list(_plain(order))
    values[_BREAKDOWN] = orjson.Fragment(written_breakdown(order.tax_breakdown))
    return tuple(values)


def _fulfilment(fulfilment: Fulfilment) -> tuple[object, ...]:
    return (
        fulfilment.id, fulfilment.order_id, fulfilment.warehouse_id, fulfilment.state, fulfilment.parcels,
        fulfilment.shipped_at, fulfilment.version, fulfilment.created_at, fulfilment.updated_at,
    )  # fmt: skip


def _fulfilment_values(fulfilments: Sequence[Fulfilment]) -> tuple[str, str]:
    parts = (
        (part.id, fulfilment.id, part.order_line_id, part.quantity)
        for fulfilment in fulfilments
        for part in fulfilment.lines
        if part.quantity
    )
    return rows_json(tuple(FULFILMENT), map(_fulfilment, fulfilments)), rows_json(tuple(PART), parts)


async def insert_orders(ctx: Ctx, orders: Sequence[Order]) -> None:
    """Write new orders with all their parts, and learn who the buyers are, in one statement.

    A customer that does not exist breaks the foreign key `orders_customer_fkey`.
    """
    lines = [line for order in orders for line in order.lines]
    buyers = {order.customer_id for order in orders}
    rows = await ctx.sql.fetch(
        INSERT,
        ctx.tenant.id,
        list(buyers),
        rows_json(ORDER_COLUMNS, map(_whole, orders)),
        rows_json(LINE_COLUMNS, map(_line, lines)),
        *_fulfilment_values([fulfilment for order in orders for fulfilment in order.fulfilments]),
    )
    found = {row["id"]: read_buyer(tuple(row)) for row in rows}
    for order in orders:
        order.buyer = found.get(order.customer_id)


async def save_orders(ctx: Ctx, orders: Sequence[Order]) -> None:
    """Write what has changed of locked orders, their lines' accounts and their fulfilments, in one statement."""
    lines = [line for order in orders for line in order.lines if line.touched]
    touched = [f for order in orders for f in order.fulfilments if f.touched]
    gone: list[UUID] = [part.id for f in touched for part in f.lines if not part.quantity]
    await ctx.sql.execute(
        SAVE,
        ctx.tenant.id,
        gone,
        rows_json(tuple(MOVING), map(_moving, orders)),
        rows_json(tuple(ACCOUNTS), map(_accounts, lines)),
        *_fulfilment_values(touched),
    )


async def replace_draft(ctx: Ctx, order: Order, *, lines: bool) -> None:
    """Write a changed draft, with its lines when they were replaced."""
    if lines:
        await ctx.sql.execute(
            "delete from order_lines where tenant_id = $1 and order_id = $2", ctx.tenant.id, order.id
        )
        await ctx.sql.execute(REPLACE_LINES, ctx.tenant.id, rows_json(LINE_COLUMNS, map(_line, order.lines)))
    values = dict(zip(ORDER_COLUMNS, _plain(order), strict=True))
    values["ship_to"] = None if order.ship_to is None else orjson.dumps(order.ship_to).decode()
    values["tax_breakdown"] = written_breakdown(order.tax_breakdown)
    await ctx.sql.execute(REPLACE_DRAFT, ctx.tenant.id, order.id, *(values[column] for column in DRAFT))


def add_fulfilment(ctx: Ctx, order: Order, warehouse_id: UUID, *, backordered: bool = False) -> Fulfilment:
    """Plan that goods of an order leave a warehouse, now or when they arrive."""
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
    )
    order.fulfilments.append(fulfilment)
    return fulfilment


def move_fulfilment(ctx: Ctx, fulfilment: Fulfilment, verb: str, *, why: str | None = None) -> None:
    """Move a fulfilment of a locked order by a verb."""
    advance(ctx, FULFILMENT_LIFECYCLE, fulfilment, verb, why=why)
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


def tell_completed(ctx: Ctx, order: Order) -> None:
    """Tell other services that everything of an order was shipped or cancelled."""
    fact = OrderCompleted(order_id=order.id, number=order.number or "")
    ctx.emit(fact, subject=order.id, version=order.version, ordering_key=order.ordering_key)
