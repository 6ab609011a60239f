"""Refunds over HTTP."""

from uuid import UUID

from services.billing.refunds import actions, queries
from services.billing.refunds.schemas import RefundIn, RefundOut, ReverseRefundIn
from shared.http.paging import Page, PageDep
from shared.http.router import CtxDep, Router
from shared.http.timeline import add_timeline

router = Router("Refunds")
add_timeline(router, "refunds", "refund", scope="billing:read")


@router.create("/refunds", scope="billing:write", response_model=RefundOut)
async def create_refund(ctx: CtxDep, body: RefundIn) -> RefundOut:
    """Give money back: never more than is left of the payment or credit note, else 409 `over_refunded`.

    Posts Dr receivable, Cr bank (or cash). What settles invoices is deallocated first.
    """
    return RefundOut.of(await actions.pay_refund(ctx, body))


@router.read("/refunds", scope="billing:read", response_model=Page[RefundOut])
async def list_refunds(
    ctx: CtxDep,
    page: PageDep,
    customer_id: UUID | None = None,
    payment_id: UUID | None = None,
    credit_note_id: UUID | None = None,
) -> Page[RefundOut]:
    """Refunds, newest first."""
    return await queries.list_refunds(
        ctx, page, customer_id=customer_id, payment_id=payment_id, credit_note_id=credit_note_id
    )


@router.read("/refunds/{refund_id}", scope="billing:read", response_model=RefundOut)
async def get_refund(ctx: CtxDep, refund_id: UUID) -> RefundOut:
    """One refund."""
    return RefundOut.of(await queries.get_refund(ctx, refund_id))


@router.verb("/refunds/{refund_id}/reverse", scope="billing:write", response_model=RefundOut)
async def reverse_refund(ctx: CtxDep, refund_id: UUID, body: ReverseRefundIn) -> RefundOut:
    """The money came back (a closed account): the entry is mirrored, and it is the customer's credit again."""
    row = await actions.reverse_refund(ctx, refund_id, reason=body.reason, effective_on=body.effective_on)
    return RefundOut.of(row)
