"""An order as a whole: what was agreed with whom, and its parts."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from services.orders.book.rules.fulfilments import Fulfilment
from services.orders.book.rules.lines import OrderLine
from services.orders.book.rules.states import ORDER_LIFECYCLE
from services.orders.customers.rules import Buyer
from shared.values.money import Money
from shared.values.tax import StoredFigures, TaxGroup, TaxMode, Totals


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
    """An order as a whole."""

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
    payment_terms_days: int
    net_minor: int
    tax_minor: int
    gross_minor: int
    tax_breakdown: list[TaxGroup]
    revision: int
    ordered_at: datetime
    confirmed_at: datetime | None = None
    invoiced_minor: int = 0
    paid_minor: int = 0
    search_ref: str | None = None
    lines: list[OrderLine] = field(default_factory=list)
    holds: list[Hold] = field(default_factory=list)
    fulfilments: list[Fulfilment] = field(default_factory=list)
    buyer: Buyer | None = None

    @property
    def totals(self) -> Totals:
        """The order's net, tax and gross."""
        return Totals(self.net, self.tax, self.gross)

    @property
    def tax_mode(self) -> TaxMode:
        """How its prices are meant and its tax is rounded."""
        return TaxMode(
            "gross" if self.prices == "gross" else "net", "line" if self.rounding == "line" else "document"
        )

    @property
    def allowed_actions(self) -> list[str]:
        """The verbs a caller may use now."""
        return ORDER_LIFECYCLE.allowed(self.state)

    @property
    def ordering_key(self) -> str:
        """Where all facts about the order and its fulfilments keep their order."""
        return f"order:{self.id}"

    def line(self, line_id: UUID) -> OrderLine:
        """The line of that id, which the order has."""
        return next(line for line in self.lines if line.id == line_id)
