"""Write-offs over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from services.billing.write_offs import actions, queries
from services.billing.write_offs.rules import Kind
from services.billing.write_offs.schemas import ReverseWriteOffIn, WriteOffIn, WriteOffOut
from shared.http.paging import Page, PageDep
from shared.http.router import CtxDep, Router
from shared.http.timeline import add_timeline

router = Router("Write-offs")
add_timeline(router, "write-offs", "write_off", scope="billing:read")


@router.create("/write-offs", scope="billing:approve", response_model=WriteOffOut)
async def create_write_off(ctx: CtxDep, body: WriteOffIn) -> WriteOffOut:
    """Give up what is open of an invoice, or part of it: never more than is open, else 409 `over_written_off`.

    A cash discount corrects tax at once, a bad debt by the rule of the tenant's country (GB: from six months after due
    date and supply; DE: at once; elsewhere when `correct_tax` says so), bank fees and rounding differences (at most one
    unit of the currency) never. Where tax was left as it is, reverse and record anew once relief is possible.
    """
    return WriteOffOut.of(await actions.record_write_off(ctx, body))


@router.read("/write-offs", scope="billing:read", response_model=Page[WriteOffOut])
async def list_write_offs(
    ctx: CtxDep,
    page: PageDep,
    customer_id: UUID | None = None,
    invoice_id: UUID | None = None,
    kind: Annotated[Kind | None, Query()] = None,
) -> Page[WriteOffOut]:
    """Write-offs, newest first."""
    return await queries.list_write_offs(ctx, page, customer_id=customer_id, invoice_id=invoice_id, kind=kind)


@router.read("/write-offs/{write_off_id}", scope="billing:read", response_model=WriteOffOut)
async def get_write_off(ctx: CtxDep, write_off_id: UUID) -> WriteOffOut:
    """One write-off."""
    return WriteOffOut.of(await queries.get_write_off(ctx, write_off_id))


@router.verb("/write-offs/{write_off_id}/reverse", scope="billing:approve", response_model=WriteOffOut)
async def reverse_write_off(ctx: CtxDep, write_off_id: UUID, body: ReverseWriteOffIn) -> WriteOffOut:
    """Claim it again (a bad debt is recovered): the entry is mirrored with its tax, and the invoice is open again."""
    row = await actions.reverse_write_off(
        ctx, write_off_id, reason=body.reason, effective_on=body.effective_on
    )
    return WriteOffOut.of(row)
