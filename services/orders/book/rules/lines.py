"""A line of an order and the account of its quantity.

The account: reserved + backordered + shipped + cancelled = ordered, from confirmation on. Every change is a move
between these, so no unit appears or vanishes.
"""

from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from shared.values.money import Money
from shared.values.prices import UnitPrice
from shared.values.tax import StoredFigures, TaxedLine
from shared.values.units import PIECE

ZERO = Decimal(0)


@dataclass(slots=True)
class OrderLine(StoredFigures):
    """A line of an order: what was agreed, and the account of its quantity."""

    id: UUID
    order_id: UUID
    position: int
    product_id: UUID
    sku: str
    description: str
    tracked: bool
    quantity: Decimal
    currency: str
    unit_price_minor: Decimal
    discount_percent: Decimal
    discount_minor: int
    tax_code: str
    tax_category: str
    tax_rate: Decimal
    net_minor: int
    tax_minor: int
    gross_minor: int
    reserved: Decimal = ZERO
    backordered: Decimal = ZERO
    shipped: Decimal = ZERO
    cancelled: Decimal = ZERO
    returned: Decimal = ZERO
    shipped_net_minor: int = 0
    shipped_tax_minor: int = 0
    shipped_discount_minor: int = 0
    unit: str = PIECE
    order_discount_minor: int = 0
    touched: bool = False

    @property
    def kind(self) -> str:
        """A thing of the catalogue, as opposed to a charge."""
        return "item"

    @property
    def deducts(self) -> bool:
        """Whether it is a deposit, a voucher or the like, which lowers what is to be paid."""
        return self.unit_price_minor < 0

    @property
    def unit_price(self) -> UnitPrice:
        """The agreed price of one unit, with or without tax by the order's price mode."""
        return UnitPrice(self.unit_price_minor, self.currency)

    @property
    def discount(self) -> Money:
        """All that is taken off the line: its own discount and its share of the order's."""
        return Money(self.discount_minor, self.currency)

    @property
    def order_discount(self) -> Money:
        """Its share of the discount on the whole order."""
        return Money(self.order_discount_minor, self.currency)

    def order_discount_of(self, part: Decimal, *, after: Decimal) -> Money:
        """What of that share belongs to a part of the quantity, after what was shipped before it."""
        whole = self.order_discount
        return whole.share(after + part, self.quantity) - whole.share(after, self.quantity)

    @property
    def figures(self) -> TaxedLine:
        """The whole line's figures."""
        return TaxedLine(self.net, self.tax, self.gross, self.discount)

    @property
    def shipped_figures(self) -> TaxedLine:
        """What shipments so far took of the line's figures."""
        gross = self.shipped_net_minor + self.shipped_tax_minor
        minors = (self.shipped_net_minor, self.shipped_tax_minor, gross, self.shipped_discount_minor)
        return TaxedLine(*(Money(minor, self.currency) for minor in minors))

    @property
    def settled(self) -> bool:
        """Whether nothing of the line is left to do."""
        return self.shipped + self.cancelled == self.quantity

    def account(
        self,
        *,
        reserved: Decimal = ZERO,
        backordered: Decimal = ZERO,
        shipped: Decimal = ZERO,
        cancelled: Decimal = ZERO,
    ) -> None:
        """Move quantity between the line's accounts; after it they make up the ordered quantity again."""
        self.reserved += reserved
        self.backordered += backordered
        self.shipped += shipped
        self.cancelled += cancelled
        self.touched = True
        accounts = (self.reserved, self.backordered, self.shipped, self.cancelled)
        if min(accounts) < 0 or sum(accounts) != self.quantity:
            raise AssertionError(f"line {self.id}: {accounts} do not make up {self.quantity}")
