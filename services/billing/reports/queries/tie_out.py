"""Tie-out: every figure that is kept twice is compared. Reads all postings; meant for nights and doubts."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.billing.ledger.chart import ROLE_BANK
from services.billing.ledger.rules import PAYROLL_SOURCES
from services.billing.wages.rules import ACCOUNTS
from shared.context.ctx import Ctx
from shared.values.money import Money
from shared.values.sums import Sum

MOST_DIFFERENCES = 500

# What payroll told of posted runs and of remittances, as it stands in the account of each role.
TOLD = f"""
select a.account, x.currency, sum(x.minor) as minor
from (
  select l.role, r.currency,
    case when r.state = 'reversed' then 0 else l.debit_minor - l.credit_minor end + l.cleared_minor as minor
  from wage_postings r join wage_posting_lines l on l.tenant_id = $1 and l.run_id = r.id
  where r.tenant_id = $1 and r.state <> 'waiting'
  union all
  select role, currency, amount_minor from wage_remittances where tenant_id = $1
) x
join (values {", ".join(f"('{role}', '{account}')" for role, account in ACCOUNTS.items())}) as a(role, account)
  on a.role = x.role
group by 1, 2
"""  # noqa: S608 - our own accounts
WAGE_SOURCES = ", ".join(f"'{source}'" for source in PAYROLL_SOURCES)
# Payroll's own entries come first, which are few: whoever pays nobody reads no others. Each with its reversal.
WAGE_ENTRIES = f"""
with own as materialized (
  select id, reverses_id from journal_entries where tenant_id = $1 and source in ({WAGE_SOURCES})
)
select id from own where reverses_id is null
union all
select r.id from own o join journal_entries r on r.tenant_id = $1 and r.reverses_id = o.id
"""  # noqa: S608 - our own sources

# Each check yields (subject, currency, expected, found) where the two differ. Amounts in documents have all decimals of
# their currency: without the point they are minor units.
CHECKS = {
    "open_items_against_control_accounts": """
        select coalesce(i.account, m.account), coalesce(i.currency, m.currency), coalesce(m.minor, 0),
          coalesce(i.minor, 0)
        from (select account, currency, sum(open_minor) as minor from open_items where tenant_id = $1 group by 1, 2) i
        full join (
          select m.account, m.currency, sum(m.debit_minor - m.credit_minor) as minor
          from account_months m join accounts a on a.tenant_id = $1 and a.code = m.account
          where m.tenant_id = $1 and a.control in ('receivable', 'payable') group by 1, 2
        ) m on m.account = i.account and m.currency = i.currency
        where coalesce(m.minor, 0) <> coalesce(i.minor, 0)
    """,
    "month_totals_against_postings": """
        select format('%s %s', coalesce(p.account, m.account), to_char(coalesce(p.month, m.month), 'YYYY-MM')),
          coalesce(p.currency, m.currency), coalesce(p.debit, 0) - coalesce(p.credit, 0),
          coalesce(m.debit, 0) - coalesce(m.credit, 0)
        from (
          select p.account, date_trunc('month', e.effective_on::timestamp)::date as month, p.currency,
            sum(greatest(p.amount_minor, 0)) as debit, sum(greatest(-p.amount_minor, 0)) as credit
          from postings p join journal_entries e on e.tenant_id = $1 and e.id = p.entry_id
          where p.tenant_id = $1 group by 1, 2, 3
        ) p
        full join (
          select account, month, currency, sum(debit_minor) as debit, sum(credit_minor) as credit
          from account_months where tenant_id = $1 group by 1, 2, 3
        ) m on m.account = p.account and m.month = p.month and m.currency = p.currency
        where coalesce(p.debit, 0) <> coalesce(m.debit, 0) or coalesce(p.credit, 0) <> coalesce(m.credit, 0)
    """,
    "entries_balance": """
        select entry_id::text, currency, 0, sum(amount_minor)
        from postings where tenant_id = $1 group by 1, 2 having sum(amount_minor) <> 0
    """,
    "open_items_against_their_history": """
        select format('%s %s', i.kind, coalesce(i.number, i.id::text)), i.currency,
          coalesce(p.minor, 0) - sign(i.amount_minor) * coalesce(a.minor, 0), i.open_minor
        from open_items i
        left join (
          select open_item_id as id, sum(amount_minor) as minor from postings
          where tenant_id = $1 and open_item_id is not null group by 1
        ) p on p.id = i.id
        left join (
          select v.id, sum(case when x.reverses_id is null then x.amount_minor else -x.amount_minor end) as minor
          from allocations x cross join lateral (values (x.from_item), (x.to_item)) as v(id)
          where x.tenant_id = $1 group by 1
        ) a on a.id = i.id
        where i.tenant_id = $1
          and i.open_minor <> coalesce(p.minor, 0) - sign(i.amount_minor) * coalesce(a.minor, 0)
    """,
    "documents_against_open_items": """
        select format('%s %s', coalesce(d.kind, i.kind), coalesce(d.number, i.number, d.id::text, i.id::text)),
          coalesce(d.currency, i.currency), coalesce(i.open_minor, 0), coalesce(d.minor, 0)
        from (
          select id, 'invoice' as kind, number, currency, open_minor as minor
          from invoices where tenant_id = $1 and number is not null
          union all
          select id, 'credit_note', number, currency, -unallocated_minor from credit_notes where tenant_id = $1
          union all
          select id, 'payment', null, currency, -unallocated_minor from payments where tenant_id = $1
        ) d
        full join (select * from open_items where tenant_id = $1) i on i.id = d.id
        where coalesce(d.minor, 0) <> coalesce(i.open_minor, 0)
    """,
    "output_tax_against_documents": """
        select coalesce(d.tax_code, p.tax_code), coalesce(d.currency, p.currency), coalesce(d.minor, 0),
          coalesce(p.minor, 0)
        from (
          select r->>'tax_code' as tax_code, currency, sum(sign * replace(r#>>'{tax,amount}', '.', '')::bigint) as minor
          from (
            select 1 as sign, currency, tax_breakdown from invoices where tenant_id = $1 and state = 'finalized'
            union all
            select -1, currency, tax_breakdown from credit_notes where tenant_id = $1 and not cancels
            union all
            select -1, currency, tax_breakdown from write_offs where tenant_id = $1 and state = 'recorded'
          ) x cross join lateral jsonb_array_elements(x.tax_breakdown) as r group by 1, 2
        ) d
        full join (
          select p.dimensions->>'tax_code' as tax_code, p.currency, -sum(p.amount_minor) as minor
          from journal_entries e
          join journal_entries o on o.tenant_id = $1 and o.id = coalesce(e.reverses_id, e.id)
          join postings p on p.tenant_id = $1 and p.entry_id = e.id and p.account = '2200'
          where e.tenant_id = $1 and o.source in ('invoice', 'credit_note', 'cash_discount', 'bad_debt')
          group by 1, 2
        ) p on p.tax_code = d.tax_code and p.currency = d.currency
        where coalesce(d.minor, 0) <> coalesce(p.minor, 0)
    """,
    "wages_against_accounts": f"""
        select coalesce(t.account, p.account), coalesce(t.currency, p.currency), coalesce(t.minor, 0),
          coalesce(p.minor, 0)
        from ({TOLD}) t
        full join (
          select p.account, p.currency, sum(p.amount_minor) as minor
          from ({WAGE_ENTRIES}) e
          join postings p on p.tenant_id = $1 and p.entry_id = e.id and p.account <> '{ROLE_BANK}' group by 1, 2
        ) p on p.account = t.account and p.currency = t.currency
        where coalesce(t.minor, 0) <> coalesce(p.minor, 0)
    """,  # noqa: S608 - our own names
}


@dataclass(frozen=True, slots=True)
class Difference:
    """Two figures that should be one."""

    check: str
    subject: str
    expected: Money
    found: Money


@dataclass(frozen=True, slots=True)
class TieOut:
    """What was compared, and what did not agree."""

    checks: Sequence[str]
    differences: Sequence[Difference]


async def get_tie_out(ctx: Ctx) -> TieOut:
    """Compare sub-ledgers, month totals, entries and documents; at most 500 differences are listed per check."""
    found = []
    for check, sql in CHECKS.items():
        # One statement per check: postings committed in between cannot look like a difference.
        async with ctx.reporting():
            rows = await ctx.sql.fetch(f"{sql} limit {MOST_DIFFERENCES}", ctx.tenant.id)
        for subject, currency, expected, actual in rows:
            found.append(Difference(check, subject, Sum(int(expected), currency), Sum(int(actual), currency)))
    return TieOut(list(CHECKS), found)
