"""Unit prices may be finer than their currency, up to six decimals; what they come to is rounded once."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from shared.values.money import MAX_MINOR, Money, MoneyFormatError, MoneyOutOfRange, currency_digits
from shared.values.price_fields import PriceIO
from shared.values.prices import UnitPrice
from shared.values.tax import TaxInput, TaxMode, tax_document

PRICES = TypeAdapter(PriceIO)


@pytest.mark.parametrize(
    ("text", "currency", "shown"),
    [
        ("0.0125", "EUR", "0.0125"),
        ("12.50", "EUR", "12.50"),
        ("12.500000", "EUR", "12.50"),
        ("0.000001", "EUR", "0.000001"),
        ("-3.10", "EUR", "-3.10"),
        ("1806", "JPY", "1806"),
        ("0.5", "JPY", "0.5"),
        ("7.000000", "JPY", "7"),
        ("1.806", "KWD", "1.806"),
        ("1.8061", "KWD", "1.8061"),
        ("0.00", "EUR", "0.00"),
        ("90000000000000.00", "EUR", "90000000000000.00"),
    ],
)
def test_a_price_has_its_currencys_decimals_and_as_many_more_as_it_needs(text, currency, shown):
    price = PRICES.validate_python({"amount": text, "currency": currency})
    assert price == UnitPrice.parse(text, currency)
    assert PRICES.dump_python(price, mode="json") == {"amount": shown, "currency": currency}
    assert price.amount == Decimal(text)


@pytest.mark.parametrize(
    ("text", "currency", "kind"),
    [
        ("1.0", "EUR", "money_format"),
        ("1.00", "KWD", "money_format"),
        ("0.0000001", "EUR", "money_format"),
        ("1.0000000", "EUR", "money_format"),
        ("-0.00", "EUR", "money_format"),
        ("1e2", "EUR", "money_format"),
        ("01.00", "EUR", "money_format"),
        ("1,00", "EUR", "money_format"),
        ("9" * 16 + ".00", "EUR", "money_out_of_range"),
    ],
)
def test_any_other_text_is_refused_at_its_amount(text, currency, kind):
    with pytest.raises(ValidationError) as refused:
        PRICES.validate_python({"amount": text, "currency": currency})
    (error,) = refused.value.errors()
    assert (error["type"], error["loc"]) == (kind, ("amount",))


def test_what_is_no_price_is_refused():
    with pytest.raises(MoneyFormatError):
        UnitPrice(Decimal("0.00001"), "EUR")
    with pytest.raises(MoneyOutOfRange):
        UnitPrice(Decimal(MAX_MINOR) + 1, "EUR")


MICRO = Decimal("0.000001")
PRICE = st.builds(
    lambda n, currency: UnitPrice.of_amount(n * MICRO, currency),
    st.integers(-(10**12), 10**12),
    st.sampled_from(["EUR", "JPY", "KWD"]),
)


@given(PRICE)
def test_a_price_makes_the_round_trip(price):
    assert UnitPrice.parse(price.text, price.currency) == price
    assert len(price.text.partition(".")[2]) >= currency_digits(price.currency)
    assert PRICES.validate_json(PRICES.dump_json(price)) == price


@given(PRICE, st.decimals(min_value=0, max_value=9999, places=6))
def test_a_price_times_a_quantity_is_rounded_once(price, quantity):
    assert price.times(quantity) == Money.of(price.amount * quantity, price.currency)


@given(st.integers(-(10**9), 10**9), st.decimals(min_value=0, max_value=999, places=3))
def test_a_price_of_money_does_what_the_money_does(minor, quantity):
    money = Money(minor, "EUR")
    price = UnitPrice.of(money)
    assert (price.times(quantity), price.text, price.rounded) == (money.times(quantity), money.text, money)
    assert price.share(quantity, Decimal(1000)) == money.share(quantity, Decimal(1000))


@pytest.mark.parametrize(
    ("price", "quantity", "discount", "net"),
    [("0.0125", 1000, 0, "12.50"), ("0.0125", 1, 0, "0.01"), ("0.0125", 3, 0, "0.04"), ("30.7512", 10, 5, "292.14")],
)  # fmt: skip
def test_a_line_of_fine_prices_is_rounded_once(price, quantity, discount, net):
    given_line = TaxInput(
        Decimal(quantity), UnitPrice.parse(price, "GBP"), "standard", Decimal(20),
        discount_percent=Decimal(discount),
    )  # fmt: skip
    (taxed,) = tax_document([given_line], TaxMode(), "GBP").lines
    assert taxed.net.text == net
