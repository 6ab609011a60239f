"""Wire shapes of whole orders."""

from typing import Literal
from uuid import UUID

from pydantic import Field

from services.orders.book.rules import FulfilmentState, OrderState
from services.orders.intake.schemas.lines import (
    ChargeOut,
    Charges,
    Lines,
    OrderDiscountIn,
    OrderDiscountOut,
    OrderLineOut,
)
from shared.contracts.orders import TaxBreakdownRow
from shared.values.fields import (
    Address,
    Code,
    CurrencyCode,
    Flag,
    LocalDate,
    LongText,
    MoneyIO,
    Percent,
    ShortText,
    Timestamp,
    WireInput,
    WireModel,
    left_out,
)
from shared.values.party_fields import TermsDays

Channel = Literal["api", "phone", "email", "web", "import"]
Backorder = Literal["reject", "allow"]
FulfilmentStatus = Literal["unfulfilled", "partially_shipped", "shipped", "partially_delivered", "delivered"]
PaymentStatus = Literal["unpaid", "part_paid", "paid", "credited"]
PriceMode = Literal["net", "gross"]


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
