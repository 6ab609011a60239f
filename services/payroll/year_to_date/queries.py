"""Reads of the ledger."""

from collections.abc import Collection
from datetime import date
from decimal import Decimal
from uuid import UUID

import orjson

from services.payroll.year_to_date.rules import SourceKind
from shared.context.ctx import Ctx

# One row for each payee: ten thousand of them have a hundred thousand measures.
TOTALS = """
select payee_id, json_object_agg(measure, amount::text)::text as totals
from (
  select payee_id, measure, sum(amount) as amount from year_to_date
  where tenant_id = $1 and payee_id = any($2::uuid[]) and tax_year = $3 and pay_on <= $4
  group by payee_id, measure
) as of_measure
group by payee_id
"""
OPENING = """
select measure, sum(amount) as amount from year_to_date
where tenant_id = $1 and payee_id = $2 and tax_year = $3 and source_kind = $4
group by measure
"""


async def find_totals(
    ctx: Ctx, payee_ids: Collection[UUID], *, tax_year: int, until: date
) -> dict[UUID, dict[str, Decimal]]:
    """What each payee's measures come to in a tax year with everything up to a day; who has none is left out."""
    rows = await ctx.sql.fetch(TOTALS, ctx.tenant.id, list(payee_ids), tax_year, until)
    return {
        row["payee_id"]: {name: Decimal(text) for name, text in orjson.loads(row["totals"]).items()}
        for row in rows
    }


async def find_opening(ctx: Ctx, payee_id: UUID, *, tax_year: int) -> dict[str, Decimal]:
    """The opening figures of a payee's tax year."""
    rows = await ctx.sql.fetch(OPENING, ctx.tenant.id, payee_id, tax_year, SourceKind.OPENING)
    return {row["measure"]: row["amount"] for row in rows}
