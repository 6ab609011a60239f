"""Reads of the order book: whole orders, shown or locked, always as sets."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import date
from decimal import Decimal
from operator import attrgetter
from typing import Any
from uuid import UUID

import asyncpg

from services.orders.book import models
from services.orders.book.models import ORDER_INVOICES as ORDER_INVOICES  # for intake, which keeps them
from services.orders.book.rules import (
    Charge,
    Fulfilment,
    FulfilmentLine,
    Hold,
    Order,
    OrderHead,
    OrderLine,
    OrderState,
    Parcel,
    ShippedTax,
)
from services.orders.catalog.queries import TAX_CODES
from services.orders.customers.queries import BUYERS
from services.orders.customers.queries import TERMS as CUSTOMER_TERMS
from services.orders.customers.rules import Buyer
from shared.context.ctx import Ctx
from shared.database.table_sql import TableSql
from shared.http.finding import Listing, Where, list_found
from shared.http.paging import Page, PageQuery
from shared.values.faults import NotFound
from shared.values.money import Money
from shared.values.tax import TaxGroup


def _stored_groups(groups: Sequence[TaxGroup]) -> list[list[object]]:
    """The tax breakdown as it is stored: code, rate, category, base and tax in minor units."""
    return [[g.tax_code, str(g.rate), g.category, g.base.minor, g.tax.minor] for g in groups]


def _stored_shipped(groups: Sequence[ShippedTax]) -> list[list[object]]:
    """The same of what was shipped, each with the day since when."""
    return [[*stored, g.since.isoformat()] for stored, g in zip(_stored_groups(groups), groups, strict=True)]


def _stored_charges(charges: Sequence[Charge]) -> list[dict[str, object]]:
    return [asdict(charge) for charge in charges]


def _read_parcels(stored: Sequence[dict[str, str | None]]) -> list[Parcel]:
    return [Parcel(**parcel) for parcel in stored]  # type: ignore[arg-type]


ORDERS = TableSql(
    models.ORDERS,
    Order,
    writes={"tax_breakdown": _stored_groups, "shipped_tax": _stored_shipped, "charges": _stored_charges},
)
ORDER_HEADS = TableSql(models.ORDERS, OrderHead)
LINES = TableSql(models.ORDER_LINES, OrderLine)
HOLDS = TableSql(models.ORDER_HOLDS, Hold)
FULFILMENTS = TableSql(models.FULFILMENTS, Fulfilment, reads={"parcels": _read_parcels})
HEADS = TableSql(models.FULFILMENTS, Fulfilment, without=("parcels", "redirected_to"))
PARTS = TableSql(models.FULFILMENT_LINES, FulfilmentLine)
_MADE = attrgetter("id")  # ids sort by the moment they were made

# The buyer comes first: of two columns of one name, a row gives the last.
LISTED = Listing(
    "orders",
    f"select {BUYERS.columns('c')}, {ORDERS.columns('t')} from orders t "  # noqa: S608 - our own column names
    "join customers c on c.tenant_id = t.tenant_id and c.id = t.customer_id",
    numbers=("number",), references=("search_ref",), terms=(CUSTOMER_TERMS, "customer_id"),
)  # fmt: skip
LISTED_HEADS = replace(
    LISTED,
    select=f"""
select {ORDER_HEADS.columns("t")}, c.name as customer_name, exists (
  select from order_holds h where h.tenant_id = $1 and h.order_id = t.id and h.released_at is null) as on_hold
from orders t join customers c on c.tenant_id = t.tenant_id and c.id = t.customer_id""",  # noqa: S608
)

# The planner's statistics do not know how few rows an order has; every statement below is driven by ids.
READ_LINES = f"""
select {LINES.columns("l")} from order_lines l
where l.tenant_id = $1 and l.order_id = any($2::uuid[]) order by l.order_id, l.position
"""  # noqa: S608 - our own column names
# Active holds, and of fulfilments what an order shows of them: a row is of one kind and has nothing of the other.
HOLDS_AND_FULFILMENTS = f"""
select true as is_hold, h.order_id as of_order, {HOLDS.columns("h")}, {HEADS.nothing()} from order_holds h
where h.tenant_id = $1 and h.order_id = any($2::uuid[]) and h.released_at is null
union all
select false, f.order_id, {HOLDS.nothing()}, {HEADS.columns("f")} from fulfilments f
where f.tenant_id = $1 and f.order_id = any($2::uuid[])
"""  # noqa: S608 - our own column names
_HOLD_AT = 2
_HEAD_AT = _HOLD_AT + HOLDS.width

HEAD = f"""
select {ORDERS.columns("o")}, {BUYERS.columns("c")}
from orders o join customers c on c.tenant_id = o.tenant_id and c.id = o.customer_id where o.tenant_id = $1
"""  # noqa: S608 - our own column names
LOCK = f"{HEAD} and o.id = any($2::uuid[]) order by o.id for no key update of o"
LOCK_FREE = f"{LOCK} skip locked"
LOCK_OF = f"""
{HEAD} and o.id = any(array(select order_id from fulfilments where tenant_id = $1 and id = any($2::uuid[])))
order by o.id for no key update of o
"""  # noqa: S608 - our own column names

COUNT_LINES = """
select count(*) from order_lines where tenant_id = $1
and order_id = any(array(select order_id from fulfilments where tenant_id = $1 and id = any($2::uuid[])))
"""
# A statement of its own after the lock, so that it sees what the lock's holder before us has committed. The first
# line of each order brings the order's active holds, and what its tax codes mean of late (a request that shares our
# transaction may have begun before midnight).
ACTIVE_HOLDS = """order_holds h
  where h.tenant_id = $1 and h.order_id = l.order_id and h.released_at is null order by h.id"""
RATES = """tax_codes t
  where t.tenant_id = $1 and t.code in (
    select c.tax_code from order_lines c where c.tenant_id = $1 and c.order_id = l.order_id
    union all select c->>'tax_code' from orders o cross join jsonb_array_elements(o.charges) as c
    where o.tenant_id = $1 and o.id = l.order_id
  ) and t.valid_from <= $3 and (t.valid_to is null or t.valid_to >= $3::date - 1)"""
CONTENT = f"""
select {LINES.columns("l")}, {PARTS.columns("fl")}, {FULFILMENTS.columns("f")},
  l.id as line_id, fl.id as part_id, case when l.position = 1 then {HOLDS.array("h", ACTIVE_HOLDS)} end as holds,
  case when l.position = 1 then {TAX_CODES.array("t", RATES)} end as rates
from order_lines l
left join (fulfilment_lines fl join fulfilments f on f.tenant_id = fl.tenant_id and f.id = fl.fulfilment_id)
  on fl.tenant_id = l.tenant_id and fl.order_line_id = l.id
where l.tenant_id = $1 and l.order_id = any($2::uuid[]) order by l.order_id, l.position, f.id
"""  # noqa: S608 - our own column names
_PART_AT = LINES.width
_FULFILMENT_AT = _PART_AT + PARTS.width


async def get_order(ctx: Ctx, order_id: UUID) -> Order:
    """One order with its lines, active holds and the heads of its fulfilments."""
    rows = await ctx.sql.fetch(f"{HEAD} and o.id = $2", ctx.tenant.id, order_id)
    if not rows:
        raise NotFound("order", order_id)
    order = _shown(_order(rows[0]), BUYERS.read(rows[0], ORDERS.width))
    return (await _with_parts(ctx, [order]))[0]


async def list_orders(ctx: Ctx, page: PageQuery, where: Where, q: str | None) -> Page[Order]:
    """Orders as `get_order` answers them, newest first; three statements whatever the page's length, more with `q`."""
    found = await list_found(ctx, page, LISTED, where, q)
    orders = [_shown(_order(row, BUYERS.width), BUYERS.read(row)) for row in found.items]
    return Page(items=await _with_parts(ctx, orders), next=found.next)


async def list_heads(ctx: Ctx, page: PageQuery, where: Where, q: str | None) -> Page[OrderHead]:
    """Orders without their parts, newest first."""
    found = await list_found(ctx, page, LISTED_HEADS, where, q)
    heads = [
        ORDER_HEADS.read(row, customer_name=row["customer_name"], on_hold=row["on_hold"])
        for row in found.items
    ]
    return Page(items=heads, next=found.next)


async def lock_order(ctx: Ctx, order_id: UUID) -> Order:
    """One whole order, locked: whoever changes any part of an order holds its row first."""
    orders = await lock_orders(ctx, [order_id])
    if not orders:
        raise NotFound("order", order_id)
    return orders[0]


async def lock_orders(ctx: Ctx, order_ids: Sequence[UUID], *, wait: bool = True) -> list[Order]:
    """Whole orders with fulfilments and buyers, locked in order of id.

    Who holds stock already must not wait: then orders that somebody else holds are left out.
    """
    sql = LOCK if wait else LOCK_FREE
    rows = await ctx.sql.fetch(sql, ctx.tenant.id, order_ids) if order_ids else []
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


async def count_lines_of(ctx: Ctx, fulfilment_ids: Sequence[UUID]) -> int:
    """How many lines the orders of these fulfilments have in all."""
    count: int = await ctx.sql.fetchval(COUNT_LINES, ctx.tenant.id, fulfilment_ids)
    return count


async def _read_content(ctx: Ctx, locked: Sequence[Order]) -> None:
    """Give locked orders their lines, active holds and fulfilments."""
    orders = {order.id: order for order in locked}
    fulfilments: dict[UUID, Fulfilment] = {}
    line: OrderLine | None = None
    for row in await ctx.sql.fetch(CONTENT, ctx.tenant.id, list(orders), ctx.today) if orders else []:
        if line is None or line.id != row["line_id"]:
            line = LINES.read(row)
            order = orders[line.order_id]
            order.lines.append(line)
            if row["rates"] is not None:
                order.holds += [HOLDS.read(hold) for hold in row["holds"]]
                order.tax_rates = [TAX_CODES.read(rate) for rate in row["rates"]]
        if row["part_id"] is not None:
            _add_part(orders[line.order_id], line, fulfilments, row)
    for order in locked:
        order.fulfilments.sort(key=_MADE)


async def _with_parts(ctx: Ctx, heads: Sequence[Order]) -> list[Order]:
    """Orders with their lines, active holds and fulfilments; of the latter neither lines nor parcels."""
    orders = {order.id: order for order in heads}
    if orders:
        for row in await ctx.sql.fetch(READ_LINES, ctx.tenant.id, list(orders)):
            orders[row["order_id"]].lines.append(LINES.read(row))
        for row in await ctx.sql.fetch(HOLDS_AND_FULFILMENTS, ctx.tenant.id, list(orders)):
            order = orders[row["of_order"]]
            if row["is_hold"]:
                order.holds.append(HOLDS.read(row, _HOLD_AT))
            else:
                head = HEADS.read(row, _HEAD_AT)
                head.order_number = order.number or ""
                order.fulfilments.append(head)
        for order in orders.values():
            order.holds.sort(key=_MADE)
            order.fulfilments.sort(key=_MADE)
    return list(orders.values())


def _order(row: asyncpg.Record, at: int = 0) -> Order:
    order = ORDERS.read(row, at)
    stored: Any = order.tax_breakdown  # as `_stored_groups` left it; the currency is the order's
    order.tax_breakdown = [TaxGroup(*_group(each, order.currency)) for each in stored]
    shipped: Any = order.shipped_tax
    order.shipped_tax = [
        ShippedTax(*_group(each, order.currency), date.fromisoformat(since)) for *each, since in shipped
    ]
    charges: Any = order.charges
    order.charges = [
        Charge(**each | {"id": UUID(each["id"]), "tax_rate": Decimal(each["tax_rate"])}) for each in charges
    ]
    return order


def _group(stored: Sequence[Any], currency: str) -> tuple[str, Decimal, str, Money, Money]:
    code, rate, category, base, tax = stored
    return code, Decimal(rate), category, Money(base, currency), Money(tax, currency)


def _shown(order: Order, buyer: Buyer) -> Order:
    order.buyer = buyer
    if order.state == OrderState.DRAFT:
        order.ship_to = order.destination
    return order


def _locked(row: asyncpg.Record) -> Order:
    order = _order(row)
    order.buyer = BUYERS.read(row, ORDERS.width)
    return order


def _add_part(
    order: Order, line: OrderLine, fulfilments: dict[UUID, Fulfilment], row: asyncpg.Record
) -> None:
    """Add a fulfilment's part of a line, and the fulfilment itself when it is new."""
    part = PARTS.read(row, _PART_AT, sku=line.sku)
    fulfilment = fulfilments.get(part.fulfilment_id)
    if fulfilment is None:
        fulfilment = FULFILMENTS.read(
            row, _FULFILMENT_AT, order_number=order.number or "", order_ship_to=order.ship_to
        )
        fulfilments[fulfilment.id] = fulfilment
        order.fulfilments.append(fulfilment)
    fulfilment.lines.append(part)
