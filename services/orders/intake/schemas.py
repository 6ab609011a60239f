"""Wire shapes of orders."""

from decimal import Decimal
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from services.orders.book.rules import ChargeKind, FulfilmentState, OrderState
from services.orders.intake.rules import MOST_CHARGES, MOST_LINES
from shared.contracts.orders import TaxBreakdownRow
from shared.values.fields import (
    Address,
    Code,
    CurrencyCode,
    Entries,
    Flag,
    LocalDate,
    LongText,
    MoneyIO,
    Percent,
    PositiveQuantity,
    Quantity,
    ShortText,
    Timestamp,
    WireInput,
    WireModel,
    left_out,
)
from shared.values.money import Money
from shared.values.party_fields import TermsDays
from shared.values.price_fields import PriceIO
from shared.values.units import UnitCode

Channel = Literal["api", "phone", "email", "web", "import"]
Backorder = Literal["reject", "allow"]
FulfilmentStatus = Literal["unfulfilled", "partially_shipped", "shipped", "partially_delivered", "delivered"]
PaymentStatus = Literal["unpaid", "part_paid", "paid", "credited"]
PriceMode = Literal["net", "gross"]


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


class OrderIn(WireInput):
    """An order as a client company gives it. Without `payment_terms_days` the customer's hold, else 30."""

    customer_id: UUID
    lines: Lines
    channel: Channel = "api"
    external_ref: Code | None = None
    currency: CurrencyCode | None = None
    ship_to: Address | None = None
    backorder: Backorder = "reject"
    payment_terms_days: TermsDays | None = None
    prices: PriceMode = "net"
    confirm: Flag = False
    ordered_at: Timestamp | None = None
    purchase_order: Code | None = None
    notes: LongText | None = None
    requested_on: LocalDate | None = None
    discount: OrderDiscountIn | None = None
    charges: Charges = Field(default_factory=list)


class OrderChange(WireInput):
    """What to change of a draft; what is left out stays. Given lines replace all lines."""

    customer_id: UUID = left_out()
    lines: Lines = left_out()
    ship_to: Address | None = None
    backorder: Backorder = left_out()
    payment_terms_days: TermsDays = left_out()
    prices: PriceMode = left_out()
    purchase_order: Code | None = None
    notes: LongText | None = None
    requested_on: LocalDate | None = None
    discount: OrderDiscountIn | None = None
    charges: Charges = left_out()


class ReasonIn(WireInput):
    """Why something is done."""

    reason: ShortText | None = None


class HoldIn(WireInput):
    """Why an order shall not go out yet, and who or what says so."""

    reason: ShortText
    source: ShortText = "client"


class HoldOut(WireModel):
    """A hold that is active."""

    id: UUID
    reason: str
    source: str
    placed_by: str
    placed_at: Timestamp


class FulfilmentRef(WireModel):
    """A fulfilment of an order: how far it is, and where its goods leave the house."""

    id: UUID
    state: FulfilmentState
    warehouse_id: UUID


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


class TotalsOut(WireModel):
    """A document's totals: net + tax = gross."""

    net: MoneyIO
    tax: MoneyIO
    gross: MoneyIO


class OrderSummaryOut(WireModel):
    """An order in a list on a screen."""

    id: UUID
    number: str | None
    state: OrderState
    fulfilment_status: str
    payment_status: str
    on_hold: bool
    customer_id: UUID
    customer_name: str
    channel: str
    external_ref: str | None
    gross: MoneyIO
    ordered_at: Timestamp
    version: int
    created_at: Timestamp
    updated_at: Timestamp


class RateChangeOut(WireModel):
    """A tax rate, in per cent, that is not as agreed, since what was shipped on that day."""

    tax_code: str
    ordered_rate: Percent
    invoiced_rate: Percent
    ordered_category: str
    invoiced_category: str
    shipped_on: LocalDate


class InvoicedOut(WireModel):
    """What was invoiced so far, by shipments; rates are those of the day of shipment, and `reason` tells of others."""

    net: MoneyIO
    tax: MoneyIO
    gross: MoneyIO
    tax_breakdown: list[TaxBreakdownRow]
    rate_changes: list[RateChangeOut]
    reason: str | None


class OrderOut(WireModel):
    """An order."""

    id: UUID
    number: str | None
    state: OrderState
    fulfilment_status: str
    payment_status: str
    customer_id: UUID
    channel: str
    external_ref: str | None
    currency: str
    prices: str
    rounding: str
    backorder: str
    ship_to: Address | None
    payment_terms_days: int
    purchase_order: str | None
    notes: str | None
    requested_on: LocalDate | None
    ordered_at: Timestamp
    confirmed_at: Timestamp | None
    lines: list[OrderLineOut]
    charges: list[ChargeOut]
    totals: TotalsOut
    tax_breakdown: list[TaxBreakdownRow]
    discount: OrderDiscountOut | None
    invoiced: InvoicedOut
    holds: list[HoldOut]
    fulfilments: list[FulfilmentRef]
    revision: int
    version: int
    created_at: Timestamp
    updated_at: Timestamp
    allowed_actions: list[str]
