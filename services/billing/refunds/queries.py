"""Reads of refunds."""

from typing import Any
from uuid import UUID

from sqlmodel import select

from services.billing.refunds.models import Refund
from services.billing.refunds.schemas import RefundOut
from shared.context.ctx import Ctx
from shared.http.paging import Page, PageQuery, list_rows
from shared.values.faults import NotFound


async def get_refund(ctx: Ctx, refund_id: UUID) -> Refund:
    """One refund; what it is of is locked before it changes."""
    found = (await ctx.session.exec(select(Refund).where(Refund.id == refund_id))).one_or_none()
    if found is None:
        raise NotFound("refund", refund_id)
    return found


async def list_refunds(
    ctx: Ctx,
    page: PageQuery,
    *,
    customer_id: UUID | None,
    payment_id: UUID | None,
    credit_note_id: UUID | None,
) -> Page[RefundOut]:
    """Refunds, newest first."""
    wanted = {"customer_id": customer_id, "payment_id": payment_id, "credit_note_id": credit_note_id}
    conditions: list[Any] = [
        getattr(Refund, name) == value for name, value in wanted.items() if value is not None
    ]
    found = await list_rows(ctx, Refund, page, *conditions)
    return Page(items=[RefundOut.of(row) for row in found.items], next=found.next)
