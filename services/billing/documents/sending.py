"""A document as an answer: made of its content after the transaction, under its media type and file name."""

from __future__ import annotations

from typing import Any, Final

from services.billing.documents.content import DocumentContent
from services.billing.documents.pdf import render_pdf
from services.billing.documents.queries import find_logo
from services.billing.documents.xml import render_xml
from shared.context.ctx import Ctx
from shared.http.documents import FILE, Document

PDF: Final = "application/pdf"
XML: Final = "application/xml"
PICTURE: Final[dict[int | str, dict[str, Any]]] = {200: {"content": {"image/png": FILE, "image/jpeg": FILE}}}


async def on_paper(ctx: Ctx, content: DocumentContent) -> Document:
    """The document as PDF, with the logo it was numbered under."""
    logo = await find_logo(ctx, content)
    files = () if logo is None else (logo,)
    return Document(ctx, render_pdf, content, *files, name=f"{_name(content)}.pdf", media_type=PDF)


def as_data(ctx: Ctx, content: DocumentContent) -> Document:
    """The document as EN 16931 XML; refused where it has no such form."""
    return Document(ctx, render_xml, content, name=f"{_name(content)}.xml", media_type=XML)


def _name(content: DocumentContent) -> str:
    return content.number or f"draft-{content.kind.replace('_', '-')}"
