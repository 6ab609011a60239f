"""Aging: open receivables by how long they are past due, at any day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from services.billing.reports.queries.days import year_to
from shared.context.ctx import Ctx
from shared.values.money import Money
from shared.values.sums import Sum, sum_of

# What was open then is what is open now, less what later postings added, plus what later allocations settled:
# only the open items and the later movements are read, never all that was ever paid.
AGING = """
with moved as (
  select p.open_item_id as id, -sum(p.amount_minor) as change
  from journal_entries e
  join postings p on p.tenant_id = $1 and p.entry_id = e.id and p.open_item_id is not null
  where e.tenant_id = $1 and e.effective_on > $2 group by 1
  union all
  select v.id, sum(case when a.reverses_id is null then 1 else -1 end * sign(i.amount_minor)::int * a.amount_minor)
  from allocations a
  cross join lateral (values (a.from_item), (a.to_item)) as v(id)
  join open_items i on i.tenant_id = $1 and i.id = v.id
  where a.tenant_id = $1 and a.allocated_on > $2 group by 1
), touched as (
  select id, sum(change) as change
  from (select id, change from moved union all
        select id, 0 from open_items where tenant_id = $1 and open_minor <> 0) t
  group by id
), then_open as (
  select i.party_id, i.amount_minor, i.due_on, i.opened_on, i.open_minor + t.change as minor
  from touched t
  join open_items i on i.tenant_id = $1 and i.id = t.id and i.currency = $3
  join accounts k on k.tenant_id = $1 and k.code = i.account and k.control = 'receivable'
), aged as (
  select party_id, minor, amount_minor < 0 as credit, $2 - coalesce(due_on, opened_on) as days
  from then_open where minor <> 0
)
select party_id as customer_id,
  coalesce(sum(minor) filter (where not credit and days <= 0), 0) as current,
  coalesce(sum(minor) filter (where not credit and days between 1 and 30), 0) as days_1_30,
  coalesce(sum(minor) filter (where not credit and days between 31 and 60), 0) as days_31_60,
  coalesce(sum(minor) filter (where not credit and days between 61 and 90), 0) as days_61_90,
  coalesce(sum(minor) filter (where not credit and days > 90), 0) as days_over_90,
  coalesce(sum(minor) filter (where credit), 0) as credits,
  sum(minor) as total
from aged group by party_id order by party_id
"""
COLUMNS = ("current", "days_1_30", "days_31_60", "days_61_90", "days_over_90", "credits", "total")


@dataclass(frozen=True, slots=True)
class AgingRow:
    """What one customer owed, or all of them."""

    customer_id: UUID | None
    current: Money
    days_1_30: Money
    days_31_60: Money
    days_61_90: Money
    days_over_90: Money
    credits: Money
    total: Money


@dataclass(frozen=True, slots=True)
class Aging:
    """Open receivables at the end of a day."""

    as_of: date
    currency: str
    rows: Sequence[AgingRow]
    totals: AgingRow


async def get_aging(ctx: Ctx, *, as_of: date | None, currency: str | None) -> Aging:
    """What customers owe at the end of a day, today unless said."""
    (_, day), unit = await year_to(ctx, as_of), currency or ctx.tenant.currency
    async with ctx.reporting():
        found = await ctx.sql.fetch(AGING, ctx.tenant.id, day, unit)
    rows = [AgingRow(r["customer_id"], **{c: Sum(int(r[c]), unit) for c in COLUMNS}) for r in found]
    sums = {c: sum_of((getattr(row, c) for row in rows), unit) for c in COLUMNS}
    return Aging(day, unit, rows, AgingRow(None, **sums))
