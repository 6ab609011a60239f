"""The columns of a document add up as its reader adds them, whichever the prices and the currency."""

from __future__ import annotations

import re
from dataclasses import replace
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader

from services.billing.documents.pdf import render_pdf
from tests.billing.documents.gallery import gross
from tests.billing.documents.samples import D, document, line


def rows(content):
    """The numbers of each line of text, with English signs."""
    text = "\n".join(page.extract_text() for page in PdfReader(BytesIO(render_pdf(content))).pages)
    return {
        each: [D(n.replace(",", "")) for n in re.findall(r"-?\d[\d,]*(?:\.\d+)?", each)]
        for each in text.split("\n")
    }


def last(found, beginning):
    return next(numbers[-1] for text, numbers in found.items() if text.startswith(beginning))


def shares(kinds):
    return st.lists(
        st.tuples(
            st.integers(1, 9),
            st.decimals("0.01", 999, places=2),
            st.sampled_from(kinds),
            st.booleans(),
        ),
        min_size=1,
        max_size=6,
    )


def lines_of(drawn, decimals):
    return [
        line(
            f"Thing {'abcdef'[n]}",
            str(quantity),
            str(price),
            rate,
            code=f"T{rate}",
            discount=str(round(D("0.10"), decimals)) if off and price > 1 else "0",
            decimals=decimals,
        )
        for n, (quantity, price, rate, off) in enumerate(drawn)
    ]


@settings(max_examples=15, deadline=None)
@given(drawn=shares(["19", "7"]), decimals=st.sampled_from([0, 2, 3]))
def test_net_amounts_sum_to_the_net_total_and_tax_comes_on_top(drawn, decimals):
    content = document(lines_of(drawn, decimals), decimals, currency={0: "JPY", 2: "EUR", 3: "KWD"}[decimals])

    found = rows(content)

    amounts = [numbers[-1] for text, numbers in found.items() if "Thing" in text]
    assert sum(amounts) == content.net == last(found, "Net total")
    (tax,) = [numbers[0] for text, numbers in found.items() if re.fullmatch(r"VAT -?[\d,.]+", text)]
    assert last(found, "Net total") + tax == last(found, "Total") == content.gross
    assert last(found, "Amount due") == content.due


@settings(max_examples=15, deadline=None)
@given(drawn=shares(["20", "5"]), decimals=st.sampled_from([0, 2, 3]))
def test_amounts_with_tax_sum_to_the_total_with_tax_and_the_tax_is_said_to_be_in_it(drawn, decimals):
    content = gross(lines_of(drawn, decimals), decimals, currency={0: "JPY", 2: "GBP", 3: "KWD"}[decimals])

    found = rows(content)

    things = {text: numbers for text, numbers in found.items() if "Thing" in text}
    assert sum(numbers[-1] for numbers in things.values()) == content.gross == last(found, "Total incl. VAT")
    for numbers in things.values():  # position, quantity, price, perhaps a discount, rate, amount
        _, quantity, price, *discount, _, amount = numbers
        assert abs(quantity * price + sum(discount) - amount) <= D("0.5").scaleb(-decimals)
    assert last(found, "of which VAT") + last(found, "Net amount") == content.gross
    assert any("Prices include VAT." in text for text in found)


@pytest.mark.parametrize("kind", ["net", "gross"])
def test_the_table_of_tax_adds_up_to_the_totals(kind):
    made = [line("Thing a", "3", "9.99", "19", code="A"), line("Thing b", "1", "4.44", "7", code="B")]
    content = document(made) if kind == "net" else gross(made)

    found = rows(content)

    table = [numbers for text, numbers in found.items() if text.startswith("Taxable")]
    assert [sum(column) for column in zip(*(row[-3:] for row in table), strict=True)] == [
        content.net,
        content.tax,
        content.gross,
    ]


def test_the_column_of_discounts_is_there_where_there_are_any():
    plain = rows(document([line("Thing")]))
    discounted = rows(document([line("Thing", "2", "10.00", discount="1.50"), line("Other")]))

    assert not any("Discount" in text for text in plain)
    assert next(numbers for text, numbers in discounted.items() if "Thing" in text)[3] == D("-1.50")


def test_five_hundred_lines_stand_under_one_heading_a_page():
    content = document([line(f"Thing number {n:03d}.", "2", "10.00") for n in range(500)])

    pages = [page.extract_text() for page in PdfReader(BytesIO(render_pdf(content))).pages]

    assert all(page.count("Unit price") == 1 for page in pages[:-1])
    assert sum(page.count("Thing number") for page in pages) == 500
    assert all(f"Page {n} of {len(pages)}" in page for n, page in enumerate(pages, start=1))


def test_units_are_named_and_pieces_are_not():
    made = [replace(line(f"Thing {unit}", "2.5"), unit=unit) for unit in ("C62", "HUR", "MON", "XYZ")]

    found = "\n".join(rows(document(made)))

    assert all(f"2.5 {name} " in found for name in ("h", "months", "XYZ"))
    assert "Thing C62 2.5 10.00" in found
