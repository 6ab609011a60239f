"""Output tax by code, category and rate, from what sales and credit notes have posted."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from services.billing.ledger.chart import ROLE_OUTPUT_TAX
from services.billing.reports.queries.days import from_to
from shared.context.ctx import Ctx
from shared.values.money import Money
from shared.values.sums import Sum, sum_of

# Every posting of sales and output tax names its tax group. Entries from before they did (revision 0014) named the code
# on the tax only: what they say is on their documents, whose amounts without the point are minor units. A void counts
# against the sales of its own day.
TAX = """
with documents as (
  select e.id, e.source, e.source_id, 1 as sign from journal_entries e
  where e.tenant_id = $1 and e.effective_on between $3 and $4
    and e.source in ('invoice', 'credit_note', 'cash_discount', 'bad_debt')
  union all
  select e.id, o.source, o.source_id, -1 from journal_entries e
  join journal_entries o on o.tenant_id = $1 and o.id = e.reverses_id
    and o.source in ('invoice', 'credit_note', 'cash_discount', 'bad_debt')
  where e.tenant_id = $1 and e.effective_on between $3 and $4 and e.reverses_id is not null
), posted as (
  select d.id, d.source, p.dimensions->>'tax_code' as tax_code, p.dimensions->>'tax_category' as category,
    (p.dimensions->>'tax_rate')::numeric as rate,
    case when p.account <> $5 then p.amount_minor else 0 end as base,
    case when p.account = $5 then p.amount_minor else 0 end as tax
  from documents d
  join postings p on p.tenant_id = $1 and p.entry_id = d.id and p.currency = $2
  where p.dimensions->>'tax_category' is not null
), unnamed as (
  select d.source, r->>'tax_code', r->>'category', (r->>'rate')::numeric,
    d.sign * m.sign * replace(r#>>'{base,amount}', '.', '')::bigint,
    d.sign * m.sign * replace(r#>>'{tax,amount}', '.', '')::bigint
  from documents d
  cross join lateral (
    select -1 as sign, i.tax_breakdown from invoices i
    where i.tenant_id = $1 and i.id = d.source_id and i.currency = $2
    union all
    select 1, c.tax_breakdown from credit_notes c
    where c.tenant_id = $1 and c.id = d.source_id and c.currency = $2
  ) m
  cross join lateral jsonb_array_elements(m.tax_breakdown) as r
  where not exists (select from posted p where p.id = d.id)
)
select tax_code, category, rate,
  coalesce(-sum(base) filter (where source = 'invoice'), 0) as sales_base,
  coalesce(-sum(tax) filter (where source = 'invoice'), 0) as sales_tax,
  coalesce(sum(base) filter (where source = 'credit_note'), 0) as credit_base,
  coalesce(sum(tax) filter (where source = 'credit_note'), 0) as credit_tax,
  coalesce(sum(base) filter (where source = 'cash_discount'), 0) as discount_base,
  coalesce(sum(tax) filter (where source = 'cash_discount'), 0) as discount_tax,
  coalesce(sum(base) filter (where source = 'bad_debt'), 0) as bad_debt_base,
  coalesce(sum(tax) filter (where source = 'bad_debt'), 0) as bad_debt_tax
from (select source, tax_code, category, rate, base, tax from posted union all select * from unnamed) t
group by 1, 2, 3 having bool_or(base <> 0 or tax <> 0) order by 1, 3, 2
"""
POSTED = """
select coalesce(-sum(p.amount_minor), 0)
from journal_entries e
join postings p on p.tenant_id = $1 and p.entry_id = e.id and p.currency = $2 and p.account = $5
where e.tenant_id = $1 and e.effective_on between $3 and $4
"""

FIGURES = (
    "sales_base", "sales_tax", "credit_base", "credit_tax", "discount_base", "discount_tax", "bad_debt_base",
    "bad_debt_tax",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class TaxRow:
    """What was sold, credited and given up under one tax code, category and rate."""

    tax_code: str
    category: str
    rate: Decimal
    sales_base: Money
    sales_tax: Money
    credit_base: Money
    credit_tax: Money
    discount_base: Money
    discount_tax: Money
    bad_debt_base: Money
    bad_debt_tax: Money

    @property
    def base(self) -> Money:
        """What is left of the sales without tax."""
        return self.sales_base - self.credit_base - self.discount_base - self.bad_debt_base

    @property
    def tax(self) -> Money:
        """What is left of the tax."""
        return self.sales_tax - self.credit_tax - self.discount_tax - self.bad_debt_tax


@dataclass(frozen=True, slots=True)
class OutputTax:
    """The account of output tax in the range, credit positive, and how much of it the rows explain."""

    account: str
    posted: Money
    explained: Money

    @property
    def difference(self) -> Money:
        """What something else has posted."""
        return self.posted - self.explained


@dataclass(frozen=True, slots=True)
class TaxReport:
    """Sales and credit notes of a range of days by tax group."""

    from_: date
    to: date
    currency: str
    rows: Sequence[TaxRow]
    base: Money
    tax: Money
    output_tax: OutputTax


async def get_tax_report(ctx: Ctx, *, from_: date | None, to: date | None, currency: str | None) -> TaxReport:
    """What returns ask for, of a range of days; the fiscal year to date unless said."""
    first, last = await from_to(ctx, from_, to)
    unit = currency or ctx.tenant.currency
    async with ctx.reporting():
        found = await ctx.sql.fetch(TAX, ctx.tenant.id, unit, first, last, ROLE_OUTPUT_TAX)
        posted = await ctx.sql.fetchval(POSTED, ctx.tenant.id, unit, first, last, ROLE_OUTPUT_TAX)
    rows = [
        TaxRow(
            row["tax_code"],
            row["category"],
            row["rate"],
            **{name: Sum(int(row[name]), unit) for name in FIGURES},
        )
        for row in found
    ]
    base, tax = sum_of((row.base for row in rows), unit), sum_of((row.tax for row in rows), unit)
    return TaxReport(
        first, last, unit, rows, base, tax, OutputTax(ROLE_OUTPUT_TAX, Sum(int(posted), unit), tax)
    )
