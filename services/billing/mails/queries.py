"""The letters that documents go out with, made of the documents as they were issued."""

from uuid import UUID

from services.billing.credit_notes import queries as credit_notes
from services.billing.documents.content import DocumentContent
from services.billing.documents.sending import PDF, XML, as_data, on_paper, statement_on_paper
from services.billing.invoices import queries as invoices
from services.billing.mails.rules import (
    CREDIT_NOTE,
    INVOICE,
    STATEMENT,
    body_of,
    period_of,
    statement_body,
    statement_subject,
    subject_of,
)
from services.billing.statements import queries as statements
from shared.context.ctx import Ctx
from shared.http.documents import Document
from shared.mail.letters import Attachment, Letter, Mail
from shared.mail.words import spoken


async def write_invoice(ctx: Ctx, mail: Mail) -> Letter:
    """The letter of an invoice; refused when it was voided meanwhile."""
    content = await invoices.get_document(ctx, mail.aggregate_id)
    return await _letter(ctx, mail, content, await _buyer(ctx, mail.aggregate_id))


async def write_credit_note(ctx: Ctx, mail: Mail) -> Letter:
    """The letter of a credit note."""
    content = await credit_notes.get_document(ctx, mail.aggregate_id)
    note = await credit_notes.get_credit_note(ctx, mail.aggregate_id)
    return await _letter(ctx, mail, content, await _buyer(ctx, note.invoice_id))


async def write_statement(ctx: Ctx, mail: Mail) -> Letter:
    """The letter of a customer's statement over the days that were asked for, as it is when it is sent."""
    first, last = period_of(mail.number or "")
    statement = await statements.get_statement(ctx, mail.aggregate_id, from_=first, to=last)
    language, seller = spoken(statement.language), ctx.tenant.name
    return Letter(
        subject=statement_subject(statement, seller=seller, language=language),
        text=statement_body(statement, message=mail.message, seller=seller, language=language),
        sender=seller,
        language=language,
        reply_to=statement.seller.email or None,
        attachments=[_file(await statement_on_paper(ctx, statement), PDF)],
    )


LETTERS = {INVOICE: write_invoice, CREDIT_NOTE: write_credit_note, STATEMENT: write_statement}


async def _buyer(ctx: Ctx, invoice_id: UUID) -> dict[str, str]:
    """Language and kind of e-invoice that the buyer had when the invoice was made."""
    row = await invoices.get_invoice(ctx, invoice_id)
    return {name: row.customer.get(name) or "" for name in ("language", "e_invoice")}


async def _letter(ctx: Ctx, mail: Mail, content: DocumentContent, buyer: dict[str, str]) -> Letter:
    """Text and files: the document on paper, and as data for whoever asks for that, where it is valid."""
    language, seller = spoken(buyer["language"]), ctx.tenant.name
    files = [_file(await on_paper(ctx, content), PDF)]
    if buyer["e_invoice"] not in ("", "none"):
        files.append(_file(as_data(ctx, content), XML, optional=True))
    return Letter(
        subject=subject_of(content, seller=seller, language=language),
        text=body_of(content, message=mail.message, seller=seller, language=language),
        sender=seller,
        language=language,
        reply_to=content.seller.email or None,
        attachments=files,
    )


def _file(document: Document, media_type: str, *, optional: bool = False) -> Attachment:
    async def make() -> bytes:
        return (await document.paper()).content

    return Attachment(document.name, media_type, make, optional=optional)
