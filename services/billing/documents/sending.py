"""A document as an answer: made of its content after the transaction, under its media type and file name."""

from __future__ import annotations

from typing import Any, Final

from services.billing.documents.content import DocumentContent
from services.billing.documents.pdf import draw_pdf
from services.billing.documents.queries import find_logo
from services.billing.documents.rules import violations
from services.billing.documents.schemas import EInvoiceOut, EInvoiceReason
from services.billing.documents.statement import Statement
from services.billing.documents.statement_pdf import draw_statement_pdf
from services.billing.documents.xml import render_xml
from shared.blobs.records import find_blob
from shared.context.ctx import Ctx
from shared.http.documents import FILE, Document
from shared.values.faults import Refused

PDF: Final = "application/pdf"
XML: Final = "application/xml"
PICTURE: Final[dict[int | str, dict[str, Any]]] = {200: {"content": {"image/png": FILE, "image/jpeg": FILE}}}


class StillADraft(Refused):
    """Only a numbered document has a data form."""

    code = "draft"


async def on_paper(ctx: Ctx, content: DocumentContent) -> Document:
    """The document as PDF, with the logo it was numbered under."""
    logo = await find_logo(ctx, content)
    files = () if logo is None else (logo,)
    return Document(ctx, draw_pdf, content, *files, name=f"{_name(content)}.pdf", media_type=PDF)


def as_data(ctx: Ctx, content: DocumentContent) -> Document:
    """The document as EN 16931 XML; refused where it has no such form, and before it is numbered."""
    if content.state == "draft":
        raise StillADraft("This is a draft: it has no number and no XML. Finalize it first.", state="draft")
    return Document(ctx, render_xml, content, name=f"{_name(content)}.xml", media_type=XML)


async def statement_on_paper(ctx: Ctx, statement: Statement) -> Document:
    """A customer's statement as PDF, with the logo of today."""
    logo = None if statement.logo_id is None else await find_blob(ctx, statement.logo_id)
    name = f"statement-{statement.first}-{statement.last}.pdf"
    return Document(
        ctx, draw_statement_pdf, statement, *([] if logo is None else [logo]), name=name, media_type=PDF
    )


def judged(content: DocumentContent) -> EInvoiceOut:
    """Whether a document is a valid e-invoice, or which rules it breaks."""
    reasons = [EInvoiceReason(**each.facts) for each in violations(content)]
    return EInvoiceOut(valid=not reasons, reasons=reasons)


def _name(content: DocumentContent) -> str:
    return content.number or f"draft-{content.kind.replace('_', '-')}"
