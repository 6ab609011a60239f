"""Numbers of declarations: dollars, counts and rates as they come over the wire."""

import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Annotated, Final

from pydantic import Field, PlainSerializer, PlainValidator, TypeAdapter, ValidationError, WithJsonSchema
from pydantic_core import InitErrorDetails, PydanticCustomError

from shared.values.fields import MoneyIO, WholeNumber
from shared.values.money import Money

_DOLLARS: Final = re.compile(r"(0|[1-9][0-9]{0,9})(\.[0-9]{1,2})?")
_RATE: Final = re.compile(r"0(\.[0-9]{1,6})?")
_MOST: Final = Decimal(9_999_999_999)
_MONEY: Final[TypeAdapter[Money]] = TypeAdapter(MoneyIO)
_CENT: Final = Decimal("0.01")


def _read_dollars(value: object) -> Decimal:
    """`{"amount", "currency": "USD"}`, a decimal text of at most two decimals, or a whole number of dollars."""
    if type(value) is int:
        number = Decimal(value) if 0 <= value <= _MOST else None
    elif isinstance(value, Decimal):
        number = (
            value if value.is_finite() and 0 <= value <= _MOST and value == value.quantize(_CENT) else None
        )
    elif isinstance(value, str):
        number = Decimal(value) if _DOLLARS.fullmatch(value) else None
    elif isinstance(value, dict | Money):
        money = _MONEY.validate_python(value)
        if money.currency != "USD":
            raise PydanticCustomError("currency_mismatch", "Must be in USD")
        number = money.amount if 0 <= money.amount <= _MOST else None
    else:
        number = None
    if number is None:
        text = "Must be Money in USD, a decimal string of at most two decimals, or an integer; not below zero"
        raise PydanticCustomError("dollars_format", text)
    return number.quantize(_CENT)


def _read_rate(value: object) -> Decimal:
    """A fraction below one as a decimal text: `"0.01"` is one per cent."""
    if isinstance(value, str) and _RATE.fullmatch(value):
        return Decimal(value)
    if isinstance(value, Decimal) and value.is_finite() and 0 <= value < 1:
        return value
    raise PydanticCustomError(
        "rate_format", 'Must be a fraction below one as a decimal string: "0.02" is 2 %'
    )


def refused_entries(names: Iterable[str], error: PydanticCustomError) -> ValidationError:
    """The refusal of entries that are wrong only together with others, each by its name."""
    details = [InitErrorDetails(type=error, loc=(name,), input=None) for name in names]
    return ValidationError.from_exception_data("declarations", details)


def _text(value: Decimal) -> str:
    return format(value, "f")


Dollars = Annotated[
    Decimal,
    PlainValidator(_read_dollars),
    PlainSerializer(_text, return_type=str),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "pattern": r"^(0|[1-9][0-9]{0,9})(\.[0-9]{1,2})?$"},
                {"type": "integer", "minimum": 0, "maximum": int(_MOST)},
                {
                    "type": "object",
                    "properties": {"amount": {"type": "string"}, "currency": {"const": "USD"}},
                    "required": ["amount", "currency"],
                    "additionalProperties": False,
                },
            ]
        }
    ),
]
"""US dollars of a declaration, zero or more: Money in USD, a decimal string, or a whole number; kept as a decimal."""
Fraction = Annotated[
    Decimal,
    PlainValidator(_read_rate),
    PlainSerializer(_text, return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^0(\.[0-9]{1,6})?$"}),
]
"""A rate of a declaration as a fraction of one: `"0.02"` is two per cent."""
Count = Annotated[WholeNumber, Field(ge=0, le=99)]
"""How many allowances, exemptions or dependents somebody claims."""
