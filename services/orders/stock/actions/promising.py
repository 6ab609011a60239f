"""Promising stock to order lines, and giving promises back."""

from collections.abc import Collection, Sequence
from uuid import UUID

from services.orders.stock import queries
from services.orders.stock.actions.leaving import require_all
from services.orders.stock.rules import (
    Allocation,
    Demand,
    Reservation,
    allocate,
    as_columns,
    set_aside,
    shortage,
    sum_by_item,
)
from shared.context.ctx import Ctx

PROMISE = """
update stock_items s set reserved = s.reserved + d.quantity, updated_at = $2
from unnest($3::uuid[], $4::uuid[], $5::numeric[]) d(product_id, warehouse_id, quantity)
where s.tenant_id = $1 and s.product_id = d.product_id and s.warehouse_id = d.warehouse_id
"""

OWE = """
update stock_items set owed = $4 where tenant_id = $1 and product_id = any($2::uuid[]) and warehouse_id = $3
"""

# In both the rows must be locked in key order before the update touches any; here those of all warehouses, so that
# who gives back and who wants to wait meet at MAIN's (see `queries.lock_stock`).
GIVE_BACK = """
with taken as (
  select * from unnest($3::uuid[], $4::uuid[], $5::numeric[]) d(product_id, warehouse_id, quantity)
), held as (
  select s.product_id, s.warehouse_id from stock_items s
  where s.tenant_id = $1 and s.product_id = any($3::uuid[]) order by s.product_id, s.warehouse_id for update of s
), changed as (
  update stock_items s set reserved = s.reserved - d.quantity,
    short = greatest(0, s.reserved - d.quantity - s.on_hand), updated_at = $2
  from held join taken d using (product_id, warehouse_id)
  where s.tenant_id = $1 and s.product_id = held.product_id and s.warehouse_id = held.warehouse_id
  returning 1
)
select count(*) from changed
"""


async def reserve(ctx: Ctx, demands: Sequence[Demand], *, allow_backorder: bool) -> Reservation:
    """Promise stock to new orders' lines: everything, or nothing unless what is missing may wait.

    What is owed to lines that wait is none of theirs. Raises InsufficientStock, naming each product that is short.
    """
    main_id, items = await queries.lock_stock(ctx, {demand.product_id for demand in demands})
    if owed := {item.product_id for item in items if item.owed}:
        items = set_aside(items, await queries.find_awaited(ctx, owed), main=main_id)
    allocations, missing = allocate(demands, items, main=main_id)
    if missing and not allow_backorder:
        raise shortage(demands, items)
    await promise(ctx, allocations)
    return Reservation(allocations, missing, main_id)


async def promise(ctx: Ctx, allocations: Sequence[Allocation]) -> None:
    """Note that stock of locked rows is promised to order lines."""
    if allocations:
        await ctx.sql.execute(PROMISE, ctx.tenant.id, ctx.now, *as_columns(sum_by_item(allocations)))


async def release(ctx: Ctx, allocations: Sequence[Allocation]) -> None:
    """Give promises back. Who calls this shares out what is free then (`services.orders.promises`)."""
    if allocations:
        sums = sum_by_item(allocations)
        require_all(await ctx.sql.fetchval(GIVE_BACK, ctx.tenant.id, ctx.now, *as_columns(sums)), len(sums))


async def owe(ctx: Ctx, product_ids: Collection[UUID], main_id: UUID, *, owed: bool) -> None:
    """Note of products whose rows are locked whether something of them is still to be shared out."""
    if product_ids:
        await ctx.sql.execute(OWE, ctx.tenant.id, list(product_ids), main_id, owed)
