"""Financial statements. Whole months come from the ledger's month totals, only the last days from postings."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from services.billing.ledger.chart import ROLE_RETAINED_EARNINGS
from services.billing.reports.queries.days import from_to, year_to
from services.billing.reports.rules import (
    Balance,
    Section,
    StatementRow,
    TrialRow,
    Turnover,
    carried_forward,
    cash_category,
    earnings,
    section,
    trial_row,
    with_earnings,
)
from shared.context.ctx import Ctx
from shared.values.money import Money
from shared.values.sums import Sum, sum_of

# Totals until the end of $3, and of these what was before $4. Whole months come from the month totals, the days of a
# month that has begun from postings. What closing entries take from income and expenses is shown as taken from retained
# earnings ($5): the accounts keep their result.
AFTER_MONTHS = "date_trunc('month', ($3::date + 1)::timestamp)::date"
BEFORE_MONTHS = "date_trunc('month', $4::date::timestamp)::date"
TURNOVER = f"""
with sums(account, debit, credit, debit_before, credit_before) as (
  select m.account, sum(m.debit_minor), sum(m.credit_minor),
    sum(m.debit_minor) filter (where m.month < {BEFORE_MONTHS}),
    sum(m.credit_minor) filter (where m.month < {BEFORE_MONTHS})
  from account_months m where m.tenant_id = $1 and m.currency = $2 and m.month < {AFTER_MONTHS} group by 1
  union all
  select p.account, sum(greatest(p.amount_minor, 0)), sum(greatest(-p.amount_minor, 0)), 0, 0
  from journal_entries e join postings p on p.tenant_id = $1 and p.entry_id = e.id and p.currency = $2
  where e.tenant_id = $1 and e.effective_on between {AFTER_MONTHS} and $3 group by 1
  union all
  select p.account, 0, 0, sum(greatest(p.amount_minor, 0)), sum(greatest(-p.amount_minor, 0))
  from journal_entries e join postings p on p.tenant_id = $1 and p.entry_id = e.id and p.currency = $2
  where e.tenant_id = $1 and e.effective_on >= {BEFORE_MONTHS} and e.effective_on < $4 group by 1
  union all
  select v.account, sum(v.sign * greatest(p.amount_minor, 0)), sum(v.sign * greatest(-p.amount_minor, 0)),
    sum(v.sign * greatest(p.amount_minor, 0)) filter (where e.effective_on < $4),
    sum(v.sign * greatest(-p.amount_minor, 0)) filter (where e.effective_on < $4)
  from journal_entries e join postings p on p.tenant_id = $1 and p.entry_id = e.id and p.currency = $2
  join accounts a on a.tenant_id = $1 and a.code = p.account and a.type in ('income', 'expense')
  cross join lateral (values (p.account, -1), ($5, 1)) as v(account, sign)
  where e.tenant_id = $1 and e.kind = 'closing' and e.effective_on <= $3 group by 1
  union all select $5, 0, 0, 0, 0
)
select a.code, a.name, a.type, a.control, sum(s.debit) as debit, sum(s.credit) as credit,
  coalesce(sum(s.debit_before), 0) as debit_before, coalesce(sum(s.credit_before), 0) as credit_before
from sums s join accounts a on a.tenant_id = $1 and a.code = s.account
group by a.code, a.name, a.type, a.control order by a.code
"""  # noqa: S608 - our own dates
CASH = """
with moved as (
  select distinct e.id
  from journal_entries e
  join postings b on b.tenant_id = $1 and b.entry_id = e.id and b.currency = $2
  join accounts k on k.tenant_id = $1 and k.code = b.account and k.control = 'bank'
  where e.tenant_id = $1 and e.effective_on between $3 and $4
)
select a.code, a.name, a.type, -sum(p.amount_minor) as received
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
    retained_earnings: Money
    current_earnings: Money
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
    """Balances at the end of a day, today unless said; income and expenses are those of its fiscal year."""
    (year, day), unit = await year_to(ctx, as_of), currency or ctx.tenant.currency
    turnovers = await _turnovers(ctx, unit, year, day)
    rows = [trial_row(b) for b in carried_forward(turnovers, ROLE_RETAINED_EARNINGS)]
    return TrialBalance(
        day, unit, rows, sum_of((r.debit for r in rows), unit), sum_of((r.credit for r in rows), unit)
    )


async def get_profit_and_loss(
    ctx: Ctx, *, from_: date | None, to: date | None, currency: str | None
) -> ProfitAndLoss:
    """Earnings of a range of days, the current fiscal year to date unless said."""
    days = await from_to(ctx, from_, to)
    unit = currency or ctx.tenant.currency
    balances = [turnover.within for turnover in await _turnovers(ctx, unit, *days)]
    return ProfitAndLoss(
        *days,
        unit,
        section(balances, "income", unit, sign=-1),
        section(balances, "expense", unit, sign=1),
        earnings(balances, unit),
    )


async def get_balance_sheet(ctx: Ctx, *, as_of: date | None, currency: str | None) -> BalanceSheet:
    """What is owned and owed at the end of a day, today unless said."""
    (year, day), unit = await year_to(ctx, as_of), currency or ctx.tenant.currency
    balances = carried_forward(await _turnovers(ctx, unit, year, day), ROLE_RETAINED_EARNINGS)
    assets = section(balances, "asset", unit, sign=1)
    liabilities = section(balances, "liability", unit, sign=-1)
    earned = earnings(balances, unit)
    equity = with_earnings(section(balances, "equity", unit, sign=-1), earned)
    retained = -sum_of((b.net for b in balances if b.account == ROLE_RETAINED_EARNINGS), unit)
    return BalanceSheet(
        day,
        unit,
        assets,
        liabilities,
        equity,
        retained,
        earned,
        assets.total,
        liabilities.total + equity.total,
    )


async def get_cash_flow(ctx: Ctx, *, from_: date | None, to: date | None, currency: str | None) -> CashFlow:
    """Movements of bank and cash accounts by counter account, the current fiscal year to date unless said."""
    first, last = await from_to(ctx, from_, to)
    unit = currency or ctx.tenant.currency
    async with ctx.reporting():
        moved = await ctx.sql.fetch(CASH, ctx.tenant.id, unit, first, last)
        # Opening and closing come from the month totals: two ways to the same figure.
        totals = await ctx.sql.fetch(TURNOVER, ctx.tenant.id, unit, last, first, ROLE_RETAINED_EARNINGS)
    money = [row for row in totals if row["control"] == "bank"]
    rows: dict[str, list[StatementRow]] = {"operating": [], "investing": [], "financing": []}
    for r in moved:
        row = StatementRow(r["code"], r["name"], Sum(int(r["received"]), unit))
        rows[cash_category(r["code"], r["type"])].append(row)
    parts = {name: Section(found, sum_of((r.amount for r in found), unit)) for name, found in rows.items()}
    return CashFlow(
        first,
        last,
        unit,
        Sum(sum(int(row["debit_before"] - row["credit_before"]) for row in money), unit),
        parts["operating"],
        parts["investing"],
        parts["financing"],
        sum_of((part.total for part in parts.values()), unit),
        Sum(sum(int(row["debit"] - row["credit"]) for row in money), unit),
    )


async def _turnovers(ctx: Ctx, currency: str, first: date, last: date) -> list[Turnover]:
    async with ctx.reporting():
        rows = await ctx.sql.fetch(TURNOVER, ctx.tenant.id, currency, last, first, ROLE_RETAINED_EARNINGS)
    return [
        Turnover(
            *(
                Balance(
                    r["code"], r["name"], r["type"], Sum(int(debit), currency), Sum(int(credit), currency)
                )
                for debit, credit in ((r["debit"], r["credit"]), (r["debit_before"], r["credit_before"]))
            )
        )
        for r in rows
    ]
