"""Unit prices on the wire: an amount finer than its currency is accepted here, and nowhere else (api.md section 1)."""

from typing import Annotated

from pydantic import Field, Strict, create_model
from pydantic_core import PydanticCustomError

from shared.values.amount_document import AmountDocument, refused_amount
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
    raise refused_amount("UnitPrice", error, document["amount"])


def _write_price(price: UnitPrice) -> dict[str, str]:
    """The document that a price is serialised as."""
    return {"amount": price.text, "currency": price.currency}


PriceIO = Annotated[UnitPrice, AmountDocument(_PriceDocument, _read_price, _write_price)]
"""A unit price on the wire; in Python a `UnitPrice`. Error types money_format, money_out_of_range, unknown_currency."""
