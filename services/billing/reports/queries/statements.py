"""Financial statements. Whole months come from the ledger's month totals, only the last days from postings."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from services.billing.reports.rules import (
    Balance,
    Section,
    StatementRow,
    TrialRow,
    cash_category,
    earnings,
    section,
    trial_row,
    with_earnings,
)
from shared.context.ctx import Ctx
from shared.values.faults import Invalid
from shared.values.money import Money, total

# Totals up to the end of each given day, added up with its sign: (to, +1) and (from - 1, -1) make a range.
TURNOVER = """
with days as (
  select d.sign, d.upto, date_trunc('month', (d.upto + 1)::timestamp)::date as month
  from (select sign, case when sign < 0 then day - 1 else day end as upto
        from unnest($3::date[], $4::integer[]) as u(day, sign)) d
), sums as (
  select m.account, sum(d.sign * m.debit_minor) as debit, sum(d.sign * m.credit_minor) as credit
  from days d join account_months m on m.tenant_id = $1 and m.currency = $2 and m.month < d.month
  group by m.account
  union all
  select p.account, sum(d.sign * greatest(p.amount_minor, 0)), sum(d.sign * greatest(-p.amount_minor, 0))
  from days d
  join journal_entries e on e.tenant_id = $1 and e.effective_on between d.month and d.upto
  join postings p on p.tenant_id = $1 and p.entry_id = e.id and p.currency = $2
  group by p.account
)
select a.code, a.name, a.type, a.control, sum(s.debit)::bigint as debit, sum(s.credit)::bigint as credit
from sums s join accounts a on a.tenant_id = $1 and a.code = s.account
group by a.code, a.name, a.type, a.control order by a.code
"""
CASH = """
with moved as (
  select distinct e.id
  from journal_entries e
  join postings b on b.tenant_id = $1 and b.entry_id = e.id and b.currency = $2
  join accounts k on k.tenant_id = $1 and k.code = b.account and k.control = 'bank'
  where e.tenant_id = $1 and e.effective_on between $3 and $4
)
select a.code, a.name, a.type, -sum(p.amount_minor)::bigint as received
from moved m
join postings p on p.tenant_id = $1 and p.entry_id = m.id and p.currency = $2
join accounts a on a.tenant_id = $1 and a.code = p.account and a.control is distinct from 'bank'
group by a.code, a.name, a.type having sum(p.amount_minor) <> 0 order by a.code
"""


@dataclass(frozen=True, slots=True)
class TrialBalance:
    """Every account's balance; the totals are equal."""

    as_of: date
    currency: str
    rows: Sequence[TrialRow]
    total_debit: Money
    total_credit: Money


@dataclass(frozen=True, slots=True)
class ProfitAndLoss:
    """Income and expenses of a range of days."""

    from_: date
    to: date
    currency: str
    income: Section
    expenses: Section
    net_income: Money


@dataclass(frozen=True, slots=True)
class BalanceSheet:
    """Assets, and who has a claim on them."""

    as_of: date
    currency: str
    assets: Section
    liabilities: Section
    equity: Section
    total_assets: Money
    total_liabilities_and_equity: Money


@dataclass(frozen=True, slots=True)
class CashFlow:
    """What moved the bank accounts in a range of days."""

    from_: date
    to: date
    currency: str
    opening: Money
    operating: Section
    investing: Section
    financing: Section
    net_change: Money
    closing: Money


async def get_trial_balance(ctx: Ctx, *, as_of: date | None, currency: str | None) -> TrialBalance:
    """Balances at the end of a day, today unless said."""
    day, unit = as_of or ctx.today, currency or ctx.tenant.currency
    rows = [trial_row(b) for b in await _turnover(ctx, unit, [(day, 1)])]
    return TrialBalance(
        day, unit, rows, total((r.debit for r in rows), unit), total((r.credit for r in rows), unit)
    )


async def get_profit_and_loss(
    ctx: Ctx, *, from_: date | None, to: date | None, currency: str | None
) -> ProfitAndLoss:
    """Earnings of a range of days, the current year to date unless said."""
    first, last = _range(ctx, from_, to)
    unit = currency or ctx.tenant.currency
    balances = await _turnover(ctx, unit, [(last, 1), (first, -1)])
    return ProfitAndLoss(
        first,
        last,
        unit,
        section(balances, "income", unit, sign=-1),
        section(balances, "expense", unit, sign=1),
        earnings(balances, unit),
    )


async def get_balance_sheet(ctx: Ctx, *, as_of: date | None, currency: str | None) -> BalanceSheet:
    """What is owned and owed at the end of a day, today unless said."""
    day, unit = as_of or ctx.today, currency or ctx.tenant.currency
    balances = await _turnover(ctx, unit, [(day, 1)])
    assets = section(balances, "asset", unit, sign=1)
    liabilities = section(balances, "liability", unit, sign=-1)
    equity = with_earnings(section(balances, "equity", unit, sign=-1), earnings(balances, unit))
    return BalanceSheet(
        day, unit, assets, liabilities, equity, assets.total, liabilities.total + equity.total
    )


async def get_cash_flow(ctx: Ctx, *, from_: date | None, to: date | None, currency: str | None) -> CashFlow:
    """Movements of the bank accounts by counter account, the current year to date unless said."""
    first, last = _range(ctx, from_, to)
    unit = currency or ctx.tenant.currency
    async with ctx.reporting():
        moved = await ctx.sql.fetch(CASH, ctx.tenant.id, unit, first, last)
        # Opening and closing come from the month totals: two ways to the same figure.
        opening = await _bank(ctx, unit, first, sign=-1)
        closing = await _bank(ctx, unit, last, sign=1)
    rows: dict[str, list[StatementRow]] = {"operating": [], "investing": [], "financing": []}
    for r in moved:
        row = StatementRow(r["code"], r["name"], Money(r["received"], unit))
        rows[cash_category(r["code"], r["type"])].append(row)
    parts = {name: Section(found, total((r.amount for r in found), unit)) for name, found in rows.items()}
    change = total((part.total for part in parts.values()), unit)
    return CashFlow(
        first,
        last,
        unit,
        opening,
        parts["operating"],
        parts["investing"],
        parts["financing"],
        change,
        closing,
    )


async def _turnover(ctx: Ctx, currency: str, days: Sequence[tuple[date, int]]) -> list[Balance]:
    async with ctx.reporting():
        rows = await ctx.sql.fetch(
            TURNOVER, ctx.tenant.id, currency, [d for d, _ in days], [s for _, s in days]
        )
    return [
        Balance(r["code"], r["name"], r["type"], Money(r["debit"], currency), Money(r["credit"], currency))
        for r in rows
    ]


async def _bank(ctx: Ctx, currency: str, day: date, *, sign: int) -> Money:
    """What lay in the bank accounts at the end of a day (or, with sign -1, before it began)."""
    rows = await ctx.sql.fetch(TURNOVER, ctx.tenant.id, currency, [day], [sign])
    minor = sum(sign * (r["debit"] - r["credit"]) for r in rows if r["control"] == "bank")
    return Money(minor, currency)


def _range(ctx: Ctx, from_: date | None, to: date | None) -> tuple[date, date]:
    last = to or ctx.today
    first = from_ or last.replace(month=1, day=1)
    if first > last:
        raise Invalid.field("/query/from", "range_reversed", "`from` must not be after `to`.")
    return first, last
