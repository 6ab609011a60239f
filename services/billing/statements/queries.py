"""Reads of statements: every movement of what a customer owes, whatever kind of document made it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

import asyncpg

from services.billing.documents.parties import buyer_party, logo_id, seller_party
from services.billing.documents.queries import find_seller_facts
from services.billing.documents.statement import Account, Line, Overdue, Statement
from services.billing.invoices import queries as invoices
from services.billing.reports.queries.days import from_to
from shared.context.ctx import Ctx
from shared.values.faults import Invalid, NotFound
from shared.values.money import currency_digits
from shared.values.sums import Sum, sum_of

MOST_LINES = 5_000
# A receivable moves with the postings of its open item, of whatever kind: allocations move nothing between customer and
# company.
POSTED = """
from open_items i
join accounts k on k.tenant_id = $1 and k.code = i.account and k.control = 'receivable'
join postings p on p.tenant_id = $1 and p.open_item_id = i.id
join journal_entries e on e.tenant_id = $1 and e.id = p.entry_id
where i.tenant_id = $1 and i.party_id = $2
"""
OPENING = f"select p.currency, sum(p.amount_minor) as minor {POSTED} and e.effective_on < $3 group by 1"
LINES = f"""
select e.effective_on, case when c.id is null then e.source else 'credit_note' end as kind,
  coalesce(c.id, e.source_id) as document_id, coalesce(c.number,
    (select n.number from invoices n where n.tenant_id = $1 and n.id = e.source_id),
    (select n.number from credit_notes n where n.tenant_id = $1 and n.id = e.source_id)) as number,
  e.memo, m.due_on, m.currency, m.minor
from (select e.id, p.currency, max(i.due_on) as due_on, sum(p.amount_minor) as minor
      {POSTED} and e.effective_on between $3 and $4 group by 1, 2 order by 1 limit {MOST_LINES + 1}) m
join journal_entries e on e.tenant_id = $1 and e.id = m.id
left join credit_notes c on c.tenant_id = $1 and c.invoice_id = e.source_id and c.cancels and e.source = 'void'
order by e.effective_on, e.id
"""  # noqa: S608 - no input in it
# What was open then is what is open now, less what later postings added, plus what later allocations settled.
OVERDUE = """
select * from (
  select i.id, i.kind, i.due_on, i.currency, coalesce(i.number, n.number) as number,
    (i.open_minor - coalesce(l.minor, 0) + coalesce(a.minor, 0)) as minor
  from open_items i
  join accounts k on k.tenant_id = $1 and k.code = i.account and k.control = 'receivable'
  left join invoices n on n.tenant_id = $1 and n.id = i.id
  left join lateral (
    select sum(p.amount_minor) as minor from postings p
    join journal_entries e on e.tenant_id = $1 and e.id = p.entry_id and e.effective_on > $3
    where p.tenant_id = $1 and p.open_item_id = i.id
  ) l on true
  left join lateral (
    select sum(case when x.reverses_id is null then x.amount_minor else -x.amount_minor end) as minor
    from allocations x where x.tenant_id = $1 and x.to_item = i.id and x.allocated_on > $3
  ) a on true
  where i.tenant_id = $1 and i.party_id = $2 and i.amount_minor > 0 and i.due_on < $3
) o where minor > 0 order by due_on, id
"""


@dataclass(frozen=True, slots=True)
class _Found:
    """The rows of a statement."""

    opening: Sequence[asyncpg.Record]
    lines: Sequence[asyncpg.Record]
    overdue: Sequence[asyncpg.Record]

    def currencies(self, own: str) -> list[str]:
        """Those in which anything was owed, the tenant's own first, which is always there."""
        used = {
            row["currency"]
            for rows in (self.opening, self.lines, self.overdue)
            for row in rows
            if row["minor"]
        }
        return [own, *sorted(used - {own})]


async def get_statement(ctx: Ctx, customer_id: UUID, *, from_: date | None, to: date | None) -> Statement:
    """What a customer owed, what happened between two days, both included, and what it owes at the end of the last."""
    first, last = await from_to(ctx, from_, to)
    customer = await _customer(ctx, customer_id)
    seller = await find_seller_facts(ctx)
    found = await _find(ctx, customer_id, first, last)
    if len(found.lines) > MOST_LINES:
        sentence = f"These days have more than {MOST_LINES} movements; ask for fewer days at a time."
        raise Invalid.field("/query/from", "statement_too_long", sentence)
    return Statement(
        customer_id=customer_id,
        seller=seller_party(seller),
        buyer=buyer_party(customer),
        first=first,
        last=last,
        accounts=tuple(_account(unit, found) for unit in found.currencies(ctx.tenant.currency)),
        logo_id=logo_id(seller),
        language=customer.get("language") or "en",
    )


async def _customer(ctx: Ctx, customer_id: UUID) -> Mapping[str, Any]:
    """The customer as orders knows it, else as the last invoice has it."""
    known = await invoices.find_customer(ctx, customer_id)
    facts: Mapping[str, Any] | None
    facts = known.model_dump(mode="json") if known else await invoices.find_last_buyer(ctx, customer_id)
    if facts is None:
        raise NotFound("customer", customer_id)
    return facts


async def _find(ctx: Ctx, customer_id: UUID, first: date, last: date) -> _Found:
    tenant_id = ctx.tenant.id
    async with ctx.reporting():
        return _Found(
            opening=await ctx.sql.fetch(OPENING, tenant_id, customer_id, first),
            lines=await ctx.sql.fetch(LINES, tenant_id, customer_id, first, last),
            overdue=await ctx.sql.fetch(OVERDUE, tenant_id, customer_id, last),
        )


def _account(currency: str, found: _Found) -> Account:
    opening = sum_of((_money(row) for row in _of(found.opening, currency)), currency)
    lines, balance = [], opening
    for row in _of(found.lines, currency):
        balance += _money(row)
        lines.append(
            Line(
                on=row["effective_on"],
                kind=row["kind"],
                document_id=row["document_id"],
                number=row["number"],
                memo=row["memo"],
                due_on=row["due_on"],
                amount=_money(row),
                balance=balance,
            )
        )
    overdue = [
        Overdue(row["id"], row["kind"], row["number"], row["due_on"], _money(row))
        for row in _of(found.overdue, currency)
    ]
    return Account(
        currency=currency,
        decimals=currency_digits(currency),
        opening=opening,
        lines=tuple(lines),
        closing=balance,
        overdue=sum_of((each.open for each in overdue), currency),
        overdue_items=tuple(overdue),
    )


def _of(rows: Iterable[asyncpg.Record], currency: str) -> list[asyncpg.Record]:
    return [row for row in rows if row["currency"] == currency]


def _money(row: asyncpg.Record) -> Sum:
    return Sum(int(row["minor"]), row["currency"])
