"""Sending documents over HTTP."""

from typing import Final
from uuid import UUID

from services.billing.credit_notes.schemas import CreditNoteOut
from services.billing.invoices.schemas import InvoiceOut
from services.billing.mails import actions
from services.billing.mails.schemas import SendIn
from services.billing.statements.schemas import From, To
from shared.http.idempotency import answered_once
from shared.http.router import CtxDep, Router
from shared.mail.delivery import DeliveryOut

router = Router("Mails")
DELIVERY: Final = [answered_once("delivery")]


@router.verb(
    "/invoices/{invoice_id}/send", scope="billing:write", response_model=InvoiceOut, dependencies=DELIVERY
)
async def send_invoice(ctx: CtxDep, invoice_id: UUID, body: SendIn | None = None) -> InvoiceOut:
    """Send a finalized invoice by mail, as PDF, and as XML to customers with an `e_invoice` where it is valid.

    Without `to` it goes to the buyer's email (422 `no_recipient` where there is none). `delivery` says what became of
    it: queued, sent or bounced. 409 `mail_not_set_up` where the provider has no mail server.
    """
    return await actions.send_invoice(ctx, invoice_id, body or SendIn())


@router.verb(
    "/credit-notes/{credit_note_id}/send",
    scope="billing:write",
    response_model=CreditNoteOut,
    dependencies=DELIVERY,
)
async def send_credit_note(ctx: CtxDep, credit_note_id: UUID, body: SendIn | None = None) -> CreditNoteOut:
    """Send a credit note by mail, as an invoice is sent."""
    return await actions.send_credit_note(ctx, credit_note_id, body or SendIn())


@router.verb(
    "/customers/{customer_id}/statement/send",
    scope="billing:write",
    guest=True,
    response_model=DeliveryOut,
    dependencies=[answered_once("to")],
)
async def send_statement(
    ctx: CtxDep, customer_id: UUID, body: SendIn | None = None, from_: From = None, to: To = None
) -> DeliveryOut:
    """Send a customer's statement of some days by mail, as PDF, as it is when it is sent; see `billing-mails`."""
    return await actions.send_statement(ctx, customer_id, body or SendIn(), from_=from_, to=to)
