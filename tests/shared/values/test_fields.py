"""The wire is strict on the way in, canonical on the way out, and names every refusal."""

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from shared.values.fields import (
    Address,
    MoneyIO,
    Percent,
    PositiveQuantity,
    Quantity,
    Rate,
    Timestamp,
    WireInput,
    WireModel,
    decimal_text,
)
from shared.values.money import MAX_MINOR, Money


class Priced(WireInput):
    price: MoneyIO
    other: MoneyIO | None = None


class Answer(WireModel):
    price: MoneyIO
    quantity: Quantity
    at: Timestamp


def read(kind: Any, value: Any) -> Any:
    return TypeAdapter(kind).validate_python(value)


def write(kind: Any, value: Any) -> Any:
    return TypeAdapter(kind).dump_python(value, mode="json")


def refusal(kind: Any, value: Any) -> tuple[str, tuple[Any, ...]]:
    with pytest.raises(ValidationError) as caught:
        read(kind, value)
    error = caught.value.errors()[0]
    assert error["msg"]
    return error["type"], error["loc"]


@given(st.integers(-MAX_MINOR, MAX_MINOR), st.sampled_from(["EUR", "JPY", "KWD"]))
def test_money_makes_the_round_trip(minor, currency):
    priced = Priced(price=Money(minor, currency))
    assert Priced.model_validate_json(priced.model_dump_json()) == priced
    assert priced.model_dump()["price"] == {"amount": priced.price.text, "currency": currency}


@pytest.mark.parametrize(
    ("value", "kind", "where"),
    [
        ({"amount": 18.06, "currency": "EUR"}, "string_type", ("amount",)),
        ({"amount": 18, "currency": "EUR"}, "string_type", ("amount",)),
        ({"amount": "18.6", "currency": "EUR"}, "money_format", ("amount",)),
        ({"amount": "18.06", "currency": "JPY"}, "money_format", ("amount",)),
        ({"amount": "\ud800", "currency": "EUR"}, "money_format", ("amount",)),
        ({"amount": "9" * 17 + ".00", "currency": "EUR"}, "money_out_of_range", ("amount",)),
        ({"amount": "1.00", "currency": "EUX"}, "unknown_currency", ("currency",)),
        ({"amount": "1.00", "currency": "\ud800"}, "unknown_currency", ("currency",)),
        ({"amount": "1.00"}, "missing", ("currency",)),
        ({"amount": "1.00", "currency": "EUR", "x": 1}, "extra_forbidden", ("x",)),
        ("18.06 EUR", "model_type", ()),
        (None, "model_type", ()),
    ],
)
def test_money_of_any_other_shape_is_refused_where_it_is_wrong(value, kind, where):
    assert refusal(MoneyIO, value) == (kind, where)
    assert refusal(Priced, {"price": value}) == (kind, ("price", *where))


@pytest.mark.parametrize("mode", ["validation", "serialization"])
def test_money_is_one_named_object_schema(mode):
    schema = Priced.model_json_schema(mode=mode)
    money = schema["$defs"]["Money"]
    assert money["type"] == "object"
    assert money["additionalProperties"] is False
    assert money["required"] == ["amount", "currency"]
    assert "pattern" in money["properties"]["amount"]
    assert schema["properties"]["price"]["$ref"] == "#/$defs/Money"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (6, "6"),
        ("6", "6"),
        ("1.50", "1.5"),
        ("-0.000001", "-0.000001"),
        ("-0.0", "0"),
        (0, "0"),
        (100, "100"),
        (10**12, "1000000000000"),
        (Decimal("1E+3"), "1000"),
        (Decimal("2.50000000"), "2.5"),
    ],
)
def test_a_quantity_is_answered_without_trailing_zeros_or_exponent(value, text):
    assert write(Quantity, read(Quantity, value)) == text


@pytest.mark.parametrize(
    "value",
    [
        True,
        1.5,
        6.0,
        "1e3",
        "1.1234567",
        "+1",
        " 1",
        "",
        "01",
        "1.",
        ".5",
        "1,5",
        "NaN",
        "١",
        None,
        [1],
        Decimal("NaN"),
        Decimal("0.0000001"),
        "1" * 100,
    ],
)
def test_a_quantity_in_any_other_form_is_refused(value):
    assert refusal(Quantity, value) == ("quantity_format", ())


@pytest.mark.parametrize(
    ("kind", "value", "code"),
    [
        (Quantity, 10**12 + 1, "quantity"),
        (Quantity, -(10**400), "quantity"),
        (PositiveQuantity, 0, "quantity"),
        (Quantity, "1000000000000.000001", "quantity"),
        (PositiveQuantity, "-1", "quantity"),
        (Percent, "100.1", "percent"),
        (Percent, "-1", "percent"),
        (Rate, "-0.5", "rate"),
    ],
)
def test_numbers_out_of_bounds_are_refused(kind, value, code):
    assert refusal(kind, value) == (f"{code}_out_of_range", ())


def test_rates_are_decimal_strings_only():
    assert refusal(Percent, 20) == ("percent_format", ())
    assert read(Percent, "5.50") == Decimal("5.5")
    assert write(Percent, Decimal("20.000000")) == "20"
    assert read(Percent, "100") == 100
    assert write(Rate, read(Rate, "1.084300")) == "1.0843"


@given(st.decimals(-(10**12), 10**12, places=6))
def test_a_quantity_makes_the_round_trip(number):
    text = decimal_text(number)
    assert read(Quantity, text) == number
    assert "e" not in text.lower()
    assert decimal_text(Decimal(text)) == text


def test_an_address_needs_a_line_a_city_and_a_country():
    address = Address.model_validate({"line1": " Rue 1 ", "city": "Paris", "country": "FR"})
    assert address.model_dump(exclude_none=True) == {"line1": "Rue 1", "city": "Paris", "country": "FR"}
    assert refusal(Address, {"line1": "x", "city": "y", "country": "XX"}) == ("unknown_country", ("country",))
    assert refusal(Address, {"line1": "x", "city": "y", "country": "FR", "zip": 1})[0] == "extra_forbidden"


def test_answers_read_from_attributes_and_print_canonically():
    class Row:
        price = Money(1806, "EUR")
        quantity = Decimal("6.000000")
        at = datetime(2026, 1, 2, 3, 4, 5, 120_000, tzinfo=UTC)

    assert Answer.model_validate(Row()).model_dump_json() == (
        '{"price":{"amount":"18.06","currency":"EUR"},"quantity":"6","at":"2026-01-02T03:04:05.120Z"}'
    )


def test_requests_refuse_unknown_fields():
    assert refusal(Priced, {"price": {"amount": "1.00", "currency": "EUR"}, "prise": 1}) == (
        "extra_forbidden",
        ("prise",),
    )


@pytest.mark.parametrize("kind", [Quantity, PositiveQuantity, Rate, Percent])
@pytest.mark.parametrize(
    "text",
    ["0", "0.0", "1", "100", "100.000000", "100.5", "999999999999.999999", "1000000000000", "1000000000000.0",
     "1000000000000.1", "1000000000001", "-1", "01", "1.1234567"],
)  # fmt: skip
def test_the_documented_pattern_says_what_is_accepted(kind: Any, text: str):
    document = TypeAdapter(kind).json_schema(mode="serialization")
    try:
        accepted = isinstance(read(kind, text), Decimal)
    except ValidationError:
        accepted = False

    assert (re.search(document["pattern"], text) is not None) == accepted
