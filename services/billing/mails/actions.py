"""Sending documents when somebody asks for it."""

from datetime import date
from uuid import UUID

from services.billing.credit_notes import queries as credit_note_queries
from services.billing.credit_notes.rules import LIFECYCLE as CREDIT_NOTES
from services.billing.credit_notes.schemas import CreditNoteOut
from services.billing.invoices import actions as invoices
from services.billing.invoices import queries as invoice_queries
from services.billing.invoices.queries import Invoice
from services.billing.invoices.rules import LIFECYCLE as INVOICES
from services.billing.invoices.schemas import InvoiceOut
from services.billing.mails.rules import STATEMENT, NoRecipient, period_text
from services.billing.mails.schemas import SendIn
from services.billing.statements import queries as statements
from shared.context.ctx import Ctx
from shared.mail.delivery import DeliveryOut, find_deliveries
from shared.mail.post import Post
from shared.mail.queue import queue_mail


async def send_invoice(ctx: Ctx, invoice_id: UUID, wanted: SendIn) -> InvoiceOut:
    """Have a finalized invoice sent, to its buyer unless said otherwise."""
    ctx.port(Post).require_set_up()
    row = await invoice_queries.get_invoice(ctx, invoice_id, lock=True)
    INVOICES.target(row.state, "send")
    await _send(ctx, INVOICES.aggregate, row.id, row.number, row, wanted)
    return await invoice_queries.show_invoice(ctx, row)


async def send_credit_note(ctx: Ctx, credit_note_id: UUID, wanted: SendIn) -> CreditNoteOut:
    """Have a credit note sent, to the buyer of its invoice unless said otherwise."""
    ctx.port(Post).require_set_up()
    row = await credit_note_queries.get_credit_note(ctx, credit_note_id, lock=True)
    CREDIT_NOTES.target(row.state, "send")
    invoice = await invoice_queries.get_invoice(ctx, row.invoice_id)
    await _send(ctx, CREDIT_NOTES.aggregate, row.id, row.number, invoice, wanted)
    return await credit_note_queries.show_credit_note(ctx, row)


async def send_statement(
    ctx: Ctx, customer_id: UUID, wanted: SendIn, *, from_: date | None, to: date | None
) -> DeliveryOut:
    """Have a customer's statement sent, to the customer unless said otherwise."""
    ctx.port(Post).require_set_up()
    statement = await statements.get_statement(ctx, customer_id, from_=from_, to=to)
    recipient = wanted.to or statement.buyer.email
    if not recipient:
        raise NoRecipient.refused()
    queue_mail(
        ctx,
        STATEMENT,
        aggregate="customer",
        aggregate_id=customer_id,
        number=period_text(statement.first, statement.last),
        recipient=recipient,
        copies=wanted.cc or (),
        message=wanted.message or "",
        state=None,
    )
    return (await find_deliveries(ctx, [customer_id]))[customer_id]


async def _send(
    ctx: Ctx, aggregate: str, document_id: UUID, number: str | None, invoice: Invoice, wanted: SendIn
) -> None:
    recipient = wanted.to or await invoices.find_recipient(ctx, invoice, asked=True)
    if recipient is None:
        raise NoRecipient.refused()
    invoices.mail_document(
        ctx,
        aggregate,
        document_id,
        number,
        recipient=recipient,
        copies=wanted.cc or (),
        message=wanted.message or "",
    )
