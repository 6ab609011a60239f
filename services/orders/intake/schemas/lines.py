"""Wire shapes of what orders are about: lines, charges, a discount on the whole."""

from decimal import Decimal
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import field_validator, model_validator
from pydantic_core import PydanticCustomError

from services.orders.book.rules import ChargeKind
from services.orders.intake.rules import MOST_CHARGES, MOST_LINES
from shared.values.fields import (
    Code,
    Entries,
    MoneyIO,
    Percent,
    PositiveQuantity,
    Quantity,
    ShortText,
    WireInput,
    WireModel,
)
from shared.values.money import Money
from shared.values.price_fields import PriceIO
from shared.values.units import UnitCode


class OrderLineIn(WireInput):
    """What is wanted of a product; description, price, tax code and unit default to the product's.

    A price below zero is for deposits and vouchers, whose products have no stock: shipments deduct what they bear.
    Goods with stock are always counted in the product's unit.
    """

    sku: Code
    description: ShortText | None = None
    quantity: PositiveQuantity
    unit_price: PriceIO | None = None
    tax_code: Code | None = None
    discount_percent: Percent = Decimal(0)
    unit: UnitCode | None = None


class OrderDiscountIn(WireInput):
    """What is taken off the order as a whole, after the lines' own discounts: a percentage, or an amount.

    The amount includes tax where the order's prices do.
    """

    percent: Percent | None = None
    amount: MoneyIO | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.percent is None) == (self.amount is None):
            raise PydanticCustomError("one_of_both", "Give percent or amount")
        if self.amount is not None and self.amount.minor < 0:
            raise PydanticCustomError("negative_discount", "A discount is zero or more")
        return self


class ChargeIn(WireInput):
    """What is charged beside the goods; the amount includes tax where the order's prices do.

    Charges are invoiced with the first shipment. A discount on the order does not lower them.
    """

    kind: ChargeKind
    description: ShortText | None = None
    amount: MoneyIO
    tax_code: Code = "standard"

    @field_validator("amount")
    @classmethod
    def _not_negative(cls, amount: Money) -> Money:
        if amount.minor < 0:
            raise PydanticCustomError("negative_amount", "A charge is zero or more")
        return amount


Charges = Annotated[list[ChargeIn], Entries(most=MOST_CHARGES)]
Lines = Annotated[list[OrderLineIn], Entries(1, MOST_LINES)]


class OrderLineOut(WireModel):
    """A line with its figures and where its quantity has got to.

    `discount` is all that is taken off the line; `order_discount` is what of it is its share of the order's discount.
    """

    id: UUID
    position: int
    product_id: UUID
    sku: str
    description: str
    quantity: Quantity
    unit: str
    unit_price: PriceIO
    discount_percent: Percent
    discount: MoneyIO
    order_discount: MoneyIO
    tax_code: str
    tax_category: str
    tax_rate: Percent
    net: MoneyIO
    tax: MoneyIO
    gross: MoneyIO
    reserved: Quantity
    backordered: Quantity
    shipped: Quantity
    cancelled: Quantity
    returned: Quantity


class OrderDiscountOut(WireModel):
    """What is taken off the order as a whole; its lines' shares add up to the amount."""

    percent: Percent | None
    amount: MoneyIO


class ChargeOut(WireModel):
    """A charge with its figures as agreed; `invoiced` since the first shipment, or `cancelled` with the order."""

    id: UUID
    kind: str
    description: str
    amount: MoneyIO
    tax_code: str
    tax_category: str
    tax_rate: Percent
    net: MoneyIO
    tax: MoneyIO
    gross: MoneyIO
    status: Literal["open", "invoiced", "cancelled"]
