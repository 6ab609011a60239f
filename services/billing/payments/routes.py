"""Payments over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from services.billing.invoices.schemas import AllocateIn, DeallocateIn
from services.billing.payments import actions, bulk, queries
from services.billing.payments.schemas import PaymentIn, PaymentOut, ReversePaymentIn
from shared.http.finding import From, Ids, Q, To, Where
from shared.http.paging import Page, PageDep
from shared.http.router import CtxDep, Router
from shared.http.timeline import add_timeline
from shared.values.fields import Code

router = Router("Payments")
add_timeline(router, "payments", "payment", scope="billing:read")


@router.create("/payments", scope="billing:write", response_model=PaymentOut, batch=bulk.record_payments)
async def create_payment(ctx: CtxDep, body: PaymentIn) -> PaymentOut:
    """Record money that came in; what is not allocated stays as the customer's credit."""
    return await actions.record_payment(ctx, body)


@router.read("/payments", scope="billing:read", response_model=Page[PaymentOut])
async def list_payments(
    ctx: CtxDep,
    page: PageDep,
    q: Q = None,
    ids: Ids = None,
    customer_id: UUID | None = None,
    method: Annotated[Code | None, Query()] = None,
    from_: From = None,
    to: To = None,
) -> Page[PaymentOut]:
    """Payments, newest first; `from` and `to` are days of receipt."""
    where = Where(ctx).among("id", ids).add("customer_id =", customer_id).add("method =", method)
    return await queries.list_payments(ctx, page, where.days("received_on", from_, to), q)


@router.read("/payments/{payment_id}", scope="billing:read", response_model=PaymentOut)
async def get_payment(ctx: CtxDep, payment_id: UUID) -> PaymentOut:
    """One payment."""
    return await queries.show_payment(ctx, await queries.get_payment(ctx, payment_id))


@router.verb("/payments/{payment_id}/allocate", scope="billing:write", response_model=PaymentOut)
async def allocate_payment(ctx: CtxDep, payment_id: UUID, body: AllocateIn) -> PaymentOut:
    """Settle further invoices from what is left of the payment."""
    return await queries.show_payment(ctx, await actions.allocate_payment(ctx, payment_id, body))


@router.verb("/payments/{payment_id}/deallocate", scope="billing:write", response_model=PaymentOut)
async def deallocate_payment(ctx: CtxDep, payment_id: UUID, body: DeallocateIn) -> PaymentOut:
    """Have invoices open again that the payment has settled, wholly or by an amount; the money is credit again."""
    return await queries.show_payment(ctx, await actions.deallocate_payment(ctx, payment_id, body))


@router.verb("/payments/{payment_id}/reverse", scope="billing:write", response_model=PaymentOut)
async def reverse_payment(ctx: CtxDep, payment_id: UUID, body: ReversePaymentIn) -> PaymentOut:
    """Undo a payment that bounced or was another customer's: its invoices are open again, its entry is mirrored.

    A payment of which something was refunded: 409 `payment_refunded`, which names the refund.
    """
    row = await actions.reverse_payment(ctx, payment_id, reason=body.reason, effective_on=body.effective_on)
    return await queries.show_payment(ctx, row)
