"""Unit prices on the wire: an amount finer than its currency is accepted here, and nowhere else (api.md section 1)."""

from typing import Annotated, Any

from pydantic import Field, GetCoreSchemaHandler, GetJsonSchemaHandler, Strict, ValidationError, create_model
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, InitErrorDetails, PydanticCustomError, core_schema

from shared.values.bounded import KnownKeys
from shared.values.money import CURRENCY_DIGITS, Money, MoneyOutOfRange
from shared.values.prices import MOST_DECIMALS, UnitPrice
from shared.values.text_fields import CurrencyCode

_PriceDocument = create_model(
    "UnitPrice",
    __base__=KnownKeys,
    __doc__="What one unit costs: a decimal string with at least the currency's decimals (ISO 4217), at most six.",
    amount=Annotated[
        str, Strict(), Field(json_schema_extra={"pattern": r"^-?(0|[1-9][0-9]*)(\.[0-9]{1,6})?$"})
    ],
    currency=CurrencyCode,
)


def _read_price(value: object) -> UnitPrice:
    """`{"amount": "0.0125", "currency": "EUR"}`, or a price or Money of our own; errors point at `amount`."""
    if isinstance(value, UnitPrice):
        return value
    if isinstance(value, Money):
        return UnitPrice.of(value)
    document = _PriceDocument.model_validate(value).model_dump()
    try:
        return UnitPrice.parse(document["amount"], document["currency"])
    except MoneyOutOfRange:
        error = PydanticCustomError("money_out_of_range", "Amount is too large")
    except ValueError:
        facts = {
            "currency": document["currency"],
            "decimals": CURRENCY_DIGITS[document["currency"]],
            "most": MOST_DECIMALS,
        }
        text = "A price in {currency} must be a decimal string with {decimals} to {most} decimals"
        error = PydanticCustomError("money_format", text, facts)
    detail = InitErrorDetails(type=error, loc=("amount",), input=document["amount"])
    raise ValidationError.from_exception_data("UnitPrice", [detail])


def _write_price(price: UnitPrice) -> dict[str, str]:
    """The document that a price is serialised as."""
    return {"amount": price.text, "currency": price.currency}


class _PriceAnnotation:
    """Reads and writes unit prices; documented as one schema component named UnitPrice."""

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Validate with `_read_price`, serialise as a plain document."""
        return core_schema.no_info_plain_validator_function(
            _read_price,
            json_schema_input_schema=handler.generate_schema(_PriceDocument),
            serialization=core_schema.plain_serializer_function_ser_schema(
                _write_price,
                return_schema=core_schema.dict_schema(core_schema.str_schema(), core_schema.str_schema()),
            ),
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """The document's schema, for input and output alike; validators added to PriceIO wrap ours."""
        found: Any = core
        while "json_schema_input_schema" not in found:
            found = found["schema"]
        return handler(found["json_schema_input_schema"])


PriceIO = Annotated[UnitPrice, _PriceAnnotation]
"""A unit price on the wire; in Python a `UnitPrice`. Error types money_format, money_out_of_range, unknown_currency."""
