"""What letters become on paper, and what is said of those that have no font."""

from __future__ import annotations

from datetime import date
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader

from shared.paper import fonts
from shared.paper.archive import Described, finished
from shared.paper.letters import MOST_MARKS, Letters
from shared.paper.made import missing_letters
from shared.paper.sheet import MARGIN, Sheet

BARE = "אבג شركة Ελλάδα Київ Հայաստան ქართული €₹№→✓"


@pytest.fixture
def only_ours(monkeypatch):
    """A machine without fonts."""
    monkeypatch.setattr(fonts, "_files", lambda: ())
    fonts.find_face.cache_clear(), fonts._candidates.cache_clear()
    yield
    fonts.find_face.cache_clear(), fonts._candidates.cache_clear()


def needs_font(char: str) -> None:
    if fonts.find_face(ord(char), "") is None:
        pytest.skip("fonts of other scripts (fonts-noto-core, fonts-noto-cjk) are not installed")


def paper(*texts: str, width: float = 174.0, country: str = ""):
    sheet = Sheet(texts, country=country)
    sheet.add_page()
    for text in texts:
        sheet.style(10)
        sheet.paragraph(MARGIN, width, text)
    return finished(sheet, Described("t", "a", "s", "en", date(2026, 3, 6), "test"))


def read(made) -> str:
    return "\n".join(page.extract_text() for page in PdfReader(BytesIO(made.content)).pages).replace("\0", "")


def test_what_our_typeface_has_is_printed_without_any_other(only_ours):
    made = paper(*BARE.split())

    assert made.warnings == ()
    assert all(word in read(made) for word in BARE.split())


def test_letters_that_no_font_has_are_printed_as_code_points_and_told(only_ours):
    made = paper("東京 🚀 ok")

    assert "[U+6771 U+4EAC] [U+1F680] ok" in read(made)
    (warning,) = made.warnings
    assert "U+4EAC, U+6771, U+1F680" in warning
    assert warning.isascii()


def test_a_compatible_form_is_no_loss(only_ours):
    made = paper("ＡＢＣ ﬁn e\u0301")

    assert "ABC" in read(made)
    assert "é" in read(made)
    assert made.warnings == ()


def test_a_warning_names_twenty_letters_and_counts_the_rest():
    (warning,) = missing_letters(range(0x4E00, 0x4E00 + 25))

    assert warning.count("U+") == 20
    assert warning.endswith("and 5 more")


def test_controls_overrides_and_halves_are_left_out():
    assert Letters("").printed("a\x00b\u202ec\ufeffd\ud800e\u200df\u00adg\ufe0f") == "abcdefg"


def test_a_heap_of_marks_on_one_letter_is_cut_in_linear_time():
    hostile = "a" + "\u0323\u0301" * 32_000

    printed = Letters("").printed(hostile)

    assert len(printed) <= 1 + MOST_MARKS
    assert "a" in read(paper(hostile + "z")) or "ạ" in read(paper(hostile + "z"))


@pytest.mark.parametrize(
    "hostile",
    [
        "\u202e" * 5000 + "x",  # turns the order of reading
        "\u05d0a" * 3000,  # another direction at each letter
        "\ufdfa" * 2000,  # one letter that is eighteen
        "\u0e33" * 5000,
        "x" * 20_000,
        "(" * 5000,
        "\u200d" * 5000,
        "\u200f" * 999,
    ],
)
def test_hostile_text_is_printed_like_any_other(hostile: str):
    assert paper(hostile, width=60).content.startswith(b"%PDF")


@settings(max_examples=30, deadline=None)
@given(text=st.text(max_size=80))
def test_no_text_breaks_paper(text: str):
    assert paper(text, width=40).content.startswith(b"%PDF")


@pytest.mark.parametrize(
    "text", ["東京タワー株式会社", "한국어", "中文发票", "ภาษาไทย", "देवनागरी", "বাংলা", "አማርኛ"]
)
def test_scripts_of_the_world_are_set_where_their_font_is_installed(text: str):
    needs_font(text[0])

    made = paper(text)

    assert made.warnings == ()
    assert text in read(made).replace(" ", "").replace("\n", "")
    assert len(made.content) < 60_000  # of the font, these letters only


def test_fonts_of_named_folders_are_found_by_the_script_in_their_name(tmp_path: Path, monkeypatch):
    other = tmp_path / "deep"
    other.mkdir()
    (other / "NotoSansThai-Regular.ttf").write_bytes(b"no font at all")
    (other / "NotoSansThai-Bold.ttf").write_bytes(b"")
    (other / "readme.txt").write_text("x")
    monkeypatch.setenv("BACKOFFICE_FONT_FOLDERS", f"{tmp_path}:{tmp_path / 'absent'}")
    monkeypatch.setattr(fonts, "SYSTEM_FOLDERS", ())
    fonts._files.cache_clear()
    fonts.find_face.cache_clear(), fonts._candidates.cache_clear()
    try:
        assert [path.name for path in fonts._files()] == ["NotoSansThai-Regular.ttf"]
        assert fonts.find_face(0x0E20, "") is None  # what is no font has no letters
    finally:
        fonts._files.cache_clear()
        fonts.find_face.cache_clear(), fonts._candidates.cache_clear()


def test_a_text_nobody_announced_is_printed_nevertheless():
    sheet = Sheet(())
    sheet.add_page()
    sheet.put(MARGIN, 100, "Ünannounced – text")
    made = finished(sheet, Described("t", "a", "s", "en", date(2026, 3, 6), "test"))

    assert "Ünannounced – text" in read(made)


def test_lines_break_at_spaces_and_between_east_asian_letters_but_not_before_a_full_stop():
    needs_font("東")
    sheet = Sheet(["東京。"])
    sheet.style(10)
    width = sheet.measure("東" * 4) + 0.01

    assert sheet.wrap("東東東東。東", width)[0] == "東東東"
    assert sheet.wrap("aaa " + "東" * 6, width) == ["aaa 東東", "東東東東"]


def test_a_word_longer_than_the_line_is_broken_between_letters_not_before_their_marks():
    sheet = Sheet(["x̂שּׁ"])
    sheet.style(10)
    lines = sheet.wrap("x̂" * 40, 10)

    assert len(lines) > 2
    assert all(not line.startswith("\u0302") for line in lines)
    assert "".join(lines) == "x̂" * 40


def test_letters_that_are_announced_and_not_printed_are_not_missed():
    sheet = Sheet(["\U0010fffd", "printed"])
    sheet.add_page()
    sheet.put(MARGIN, 100, "printed")

    made = finished(sheet, Described("t", "a", "s", "en", date(2026, 3, 6), "test"))

    assert made.warnings == ()
