"""Where everything stands on the page: letterhead, parties, facts, closing texts, page footers."""

from __future__ import annotations

from services.billing.documents.content import Address, Party
from services.billing.documents.line_table import draw_lines
from services.billing.documents.payment import draw_payment, heading
from services.billing.documents.summary import draw_tax, draw_totals
from services.billing.documents.wording import Wording
from shared.paper.sheet import ACCENT, MARGIN, QUIET, SHADE, WIDTH, Sheet

_HALF = WIDTH / 2 - 5
_RIGHT = MARGIN + WIDTH / 2 + 5
_LOGO_W, _LOGO_H = 60.0, 16.0
_CELLS = 4  # facts in a row
_STEP = 4.6


def draw_document(sheet: Sheet, wording: Wording, logo: bytes) -> None:
    """Put the whole document on the sheet; an empty logo is none."""
    sheet.add_page()
    _letterhead(sheet, wording, logo)
    _parties(sheet, wording)
    _facts(sheet, _known_facts(wording))
    draw_lines(sheet, wording)
    draw_totals(sheet, wording)
    draw_tax(sheet, wording)
    draw_payment(sheet, wording)
    _notes(sheet, wording)
    _footers(sheet, wording)


def _letterhead(sheet: Sheet, wording: Wording, logo: bytes) -> None:
    words, content = wording.words, wording.content
    top = sheet.get_y()
    if logo:
        sheet.down(sheet.picture(MARGIN, logo, width=_LOGO_W, height=_LOGO_H) + 3)
    sheet.style(12 if logo else 15, bold=True, colour=ACCENT)
    for text in sheet.wrap(content.seller.name, _HALF)[:3]:
        sheet.put(MARGIN, _HALF, text, height=6)
        sheet.down(6.3)
    below = sheet.get_y()
    sheet.set_y(top)
    sheet.style(19, bold=True)
    title = words.invoice if content.kind == "invoice" else words.credit_note
    sheet.put(_RIGHT, _HALF, title.upper(), side="R", height=8)
    sheet.down(8.5)
    sheet.style(11, colour=QUIET)
    sheet.put(_RIGHT, _HALF, content.number or words.unnumbered, side="R", height=5.5)
    sheet.set_y(max(below, sheet.get_y() + 5.5) + 3)
    sheet.rule(MARGIN, WIDTH, colour=ACCENT, weight=0.6)
    sheet.down(6)


def _parties(sheet: Sheet, wording: Wording) -> None:
    words, content = wording.words, wording.content
    top = sheet.get_y()
    _party(
        sheet, MARGIN, words.bill_to if content.kind == "invoice" else words.credit_to, content.buyer, wording
    )
    left_end = sheet.get_y()
    sheet.set_y(top)
    _party(sheet, _RIGHT, words.seller, content.seller, wording)
    sheet.set_y(max(left_end, sheet.get_y()) + 4)


def _party(sheet: Sheet, x: float, label: str, party: Party, wording: Wording) -> None:
    sheet.style(7.5, bold=True, colour=QUIET)
    sheet.put(x, _HALF, label.upper())
    sheet.down(5)
    sheet.style(10, bold=True)
    for text in sheet.wrap(party.registered_name, _HALF)[:6]:
        sheet.put(x, _HALF, text)
        sheet.down(4.8)
    sheet.style(9)
    for given in (*_address_lines(party.address, wording), *_identity(party, wording)):
        for text in sheet.wrap(given, _HALF)[:4] if given else ():
            sheet.put(x, _HALF, text)
            sheet.down(_STEP)


def _address_lines(address: Address, wording: Wording) -> tuple[str, ...]:
    town = " ".join(part for part in (address.postal_code, address.city) if part)
    town = ", ".join(part for part in (town, address.region) if part)
    return address.line1, address.line2, town, wording.figures.country(address.country)


def _identity(party: Party, wording: Wording) -> list[str]:
    """Tax and register numbers, then whom to ask; the numbers with their names."""
    words = wording.words
    label = wording.say(words.vat_id) if party.tax_id[:2].isalpha() else words.tax_id
    named = ((label, party.tax_id), (words.registration, party.registration_number))
    person = f"{words.contact} {party.contact_name}" if party.contact_name else ""
    reached = " · ".join(part for part in (person, party.phone) if part)
    return [*(f"{name} {text}" for name, text in named if text), reached, party.email]


def _known_facts(wording: Wording) -> list[tuple[str, str]]:
    words, content, day = wording.words, wording.content, wording.figures.day
    refs, invoice = content.references, content.kind == "invoice"
    original = refs.original_invoice_issued_on
    facts = (
        (words.issued, day(content.issued_on)),
        (words.delivered, day(content.delivered_on) if content.delivered_on else ""),
        (words.due, day(content.due_on) if content.due_on and invoice else ""),
        (words.corrects, refs.original_invoice_number),
        (words.corrected_of, day(original) if original else ""),
        (words.order, refs.order_number),
        (words.your_order, refs.purchase_order),
        (words.your_reference, refs.buyer_reference),
        (words.currency, content.currency),
    )
    return [(label, text) for label, text in facts if text]


def _facts(sheet: Sheet, facts: list[tuple[str, str]]) -> None:
    """Dates and references in a band, four in a row, each under its name."""
    rows = [facts[at : at + _CELLS] for at in range(0, len(facts), _CELLS)]
    height = 10.5 * len(rows) + 2
    sheet.need(height)
    sheet.shade(MARGIN, WIDTH, height, colour=SHADE)
    sheet.down(1.5)
    cell = WIDTH / _CELLS
    for row in rows:
        for place, (label, text) in enumerate(row):
            x = MARGIN + place * cell + 3
            sheet.style(7.5, colour=QUIET)
            sheet.put(x, cell - 5, label, height=4.5)
            sheet.down(4.5)
            sheet.style(9, bold=True)
            sheet.put(x, cell - 5, text, height=5)
            sheet.down(-4.5)
        sheet.down(10.5)
    sheet.down(5)


def _notes(sheet: Sheet, wording: Wording) -> None:
    content, words = wording.content, wording.words
    if content.notes:
        heading(sheet, words.notes if content.kind == "invoice" else words.reason)
        sheet.style(9)
        sheet.paragraph(MARGIN, WIDTH, content.notes)


def _footers(sheet: Sheet, wording: Wording) -> None:
    seller, words = wording.content.seller, wording.words
    town = ", ".join(text for text in _address_lines(seller.address, wording) if text)
    ids = _identity(seller, wording)[:-2]
    total = sheet.pages_count
    for number in range(1, total + 1):
        sheet.page = number
        sheet.set_y(280.5)
        sheet.rule(MARGIN, WIDTH)
        sheet.down(1.5)
        sheet.style(7.5, colour=QUIET)
        sheet.put(
            MARGIN, 122, " · ".join(part for part in (seller.registered_name, town) if part), height=3.8
        )
        sheet.put(MARGIN + 124, 50, wording.title(), side="R", height=3.8)
        sheet.down(3.8)
        sheet.put(MARGIN, 122, " · ".join((*ids, *([seller.email] if seller.email else []))), height=3.8)
        sheet.put(MARGIN + 124, 50, words.page.format(number=number, total=total), side="R", height=3.8)
