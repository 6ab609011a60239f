"""Reads of tax codes."""

from collections.abc import Collection
from datetime import date
from uuid import UUID

from sqlmodel import col, select

from services.billing.tax.models import TaxCode
from services.billing.tax.rules import TaxRate
from shared.context.ctx import Ctx
from shared.database.effective_dates import as_of
from shared.http.paging import Page, PageQuery, list_rows
from shared.values.faults import NotFound

HOLDING = f"""
select code, category, rate from tax_codes where tenant_id = $1 and code = any($2::text[]) and {as_of("$3")}
"""  # noqa: S608 - no input in it

# The first numbered invoice of the rate's days that states it; its credit notes state what it does.
USED = """
select i.id, i.number from invoices i
where i.tenant_id = $1 and i.number is not null
  and coalesce(i.delivered_on, i.issued_on) between $4 and coalesce($5, 'infinity'::date)
  and exists (select from invoice_lines l where l.tenant_id = $1 and l.invoice_id = i.id and l.tax_code = $2
    and l.tax_rate = $3)
order by i.issued_on, i.number limit 1
"""


async def get_tax_code(ctx: Ctx, tax_code_id: UUID, *, lock: bool = False) -> TaxCode:
    """One tax code; locked when it is about to change."""
    statement = select(TaxCode).where(TaxCode.id == tax_code_id)
    if lock:
        statement = statement.with_for_update()
    found = (await ctx.session.exec(statement)).one_or_none()
    if found is None:
        raise NotFound("tax code", tax_code_id)
    return found


async def find_open_tax_code(ctx: Ctx, code: str, *, before: date) -> TaxCode | None:
    """What began before a day and holds until further notice, if there is such a row of the code; locked."""
    begun = (TaxCode.code == code, col(TaxCode.valid_to).is_(None), TaxCode.valid_from < before)
    return (await ctx.session.exec(select(TaxCode).where(*begun).with_for_update())).one_or_none()


async def find_tax_codes(ctx: Ctx, codes: Collection[str], *, on: date) -> dict[str, TaxRate]:
    """What each code means on a day; a code that does not hold then is left out."""
    rows = await ctx.sql.fetch(HOLDING, ctx.tenant.id, list(set(codes)), on)
    return {row["code"]: TaxRate(row["code"], row["category"], row["rate"]) for row in rows}


async def find_first_use(ctx: Ctx, row: TaxCode) -> tuple[UUID, str] | None:
    """Id and number of the first invoice that states the rate of a tax code, if any does."""
    async with ctx.reporting():
        found = await ctx.sql.fetchrow(USED, ctx.tenant.id, row.code, row.rate, row.valid_from, row.valid_to)
    return None if found is None else (found["id"], found["number"])


async def list_tax_codes(ctx: Ctx, page: PageQuery, *, code: str | None) -> Page[TaxCode]:
    """Tax codes; with `code` all rates of one code over time."""
    return await list_rows(ctx, TaxCode, page, *([] if code is None else [TaxCode.code == code]))
