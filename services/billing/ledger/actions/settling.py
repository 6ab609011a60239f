"""Settling: credits (payments, credit notes) are allocated to debits (invoices) of the same party."""

from datetime import date
from uuid import UUID

from services.billing.ledger import queries
from services.billing.ledger.rules import Allocation, AlreadyReversed
from shared.context.batch import Batch
from shared.context.ctx import Ctx
from shared.database.json_rows import recordset, rows_json
from shared.values.faults import NotFound
from shared.values.ids import new_id
from shared.values.money import Money

MADE = {
    "id": "uuid", "at": "timestamptz", "from_item": "uuid", "to_item": "uuid", "amount": "bigint", "currency": "text",
    "day": "date", "actor_id": "text",
}  # fmt: skip
# An allocation takes effect when both documents exist, whatever earlier day was meant.
ALLOCATE = f"""
insert into allocations (tenant_id, id, created_at, updated_at, from_item, to_item, amount_minor, currency,
  allocated_on, actor_id)
select $1, a.id, a.at, a.at, f.id, t.id, a.amount, a.currency, greatest(a.day, f.opened_on, t.opened_on), a.actor_id
from {recordset(2, MADE, "a")}
join open_items f on f.tenant_id = $1 and f.id = a.from_item
join open_items t on t.tenant_id = $1 and t.id = a.to_item
returning from_item, to_item, allocated_on
"""  # noqa: S608 - our own column names
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
        (
            new_id(), its_ctx.now, a.from_item, a.to_item, a.amount.minor, a.amount.currency,
            allocated_on or its_ctx.today, its_ctx.actor.id,
        )
        for its_ctx, a in batch.items
    ]  # fmt: skip
    made = await ctx.sql.fetch(ALLOCATE, ctx.tenant.id, rows_json(tuple(MADE), rows))
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
