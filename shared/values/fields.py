"""Types of the wire: how money, quantities, dates, codes and texts look in requests and answers.

Inputs are strict (a JSON float is never money, an integer never a text); outputs are canonical. Every refusal
carries a pydantic error type of its own, which becomes the `code` of a problem+json error. Source: api.md
section 1; ISO 3166-1, ISO 4217, RFC 3339, RFC 5321/5322.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Annotated, Any, Final

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    Strict,
    create_model,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from shared.values.amount_document import AmountDocument, refused_amount
from shared.values.bounded import Entries, KnownKeys
from shared.values.money import CURRENCY_DIGITS, Money, MoneyOutOfRange
from shared.values.text_fields import (
    COUNTRIES,
    Code,
    CountryCode,
    CurrencyCode,
    EmailText,
    Flag,
    LongText,
    ShortText,
    TimeZoneName,
    WholeNumber,
    read_date,
    read_timestamp,
    timestamp_text,
)

__all__ = [
    "COUNTRIES",
    "Address",
    "Code",
    "CountryCode",
    "CurrencyCode",
    "EmailText",
    "Entries",
    "Flag",
    "LocalDate",
    "LongText",
    "MoneyIO",
    "Percent",
    "PositiveQuantity",
    "Quantity",
    "Rate",
    "ShortText",
    "TimeZoneName",
    "Timestamp",
    "WholeNumber",
    "WireInput",
    "WireModel",
    "decimal_text",
    "left_out",
]

_DECIMAL: Final = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]{1,6})?")
_LONGEST_DECIMAL: Final = 40
_FINEST: Final = -6
_BEYOND: Final = 10**15


class WireModel(BaseModel):
    """Base of answers: read from attributes of rows and domain objects; all fields always present."""

    model_config = ConfigDict(from_attributes=True, json_schema_serialization_defaults_required=True)


class WireInput(KnownKeys):
    """Base of requests: unknown fields are refused, defaults are checked, NaN and infinity are refused.

    Not pydantic-strict as a whole, since UUIDs and enums arrive as strings; use the strict types here
    (`WholeNumber`, `Flag`, `Timestamp`, `LocalDate`, the texts) for everything else. A list or a map says how many
    `Entries` it has.
    """

    model_config = ConfigDict(validate_default=True, allow_inf_nan=False)


def left_out() -> Any:  # noqa: ANN401 - stands for any type
    """Field that may be left out of a change, but not be null."""
    return Field(default_factory=lambda: None, validate_default=False)


@dataclass(frozen=True, slots=True)
class _Custom:
    """Annotation that reads, writes and documents a type by three functions of its own."""

    read: Callable[[Any], Any]
    write: Callable[[Any], Any]
    schema: Callable[[GetJsonSchemaHandler], JsonSchemaValue]

    def __get_pydantic_core_schema__(self, _source: object, _handler: GetCoreSchemaHandler) -> CoreSchema:
        """Validate with `read`, serialise with `write` in Python and JSON alike."""
        return core_schema.no_info_plain_validator_function(
            self.read, serialization=core_schema.plain_serializer_function_ser_schema(self.write)
        )

    def __get_pydantic_json_schema__(
        self, _core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """The type's JSON schema, for input or output by the handler's mode."""
        return self.schema(handler)


_MoneyDocument = create_model(
    "Money",
    __base__=KnownKeys,
    __doc__="An exact amount: a decimal string with exactly the currency's decimals (ISO 4217).",
    amount=Annotated[
        str, Strict(), Field(json_schema_extra={"pattern": r"^-?(0|[1-9][0-9]*)(\.[0-9]{2,3})?$"})
    ],
    currency=CurrencyCode,
)


def _read_money(value: object) -> Money:
    """`{"amount": "18.06", "currency": "EUR"}`, or a Money of our own, to Money; errors point at `amount`."""
    if isinstance(value, Money):
        return value
    document = _MoneyDocument.model_validate(value).model_dump()
    try:
        return Money.parse(document["amount"], document["currency"])
    except MoneyOutOfRange:
        error = PydanticCustomError("money_out_of_range", "Amount is too large")
    except ValueError:
        facts = {"currency": document["currency"], "decimals": CURRENCY_DIGITS[document["currency"]]}
        text = "Amount in {currency} must be a decimal string with exactly {decimals} decimals"
        error = PydanticCustomError("money_format", text, facts)
    raise refused_amount("Money", error, document["amount"])


def _write_money(money: Money) -> dict[str, str]:
    """The document that a Money is serialised as."""
    return {"amount": money.text, "currency": money.currency}


MoneyIO = Annotated[Money, AmountDocument(_MoneyDocument, _read_money, _write_money)]
"""Money on the wire; in Python a `Money`. Error types money_format, money_out_of_range, unknown_currency."""


def _is_plain(value: Decimal) -> bool:
    """Whether a number is finite and of at most six decimals."""
    exponent = value.as_tuple().exponent
    if isinstance(exponent, int) and exponent < _FINEST:
        exponent = value.normalize().as_tuple().exponent
    return isinstance(exponent, int) and exponent >= _FINEST


@lru_cache(maxsize=4096)
def decimal_text(value: Decimal) -> str:
    """Canonical text of a quantity or rate: no exponent, no trailing zeros, no negative zero."""
    text = format(value, "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text


@dataclass(frozen=True, slots=True)
class _Bounds:
    """Bounds of a decimal type, and whether JSON integers are accepted; always at most six decimals."""

    kind: str
    least: Decimal
    most: Decimal
    pattern: str
    above_least: bool = False
    integers: bool = False

    def read(self, value: object) -> Decimal:
        """A decimal string (or an integer, where accepted, or a Decimal of our own) to a Decimal."""
        number = value if type(value) is Decimal and _is_plain(value) else self._number(value)
        if not self.least <= number <= self.most or (self.above_least and number == self.least):
            facts = {"least": decimal_text(self.least), "most": decimal_text(self.most)}
            text = "Must be above {least}" if self.above_least else "Must be at least {least}"
            raise PydanticCustomError(f"{self.kind}_out_of_range", f"{text} and at most {{most}}", facts)
        return number

    def _number(self, value: object) -> Decimal:
        """The number itself, its notation checked but not its bounds."""
        if isinstance(value, str) and len(value) <= _LONGEST_DECIMAL and _DECIMAL.fullmatch(value):
            return Decimal(value)
        if self.integers and type(value) is int:
            return Decimal(max(min(value, _BEYOND), -_BEYOND))
        if isinstance(value, Decimal) and _is_plain(value):
            return value
        facts = {"forms": "an integer or a decimal string" if self.integers else "a decimal string"}
        raise PydanticCustomError(f"{self.kind}_format", "Must be {forms} with at most six decimals", facts)

    def schema(self, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """A string pattern; for input also an integer, where accepted."""
        text = {"type": "string", "pattern": self.pattern}
        if not self.integers or handler.mode == "serialization":
            return text
        least = int(self.least) + int(self.above_least)
        return {"anyOf": [{"type": "integer", "minimum": least, "maximum": int(self.most)}, text]}


def _decimal(bounds: _Bounds) -> _Custom:
    """The annotation of a bounded decimal; numbers of our own (0, 1, a tax rate) come again and again."""
    known = lru_cache(maxsize=4096)(bounds.read)

    def read(value: object) -> Decimal:
        return known(value) if type(value) is Decimal and value.is_finite() else bounds.read(value)

    return _Custom(read=read, write=decimal_text, schema=bounds.schema)


_MOST: Final = Decimal(10**12)
_DIGITS: Final = r"(1000000000000(\.0{1,6})?|(0|[1-9][0-9]{0,11})(\.[0-9]{1,6})?)$"
Quantity = Annotated[Decimal, _decimal(_Bounds("quantity", -_MOST, _MOST, f"^-?{_DIGITS}", integers=True))]
"""A count or measure of any sign (units of the product), |q| ≤ 10¹², at most six decimals."""
PositiveQuantity = Annotated[
    Decimal,
    _decimal(
        _Bounds("quantity", Decimal(0), _MOST, rf"^(?!0(\.0+)?$){_DIGITS}", above_least=True, integers=True)
    ),
]
"""A quantity above zero, for order and shipment lines."""
Rate = Annotated[Decimal, _decimal(_Bounds("rate", Decimal(0), _MOST, f"^{_DIGITS}"))]
"""A factor of zero or more (exchange rate, rate per hour), as a decimal string."""
Percent = Annotated[
    Decimal,
    _decimal(
        _Bounds("percent", Decimal(0), Decimal(100), r"^(100(\.0{1,6})?|(0|[1-9][0-9]?)(\.[0-9]{1,6})?)$")
    ),
]
"""Per cent from 0 to 100 (tax rate, discount), as a decimal string: "20", "5.5"."""

Timestamp = Annotated[
    datetime,
    _Custom(read_timestamp, timestamp_text, lambda _: {"type": "string", "format": "date-time"}),
]
"""An instant: input RFC 3339 with any offset, in Python aware UTC, output with Z."""
LocalDate = Annotated[
    date, _Custom(read_date, date.isoformat, lambda _: {"type": "string", "format": "date"})
]
"""A calendar date in the entity's time zone, `YYYY-MM-DD`; a timestamp is refused."""


class Address(KnownKeys):
    """A postal address, as input and output; only what ISO 3166 and the post need is required."""

    model_config = ConfigDict(from_attributes=True, frozen=True)

    line1: ShortText
    line2: ShortText | None = None
    city: ShortText
    region: ShortText | None = None
    postal_code: Code | None = None
    country: CountryCode
