"""Keeping stock: warehouses, what is tracked, and what lies there by hand or by count."""

from collections.abc import Collection
from uuid import UUID

import asyncpg

from services.orders.stock import queries
from services.orders.stock.models import Warehouse
from services.orders.stock.rules import (
    MAIN,
    Adjustment,
    NotTracked,
    StockInUse,
    UnknownSku,
    UnknownWarehouse,
    adjusted_delta,
)
from services.orders.stock.schemas import StockAdjustmentIn, WarehouseIn
from shared.context.ctx import Ctx
from shared.values.ids import new_id

MAKE_MAIN = """
insert into warehouses (tenant_id, id, created_at, updated_at, code, name) values ($1, $2, $3, $3, $4, $5)
on conflict do nothing
"""

OPEN = """
insert into stock_items (tenant_id, product_id, warehouse_id, updated_at)
select $1, p, w.id, $3 from unnest($2::uuid[]) p, warehouses w where w.tenant_id = $1 and w.code = $4
order by p on conflict do nothing
"""

# The product's row is share-locked: it cannot stop being tracked before its stock has changed.
PLACE = """
select p.id as product_id, p.tracked,
  (select id from warehouses where tenant_id = $1 and code = $3) as warehouse_id
from products p where p.tenant_id = $1 and p.sku = $2 for key share
"""

OPEN_IN = """
insert into stock_items (tenant_id, product_id, warehouse_id, updated_at) values ($1, $2, $3, $4)
on conflict do nothing
"""

ADJUST = """
with moved as (
  update stock_items set on_hand = on_hand + $5, short = greatest(0, reserved - on_hand - $5), updated_at = $4
  where tenant_id = $1 and product_id = $2 and warehouse_id = $3 returning on_hand)
insert into stock_movements
  (tenant_id, id, created_at, product_id, warehouse_id, kind, delta, on_hand_after, reason, actor_id)
select $1, $6, $4, $2, $3, 'adjustment', $5, on_hand, $7, $8 from moved
"""


async def provision(ctx: Ctx) -> None:
    """Every tenant has the warehouse MAIN."""
    await ctx.sql.execute(MAKE_MAIN, ctx.tenant.id, new_id(), ctx.now, MAIN, "Main warehouse")


async def create_warehouse(ctx: Ctx, warehouse: WarehouseIn) -> Warehouse:
    """Add a warehouse."""
    row = Warehouse(tenant_id=ctx.tenant.id, created_at=ctx.now, updated_at=ctx.now, **warehouse.model_dump())
    ctx.session.add(row)
    return row


async def start_tracking(ctx: Ctx, product_ids: Collection[UUID]) -> None:
    """Give products their stock row in MAIN, at nothing."""
    await ctx.tx.flush()
    await ctx.sql.execute(OPEN, ctx.tenant.id, list(product_ids), ctx.now, MAIN)


async def stop_tracking(ctx: Ctx, product_id: UUID) -> None:
    """Let a product go on without stock; refused while any lies somewhere, is promised or awaited."""
    _, items = await queries.lock_stock(ctx, [product_id])
    if any(item.on_hand or item.reserved for item in items) or await queries.find_awaited(ctx, [product_id]):
        raise StockInUse("Some of it is on hand, reserved or backordered.")


async def adjust(ctx: Ctx, adjustment: StockAdjustmentIn) -> Adjustment:
    """Change what lies in a warehouse, by hand or after a count, whatever of it is promised.

    Who calls this shares out what then lies there (`services.orders.promises`).
    """
    product_id, warehouse_id = await _place(ctx, adjustment)
    await ctx.sql.execute(OPEN_IN, ctx.tenant.id, product_id, warehouse_id, ctx.now)
    _, items = await queries.lock_stock(ctx, [product_id])
    item = next(i for i in items if i.warehouse_id == warehouse_id)
    delta = adjusted_delta(
        item,
        sku=adjustment.sku,
        delta=adjustment.delta,
        set_to=adjustment.set_to,
        expected=adjustment.expected,
    )
    movement = Adjustment(
        id=new_id(),
        created_at=ctx.now,
        sku=adjustment.sku,
        warehouse=adjustment.warehouse,
        kind="adjustment",
        delta=delta,
        on_hand=item.on_hand + delta,
        reason=adjustment.reason,
        reference_id=None,
        actor_id=ctx.actor.id,
        product_id=product_id,
        warehouse_id=warehouse_id,
        reserved=item.reserved,
    )
    await ctx.sql.execute(
        ADJUST, ctx.tenant.id, product_id, warehouse_id, ctx.now, delta, movement.id, movement.reason,
        movement.actor_id,
    )  # fmt: skip
    return movement


async def _place(ctx: Ctx, adjustment: StockAdjustmentIn) -> tuple[UUID, UUID]:
    await ctx.tx.flush()
    row: asyncpg.Record | None = await ctx.sql.fetchrow(
        PLACE, ctx.tenant.id, adjustment.sku, adjustment.warehouse
    )
    if row is None:
        raise UnknownSku(adjustment.sku)
    if row["warehouse_id"] is None:
        raise UnknownWarehouse(adjustment.warehouse)
    if not row["tracked"]:
        raise NotTracked(f"{adjustment.sku} is sold without stock.")
    return row["product_id"], row["warehouse_id"]
