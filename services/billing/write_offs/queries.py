"""Reads of write-offs, and of all that has corrected the tax of an invoice."""

from typing import Any
from uuid import UUID

import orjson
from sqlmodel import select

from services.billing.write_offs.models import WriteOff
from services.billing.write_offs.schemas import WriteOffOut
from shared.context.ctx import Ctx
from shared.contracts.orders import TaxBreakdownRow
from shared.http.paging import Page, PageQuery, list_rows
from shared.values.faults import NotFound
from shared.values.money import Money

CORRECTED = """
select tax_breakdown::text as rows from credit_notes where tenant_id = $1 and invoice_id = $2
union all
select tax_breakdown::text from write_offs where tenant_id = $1 and invoice_id = $2 and state = 'recorded'
"""
ROUNDED = """
select coalesce(sum(amount_minor), 0)::bigint from write_offs
where tenant_id = $1 and invoice_id = $2 and kind = 'rounding' and state = 'recorded'
"""


async def get_write_off(ctx: Ctx, write_off_id: UUID) -> WriteOff:
    """One write-off; its invoice is locked before it changes."""
    found = (await ctx.session.exec(select(WriteOff).where(WriteOff.id == write_off_id))).one_or_none()
    if found is None:
        raise NotFound("write-off", write_off_id)
    return found


async def corrected_rows(ctx: Ctx, invoice_id: UUID) -> list[TaxBreakdownRow]:
    """What credit notes and standing write-offs have taken off an invoice's tax rows."""
    found = await ctx.sql.fetch(CORRECTED, ctx.tenant.id, invoice_id)
    return [TaxBreakdownRow.model_validate(part) for row in found for part in orjson.loads(row["rows"])]


async def rounded_off(ctx: Ctx, invoice_id: UUID, currency: str) -> Money:
    """What is written off of an invoice as rounding differences; the invoice is locked."""
    minor: int = await ctx.sql.fetchval(ROUNDED, ctx.tenant.id, invoice_id)
    return Money(minor, currency)


async def list_write_offs(
    ctx: Ctx, page: PageQuery, *, customer_id: UUID | None, invoice_id: UUID | None, kind: str | None
) -> Page[WriteOffOut]:
    """Write-offs, newest first."""
    wanted = {"customer_id": customer_id, "invoice_id": invoice_id, "kind": kind}
    conditions: list[Any] = [
        getattr(WriteOff, name) == value for name, value in wanted.items() if value is not None
    ]
    found = await list_rows(ctx, WriteOff, page, *conditions)
    return Page(items=[WriteOffOut.of(row) for row in found.items], next=found.next)
