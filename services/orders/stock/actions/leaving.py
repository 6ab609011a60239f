"""Goods that leave the house: no longer promised nor there, and the ledger says what for."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from services.orders.stock import queries
from services.orders.stock.models import STOCK_MOVEMENTS
from services.orders.stock.rules import Allocation, NotOnHand, StockRowMissing, sum_by_item
from shared.context.batch import Batch
from shared.context.ctx import Ctx
from shared.database.table_sql import TableSql
from shared.values.fields import decimal_text
from shared.values.ids import new_id

CHANGED = "stock.arrived"
"""What comes due when something of a product is to be shared out later, in a transaction of its own."""


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
  select s.product_id, s.warehouse_id, s.on_hand, sums.delta, sums.at
  from stock_items s join sums using (product_id, warehouse_id)
  where s.tenant_id = $1 order by s.product_id, s.warehouse_id for update of s
), changed as (
  update stock_items s set reserved = s.reserved + held.delta, on_hand = s.on_hand + held.delta, updated_at = held.at
  from held where s.tenant_id = $1 and s.product_id = held.product_id and s.warehouse_id = held.warehouse_id
    and held.on_hand + held.delta >= 0
  returning s.product_id, s.warehouse_id, s.on_hand, s.short
), written as (
  insert into stock_movements (tenant_id, {", ".join(MOVEMENTS.names)}, on_hand_after)
  select $1, {", ".join(MOVEMENTS.names)},
    on_hand - sum(delta) over (partition by product_id, warehouse_id order by id desc) + delta
  from changed join taken using (product_id, warehouse_id)
  returning 1
)
select (select count(*) from written) as written,
  (select array_agg(distinct product_id) from changed where short > 0) as short
"""  # noqa: S608 - our own column names


async def consume(ctx: Ctx, allocations: Sequence[Allocation], *, reference_id: UUID) -> None:
    """Ship promised stock: it is no longer on hand nor reserved, and the ledger says what for and by whom.

    Raises NotOnHand where, by the last count, less lies there.
    """
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
    if not leaving:
        return
    ctx = batch.ctx
    done = await ctx.sql.fetchrow(SHIP, ctx.tenant.id, MOVEMENTS.json(leaving))
    if done["written"] != len(leaving):
        await _refuse_missing(ctx, leaving)
    for product_id in (
        done["short"] or ()
    ):  # what stays behind of a count that found less is promised to nobody
        ctx.schedule(CHANGED, product_id, ctx.now)


async def _refuse_missing(ctx: Ctx, leaving: Sequence[NewMovement]) -> None:
    """Say what is to leave from where less of it lies."""
    wanted: dict[tuple[UUID, UUID], Decimal] = defaultdict(Decimal)
    for movement in leaving:
        wanted[movement.product_id, movement.warehouse_id] -= movement.delta
    there = await queries.find_on_hand(ctx, wanted)
    require_all(len(there), len(wanted))
    lines = [
        {"sku": sku, "requested": decimal_text(wanted[place]), "on_hand": decimal_text(on_hand)}
        for place, (sku, on_hand) in there.items()
        if on_hand < wanted[place]
    ]
    raise NotOnHand(
        "By the last count less is there than is to be shipped. Count again, or ship what is there.",
        lines=lines,
    )


def require_all(changed: int, wanted: int) -> None:
    """Raise StockRowMissing when fewer stock rows were changed than were to be."""
    if changed != wanted:
        raise StockRowMissing(f"{wanted - changed} of {wanted} stock rows are not there")
