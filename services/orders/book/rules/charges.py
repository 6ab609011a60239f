"""What is charged beside the goods: shipping, handling. It has no stock and leaves with the first shipment."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal
from uuid import UUID

from shared.values.money import Money
from shared.values.prices import UnitPrice
from shared.values.tax import StoredFigures
from shared.values.units import PIECE

ChargeKind = Literal["shipping", "handling", "other"]
OPEN, INVOICED, CANCELLED = "open", "invoiced", "cancelled"


@dataclass(slots=True)
class Charge(StoredFigures):
    """A charge of an order: `amount` is without or with tax by the order's price mode, its figures are as agreed."""

    id: UUID
    kind: str
    description: str
    currency: str
    amount_minor: int
    tax_code: str
    tax_category: str
    tax_rate: Decimal
    net_minor: int
    tax_minor: int
    gross_minor: int
    status: str = OPEN

    @property
    def amount(self) -> Money:
        """What is charged."""
        return Money(self.amount_minor, self.currency)

    @property
    def unit_price(self) -> UnitPrice:
        """The same, as the price of one."""
        return UnitPrice.of(self.amount)

    @property
    def sku(self) -> str:
        """No product."""
        return ""

    @property
    def unit(self) -> str:
        """One piece."""
        return PIECE

    def cancel(self) -> None:
        """It is no longer wanted, unless it was invoiced."""
        if self.status == OPEN:
            self.status = CANCELLED
