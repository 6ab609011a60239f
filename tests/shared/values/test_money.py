"""Money is exact: it parses strictly, rounds half-up once, never mixes currencies and never loses a cent."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.values.money import (
    CURRENCY_DIGITS,
    MAX_MINOR,
    CurrencyMismatch,
    Money,
    MoneyFormatError,
    MoneyOutOfRange,
    UnknownCurrency,
    currency_digits,
    largest_remainder,
    total,
)

minors = st.integers(-MAX_MINOR, MAX_MINOR)
small = st.integers(-(10**9), 10**9)
currencies = st.sampled_from(["EUR", "JPY", "KWD", "IQD", "USD", "CLP"])
weights = st.lists(st.one_of(st.integers(0, 10**6), st.decimals(0, 1000, places=6)), min_size=1, max_size=30)


def eur(text: str) -> Money:
    return Money.parse(text, "EUR")


@given(minors, currencies)
def test_what_is_printed_parses_back_to_the_same_money(minor, currency):
    money = Money(minor, currency)
    assert Money.parse(money.text, currency) == money
    assert Money.of(money.amount, currency) == money


@pytest.mark.parametrize(
    ("currency", "minor", "text"),
    [
        ("EUR", 1806, "18.06"),
        ("JPY", 1806, "1806"),
        ("KWD", 1806, "1.806"),
        ("EUR", -5, "-0.05"),
        ("EUR", 0, "0.00"),
        ("IQD", 1, "0.001"),
        ("RSD", 150, "1.50"),
        ("XPF", 7, "7"),
    ],
)
def test_an_amount_has_exactly_its_currencys_iso_4217_decimals(currency, minor, text):
    assert Money(minor, currency).text == text
    assert Money.parse(text, currency).minor == minor


@pytest.mark.parametrize(
    "text",
    [
        "18",
        "18.6",
        "18.060",
        "+18.06",
        "1e3",
        "18.06 ",
        " 18.06",
        "1,806.00",
        "018.06",
        ".06",
        "18.",
        "",
        "NaN",
        "-",
        "--1.00",
        "-0.00",
        "١٨.٠٦",
        "18.06\n",
        "1_0.00",
        "0x1.00",
        "9" * 50 + ".00",
    ],
)
def test_anything_but_the_canonical_text_is_refused(text):
    with pytest.raises(MoneyFormatError):
        eur(text)


def test_fractions_of_a_yen_are_refused():
    with pytest.raises(MoneyFormatError, match="exactly 0 decimals"):
        Money.parse("18.06", "JPY")


@pytest.mark.parametrize("code", ["EUX", "eur", "", "XAU", "XXX", "XTS", "USN", "DEM", "EU"])
def test_an_unknown_currency_is_refused_by_name(code):
    with pytest.raises(UnknownCurrency, match=repr(code)):
        Money(1, code)


def test_the_digits_are_those_of_iso_4217_where_cldr_states_cash_digits():
    three = {c for c, digits in CURRENCY_DIGITS.items() if digits == 3}
    none = {c for c, digits in CURRENCY_DIGITS.items() if digits == 0}
    assert three == {"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"}
    assert none == {
        "BIF",
        "CLP",
        "DJF",
        "GNF",
        "ISK",
        "JPY",
        "KMF",
        "KRW",
        "PYG",
        "RWF",
        "UGX",
        "VND",
        "VUV",
        "XAF",
        "XOF",
        "XPF",
    }
    assert set(CURRENCY_DIGITS.values()) == {0, 2, 3}
    assert currency_digits("LBP") == 2


def test_amounts_beyond_the_bound_are_refused():
    assert Money(MAX_MINOR, "JPY").text == "9000000000000000"
    for attempt in (
        lambda: Money(MAX_MINOR + 1, "JPY"),
        lambda: Money.parse("9000000000000001", "JPY"),
        lambda: Money(MAX_MINOR, "JPY") + Money(1, "JPY"),
        lambda: Money(MAX_MINOR, "JPY").times(Decimal("1.1")),
        lambda: Money.of(Decimal("1e50"), "EUR"),
        lambda: Money.of(Decimal("1e5000"), "EUR"),
        lambda: Money(1, "EUR").times(Decimal("1e5000")),
        lambda: total([Money(MAX_MINOR, "JPY")] * 2, "JPY"),
    ):
        with pytest.raises(MoneyOutOfRange):
            attempt()


def test_a_float_or_bool_is_never_money():
    for minor in (1.0, True, "1", Decimal(1)):
        with pytest.raises(TypeError):
            Money(minor, "EUR")
    with pytest.raises(TypeError):
        eur("1.00") + 1


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("0.005", "0.01"),
        ("-0.005", "-0.01"),
        ("2.675", "2.68"),
        ("0.0049999", "0.00"),
        ("1.115", "1.12"),
    ],
)
def test_rounding_is_half_up_away_from_zero(amount, text):
    assert Money.of(Decimal(amount), "EUR").text == text


def test_not_a_number_is_not_an_amount_or_a_rate():
    for bad in (Decimal("NaN"), Decimal("Infinity")):
        with pytest.raises(ValueError):
            Money.of(bad, "EUR")
        with pytest.raises(ValueError):
            eur("1.00").times(bad)
        with pytest.raises(ValueError):
            eur("1.00").share(bad, Decimal(1))


def test_currencies_do_not_mix():
    euro, yen = eur("1.00"), Money(100, "JPY")
    for attempt in (
        lambda: euro + yen,
        lambda: euro - yen,
        lambda: euro < yen,
        lambda: euro >= yen,
        lambda: total([euro, yen], "EUR"),
        lambda: total([yen], "EUR"),
    ):
        with pytest.raises(CurrencyMismatch):
            attempt()
    assert euro != yen


def test_sums_orders_and_signs():
    assert total([], "EUR") == Money.zero("EUR")
    assert total([eur("1.00"), eur("-0.25")], "EUR") == eur("0.75")
    assert eur("1.00") > eur("0.99")
    assert eur("1.00") <= eur("1.00")
    assert -eur("1.00") == eur("-1.00")
    assert abs(eur("-1.00")) == eur("1.00")
    assert Money.zero("EUR").is_zero
    assert not eur("0.01").is_zero
    assert str(eur("18.06")) == "18.06 EUR"
    assert len({eur("1.00"), eur("1.00")}) == 1


@given(small, st.decimals(-(10**6), 10**6, places=6))
def test_times_is_the_exact_product_rounded_once(minor, rate):
    exact = Fraction(minor) * Fraction(rate)
    result = Money(minor, "EUR").times(rate).minor
    assert abs(Fraction(result) - exact) <= Fraction(1, 2)
    assert Money(-minor, "EUR").times(rate).minor == -result
    assert Money(minor, "EUR").share(rate, Decimal(1)).minor == result


@given(minors, weights)
def test_a_split_is_exact_fair_and_symmetric(minor, shares):
    money = Money(minor, "EUR")
    parts = money.split(shares)
    assert total(parts, "EUR") == money
    assert (-money).split(shares) == [-part for part in parts]
    whole = sum(map(Fraction, shares))
    if whole:
        for part, weight in zip(parts, shares, strict=True):
            assert abs(part.minor - minor * Fraction(weight) / whole) < 1
            assert weight != 0 or part.is_zero


def test_a_split_gives_the_odd_cents_to_the_largest_remainders_then_the_first():
    assert [p.text for p in eur("100.00").split([1, 1, 1])] == ["33.34", "33.33", "33.33"]
    assert [p.text for p in eur("-0.05").split([1, 1])] == ["-0.03", "-0.02"]
    assert [p.minor for p in Money(10, "JPY").split([Decimal("0.5"), 0, 2])] == [2, 0, 8]
    assert [p.minor for p in Money(5, "JPY").split([0, 0])] == [3, 2]
    assert [p.minor for p in Money(-5, "JPY").split([-3, -2])] == [-3, -2]


def test_a_split_without_weights_or_with_mixed_signs_is_refused():
    with pytest.raises(ValueError, match="at least one"):
        eur("1.00").split([])
    with pytest.raises(ValueError, match="one sign"):
        eur("1.00").split([3, -1])
    with pytest.raises(ValueError, match="whole"):
        eur("1.00").share(Decimal(1), Decimal(0))


def test_shares_must_be_of_the_total():
    with pytest.raises(ValueError, match="not a rounding"):
        largest_remainder(5, [2, 1], 2)
