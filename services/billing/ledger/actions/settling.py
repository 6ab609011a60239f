"""Settling: credits (payments, credit notes) are allocated to debits (invoices) of the same party."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from services.billing.ledger import queries
from services.billing.ledger.models import AllocationRow
from services.billing.ledger.rules import Allocation, AlreadyReversed
from shared.context.batch import Batch
from shared.context.ctx import Ctx
from shared.database.table_sql import TableSql
from shared.values.faults import NotFound
from shared.values.ids import new_id
from shared.values.money import Money


@dataclass(frozen=True, slots=True)
class _NewAllocation:
    """The row of an allocation."""

    id: UUID
    created_at: datetime
    updated_at: datetime
    from_item: UUID
    to_item: UUID
    amount_minor: int
    currency: str
    allocated_on: date
    actor_id: str


ALLOCATIONS = TableSql(AllocationRow, _NewAllocation)
# An allocation takes effect when both documents exist, whatever earlier day was meant.
EFFECTIVE = {"allocated_on": "greatest(new.allocated_on, f.opened_on, t.opened_on)"}
ITEMS = """
join open_items f on f.tenant_id = $1 and f.id = new.from_item
join open_items t on t.tenant_id = $1 and t.id = new.to_item
"""
ALLOCATE = f"{ALLOCATIONS.insert(2, given=EFFECTIVE, rest=ITEMS)} returning from_item, to_item, allocated_on"
UNDO = """
insert into allocations (tenant_id, id, created_at, updated_at, from_item, to_item, amount_minor, currency,
  allocated_on, reverses_id, actor_id)
select tenant_id, $3, $4, $4, from_item, to_item, amount_minor, currency, greatest($5::date, allocated_on), id, $6
from allocations where tenant_id = $1 and id = $2
on conflict (tenant_id, reverses_id) do nothing returning id
"""


async def allocate_all(
    batch: Batch[Allocation], *, allocated_on: date | None = None
) -> dict[tuple[UUID, UUID], date]:
    """Settle items by items, all or nothing; returns for each pair of items the day it counts from.

    Refuses more than is open of either side (`open_item_exceeded`) and items of different parties, accounts or
    currencies (`allocation_mismatch`). One statement, however many allocations.
    """
    if not batch.items:
        return {}
    ctx = batch.ctx
    rows = [
        _NewAllocation(
            id=new_id(),
            created_at=its_ctx.now,
            updated_at=its_ctx.now,
            from_item=a.from_item,
            to_item=a.to_item,
            amount_minor=a.amount.minor,
            currency=a.amount.currency,
            allocated_on=allocated_on or its_ctx.today,
            actor_id=its_ctx.actor.id,
        )
        for its_ctx, a in batch.items
    ]
    made = await ctx.sql.fetch(ALLOCATE, ctx.tenant.id, ALLOCATIONS.json(rows))
    if len(made) != len(batch):
        ids = sorted({i for _, a in batch.items for i in (a.from_item, a.to_item)})
        known = await queries.open_amounts(ctx, ids)
        raise NotFound("open item", next(i for i in ids if i not in known))
    return {(row["from_item"], row["to_item"]): row["allocated_on"] for row in made}


async def allocate(
    ctx: Ctx, *, from_item: UUID, to_item: UUID, amount: Money, allocated_on: date | None = None
) -> tuple[Money, Money]:
    """Settle one item by another; returns what is left open of both, signed as posted."""
    await allocate_all(Batch([(ctx, Allocation(from_item, to_item, amount))]), allocated_on=allocated_on)
    left = await queries.open_amounts(ctx, [from_item, to_item])
    return left[from_item], left[to_item]


async def undo_allocation(ctx: Ctx, allocation_id: UUID, *, undone_on: date | None = None) -> UUID:
    """Take an allocation back (a payment bounced): both items are open again by its amount. Once only."""
    undone: UUID | None = await ctx.sql.fetchval(
        UNDO, ctx.tenant.id, allocation_id, new_id(), ctx.now, undone_on or ctx.today, ctx.actor.id
    )
    if undone is None:
        await queries.get_allocation(ctx, allocation_id)
        raise AlreadyReversed("This allocation was taken back before.", allocation_id=allocation_id)
    return undone
