"""A fulfilment: goods of an order that leave one warehouse together."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from services.orders.book.rules.lines import OrderLine
from services.orders.book.rules.states import FULFILMENT_LIFECYCLE
from shared.values.ids import new_id


@dataclass(slots=True)
class Parcel:
    """A parcel of a shipment, as its carrier knows it."""

    carrier: str
    tracking_number: str | None = None


@dataclass(slots=True)
class FulfilmentLine:
    """How much of an order line a fulfilment is about."""

    id: UUID
    fulfilment_id: UUID
    order_line_id: UUID
    quantity: Decimal
    sku: str = ""


@dataclass(slots=True)
class Fulfilment:
    """Goods of an order that leave one warehouse together.

    They go where the order goes, unless the desk has redirected them.
    """

    id: UUID
    order_id: UUID
    warehouse_id: UUID
    state: str
    version: int
    created_at: datetime
    updated_at: datetime
    shipped_at: datetime | None = None
    parcels: list[Parcel] = field(default_factory=list)
    redirected_to: dict[str, Any] | None = None
    order_number: str = ""
    order_ship_to: dict[str, Any] | None = None
    lines: list[FulfilmentLine] = field(default_factory=list)
    touched: bool = False

    @property
    def ship_to(self) -> dict[str, Any] | None:
        """Where its goods go."""
        return self.redirected_to or self.order_ship_to

    @property
    def allowed_actions(self) -> list[str]:
        """The verbs a caller may use now."""
        return FULFILMENT_LIFECYCLE.allowed(self.state)

    def add(self, line: OrderLine, quantity: Decimal) -> None:
        """Have the fulfilment handle so much more of a line."""
        self.touched = True
        for part in self.lines:
            if part.order_line_id == line.id:
                part.quantity += quantity
                return
        self.lines.append(FulfilmentLine(new_id(), self.id, line.id, quantity, line.sku))
