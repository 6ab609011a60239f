"""Reads of tax codes."""

from collections.abc import Collection
from datetime import date
from uuid import UUID

from sqlmodel import select

from services.billing.tax.models import TaxCode
from services.billing.tax.rules import TaxRate
from shared.context.ctx import Ctx
from shared.http.paging import Page, PageQuery, list_rows
from shared.values.faults import NotFound

HOLDING = """
select distinct on (code) code, category, rate from tax_codes
where tenant_id = $1 and code = any($2::text[]) and valid_from <= $3 and (valid_to is null or valid_to >= $3)
order by code, valid_from desc
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


async def find_tax_codes(ctx: Ctx, codes: Collection[str], *, on: date) -> dict[str, TaxRate]:
    """What each code means on a day; a code that does not hold then is left out."""
    rows = await ctx.sql.fetch(HOLDING, ctx.tenant.id, list(set(codes)), on)
    return {row["code"]: TaxRate(row["code"], row["category"], row["rate"]) for row in rows}


async def list_tax_codes(ctx: Ctx, page: PageQuery, *, code: str | None) -> Page[TaxCode]:
    """Tax codes; with `code` all rates of one code over time."""
    return await list_rows(ctx, TaxCode, page, *([] if code is None else [TaxCode.code == code]))
