"""Numbers, days and places as the reader writes them."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.paper.figures import Figures, language_in

D = Decimal


@pytest.mark.parametrize(
    ("language", "country", "expected"),
    [
        ("en", "GB", "1,234,567.80"),
        ("en", "DE", "1,234,567.80"),
        ("en", "IN", "12,34,567.80"),
        ("en", "", "1,234,567.80"),
        ("de", "DE", "1.234.567,80"),
        ("de", "CH", "1’234’567.80"),
        ("de", "US", "1.234.567,80"),
        ("fr", "FR", "1\u202f234\u202f567,80"),
        ("fr", "CA", "1\u00a0234\u00a0567,80"),
    ],
)
def test_amounts_are_written_as_the_country_does_where_it_speaks_the_language(language, country, expected):
    assert Figures(language, country).amount(D("1234567.8"), 2) == expected


@pytest.mark.parametrize(
    ("language", "country", "expected"),
    [
        ("en", "GB", "6 March 2026"),
        ("en", "US", "March 6, 2026"),
        ("en", "JP", "6 March 2026"),
        ("de", "AT", "6. März 2026"),
        ("fr", "BE", "6 mars 2026"),
    ],
)
def test_days_are_in_words(language, country, expected):
    assert Figures(language, country).day(date(2026, 3, 6)) == expected


def test_currencies_have_their_code_on_the_languages_side():
    assert Figures("en", "GB").money(D(5), 0, "JPY") == "JPY 5"
    assert Figures("de", "DE").money(D("1.5"), 3, "KWD") == "1,500 KWD"
    assert Figures("de", "CH").money(D("1.5"), 2, "CHF") == "CHF 1.50"


def test_prices_and_rates_have_the_decimals_they_have():
    german = Figures("de", "DE")

    assert german.exact(D("18.0425"), 2) == "18,0425"
    assert german.exact(D("12.50"), 2) == "12,50"
    assert german.exact(D("6.000")) == "6"
    assert german.exact(D("1E+3")) == "1.000"
    assert german.percent(D("7.50")) == "7,5 %"


@given(value=st.decimals(-(10**12), 10**12, places=3), decimals=st.integers(0, 3))
def test_a_written_amount_is_the_amount(value, decimals):
    value = round(value, decimals)

    written = Figures("en", "GB").amount(value, decimals)

    assert D(written.replace(",", "")) == value
    assert not (written.startswith("-") and value == 0)


def test_countries_have_names_and_business_languages():
    assert Figures("de", "DE").country("PL") == "Polen"
    assert Figures("de", "DE").country("QQ") == "QQ"
    assert [language_in(c) for c in ("AT", "CH", "FR", "GB", "JP", "")] == [
        "de",
        "de",
        "fr",
        "en",
        "en",
        "en",
    ]
