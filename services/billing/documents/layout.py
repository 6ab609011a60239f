"""Where everything stands on the page: letterhead, parties, closing tables, page footers."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from functools import cache

from babel import Locale

from services.billing.documents.content import Address, BankAccount, DocumentContent, Party
from services.billing.documents.figures import grouped, plain
from services.billing.documents.line_table import draw_lines
from services.billing.documents.sheet import (
    ACCENT,
    INK,
    MARGIN,
    QUIET,
    SHADE,
    WIDTH,
    Sheet,
)

_TITLES = {"invoice": "Invoice", "credit_note": "Credit note"}
_HALF = WIDTH / 2 - 6
_RIGHT = MARGIN + WIDTH / 2 + 6
_TOTALS_X = MARGIN + WIDTH - 76
_TOTALS_W = 76.0
_LOGO_W, _LOGO_H = 60.0, 20.0


def title_of(content: DocumentContent) -> str:
    """What the document is called: "Invoice INV-2026-000017", or "Invoice (draft)" before it has a number."""
    return f"{_TITLES[content.kind]} {content.number or '(draft)'}"


def money(amount: Decimal, content: DocumentContent) -> str:
    """An amount with the currency's decimals and thousands commas, without the currency: "1,806.00"."""
    return grouped(amount, content.decimals)


def day(value: date) -> str:
    """A date no reader takes for another one: "6 March 2026"."""
    return f"{value.day} {value:%B %Y}"


def draw_document(sheet: Sheet, content: DocumentContent, logo: bytes) -> None:
    """Put the whole document on the sheet; an empty logo is none."""
    sheet.add_page()
    _letterhead(sheet, content, logo)
    _parties(sheet, content)
    draw_lines(sheet, content)
    _totals(sheet, content)
    _tax_table(sheet, content)
    _closing_texts(sheet, content)
    _footers(sheet, content)


def _letterhead(sheet: Sheet, content: DocumentContent, logo: bytes) -> None:
    top = sheet.get_y()
    if logo:
        sheet.down(sheet.picture(MARGIN, logo, width=_LOGO_W, height=_LOGO_H) + 3)
    sheet.style(15, bold=True, colour=ACCENT)
    for text in sheet.wrap(content.seller.name, _HALF)[:3]:
        sheet.put(MARGIN, _HALF, text, height=7)
        sheet.down(7)
    below = sheet.get_y()
    sheet.set_y(top)
    sheet.style(20, bold=True)
    sheet.put(_RIGHT, _HALF, _TITLES[content.kind].upper(), side="R", height=8)
    sheet.down(8.5)
    sheet.style(11, colour=QUIET)
    sheet.put(_RIGHT, _HALF, content.number or "Draft, not yet numbered", side="R", height=5.5)
    sheet.set_y(max(below, sheet.get_y() + 5.5) + 3)
    sheet.rule(MARGIN, WIDTH, colour=ACCENT, weight=0.6)
    sheet.down(6)


def _parties(sheet: Sheet, content: DocumentContent) -> None:
    top = sheet.get_y()
    _party(sheet, MARGIN, "BILL TO" if content.kind == "invoice" else "CREDIT TO", content.buyer)
    left_end = sheet.get_y()
    sheet.set_y(top)
    _party(sheet, MARGIN + 62, "FROM", content.seller)
    middle_end = sheet.get_y()
    sheet.set_y(top)
    for label, text in _facts(content):
        sheet.style(8.5, colour=QUIET)
        sheet.put(MARGIN + 124, 22, label, height=5)
        sheet.style(8.5, bold=True)
        sheet.put(MARGIN + 146, WIDTH - 146, text, side="R", height=5)
        sheet.down(5)
    sheet.set_y(max(left_end, middle_end, sheet.get_y()) + 7)


def _party(sheet: Sheet, x: float, label: str, party: Party) -> None:
    width = 56.0
    sheet.style(7, bold=True, colour=QUIET)
    sheet.put(x, width, label)
    sheet.down(5)
    sheet.style(9.5, bold=True)
    for text in sheet.wrap(party.registered_name, width)[:6]:
        sheet.put(x, width, text)
        sheet.down(4.6)
    sheet.style(9)
    texts = [*_address_lines(party.address), f"Tax ID {party.tax_id}" if party.tax_id else "", party.email]
    for text in (line for given in texts if given for line in sheet.wrap(given, width)[:4]):
        sheet.put(x, width, text)
        sheet.down(4.6)


def _address_lines(address: Address) -> tuple[str, ...]:
    town = " ".join(part for part in (address.postal_code, address.city) if part)
    town = ", ".join(part for part in (town, address.region) if part)
    return address.line1, address.line2, town, _country_names().get(address.country, address.country)


@cache
def _country_names() -> dict[str, str]:
    return {code: str(name) for code, name in Locale("en").territories.items()}


def _facts(content: DocumentContent) -> list[tuple[str, str]]:
    refs = content.references
    facts = (
        ("Issued", day(content.issued_on)),
        ("Due", day(content.due_on) if content.due_on else ""),
        ("Delivered", day(content.delivered_on) if content.delivered_on else ""),
        ("Order", refs.order_number),
        ("Your order", refs.purchase_order),
        ("Your reference", refs.buyer_reference),
        ("Corrects", refs.original_invoice_number),
        ("Dated", day(refs.original_invoice_issued_on) if refs.original_invoice_issued_on else ""),
        ("Currency", content.currency),
    )
    return [(label, text) for label, text in facts if text]


def _totals(sheet: Sheet, content: DocumentContent) -> None:
    settled = "Paid" if content.kind == "invoice" else "Refunded"
    rows = [("Net total", content.net), ("Tax", content.tax), ("Total", content.gross)]
    if content.paid:
        rows.append((settled, -content.paid))
    sheet.need(6 * len(rows) + 14)
    sheet.down(3)
    for label, amount in rows:
        sheet.style(9.5, bold=label == "Total")
        sheet.put(_TOTALS_X + 3, 30, label, height=6)
        sheet.put(_TOTALS_X + 30, _TOTALS_W - 33, money(amount, content), side="R", height=6)
        sheet.down(6)
    sheet.down(1)
    sheet.shade(_TOTALS_X, _TOTALS_W, 9, colour=ACCENT)
    sheet.style(11, bold=True, colour=(255, 255, 255))
    sheet.put(_TOTALS_X + 3, 30, "Amount due" if content.kind == "invoice" else "Credit", height=9)
    amount_due = f"{content.currency} {money(content.due, content)}"
    sheet.put(_TOTALS_X + 30, _TOTALS_W - 33, amount_due, side="R", height=9)
    sheet.down(15)


def _tax_table(sheet: Sheet, content: DocumentContent) -> None:
    columns = ((MARGIN + 3, 56.0), (MARGIN + 60, 24.0), (MARGIN + 86, 42.0), (MARGIN + 130, WIDTH - 133))
    rows = [("Tax summary", "Rate", "Taxable amount", "Tax")]
    for row in content.tax_breakdown:
        name = f"{row.tax_code} · {row.exemption_reason}" if row.exemption_reason else row.tax_code
        rows.append((name, f"{plain(row.rate)} %", money(row.base, content), money(row.tax, content)))
    for number, cells in enumerate(rows):
        sheet.need(11 if number == 0 else 5.4)
        if number == 0:
            sheet.shade(MARGIN, WIDTH, 5.4, colour=SHADE)
        sheet.style(8, bold=number == 0, colour=QUIET if number == 0 else INK)
        for place, ((x, width), text) in enumerate(zip(columns, cells, strict=True)):
            sheet.put(x, width, text, side="R" if place else "L", height=5.4)
        sheet.down(5.4)
    sheet.rule(MARGIN, WIDTH)
    sheet.down(7)


def _closing_texts(sheet: Sheet, content: DocumentContent) -> None:
    account = _account_text(content.bank_account) if content.bank_account else ""
    texts = (("PAYMENT TERMS", content.payment_terms), ("BANK ACCOUNT", account), ("NOTES", content.notes))
    for label, text in texts:
        if not text:
            continue
        sheet.need(10)
        sheet.style(7, bold=True, colour=QUIET)
        sheet.put(MARGIN, WIDTH, label)
        sheet.down(5)
        sheet.style(9)
        sheet.paragraph(MARGIN, WIDTH, text)
        sheet.down(4)


def _account_text(account: BankAccount) -> str:
    """Holder, the IBAN in groups of four as ISO 13616 prints it, and the BIC."""
    iban = " ".join(account.iban[at : at + 4] for at in range(0, len(account.iban), 4))
    return "\n".join(
        part for part in (account.holder, iban, f"BIC {account.bic}" if account.bic else "") if part
    )


def _footers(sheet: Sheet, content: DocumentContent) -> None:
    seller = content.seller
    identity = " · ".join(part for part in (seller.registered_name, seller.tax_id, seller.email) if part)
    total = sheet.pages_count
    for number in range(1, total + 1):
        sheet.page = number
        sheet.style(1)  # a page's text state is its own: setting the style twice writes it anew
        sheet.style(7.5, colour=QUIET)
        sheet.set_y(282)
        sheet.rule(MARGIN, WIDTH)
        sheet.down(1.5)
        sheet.put(MARGIN, 100, identity)
        sheet.put(MARGIN + 102, 44, title_of(content), side="R")
        sheet.put(MARGIN + 148, WIDTH - 148, f"Page {number} of {total}", side="R")
