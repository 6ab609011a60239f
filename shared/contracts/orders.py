"""Facts that orders publishes."""

from datetime import date
from uuid import UUID

from pydantic import BaseModel, Field

from shared.contracts.event import Event
from shared.values.fields import Address, MoneyIO, Percent, PositiveQuantity
from shared.values.party_fields import Delivery, EInvoice
from shared.values.price_fields import PriceIO
from shared.values.prices import UnitPrice
from shared.values.units import PIECE


class CustomerChanged(Event, type="orders.customer.changed.v1"):
    """A customer was added or changed. Carries what an invoice must show of a buyer, since billing makes those."""

    customer_id: UUID
    name: str
    email: str | None = None
    phone: str | None = None
    tax_id: str | None = None
    external_ref: str | None = None
    billing_address: Address | None = None
    shipping_address: Address | None = None
    language: str | None = None
    registration_number: str | None = None
    buyer_reference: str | None = None
    electronic_address: str | None = None
    payment_terms_days: int | None = None
    e_invoice: EInvoice = "none"
    delivery: Delivery = "none"
    version: int


class OrderCustomer(BaseModel):
    """The buyer as the order knows it; enough to make an invoice before `customer.changed` arrives."""

    id: UUID
    name: str
    email: str | None = None
    tax_id: str | None = None
    billing_address: Address | None = None
    language: str | None = None
    registration_number: str | None = None
    buyer_reference: str | None = None
    electronic_address: str | None = None
    e_invoice: EInvoice = "none"
    delivery: Delivery = "none"


class TaxBreakdownRow(BaseModel):
    """One tax code's and rate's part of a document."""

    tax_code: str
    category: str
    rate: Percent
    base: MoneyIO
    tax: MoneyIO


class ConfirmedLine(BaseModel):
    """A line of a confirmed order with its final figures. `exact_unit_price` is given where `unit_price` is rounded."""

    line_id: UUID
    sku: str
    description: str
    quantity: PositiveQuantity
    unit_price: MoneyIO
    exact_unit_price: PriceIO | None = None
    unit: str = PIECE
    order_discount: MoneyIO | None = None
    discount_percent: Percent
    discount: MoneyIO
    tax_code: str
    tax_category: str
    tax_rate: Percent
    net: MoneyIO
    tax: MoneyIO
    gross: MoneyIO


class ConfirmedCharge(BaseModel):
    """A charge of a confirmed order beside its lines, with its final figures."""

    charge_id: UUID
    kind: str
    description: str
    amount: MoneyIO
    tax_code: str
    tax_category: str
    tax_rate: Percent
    net: MoneyIO
    tax: MoneyIO
    gross: MoneyIO


class OrderConfirmed(Event, type="orders.order.confirmed.v1"):
    """A customer's order was accepted; the figures are final and no other service computes them again."""

    order_id: UUID
    number: str
    external_ref: str | None = None
    channel: str
    customer: OrderCustomer
    currency: str
    prices: str
    rounding: str
    lines: list[ConfirmedLine]
    net: MoneyIO
    tax: MoneyIO
    gross: MoneyIO
    tax_breakdown: list[TaxBreakdownRow]
    confirmed_on: date
    purchase_order: str | None = None
    notes: str | None = None
    requested_on: date | None = None
    order_discount: MoneyIO | None = None
    charges: list[ConfirmedCharge] = Field(default_factory=list)
    ship_to: Address | None = None


class OrderCancelled(Event, type="orders.order.cancelled.v1"):
    """An order was cancelled, wholly or in what was still open of it."""

    order_id: UUID
    number: str | None = None
    reason: str | None = None
    remainder_only: bool = False


class LineBackordered(Event, type="orders.line.backordered.v1"):
    """What had been promised to a line of a confirmed order waits for stock again: a count found less, or others came
    first when its fulfilment was cancelled. `quantity` is what was lost so; the line may wait for more."""

    order_id: UUID
    number: str
    line_id: UUID
    sku: str
    quantity: PositiveQuantity
    reason: str | None = None


class ShippedLine(BaseModel):
    """What of an order line left the house, with its exact share of the line's figures.

    `exact_unit_price` is given where it is finer than the currency, which `unit_price` is rounded to.
    `discount` is all that is taken off; `order_discount` is its share of the discount on the whole order.
    `kind` is `item`, or that of a charge (shipping, handling, other), which has no SKU. A price below zero deducts.
    """

    line_id: UUID
    sku: str
    description: str
    quantity: PositiveQuantity
    unit_price: MoneyIO
    exact_unit_price: PriceIO | None = None
    unit: str = PIECE
    order_discount: MoneyIO | None = None
    kind: str = "item"
    discount: MoneyIO
    tax_code: str
    tax_category: str
    tax_rate: Percent
    net: MoneyIO
    tax: MoneyIO
    gross: MoneyIO

    @property
    def price(self) -> UnitPrice:
        """What one unit costs, exactly."""
        return self.exact_unit_price or UnitPrice.of(self.unit_price)


class FulfilmentShipped(Event, type="orders.fulfilment.shipped.v1"):
    """Goods of an order were shipped: what to invoice, to whom, with the order's prices and the day's tax rates.

    `prices` says whether unit prices and discounts are without (`net`) or with tax (`gross`).
    """

    fulfilment_id: UUID
    order_id: UUID
    order_number: str
    order_external_ref: str | None = None
    customer: OrderCustomer
    currency: str
    lines: list[ShippedLine]
    net: MoneyIO
    tax: MoneyIO
    gross: MoneyIO
    tax_breakdown: list[TaxBreakdownRow]
    cost: MoneyIO | None = None
    shipped_on: date
    payment_terms_days: int = 30
    prices: str = "net"
    rounding: str = "document"
    purchase_order: str | None = None
    notes: str | None = None
    requested_on: date | None = None
    order_discount: MoneyIO | None = None
    ship_to: Address | None = None


class OrderCompleted(Event, type="orders.order.completed.v1"):
    """Everything of an order was shipped or cancelled."""

    order_id: UUID
    number: str


__all__ = [
    "ConfirmedCharge",
    "ConfirmedLine",
    "CustomerChanged",
    "FulfilmentShipped",
    "LineBackordered",
    "OrderCancelled",
    "OrderCompleted",
    "OrderConfirmed",
    "OrderCustomer",
    "ShippedLine",
    "TaxBreakdownRow",
]
