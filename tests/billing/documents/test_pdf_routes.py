"""The PDF that callers get: in the customer's language, with the data inside, and a word on letters without a font."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import httpx
import pytest
from facturx import get_xml_from_pdf
from pypdf import PdfReader

from tests.billing.given import ADDRESS, given_draft, given_invoice, given_seller, line

BANK = {"holder": "Harbour", "iban": "DE89370400440532013000", "bic": "COBADEFFXXX"}


async def pdf_of(billing: httpx.AsyncClient, invoice: dict[str, Any]) -> tuple[httpx.Response, str]:
    answer = await billing.get(f"/v1/invoices/{invoice['id']}/pdf")
    assert answer.status_code == 200, answer.text
    pages = PdfReader(BytesIO(answer.content)).pages
    return answer, " ".join(" ".join(page.extract_text() for page in pages).split())


def customer(**facts: Any) -> dict[str, Any]:
    return {"name": "Jane", "billing_address": ADDRESS, **facts}


@pytest.mark.parametrize(
    ("language", "title", "terms"),
    [
        ("de", "RECHNUNG", "Zahlbar bis"),
        ("fr", "FACTURE", "À payer"),
        ("pl", "INVOICE", "Payable by"),
        (None, "INVOICE", "Payable by"),
    ],
)
async def test_an_invoice_speaks_the_customers_language_and_carries_its_data(
    billing: httpx.AsyncClient, language: str | None, title: str, terms: str
):
    await given_seller(billing, bank_account=BANK)
    facts = {"language": language} if language else {}
    invoice = await given_invoice(
        billing, line(currency="EUR"), currency="EUR", customer=customer(**facts), payment_terms_days=14
    )

    answer, text = await pdf_of(billing, invoice)
    data = await billing.get(f"/v1/invoices/{invoice['id']}/xml")

    assert title in text
    assert terms in text
    assert "DE89 3704 0044 0532 0130 00" in text
    assert get_xml_from_pdf(answer.content, check_xsd=True) == ("factur-x.xml", data.content)


async def test_what_is_no_valid_e_invoice_is_paper_alone_and_a_draft_too(billing: httpx.AsyncClient):
    nameless = await given_invoice(billing, line())
    await given_seller(billing)
    draft = await given_draft(billing, line(), customer=customer())

    for invoice in (nameless, draft):
        answer, _ = await pdf_of(billing, invoice)
        assert not PdfReader(BytesIO(answer.content)).attachments


async def test_letters_that_no_font_has_are_told_in_the_answer(billing: httpx.AsyncClient):
    await given_seller(billing)
    odd = await given_invoice(billing, line(), customer=customer(name="Ann \U0010fffd"))
    plain = await given_invoice(billing, line(), customer=customer(name="Ann שלום"))

    warned, text = await pdf_of(billing, odd)
    fine, hebrew = await pdf_of(billing, plain)

    assert "Ann [U+10FFFD]" in text
    assert warned.headers["backoffice-warning"].endswith("U+10FFFD")
    assert "שלום" in hebrew
    assert "backoffice-warning" not in fine.headers
