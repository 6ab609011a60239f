"""Text as it is searched: folded alike on both sides, by words, telephone numbers in every way people write them."""

from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.values.search_text import LAST, LONGEST_TERM, Sought, fold, terms_of


def found(asked: str, *texts: str | None, phone: str | None = None) -> bool:
    """Whether a search finds a row, as the index of terms answers it."""
    terms = terms_of(*texts, phones=[phone])
    return any(
        all(any(word <= term < word + LAST for term in terms) for word in way)
        for way in Sought.of(asked).ways
    )


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Müller", "muller"),
        ("MÜLLER", "muller"),
        ("Mu\u0308ller", "muller"),
        ("Straße", "strasse"),
        ("Ærø  Kaffe ", "aero kaffe"),
        ("Łódź", "lodz"),
        ("İstanbul", "istanbul"),
        ("ＡＣＭＥ １２", "acme 12"),
        ("ﬁne", "fine"),
        ("Ёлка", "елка"),
        ("Ὀδυσσεύς", "οδυσσευσ"),
        ("株式会社 山田", "株式会社 山田"),
        ("מָלוֹן", "מלון"),
        ("مُحَمَّد", "محمد"),
        ("한국", "한국"),
        ("", ""),
    ],
)
def test_a_text_is_folded(text: str, folded: str):
    assert fold(text) == folded


@given(st.text(max_size=60))
def test_folding_twice_is_folding_once_however_the_text_is_composed(text: str):
    assert fold(fold(text)) == fold(text)
    assert fold(normalize("NFD", text)) == fold(normalize("NFC", text))


@given(st.text(min_size=1, max_size=30), st.integers(1, 30))
def test_whoever_types_the_beginning_of_a_name_finds_it(name: str, typed: int):
    begun = fold(name)[:typed]

    assert not Sought.of(begun).ways or found(begun, name) or begun[-1:].isspace()


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ("acme", "The Acme Ltd"),
        ("acm ltd", "The Acme Ltd"),
        ("ltd the", "The Acme Ltd"),
        ("obrien", "O'Brien & Sons"),
        ("o'brien", "O'Brien & Sons"),
        ("brien", "O’Brien & Sons"),
        ("coca-co", "Coca-Cola"),
        ("cocacola", "Coca-Cola"),
        ("abc", "A.B.C. Ltd"),
        ("muller", "Jürgen Müller"),
        ("jane.doe@acme", "jane.doe@acme.co.uk"),
        ("JANE", "jane.doe@acme.co.uk"),
        ("web-100", "WEB-10045"),
        ("web100", "WEB-10045"),
        ("x" * 60, "x" * 60),
    ],
)
def test_a_row_is_found_by_the_beginnings_of_its_words(asked: str, name: str):
    assert found(asked, name)


@pytest.mark.parametrize(
    ("asked", "name"), [("cme", "The Acme Ltd"), ("acme inc", "The Acme Ltd"), ("--", "Acme")]
)
def test_a_row_is_not_found_by_what_is_elsewhere_in_a_word_or_by_one_word_of_two(asked: str, name: str):
    assert not found(asked, name)


@pytest.mark.parametrize(
    "written", ["+44 20 7946 0958", "0044 (20) 7946-0958", "020 7946 0958", "(020)79460958"]
)
@pytest.mark.parametrize(
    "asked",
    ["020 7946 0958", "02079460958", "0207946", "+44 20 7946 0958", "00442079460958", "+442079460958"],
)
def test_a_telephone_number_is_found_however_it_is_written(written: str, asked: str):
    assert found(asked, "Acme", phone=written)


@pytest.mark.parametrize("asked", ["0958", "020 7947", "+49 20 7946 0959", "44 20 7947"])
def test_another_telephone_number_is_not(asked: str):
    assert not found(asked, "Acme", phone="+44 20 7946 0958")


def test_one_row_has_no_more_terms_than_so_many_and_none_longer():
    terms = terms_of(" ".join(f"{n}" + "x" * 100 for n in range(200)))

    assert len(terms) == 40
    assert {len(term) for term in terms} == {LONGEST_TERM}
