"""What can be done with stock: adjust it, promise it, give promises back, ship it.

Hot paths in plain SQL. Locks are always taken in the order (product, warehouse).
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

import asyncpg

from services.orders.stock import queries
from services.orders.stock.models import STOCK_MOVEMENTS, Warehouse
from services.orders.stock.rules import (
    MAIN,
    Adjustment,
    Allocation,
    Demand,
    NotTracked,
    Reservation,
    StockInUse,
    StockRowMissing,
    UnknownSku,
    UnknownWarehouse,
    adjusted_delta,
    allocate,
    shortage,
    sum_by_item,
)
from services.orders.stock.schemas import StockAdjustmentIn, WarehouseIn
from shared.context.batch import Batch
from shared.context.ctx import Ctx
from shared.database.table_sql import TableSql
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
  update stock_items set on_hand = on_hand + $5, updated_at = $4
  where tenant_id = $1 and product_id = $2 and warehouse_id = $3 returning on_hand)
insert into stock_movements
  (tenant_id, id, created_at, product_id, warehouse_id, kind, delta, on_hand_after, reason, actor_id)
select $1, $6, $4, $2, $3, 'adjustment', $5, on_hand, $7, $8 from moved
"""

PROMISE = """
update stock_items s set reserved = s.reserved + d.quantity, updated_at = $2
from unnest($3::uuid[], $4::uuid[], $5::numeric[]) d(product_id, warehouse_id, quantity)
where s.tenant_id = $1 and s.product_id = d.product_id and s.warehouse_id = d.warehouse_id
"""

# In both the rows must be locked in key order before the update touches any.
GIVE_BACK = """
with taken as (
  select * from unnest($3::uuid[], $4::uuid[], $5::numeric[]) d(product_id, warehouse_id, quantity)
), held as (
  select s.product_id, s.warehouse_id from stock_items s join taken using (product_id, warehouse_id)
  where s.tenant_id = $1 order by s.product_id, s.warehouse_id for update of s
), changed as (
  update stock_items s set reserved = s.reserved - d.quantity, updated_at = $2
  from held join taken d using (product_id, warehouse_id)
  where s.tenant_id = $1 and s.product_id = held.product_id and s.warehouse_id = held.warehouse_id
  returning 1
)
select count(*) from changed
"""


@dataclass(frozen=True, slots=True)
class NewMovement:
    """A movement that is to be written, in the order of its id; what lies there after it is counted then."""

    id: UUID
    created_at: datetime
    product_id: UUID
    warehouse_id: UUID
    kind: str
    delta: Decimal
    reference_id: UUID
    actor_id: str


MOVEMENTS = TableSql(STOCK_MOVEMENTS, NewMovement)
SHIP = f"""
with taken as materialized (
  select * from {MOVEMENTS.rows(2)}
), sums as (
  select product_id, warehouse_id, sum(delta) as delta, max(created_at) as at from taken group by 1, 2
), held as (
  select s.product_id, s.warehouse_id, sums.delta, sums.at
  from stock_items s join sums using (product_id, warehouse_id)
  where s.tenant_id = $1 order by s.product_id, s.warehouse_id for update of s
), changed as (
  update stock_items s set reserved = s.reserved + held.delta, on_hand = s.on_hand + held.delta, updated_at = held.at
  from held where s.tenant_id = $1 and s.product_id = held.product_id and s.warehouse_id = held.warehouse_id
  returning s.product_id, s.warehouse_id, s.on_hand
), written as (
  insert into stock_movements (tenant_id, {", ".join(MOVEMENTS.names)}, on_hand_after)
  select $1, {", ".join(MOVEMENTS.names)},
    on_hand - sum(delta) over (partition by product_id, warehouse_id order by id desc) + delta
  from changed join taken using (product_id, warehouse_id)
  returning 1
)
select count(*) from written
"""  # noqa: S608 - our own column names


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


async def adjust_stock(ctx: Ctx, adjustment: StockAdjustmentIn) -> Adjustment:
    """Change what lies in a warehouse, by hand or after a count; waiting order lines are told of arrivals."""
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
        reserved=item.reserved,
    )
    await ctx.sql.execute(
        ADJUST, ctx.tenant.id, product_id, warehouse_id, ctx.now, delta, movement.id, movement.reason,
        movement.actor_id,
    )  # fmt: skip
    if delta > 0:
        await _tell_arrivals(ctx, [product_id])
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


async def reserve(ctx: Ctx, demands: Sequence[Demand], *, allow_backorder: bool) -> Reservation:
    """Promise stock to order lines: everything, or nothing unless what is missing may wait.

    Raises InsufficientStock, naming each product that is short.
    """
    main_id, items = await queries.lock_stock(ctx, {demand.product_id for demand in demands})
    allocations, missing = allocate(demands, items, main=main_id)
    if missing and not allow_backorder:
        raise shortage(demands, items)
    if allocations:
        await ctx.sql.execute(PROMISE, ctx.tenant.id, ctx.now, *_columns(sum_by_item(allocations)))
    return Reservation(allocations, missing, main_id)


async def release(ctx: Ctx, allocations: Sequence[Allocation]) -> None:
    """Give promises back; lines that wait for these products are told of it."""
    if not allocations:
        return
    sums = sum_by_item(allocations)
    _require_all(await ctx.sql.fetchval(GIVE_BACK, ctx.tenant.id, ctx.now, *_columns(sums)), len(sums))
    await _tell_arrivals(ctx, list({product_id for product_id, _ in sums}))


async def consume(ctx: Ctx, allocations: Sequence[Allocation], *, reference_id: UUID) -> None:
    """Ship promised stock: it is no longer on hand nor reserved, and the ledger says what for and by whom."""
    await consume_all(Batch([(ctx, (reference_id, allocations))]))


async def consume_all(batch: Batch[tuple[UUID, Sequence[Allocation]]]) -> None:
    """The same for several shipments in one statement; each item is what goods leave for, and the goods."""
    leaving = [
        NewMovement(
            id=new_id(),
            created_at=ctx.now,
            product_id=product_id,
            warehouse_id=warehouse_id,
            kind="shipment",
            delta=-quantity,
            reference_id=reference_id,
            actor_id=ctx.actor.id,
        )
        for ctx, (reference_id, allocations) in batch.items
        for (product_id, warehouse_id), quantity in sum_by_item(allocations).items()
    ]
    if leaving:
        ctx = batch.ctx
        written = await ctx.sql.fetchval(SHIP, ctx.tenant.id, MOVEMENTS.json(leaving))
        _require_all(written, len(leaving))


def _columns(sums: dict[tuple[UUID, UUID], Decimal]) -> tuple[list[UUID], list[UUID], list[Decimal]]:
    return [product for product, _ in sums], [warehouse for _, warehouse in sums], list(sums.values())


def _require_all(changed: int, wanted: int) -> None:
    if changed != wanted:
        raise StockRowMissing(f"{wanted - changed} of {wanted} stock rows are not there")


async def _tell_arrivals(ctx: Ctx, product_ids: Collection[UUID]) -> None:
    """Have backorders of these products filled, in a transaction of their own, if any line waits."""
    for product_id in await queries.find_awaited(ctx, product_ids):
        ctx.schedule("stock.arrived", product_id, ctx.now)
