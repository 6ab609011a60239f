"""The code that banking apps fill a transfer from: EPC069-12."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO

import pytest
import segno
from hypothesis import given
from hypothesis import strategies as st
from pypdf import PdfReader

from services.billing.documents.content import BankAccount
from services.billing.documents.payment_code import payment_code
from services.billing.documents.pdf import render_pdf

from .samples import D, credit_note, document

ACCOUNT = BankAccount("Nordlicht Büromöbel", "DE89370400440532013000", "COBADEFFXXX")
PAYABLE = document(bank_account=ACCOUNT)


def squares(content) -> int:
    pages = PdfReader(BytesIO(render_pdf(content))).pages
    drawn = "\n".join(page.get_contents().get_data().decode("latin-1") for page in pages)
    return max((drawing.count(" re ") for drawing in drawn.split("q 0 0 0 rg")[1:]), default=0)


def test_it_holds_account_amount_and_number():
    assert payment_code(PAYABLE) == (
        "BCD\n002\n1\nSCT\nCOBADEFFXXX\nNordlicht Büromöbel\nDE89370400440532013000\nEUR5526.56\n\n\nINV-2026-000017"
    )


def test_it_asks_for_what_is_still_due():
    partly = replace(PAYABLE, paid=D("5526.46"), due=D("0.10"))

    assert "\nEUR0.10\n" in (payment_code(partly) or "")


@pytest.mark.parametrize(
    "other",
    [
        replace(PAYABLE, currency="GBP"),
        replace(PAYABLE, bank_account=None),
        replace(PAYABLE, due=D("0.00")),
        replace(PAYABLE, due=D("-5.00")),
        replace(PAYABLE, due=D("1000000000.00")),
        replace(PAYABLE, state="draft", number=""),
        replace(credit_note(), bank_account=ACCOUNT),
        replace(PAYABLE, bank_account=replace(ACCOUNT, iban="AE070331234567890123456")),
        replace(PAYABLE, bank_account=replace(ACCOUNT, iban="GB29NWBK60161331926819", bic="")),
    ],
    ids=["pounds", "no account", "paid", "overpaid", "too much", "draft", "credit note", "not SEPA", "no BIC"],
)  # fmt: skip
def test_there_is_none_where_nothing_can_be_paid_so(other):
    assert payment_code(other) is None
    assert squares(other) == 0


def test_without_a_bic_accounts_of_the_economic_area_do():
    code = payment_code(replace(PAYABLE, bank_account=replace(ACCOUNT, bic="")))

    assert code is not None
    assert code.split("\n")[4] == ""


@given(holder=st.text(max_size=200), number=st.text(min_size=1, max_size=200))
def test_whatever_the_names_it_has_eleven_lines_and_fits(holder, number):
    account = replace(ACCOUNT, holder=holder)

    code = payment_code(replace(PAYABLE, bank_account=account, number=number))

    if code is not None:
        fields = code.split("\n")
        assert len(fields) == 11
        assert len(code.encode()) <= 331
        assert len(fields[5]) <= 70


def test_every_dark_square_of_it_is_drawn():
    code = payment_code(PAYABLE) or ""
    dark = sum(
        map(sum, segno.make_qr(code, error="m", mode="byte", encoding="utf-8", boost_error=False).matrix)
    )

    assert squares(PAYABLE) >= dark > 300
