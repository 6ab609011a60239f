"""How to pay: the terms in words, the account, and a code to scan."""

from __future__ import annotations

import segno

from services.billing.documents.content import BankAccount
from services.billing.documents.payment_code import payment_code
from services.billing.documents.wording import Wording
from shared.paper.letterhead import draw_heading
from shared.paper.sheet import MARGIN, QUIET, WIDTH, Sheet

_CODE = 26.0  # millimetres; the standard wants at least 20
_STEP = 4.7


def draw_payment(sheet: Sheet, wording: Wording) -> None:
    """Terms, account and code of an invoice; a credit note has none of them."""
    content = wording.content
    if content.kind != "invoice":
        return
    code = payment_code(content)
    width = WIDTH - _CODE - 8 if code else WIDTH
    sheet.need(_CODE + 5 if code else 30 if content.bank_account else 14)
    draw_heading(sheet, wording.words.payment)
    top, page = sheet.get_y(), sheet.page
    if code:
        _draw_code(sheet, code, wording.words.scan)
        sheet.set_y(top)
    sheet.style(9)
    sheet.paragraph(MARGIN, width, _terms(wording))
    if content.bank_account is not None and content.due > 0:
        sheet.down(2)
        _account(sheet, wording, content.bank_account, width)
    if code and sheet.page == page:
        sheet.set_y(max(sheet.get_y(), top + _CODE))
    sheet.down(4)


def _terms(wording: Wording) -> str:
    """When to pay, in the document's language, and what else the seller says of it."""
    words, content = wording.words, wording.content
    if content.due <= 0:
        when = words.settled if content.paid > 0 else ""
    elif content.due_on:
        when = words.pay_by.format(day=wording.figures.day(content.due_on))
    else:
        when = words.pay_at_once
    return "\n".join(text for text in (when, content.payment_terms) if text)


def _account(sheet: Sheet, wording: Wording, account: BankAccount, width: float) -> None:
    """The account as four lines at most: the IBAN in groups of four, as ISO 13616 prints it."""
    words = wording.words
    iban = " ".join(account.iban[at : at + 4] for at in range(0, len(account.iban), 4))
    for label, text in (
        (words.holder, account.holder),
        ("IBAN", iban),
        ("BIC", account.bic),
        (words.reference, wording.content.number),
    ):
        if text:
            sheet.need(_STEP)
            sheet.style(8.5, colour=QUIET)
            sheet.put(MARGIN, 32, label, height=_STEP)
            sheet.style(9, bold=label == "IBAN")
            sheet.put(MARGIN + 34, width - 34, text, height=_STEP)
            sheet.down(_STEP)


def _draw_code(sheet: Sheet, code: str, caption: str) -> None:
    matrix = segno.make_qr(code, error="m", mode="byte", encoding="utf-8", boost_error=False).matrix
    left = MARGIN + WIDTH - _CODE
    sheet.down(-4)
    sheet.squares(left, _CODE, matrix)
    sheet.down(_CODE + 0.8)
    sheet.style(7, colour=QUIET)
    sheet.put(left - 4, _CODE + 8, caption, side="C", height=4)
