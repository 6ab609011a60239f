"""Where everything stands on an invoice or credit note."""

from __future__ import annotations

from collections.abc import Iterator

from services.billing.documents.line_table import draw_lines
from services.billing.documents.party_lines import address_lines, identity_lines
from services.billing.documents.payment import draw_payment
from services.billing.documents.summary import draw_tax, draw_totals
from services.billing.documents.wording import Wording
from shared.paper.letterhead import draw_facts, draw_footers, draw_heading, draw_letterhead, draw_sides
from shared.paper.sheet import MARGIN, WIDTH, Sheet


def draw_document(sheet: Sheet, wording: Wording, logo: bytes) -> None:
    """Put the whole document on the sheet; an empty logo is none."""
    words, content = wording.words, wording.content
    invoice = content.kind == "invoice"
    sheet.add_page()
    title = words.invoice if invoice else words.credit_note
    draw_letterhead(sheet, content.seller.name, title, content.number or words.unnumbered, logo)
    sides = ((words.bill_to if invoice else words.credit_to, content.buyer), (words.seller, content.seller))
    draw_sides(
        sheet,
        *(
            (label, party.registered_name, (*address_lines(party, wording), *identity_lines(party, wording)))
            for label, party in sides
        ),
    )
    draw_facts(sheet, _facts(wording))
    draw_lines(sheet, wording)
    draw_totals(sheet, wording)
    draw_tax(sheet, wording)
    draw_payment(sheet, wording)
    if content.notes:
        draw_heading(sheet, words.notes if invoice else words.reason)
        sheet.style(9)
        sheet.paragraph(MARGIN, WIDTH, content.notes)
    _footers(sheet, wording)


def _facts(wording: Wording) -> Iterator[tuple[str, str]]:
    words, content, day = wording.words, wording.content, wording.figures.day
    refs = content.references
    due = content.due_on if content.kind == "invoice" else None
    original = refs.original_invoice_issued_on
    yield words.issued, day(content.issued_on)
    yield words.delivered, day(content.delivered_on) if content.delivered_on else ""
    yield words.due, day(due) if due else ""
    yield words.corrects, refs.original_invoice_number
    yield words.corrected_of, day(original) if original else ""
    yield words.order, refs.order_number
    yield words.your_order, refs.purchase_order
    yield words.your_reference, refs.buyer_reference
    yield words.currency, content.currency


def _footers(sheet: Sheet, wording: Wording) -> None:
    seller = wording.content.seller
    where = ", ".join(text for text in address_lines(seller, wording) if text)
    identity = (
        " · ".join(part for part in (seller.registered_name, where) if part),
        " · ".join(
            part for part in (*identity_lines(seller, wording, numbers_only=True), seller.email) if part
        ),
    )
    draw_footers(sheet, identity, wording.title(), wording.words.page)
