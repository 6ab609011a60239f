"""Reads of warehouses and stock."""

from collections.abc import Collection
from decimal import Decimal
from uuid import UUID

from sqlmodel import select

from services.orders.stock.models import STOCK_ITEMS, Warehouse
from services.orders.stock.rules import (
    MAIN,
    Movement,
    StockAudit,
    StockDifference,
    StockItem,
    StockLevel,
)
from shared.context.ctx import Ctx
from shared.database.table_sql import TableSql
from shared.http.paging import MAX_LIMIT, Page, PageQuery, list_rows, page_of
from shared.values.faults import NotFound

ITEMS = TableSql(STOCK_ITEMS, StockItem)
LOCK = f"""
with held as (
  select {ITEMS.columns("s")} from stock_items s
  where s.tenant_id = $1 and s.product_id = any($2::uuid[]) order by s.product_id, s.warehouse_id for update)
select {ITEMS.columns("h")}, m.id as main_id
from warehouses m left join held h on true where m.tenant_id = $1 and m.code = $3
"""  # noqa: S608 - our own column names

LEVELS = """
select s.product_id, s.warehouse_id, p.sku, w.code as warehouse, s.on_hand, s.reserved, s.updated_at,
  greatest(0, s.reserved - s.on_hand) as short, coalesce(b.waiting, 0) as backordered
from stock_items s join products p on p.tenant_id = $1 and p.id = s.product_id
join warehouses w on w.tenant_id = $1 and w.id = s.warehouse_id
left join lateral (select sum(l.backordered) as waiting from order_lines l
  where l.tenant_id = $1 and l.product_id = s.product_id and l.backordered > 0) b on true
where s.tenant_id = $1 and p.tracked{conditions}
order by s.product_id desc, s.warehouse_id desc limit $2
"""

MOVEMENTS = """
select m.id, m.created_at, p.sku, w.code as warehouse, m.kind, m.delta, m.on_hand_after as on_hand, m.reason,
  m.reference_id, m.actor_id
from stock_movements m join products p on p.tenant_id = $1 and p.id = m.product_id
join warehouses w on w.tenant_id = $1 and w.id = m.warehouse_id
where m.tenant_id = $1{conditions} order by m.id desc limit $2
"""

# A reservation lives in the lines of fulfilments that are not backordered, shipped or cancelled.
AUDIT = """
with moved as (
  select product_id, warehouse_id, sum(delta) as quantity from stock_movements
  where tenant_id = $1 group by 1, 2
), promised as (
  select l.product_id, f.warehouse_id, sum(fl.quantity) as quantity
  from fulfilments f join fulfilment_lines fl on fl.tenant_id = $1 and fl.fulfilment_id = f.id
  join order_lines l on l.tenant_id = $1 and l.id = fl.order_line_id and l.tracked
  where f.tenant_id = $1 and f.state in ('open', 'released', 'picking', 'packed') group by 1, 2
), compared as (
  select product_id, warehouse_id, coalesce(s.on_hand, 0) as on_hand, coalesce(m.quantity, 0) as moved,
    coalesce(s.reserved, 0) as reserved, coalesce(q.quantity, 0) as promised
  from (select * from stock_items where tenant_id = $1) s full join moved m using (product_id, warehouse_id)
  full join promised q using (product_id, warehouse_id)
), differing as (
  select * from compared where on_hand <> moved or reserved <> promised
)
select (select count(*) from compared) as checked, (select count(*) from differing) as differing,
  p.sku, w.code as warehouse, d.on_hand, d.moved, d.reserved, d.promised
from (select 1) one left join (
  differing d join products p on p.tenant_id = $1 and p.id = d.product_id
  join warehouses w on w.tenant_id = $1 and w.id = d.warehouse_id) on true
order by d.product_id desc, d.warehouse_id desc limit $2
"""

AWAITED = """
select l.product_id, sum(l.backordered) as quantity from order_lines l
where l.tenant_id = $1 and l.product_id = any($2::uuid[]) and l.backordered > 0 group by l.product_id
"""

PLACES = """
select p.sku, s.product_id, s.warehouse_id, s.on_hand from stock_items s
join unnest($2::uuid[], $3::uuid[]) w(product_id, warehouse_id) using (product_id, warehouse_id)
join products p on p.tenant_id = $1 and p.id = s.product_id where s.tenant_id = $1
"""


async def get_warehouse(ctx: Ctx, warehouse_id: UUID) -> Warehouse:
    """One warehouse."""
    found = (await ctx.session.exec(select(Warehouse).where(Warehouse.id == warehouse_id))).one_or_none()
    if found is None:
        raise NotFound("warehouse", warehouse_id)
    return found


async def list_warehouses(ctx: Ctx, page: PageQuery, *, code: str | None) -> Page[Warehouse]:
    """Warehouses, newest first."""
    return await list_rows(ctx, Warehouse, page, *([Warehouse.code == code] if code is not None else []))


async def lock_stock(ctx: Ctx, product_ids: Collection[UUID]) -> tuple[UUID, list[StockItem]]:
    """The id of MAIN and the products' stock everywhere, locked in key order so that nobody deadlocks.

    Every tracked product has its row in MAIN from birth: whoever promises, and whoever brings stock to any
    warehouse, meet at that row, so a backorder can't be written past an arrival.
    """
    rows = await ctx.sql.fetch(LOCK, ctx.tenant.id, list(product_ids), MAIN)
    if not rows:
        raise NotFound("warehouse", MAIN)
    items = [ITEMS.read(row) for row in rows if row["product_id"] is not None]
    return rows[0]["main_id"], items


async def list_levels(
    ctx: Ctx, page: PageQuery, *, sku: str | None, warehouse: str | None
) -> Page[StockLevel]:
    """Stock of tracked products, newest product first."""
    values: list[object] = [ctx.tenant.id, page.limit + 1]
    conditions = ""
    for column, value in (("p.sku", sku), ("w.code", warehouse)):
        if value is not None:
            values.append(value)
            conditions += f" and {column} = ${len(values)}"
    if page.after_pair is not None:
        values += page.after_pair
        product, warehouse_ = f"${len(values) - 1}", f"${len(values)}"
        conditions += f" and (s.product_id, s.warehouse_id) < ({product}, {warehouse_}) and p.id <= {product}"
    rows = await ctx.sql.fetch(LEVELS.format(conditions=conditions), *values)
    return page_of([StockLevel(**row) for row in rows], page, lambda s: (s.product_id, s.warehouse_id))


async def list_movements(
    ctx: Ctx, page: PageQuery, *, sku: str | None, warehouse: str | None
) -> Page[Movement]:
    """The stock's ledger, newest first: adjustments and shipments."""
    values: list[object] = [ctx.tenant.id, page.limit + 1]
    conditions = ""
    for column, value in (("p.sku", sku), ("w.code", warehouse), ("", page.after_id)):
        if value is not None:
            values.append(value)
            conditions += f" and {column} = ${len(values)}" if column else f" and m.id < ${len(values)}"
    rows = await ctx.sql.fetch(MOVEMENTS.format(conditions=conditions), *values)
    return page_of([Movement(**row) for row in rows], page, lambda m: m.id)


async def get_movement(ctx: Ctx, movement_id: UUID) -> Movement:
    """One line of the stock's ledger."""
    row = await ctx.sql.fetchrow(MOVEMENTS.format(conditions=" and m.id = $3"), ctx.tenant.id, 1, movement_id)
    if row is None:
        raise NotFound("stock adjustment", movement_id)
    return Movement(**row)


async def find_awaited(ctx: Ctx, product_ids: Collection[UUID]) -> dict[UUID, Decimal]:
    """How much of the products order lines wait for; those that nobody waits for are left out."""
    rows = await ctx.sql.fetch(AWAITED, ctx.tenant.id, list(product_ids))
    return {row["product_id"]: row["quantity"] for row in rows}


async def find_on_hand(
    ctx: Ctx, places: Collection[tuple[UUID, UUID]]
) -> dict[tuple[UUID, UUID], tuple[str, Decimal]]:
    """SKU and quantity on hand of stock items by (product, warehouse); those that are not there are left out."""
    products, warehouses = [product for product, _ in places], [warehouse for _, warehouse in places]
    rows = await ctx.sql.fetch(PLACES, ctx.tenant.id, products, warehouses)
    return {(row["product_id"], row["warehouse_id"]): (row["sku"], row["on_hand"]) for row in rows}


async def audit_stock(ctx: Ctx) -> StockAudit:
    """Compare every stock item's counters with the movements and open fulfilments that they sum up."""
    async with ctx.reporting():
        rows = await ctx.sql.fetch(AUDIT, ctx.tenant.id, MAX_LIMIT)
    differences = [
        StockDifference(**{name: row[name] for name in StockDifference.__slots__})
        for row in rows
        if row["sku"] is not None
    ]
    return StockAudit(rows[0]["checked"], rows[0]["differing"], differences)
