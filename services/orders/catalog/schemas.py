"""Wire shapes of the catalogue."""

from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from shared.values.fields import Code, Flag, ShortText, Timestamp, WireInput, WireModel, left_out
from shared.values.price_fields import PriceIO
from shared.values.prices import UnitPrice
from shared.values.units import PIECE, UnitCode


def _price(price: UnitPrice) -> UnitPrice:
    """Refuse a price below nothing."""
    if price.minor < 0:
        raise PydanticCustomError("negative_price", "A price is zero or more")
    return price


Price = Annotated[PriceIO, AfterValidator(_price)]


class ProductIn(WireInput):
    """A product as a client company gives it."""

    sku: Code
    name: ShortText
    unit_price: Price
    tax_code: Code = "standard"
    tracked: Flag = True
    unit: UnitCode = PIECE


class ProductChange(WireInput):
    """The fields to change; what is left out stays as it is."""

    name: ShortText = left_out()
    unit_price: Price = left_out()
    tax_code: Code = left_out()
    tracked: Flag = left_out()
    unit: UnitCode = left_out()


class ProductOut(WireModel):
    """A product."""

    id: UUID
    sku: str
    name: str
    unit_price: PriceIO
    tax_code: str
    tracked: bool
    unit: str
    version: int
    created_at: Timestamp
    updated_at: Timestamp
