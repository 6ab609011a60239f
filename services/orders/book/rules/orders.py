"""An order as a whole: what was agreed with whom, and its parts."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from services.orders.book.rules.charges import Charge
from services.orders.book.rules.fulfilments import Fulfilment
from services.orders.book.rules.invoiced import Invoiced, ShippedTax, invoiced_of
from services.orders.book.rules.lines import OrderLine
from services.orders.book.rules.states import ORDER_LIFECYCLE
from services.orders.catalog.rules import TaxCodeRow
from services.orders.customers.rules import Buyer
from shared.values.money import Money
from shared.values.party_fields import USUAL_TERMS
from shared.values.tax import StoredFigures, TaxGroup, TaxMode, Totals

CONFIRMATION = "order_confirmation"
SHIPPING_NOTICE = "shipping_notice"
"""The kinds of mails that customers get."""


@dataclass(slots=True)
class Hold:
    """A reason not to let an order go out yet, and who gave it."""

    id: UUID
    order_id: UUID
    reason: str
    source: str
    placed_by: str
    placed_at: datetime


@dataclass(frozen=True, slots=True)
class OrderDiscount:
    """What is taken off an order as a whole: an amount, which is `percent` of its lines where that was agreed."""

    percent: Decimal | None
    amount: Money


@dataclass(frozen=True, slots=True)
class OrderHead:
    """An order in a list on a screen."""

    id: UUID
    version: int
    created_at: datetime
    updated_at: datetime
    number: str | None
    customer_id: UUID
    channel: str
    external_ref: str | None
    currency: str
    state: str
    fulfilment_status: str
    payment_status: str
    gross_minor: int
    ordered_at: datetime
    customer_name: str = ""
    on_hold: bool = False

    @property
    def gross(self) -> Money:
        """What the customer pays for it."""
        return Money(self.gross_minor, self.currency)


@dataclass(slots=True)
class Order(StoredFigures):
    """An order as a whole. `tax_rates` are those of late of its tax codes, where it was read to be changed."""

    id: UUID
    version: int
    created_at: datetime
    updated_at: datetime
    number: str | None
    customer_id: UUID
    channel: str
    external_ref: str | None
    currency: str
    prices: str
    rounding: str
    state: str
    fulfilment_status: str
    payment_status: str
    backorder: str
    ship_to: dict[str, Any] | None
    payment_terms_days: int | None
    net_minor: int
    tax_minor: int
    gross_minor: int
    tax_breakdown: list[TaxGroup]
    revision: int
    ordered_at: datetime
    confirmed_at: datetime | None = None
    invoiced_minor: int = 0
    paid_minor: int = 0
    shipped_tax: list[ShippedTax] = field(default_factory=list)
    purchase_order: str | None = None
    notes: str | None = None
    requested_on: date | None = None
    discount_percent: Decimal | None = None
    discount_minor: int = 0
    charges: list[Charge] = field(default_factory=list)
    credited_minor: int = 0
    lost_minor: int = 0
    taken_back_minor: int = 0
    search_ref: str | None = None
    lines: list[OrderLine] = field(default_factory=list)
    holds: list[Hold] = field(default_factory=list)
    fulfilments: list[Fulfilment] = field(default_factory=list)
    buyer: Buyer | None = None
    tax_rates: Sequence[TaxCodeRow] = ()

    @property
    def totals(self) -> Totals:
        """The order's net, tax and gross."""
        return Totals(self.net, self.tax, self.gross)

    @property
    def discount(self) -> OrderDiscount | None:
        """What is taken off the order as a whole."""
        if self.discount_percent is None and not self.discount_minor:
            return None
        return OrderDiscount(self.discount_percent, Money(self.discount_minor, self.currency))

    @property
    def invoiced(self) -> Invoiced:
        """What its shipments so far were invoiced at."""
        return invoiced_of(self.tax_breakdown, self.shipped_tax, self.currency)

    @property
    def tax_mode(self) -> TaxMode:
        """How its prices are meant and its tax is rounded."""
        return TaxMode(
            "gross" if self.prices == "gross" else "net", "line" if self.rounding == "line" else "document"
        )

    @property
    def terms_days(self) -> int:
        """Days to pay: as agreed, else the customer's, else 30."""
        known = (self.payment_terms_days, self.buyer.payment_terms_days if self.buyer else None)
        return next((days for days in known if days is not None), USUAL_TERMS)

    @property
    def allowed_actions(self) -> list[str]:
        """The verbs a caller may use now."""
        return ORDER_LIFECYCLE.allowed(self.state)

    @property
    def ordering_key(self) -> str:
        """Where all facts about the order and its fulfilments keep their order."""
        return f"order:{self.id}"

    @property
    def destination(self) -> dict[str, Any] | None:
        """Where its goods go: as it says itself, else where its buyer's go.

        A draft is shown with it, and confirming fixes it as `ship_to`: what the customer changes later is for others.
        """
        return self.ship_to or (self.buyer.destination if self.buyer else None)

    def line(self, line_id: UUID) -> OrderLine:
        """The line of that id, which the order has."""
        return next(line for line in self.lines if line.id == line_id)
