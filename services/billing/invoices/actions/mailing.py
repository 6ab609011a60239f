"""Sending documents by mail: by themselves where the customer wants that, else when somebody asks for it."""

from collections.abc import Sequence
from uuid import UUID

from services.billing.invoices import queries
from services.billing.invoices.models import Invoice
from services.billing.invoices.rules import FINALIZED
from shared.context.ctx import Ctx
from shared.mail.queue import queue_mail


async def find_recipient(ctx: Ctx, row: Invoice, *, asked: bool = False) -> str | None:
    """Where documents about an invoice go: its buyer's address, else the customer's. None where there is none.

    Unless somebody has `asked` for one to be sent, there is none for customers who do not want mail either.
    """
    known = await queries.find_customer(ctx, row.customer_id)
    if not asked and (known is None or known.delivery != "mail"):
        return None
    return row.customer.get("email") or (known.email if known else None)


async def mail_if_wanted(
    ctx: Ctx, aggregate: str, document_id: UUID, number: str | None, invoice: Invoice
) -> None:
    """Have a document that was just finalized sent where the invoice's customer wants that."""
    if (recipient := await find_recipient(ctx, invoice)) is not None:
        mail_document(ctx, aggregate, document_id, number, recipient=recipient)


def mail_document(
    ctx: Ctx,
    aggregate: str,
    document_id: UUID,
    number: str | None,
    *,
    recipient: str,
    copies: Sequence[str] = (),
    message: str = "",
) -> None:
    """Have a finalized document sent: an invoice, a credit note. The kind of mail is its own."""
    queue_mail(
        ctx,
        aggregate,
        aggregate=aggregate,
        aggregate_id=document_id,
        number=number,
        recipient=recipient,
        copies=copies,
        message=message,
        state=FINALIZED,
    )
