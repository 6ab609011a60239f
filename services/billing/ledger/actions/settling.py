"""Settling: credits (payments, credit notes) are allocated to debits (invoices) of the same party."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from services.billing.ledger import queries
from services.billing.ledger.models import AllocationRow
from services.billing.ledger.rules import Allocation, AlreadyReversed, required_back
from shared.context.batch import Batch
from shared.context.ctx import Ctx
from shared.database.table_sql import TableSql
from shared.values.faults import Invalid, NotFound
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
select a.tenant_id, n.id, $4, $4, a.from_item, a.to_item, a.amount_minor, a.currency,
  greatest($5::date, a.allocated_on), a.id, $6
from unnest($2::uuid[], $3::uuid[]) as n(allocation_id, id)
join allocations a on a.tenant_id = $1 and a.id = n.allocation_id
on conflict (tenant_id, reverses_id) do nothing returning reverses_id
"""
# What is open at the end of a day and of each day since, back from what is open now; the least of it.
LEAST = """
with item as (select sign(amount_minor)::int as sign, open_minor from open_items where tenant_id = $1 and id = $2),
moved as (
  select e.effective_on as day, item.sign * p.amount_minor as minor
  from item cross join postings p join journal_entries e on e.tenant_id = $1 and e.id = p.entry_id
  where p.tenant_id = $1 and p.open_item_id = $2 and e.effective_on > $3
  union all
  select a.allocated_on, case when a.reverses_id is null then -1 else 1 end * a.amount_minor
  from allocations a where a.tenant_id = $1 and (a.from_item = $2 or a.to_item = $2) and a.allocated_on > $3
), later as (select sum(minor) over (order by day desc) as minor from moved)
select least(sign * open_minor, (select min(item.sign * item.open_minor - later.minor) from later))::bigint from item
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


async def undo_allocation(ctx: Ctx, allocation_id: UUID, *, undone_on: date | None = None) -> None:
    """Take one allocation back: both items are open again by its amount. Once only."""
    if not await _undo(ctx, [allocation_id], undone_on or ctx.today):
        await queries.get_allocation(ctx, allocation_id)
        raise AlreadyReversed("This allocation was taken back before.", allocation_id=allocation_id)


async def take_back(
    ctx: Ctx, from_item: UUID, wanted: Mapping[UUID, Money | None] | None, *, undone_on: date | None = None
) -> dict[UUID, Money]:
    """Take back what a locked credit has settled: so much of each item, the newest first (none: all); without
    `wanted` all of everything.

    An allocation is undone as a whole, and what is not wanted back is allocated anew. Returns how much of which item is
    open again, and raises NotAllocated for more than was settled.
    """
    made = await queries.find_allocations(ctx, [from_item])
    settled: dict[UUID, Money] = {}
    for each in made:
        settled[each.to_item] = settled.get(each.to_item, Money.zero(each.amount.currency)) + each.amount
    taken = {
        item: required_back(item, amount, settled.get(item)) for item, amount in (wanted or settled).items()
    }
    undone, kept = [], []
    for item, amount in taken.items():
        for each in reversed([each for each in made if each.to_item == item]):
            if amount.minor > 0:
                undone.append(each.id)
                amount -= each.amount
        if amount.minor < 0:
            kept.append(Allocation(from_item, item, -amount))
    await _undo(ctx, undone, undone_on or ctx.today)
    await allocate_all(Batch([(ctx, each) for each in kept]), allocated_on=undone_on)
    return taken


async def require_open_since(ctx: Ctx, item_id: UUID, amount: Money, *, day: date, pointer: str) -> None:
    """Refuse an entry of an earlier day for more than was open of an item on that day and ever since.

    What it leaves open then is never less than nothing on any day. Today it is what is open: no statement.
    """
    if day >= ctx.today:
        return
    least = await ctx.sql.fetchval(LEAST, ctx.tenant.id, item_id, day)
    if least is not None and amount.minor > least:
        raise Invalid.field(
            pointer, "not_open_then", f"On {day}, or a day after it, less was open of this; give a later day."
        )


async def _undo(ctx: Ctx, allocation_ids: Sequence[UUID], on: date) -> int:
    ids = list(allocation_ids)
    done = await ctx.sql.fetch(UNDO, ctx.tenant.id, ids, [new_id() for _ in ids], ctx.now, on, ctx.actor.id)
    return len(done)
