"""What somebody wants of an order, and what pricing needs to know of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from services.orders.book.rules import OrderLine
from services.orders.catalog.rules import PricedProduct, TaxCodeRow
from shared.values.money import Money
from shared.values.prices import UnitPrice

MOST_LINES = 1000
MOST_CHARGES = 20


class WantedLine(Protocol):
    """A line as somebody asks for it: what is left out comes from the product."""

    @property
    def sku(self) -> str:
        """The product."""

    @property
    def description(self) -> str | None:
        """What documents shall say of it, instead of the product's name."""

    @property
    def quantity(self) -> Decimal:
        """How much of it."""

    @property
    def unit_price(self) -> UnitPrice | None:
        """An agreed price."""

    @property
    def tax_code(self) -> str | None:
        """Another tax code than the product's."""

    @property
    def discount_percent(self) -> Decimal:
        """What is taken off the line."""

    @property
    def unit(self) -> str | None:
        """What the quantity counts."""


class WantedDiscount(Protocol):
    """What somebody wants taken off an order as a whole: a percentage, or else an amount."""

    @property
    def percent(self) -> Decimal | None:
        """Per cent of the lines."""

    @property
    def amount(self) -> Money | None:
        """So much."""


class WantedCharge(Protocol):
    """What somebody wants charged beside the goods."""

    @property
    def kind(self) -> str:
        """shipping, handling or other."""

    @property
    def description(self) -> str | None:
        """What the customer reads; by default the kind."""

    @property
    def amount(self) -> Money:
        """How much."""

    @property
    def tax_code(self) -> str:
        """How it is taxed."""


@dataclass(frozen=True, slots=True)
class AgreedLine:
    """A line as it was agreed before, to be priced again."""

    sku: str
    description: str | None
    quantity: Decimal
    unit_price: UnitPrice | None
    tax_code: str | None
    discount_percent: Decimal
    unit: str | None

    @classmethod
    def of(cls, line: OrderLine) -> "AgreedLine":
        """What was agreed of a line."""
        unit = None if line.tracked else line.unit
        return cls(
            line.sku,
            line.description,
            line.quantity,
            line.unit_price,
            line.tax_code,
            line.discount_percent,
            unit,
        )


@dataclass(frozen=True, slots=True)
class PriceList:
    """What pricing needs to know: products by SKU with their tax, and tax codes by code, of one day."""

    products: Mapping[str, PricedProduct]
    tax_codes: Mapping[str, TaxCodeRow]
