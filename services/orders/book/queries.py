"""Reads of the order book: whole orders, shown or locked, always as sets."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from decimal import Decimal
from operator import attrgetter
from uuid import UUID

import asyncpg
import orjson

from services.orders.book.rules import (
    Buyer,
    Fulfilment,
    FulfilmentLine,
    Hold,
    Order,
    OrderLine,
    Parcel,
)
from shared.context.ctx import Ctx
from shared.http.paging import Page, PageQuery, page_of
from shared.values.faults import NotFound
from shared.values.money import Money
from shared.values.tax import TaxGroup

ORDER_COLUMNS = (
    "id", "version", "created_at", "updated_at", "number", "customer_id", "channel", "external_ref", "currency",
    "prices", "rounding", "state", "fulfilment_status", "payment_status", "backorder", "ship_to",
    "payment_terms_days", "net_minor", "tax_minor", "gross_minor", "tax_breakdown", "revision", "ordered_at",
    "confirmed_at", "invoiced_minor", "paid_minor",
)  # fmt: skip
LINE_COLUMNS = (
    "id", "order_id", "position", "product_id", "sku", "description", "tracked", "quantity", "currency",
    "unit_price_minor", "discount_percent", "discount_minor", "tax_code", "tax_category", "tax_rate", "net_minor",
    "tax_minor", "gross_minor", "reserved", "backordered", "shipped", "cancelled", "returned", "shipped_net_minor",
    "shipped_tax_minor", "shipped_discount_minor",
)  # fmt: skip


JSON = ("ship_to", "tax_breakdown")
HOLD_WIDTH = len(fields(Hold))
_MADE = attrgetter("id")  # ids sort by the moment they were made


def _of(alias: str, columns: Sequence[str]) -> str:
    """Columns to select; JSON as text, which is what the readers below take."""
    return ", ".join(f"{alias}.{column}{'::text' if column in JSON else ''}" for column in columns)


# The planner's statistics do not know how few rows an order has; every statement below is driven by ids.
LINES = f"""
select {_of("l", LINE_COLUMNS)} from order_lines l
where l.tenant_id = $1 and l.order_id = any($2::uuid[]) order by l.order_id, l.position
"""  # noqa: S608 - our own column names

# Active holds, and of fulfilments what an order shows of them: a row is of one kind, the other kind's columns are null.
HOLDS_AND_FULFILMENTS = """
select id, order_id, reason, source, placed_by, placed_at, null::uuid as warehouse_id, null::text as state,
  null::bigint as version, null::timestamptz as created_at, null::timestamptz as updated_at,
  null::timestamptz as shipped_at
from order_holds where tenant_id = $1 and order_id = any($2::uuid[]) and released_at is null
union all
select id, order_id, null, null, null, null, warehouse_id, state, version, created_at, updated_at, shipped_at
from fulfilments where tenant_id = $1 and order_id = any($2::uuid[]) order by id
"""

HEAD = f"""
select {_of("o", ORDER_COLUMNS)}, c.id, c.name, c.email, c.tax_id, c.billing_address::text
from orders o join customers c on c.tenant_id = o.tenant_id and c.id = o.customer_id where o.tenant_id = $1
"""  # noqa: S608 - our own column names
LOCK = f"{HEAD} and o.id = any($2::uuid[]) order by o.id for no key update of o"
LOCK_OF = f"""
{HEAD} and o.id = any(array(select order_id from fulfilments where tenant_id = $1 and id = any($2::uuid[])))
order by o.id for no key update of o
"""  # noqa: S608 - our own column names

# A statement of its own after the lock, so that it sees what the lock's holder before us has committed.
CONTENT = f"""
select {_of("l", LINE_COLUMNS)}, fl.id, fl.quantity,
  f.id, f.warehouse_id, f.state, f.version, f.created_at, f.updated_at, f.shipped_at, f.parcels::text,
  (select json_agg(json_build_array(h.id, h.order_id, h.reason, h.source, h.placed_by, h.placed_at) order by h.id)::text
   from order_holds h where h.tenant_id = $1 and h.order_id = any($2::uuid[]) and h.released_at is null)
from order_lines l
left join (fulfilment_lines fl join fulfilments f on f.tenant_id = fl.tenant_id and f.id = fl.fulfilment_id)
  on fl.tenant_id = l.tenant_id and fl.order_line_id = l.id
where l.tenant_id = $1 and l.order_id = any($2::uuid[]) order by l.order_id, l.position, f.id
"""  # noqa: S608 - our own column names


async def get_order(ctx: Ctx, order_id: UUID) -> Order:
    """One order with its lines, active holds and the heads of its fulfilments."""
    sql = f"select {_of('o', ORDER_COLUMNS)} from orders o where o.tenant_id = $1 and o.id = $2"  # noqa: S608
    rows = await ctx.sql.fetch(sql, ctx.tenant.id, order_id)
    if not rows:
        raise NotFound("order", order_id)
    return (await _with_parts(ctx, rows))[0]


async def list_orders(
    ctx: Ctx, page: PageQuery, *, state: str | None, customer_id: UUID | None, external_ref: str | None
) -> Page[Order]:
    """Orders as `get_order` answers them, newest first; three statements whatever the page's length."""
    conditions, values = ["o.tenant_id = $1"], [ctx.tenant.id, page.limit + 1]
    filters = {"state = ": state, "customer_id = ": customer_id, "external_ref = ": external_ref}
    for comparison, value in (filters | {"id < ": page.after_id}).items():
        if value is not None:
            values.append(value)
            conditions.append(f"o.{comparison}${len(values)}")
    rows = await ctx.sql.fetch(
        f"select {_of('o', ORDER_COLUMNS)} from orders o where {' and '.join(conditions)} "  # noqa: S608
        "order by o.id desc limit $2",
        *values,
    )
    found = page_of(rows, page, lambda row: row["id"])
    return Page(items=await _with_parts(ctx, found.items), next=found.next)


async def lock_order(ctx: Ctx, order_id: UUID) -> Order:
    """One whole order, locked: whoever changes any part of an order holds its row first."""
    orders = await lock_orders(ctx, [order_id])
    if not orders:
        raise NotFound("order", order_id)
    return orders[0]


async def lock_orders(ctx: Ctx, order_ids: Sequence[UUID]) -> list[Order]:
    """Whole orders with fulfilments and buyers, locked in order of id."""
    rows = await ctx.sql.fetch(LOCK, ctx.tenant.id, order_ids) if order_ids else []
    orders = [_locked(row) for row in rows]
    await _read_content(ctx, orders)
    return orders


async def lock_order_of(ctx: Ctx, fulfilment_id: UUID) -> tuple[Order, Fulfilment]:
    """A fulfilment and its whole order, locked."""
    return (await lock_orders_of(ctx, [fulfilment_id]))[0]


async def lock_orders_of(ctx: Ctx, fulfilment_ids: Sequence[UUID]) -> list[tuple[Order, Fulfilment]]:
    """Fulfilments, each with its whole order; the orders are locked in order of id."""
    orders = [_locked(row) for row in await ctx.sql.fetch(LOCK_OF, ctx.tenant.id, fulfilment_ids)]
    await _read_content(ctx, orders)
    found = {fulfilment.id: (order, fulfilment) for order in orders for fulfilment in order.fulfilments}
    for fulfilment_id in fulfilment_ids:
        if fulfilment_id not in found:
            raise NotFound("fulfilment", fulfilment_id)
    return [found[fulfilment_id] for fulfilment_id in fulfilment_ids]


async def _read_content(ctx: Ctx, locked: Sequence[Order]) -> None:
    """Give locked orders their lines, active holds and fulfilments."""
    orders = {order.id: order for order in locked}
    fulfilments: dict[UUID, Fulfilment] = {}
    line: OrderLine | None = None
    width = len(LINE_COLUMNS)
    for row in await ctx.sql.fetch(CONTENT, ctx.tenant.id, list(orders)) if orders else []:
        if line is None or line.id != row[0]:
            line = OrderLine(*row[:width])
            order = orders[line.order_id]
            order.lines.append(line)
            if row[-1] is not None:
                order.holds = order.holds or _holds_of(order.id, row[-1])
        if row[width] is not None:
            _add_part(orders[line.order_id], line, fulfilments, row[width:])
    for order in locked:
        order.fulfilments.sort(key=_MADE)


async def _with_parts(ctx: Ctx, rows: Sequence[asyncpg.Record]) -> list[Order]:
    """Orders of rows, with their lines, active holds and fulfilments; of the latter neither lines nor parcels."""
    orders = {row["id"]: _order(row) for row in rows}
    if orders:
        for row in await ctx.sql.fetch(LINES, ctx.tenant.id, list(orders)):
            orders[row["order_id"]].lines.append(OrderLine(*row))
        for row in await ctx.sql.fetch(HOLDS_AND_FULFILMENTS, ctx.tenant.id, list(orders)):
            order = orders[row["order_id"]]
            if row["state"] is None:
                order.holds.append(Hold(*row[:HOLD_WIDTH]))
            else:
                order.fulfilments.append(Fulfilment(row[0], row[1], order.number or "", *row[HOLD_WIDTH:]))
    return list(orders.values())


def _order(row: asyncpg.Record) -> Order:
    order = Order(*row[: len(ORDER_COLUMNS)])
    order.ship_to = orjson.loads(row["ship_to"]) if row["ship_to"] is not None else None
    order.tax_breakdown = read_breakdown(row["tax_breakdown"], order.currency)
    return order


def _locked(row: asyncpg.Record) -> Order:
    order = _order(row)
    order.buyer = read_buyer(row[len(ORDER_COLUMNS) :])
    return order


def read_buyer(columns: Sequence[object]) -> Buyer:
    """A buyer from the columns id, name, email, tax_id, billing_address."""
    buyer = Buyer(*columns)  # type: ignore[arg-type]
    if isinstance(buyer.billing_address, str):
        buyer.billing_address = orjson.loads(buyer.billing_address)
    return buyer


def read_breakdown(text: str, currency: str) -> list[TaxGroup]:
    """The tax breakdown as it was stored."""
    return [
        TaxGroup(code, Decimal(rate), category, Money(base, currency), Money(tax, currency))
        for code, rate, category, base, tax in orjson.loads(text)
    ]


def written_breakdown(groups: Sequence[TaxGroup]) -> str:
    """The tax breakdown as it is stored: code, rate, category, base and tax in minor units."""
    return orjson.dumps(
        [[g.tax_code, str(g.rate), g.category, g.base.minor, g.tax.minor] for g in groups]
    ).decode()


def _holds_of(order_id: UUID, text: str) -> list[Hold]:
    return [
        Hold(UUID(hold), order_id, reason, source, by, datetime.fromisoformat(at))
        for hold, order, reason, source, by, at in orjson.loads(text)
        if order == str(order_id)
    ]


def _add_part(
    order: Order, line: OrderLine, fulfilments: dict[UUID, Fulfilment], columns: Sequence[object]
) -> None:
    """Add a fulfilment's part of a line, and the fulfilment itself when it is new."""
    part_id, quantity, fulfilment_id, warehouse_id, state, version, created, updated, shipped, parcels, _ = (
        columns
    )
    fulfilment = fulfilments.get(fulfilment_id)  # type: ignore[call-overload]
    if fulfilment is None:
        fulfilment = Fulfilment(
            id=fulfilment_id,  # type: ignore[arg-type]
            order_id=order.id,
            order_number=order.number or "",
            warehouse_id=warehouse_id,  # type: ignore[arg-type]
            state=str(state),
            version=version,  # type: ignore[arg-type]
            created_at=created,  # type: ignore[arg-type]
            updated_at=updated,  # type: ignore[arg-type]
            shipped_at=shipped,  # type: ignore[arg-type]
            parcels=read_parcels(str(parcels)),
        )
        fulfilments[fulfilment.id] = fulfilment
        order.fulfilments.append(fulfilment)
    fulfilment.lines.append(FulfilmentLine(part_id, line.id, line.sku, quantity))  # type: ignore[arg-type]


def read_parcels(text: str) -> list[Parcel]:
    """Parcels as they were stored."""
    return [Parcel(**parcel) for parcel in orjson.loads(text)]
