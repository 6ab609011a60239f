"""A customer's statement on paper, in its language."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO

import pytest
from pypdf import PdfReader

from services.billing.documents.statement_pdf import draw_statement_pdf, render_statement
from tests.billing.documents.gallery import statement


def text(content) -> str:
    pages = PdfReader(BytesIO(render_statement(content))).pages
    return " ".join(" ".join(page.extract_text() for page in pages).split())


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("en", ("STATEMENT OF ACCOUNT", "1 March 2026 – 31 March 2026", "Brought forward 120.00",
                "6 March 2026 Invoice INV-2026-000017 20 March 2026 5,526.56 5,646.56", "Balance 4,526.56",
                "Total overdue 4,526.56")),
        ("de", ("KONTOAUSZUG", "Vortrag 120,00", "6. März 2026 Rechnung INV-2026-000017", "Saldo 4.526,56",
                "Summe überfällig 4.526,56")),
        ("fr", ("RELEVÉ DE COMPTE", "Report 120,00", "6 mars 2026 Facture INV-2026-000017", "Solde 4 526,56",
                "Total échu 4 526,56")),
    ],
)  # fmt: skip
def test_it_says_what_was_owed_what_moved_it_and_what_is_overdue(language, expected):
    found = text(statement(language))

    assert [each for each in expected if each not in found] == []


def test_currencies_stand_apart_and_pages_are_counted():
    long = statement()
    pounds = long.accounts[0]
    many = replace(long, accounts=(replace(pounds, lines=pounds.lines * 60), long.accounts[1]))

    pages = [page.extract_text() for page in PdfReader(BytesIO(render_statement(many))).pages]

    assert len(pages) > 3
    assert all(f"Page {n} of {len(pages)}" in page for n, page in enumerate(pages, start=1))
    assert all("Balance" in page for page in pages)
    assert "EUR" in pages[-1]


def test_the_same_statement_gives_the_same_bytes():
    content = statement()

    assert render_statement(content) == render_statement(content)


def test_letters_without_a_font_are_told():
    content = statement()

    made = draw_statement_pdf(replace(content, buyer=replace(content.buyer, name="Ann \U0010fffd")))

    assert made.warnings == ("printed as code points, since no font here has them: U+10FFFD",)
