"""A billing document as an A4 PDF that a business would send: PDF/A-3B, with its XML inside where that is valid.

An invoice whose XML form is valid is a Factur-X (ZUGFeRD) document of level EN 16931: people read the pages, programs
`factur-x.xml`. The same content gives the same bytes on machines with the same fonts: dates in the file come from the
document, identifiers from its content. fpdf2 takes half a second to import, so it is imported by the first rendering,
not at start-up. Rendering is CPU work; a server runs it beside its event loop (`shared.http.documents`).
"""

from __future__ import annotations

from services.billing.documents.content import DocumentContent
from services.billing.documents.xml import render_xml
from shared.paper.made import Paper
from shared.values.faults import Refused


def render_pdf(content: DocumentContent, logo: bytes = b"", xml: bytes | None = None) -> bytes:
    """The document as PDF bytes, with embedded fonts, any number of lines, and its state stamped on it.

    `logo` is a PNG or JPEG picture that stands above the seller's name (`logos` says which are accepted). `xml` is the
    data form to embed; without it the one that the content makes, where it makes a valid one.

    Drafts carry the word DRAFT on every page, and no data. Any text is accepted; letters that
    no font has are printed as their code points (`shared.paper.letters`).
    """
    return draw_pdf(content, logo, xml).content


def draw_pdf(content: DocumentContent, logo: bytes = b"", xml: bytes | None = None) -> Paper:
    """The same with what whoever asked should know of it: letters that no font has."""
    from services.billing.documents.hybrid import attached
    from services.billing.documents.layout import draw_document
    from services.billing.documents.wording import REVERSE_CHARGE, Wording
    from shared.paper.archive import Described, finished
    from shared.paper.sheet import Sheet
    from shared.paper.texts import texts_of

    wording = Wording.of(content)
    words = wording.words
    title = wording.title()
    stamp = words.draft_stamp if content.state == "draft" else ""
    country = content.buyer.address.country
    sheet = Sheet(texts_of(content, words, REVERSE_CHARGE), country=country, stamp=stamp)
    draw_document(sheet, wording, logo)
    described = Described(
        title=title,
        author=content.seller.registered_name,
        subject=words.document_for.format(title=title, name=content.buyer.registered_name),
        language=words.language,
        day=content.issued_on,
        program="Backoffice billing",
    )
    data = xml or valid_xml(content)
    return finished(sheet, described, attached(data) if data else None)


def valid_xml(content: DocumentContent) -> bytes | None:
    """The document's data form; None for what is not in force, or has no valid one."""
    if content.state != "finalized":
        return None
    try:
        return render_xml(content)
    except Refused:
        return None
