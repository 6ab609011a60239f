"""A billing document as an A4 PDF that a business would send.

The same content gives the same bytes: dates in the file come from the document, identifiers from its
content. fpdf2 takes 0.4 s to import, so it is imported by the first rendering, not at start-up. Rendering
is CPU work; a server runs it beside its event loop (`shared.http.documents`).
"""

from __future__ import annotations

from datetime import UTC, datetime, time

from services.billing.documents.content import DocumentContent


def render_pdf(content: DocumentContent, logo: bytes = b"") -> bytes:
    """The document as PDF 1.4+ bytes, with embedded fonts, any number of lines, and its state stamped on it.

    `logo` is a PNG or JPEG picture that stands above the seller's name (`logos` says which are accepted).

    Drafts carry the word DRAFT and voided documents VOID on every page. Any text is accepted; letters that
    no font covers are replaced (see `fonts`).
    """
    from services.billing.documents.layout import draw_document, title_of
    from services.billing.documents.sheet import Sheet

    sheet = Sheet(stamp={"draft": "DRAFT", "voided": "VOID"}.get(content.state, ""))
    sheet.set_title(_encodable(title_of(content)))
    sheet.set_author(_encodable(content.seller.registered_name))
    sheet.set_subject(_encodable(f"{title_of(content)} for {content.buyer.registered_name}"))
    sheet.set_creator("Backoffice billing")
    sheet.set_producer("Backoffice billing")
    sheet.set_lang("en")
    sheet.set_creation_date(datetime.combine(content.issued_on, time(), UTC))
    draw_document(sheet, content, logo)
    return bytes(sheet.output())


def _encodable(text: str) -> str:
    """The text without lone surrogates, which no file can hold."""
    return text.encode("utf-8", "ignore").decode("utf-8")
