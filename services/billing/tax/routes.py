"""Tax codes over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from services.billing.tax import actions, queries
from services.billing.tax.models import TaxCode
from services.billing.tax.schemas import TaxCodeChange, TaxCodeIn, TaxCodeOut
from shared.http.paging import Page, PageDep
from shared.http.router import CtxDep, IfMatch, Router
from shared.values.fields import Code

router = Router("Tax codes")


@router.create("/tax-codes", scope="billing:write", response_model=TaxCodeOut)
async def create_tax_code(ctx: CtxDep, body: TaxCodeIn) -> TaxCode:
    """Add a tax code, from `valid_from` to `valid_to`, both inclusive; without `valid_to` until further notice.

    With a known code and a later `valid_from`, and no `valid_to`, its rate changes on that day: what held until further
    notice ends the day before. Any other overlap is refused with 409 `validity_overlaps`, which names the field and,
    as `overlaps`, the tax code in the way.
    """
    return await actions.create_tax_code(ctx, body)


@router.read("/tax-codes", scope="billing:read", response_model=Page[TaxCodeOut])
async def list_tax_codes(
    ctx: CtxDep, page: PageDep, code: Annotated[Code | None, Query()] = None
) -> Page[TaxCode]:
    """Tax codes; with `code` all rates of one code over time."""
    return await queries.list_tax_codes(ctx, page, code=code)


@router.read("/tax-codes/{tax_code_id}", scope="billing:read", response_model=TaxCodeOut)
async def get_tax_code(ctx: CtxDep, tax_code_id: UUID) -> TaxCode:
    """One tax code."""
    return await queries.get_tax_code(ctx, tax_code_id)


@router.change("/tax-codes/{tax_code_id}", scope="billing:write", response_model=TaxCodeOut)
async def change_tax_code(ctx: CtxDep, tax_code_id: UUID, body: TaxCodeChange, version: IfMatch) -> TaxCode:
    """Correct or end a tax code; a rate that an invoice states stays: 409 `rate_used` names the first one.

    A `valid_to` (inclusive) that reaches into the code's next rate is refused with 409 `validity_overlaps`.
    """
    return await actions.change_tax_code(ctx, tax_code_id, body, version=version)
