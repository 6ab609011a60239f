"""In which order the letters of a line stand."""

import pytest
from fpdf.bidi import BidiParagraph
from fpdf.enums import TextDirection
from hypothesis import given
from hypothesis import strategies as st

from shared.paper.bidi import reads_from_right, visual_runs


def seen(line: str, *, from_right: bool) -> str:
    """What stands on paper from left to right, letter by letter."""
    runs = visual_runs(line, from_right=from_right)
    return "".join(text[::-1] if turned else text for text, turned in runs)


@pytest.mark.parametrize(
    ("line", "from_right", "expected"),
    [
        ("plain text 12", False, "plain text 12"),
        ("שלום", True, "םולש"),
        ("car שלום 12 end", False, "car 12 םולש end"),
        ('חברת ABC בע"מ 12', True, '12 מ"עב ABC תרבח'),
        ("מס (12.5%) סוף", True, "ףוס (%12.5( סמ".replace("(%12.5(", ")12.5%(")),
        ("رقم 42 من ABC.", True, ".ABC نم 42 مقر"),
        ("abc (שלום) def", False, "abc (םולש) def"),
    ],
)
def test_hebrew_and_arabic_stand_from_the_right_and_numbers_and_latin_in_them_from_the_left(
    line: str, from_right: bool, expected: str
):
    assert seen(line, from_right=from_right) == expected


@given(
    line=st.text("ab אב ب1٢٣ ,.+-$%/:()[] \u0301\u05b0", max_size=40),
    from_right=st.booleans(),
)
def test_the_order_is_that_of_the_unicode_algorithm(line: str, from_right: bool):
    direction = TextDirection.RTL if from_right else TextDirection.LTR
    judge = BidiParagraph(line, base_direction=direction).get_reordered_string()

    assert seen(line, from_right=from_right) == judge


@pytest.mark.parametrize(
    ("paragraph", "expected"),
    [("12 שלום abc", True), ("abc שלום", False), ("12 %", False), ("", False), ("مرحبا", True)],
)
def test_a_paragraph_reads_as_its_first_letter_does(paragraph: str, expected: bool):
    assert reads_from_right(paragraph) is expected


def test_very_long_lines_are_put_in_order_without_ado():
    for hostile in ("(" * 60_000, "א1," * 20_000, "(a)" * 20_000, "\u05b0" * 60_000, "$" * 60_000):
        assert len(seen(hostile, from_right=True)) == len(hostile)
