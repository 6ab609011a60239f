"""What a reader of the PDF finds in it."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO
from time import perf_counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader

from services.billing.documents.pdf import render_pdf

from .samples import BUYER, SELLER, D, credit_note, document, line


def pages(content):
    return [page.extract_text() for page in PdfReader(BytesIO(render_pdf(content))).pages]


def text(content):
    return "\n".join(pages(content))


def test_an_invoice_states_who_what_when_and_how_much():
    content = document(paid=D("1000.00"), due=D("4526.56"))

    found = text(content)

    for fact in ("INVOICE", "INV-2026-000017", "6 March 2026", "5 April 2026", "SO-2026-000042", "4500017"):
        assert fact in found
    for fact in (
        "Nordlicht Büromöbel GmbH",
        "DE123456789",
        "PL5260001246",
        "Germany",
        "Poland",
        "III piętro",
    ):
        assert fact in found
    for fact in ("4,659.23", "867.33", "5,526.56", "-1,000.00", "EUR 4,526.56", "Payable within 30 days"):
        assert fact in found


def test_each_line_shows_its_figures_and_discount():
    found = text(document())

    for fact in ("489.00", "2,787.30", "Discount", "-146.70", "12.5", "18.0425", "225.53", "7 %", "19 %"):
        assert fact in found


def test_the_tax_table_has_a_row_for_each_rate():
    found = text(document())

    for row in ("4,509.83", "856.87", "149.40", "10.46"):
        assert row in found


def test_a_credit_note_names_the_invoice_it_corrects():
    found = text(credit_note())

    assert "CREDIT NOTE" in found
    assert "INV-2026-000017" in found
    assert "EUR 1,567.23" in found


def test_a_draft_is_stamped_on_every_page():
    many = [line(f"Thing {n}") for n in range(100)]

    found = pages(document(many, state="draft", number=""))

    assert len(found) > 1
    assert all("DRAFT" in page for page in found)


def test_a_finalized_document_carries_no_stamp():
    found = text(document())

    assert "DRAFT" not in found
    assert "VOID" not in found


def test_all_lines_are_there_with_heading_and_page_count_on_each_page():
    many = [line(f"Thing number {n:03d}.") for n in range(200)]

    found = pages(document(many))

    assert len(found) > 3
    assert all(f"Thing number {n:03d}." in "".join(found) for n in range(200))
    assert all(f"Page {n} of {len(found)}" in page for n, page in enumerate(found, start=1))
    assert all("Unit price" in page for page in found if "Thing number" in page)


def test_a_description_longer_than_a_page_goes_on_over_pages():
    words = [f"word{n}" for n in range(3000)]

    found = pages(document([line(" ".join(words)), line("the end")]))

    assert len(found) > 2
    assert all(word in "".join(found) for word in words)
    assert "the end" in found[-1] + found[-2]


@pytest.mark.parametrize("long", ["x" * 900, "=HYPERLINK(" + "A1&" * 300, "שלום" * 200])
def test_words_longer_than_a_line_are_broken_without_loss(long):
    found = text(document([line(long)])).replace("\n", "")

    letter = max(set(long), key=long.count)
    assert found.count(letter) >= long.count(letter)


def test_line_breaks_in_a_text_are_kept_and_words_stay_whole():
    found = text(
        document(notes="First.\r\nSecond.\n\nThird " + "and so on " * 30 + "Incomprehensibilities end.")
    )

    assert "First.\nSecond.\n" in found
    assert "Incomprehensibilities" in found


@pytest.mark.parametrize("quirk", ["{nb}", "**not bold**", "__", "[a](b)", "\\", "(", "%s", "<b>"])
def test_text_that_looks_like_markup_is_printed_as_it_is(quirk):
    assert f"a {quirk} b" in text(document([line(f"a {quirk} b")]))


@pytest.mark.parametrize(
    "name", ["Łódź", "Ελλάδα", "Київ", "Հայաստան", "Ș ț ő ů ß ø", "€ £ ₹ ₴ ½ № “” → ✓ 😀"]
)
def test_european_letters_and_signs_are_embedded_and_readable(name):
    assert name in text(document(buyer=replace(BUYER, name=name)))


def test_half_characters_from_broken_clients_are_left_out():
    content = document(buyer=replace(BUYER, name="A\ud800B"), number="N\udfff1")

    assert "AB" in text(content)


@settings(max_examples=25, deadline=None)
@given(anything=st.text(max_size=60))
def test_no_text_whatsoever_breaks_the_rendering(anything):
    odd = replace(SELLER, name=anything, tax_id=anything, email=anything)

    content = document([line(anything)], seller=odd, notes=anything, payment_terms=anything, number=anything)

    assert render_pdf(content).startswith(b"%PDF")


@pytest.mark.parametrize(("decimals", "total"), [(0, "1,806"), (3, "1,806.000")])
def test_amounts_have_the_decimals_of_their_currency(decimals, total):
    content = document(
        [line("x", "1", "1806", rate="0", decimals=decimals)], decimals=decimals, currency="XXX"
    )

    assert f"XXX {total}" in text(content)


def test_huge_amounts_shrink_to_their_column():
    content = document([line("Island", "999999999.123456", "999999999999.99")], currency="IDR")

    assert "999,999,999.123456" in text(content)
    assert f"{content.net:,.2f}" in text(content)


def test_the_same_content_gives_the_same_bytes():
    assert render_pdf(document()) == render_pdf(document())


def test_other_content_gives_other_bytes():
    assert render_pdf(document()) != render_pdf(document(notes="Other"))


def test_the_file_says_what_it_is():
    reader = PdfReader(BytesIO(render_pdf(document())))

    described = reader.xmp_metadata
    assert described.dc_title["x-default"] == "Invoice INV-2026-000017"
    assert described.dc_creator == ["Nordlicht Büromöbel GmbH & Co. KG"]
    assert described.xmp_create_date.date() == document().issued_on


def test_five_thousand_lines_take_seconds():
    content = document([line(f"Thing {n}, with some words to it") for n in range(5000)])

    started = perf_counter()
    render_pdf(content)

    assert perf_counter() - started < 20  # about one second; the bound is for loaded machines
