"""What pricing knows of products and tax codes, and what the catalogue refuses."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from shared.values.faults import FieldError, Invalid
from shared.values.prices import UnitPrice


@dataclass(frozen=True, slots=True)
class TaxCodeRow:
    """A tax code as it is on some day: `rate` in per cent, `category` by EN 16931 (S, Z, E …)."""

    id: UUID
    code: str
    name: str
    category: str
    rate: Decimal
    valid_from: date
    valid_to: date | None


def rate_on(rows: Iterable[TaxCodeRow], code: str, on: date) -> TaxCodeRow | None:
    """What a tax code means on a day: of the rows that hold then, the one that began last; None if there is none."""
    holding = [
        row
        for row in rows
        if row.code == code and row.valid_from <= on and (row.valid_to is None or row.valid_to >= on)
    ]
    return max(holding, key=lambda row: row.valid_from, default=None)


@dataclass(frozen=True, slots=True)
class ProductRow:
    """A product as an order line needs it."""

    id: UUID
    sku: str
    name: str
    unit_price_minor: Decimal
    currency: str
    tax_code: str
    tracked: bool
    unit: str

    @property
    def unit_price(self) -> UnitPrice:
        """What one of it costs unless the order says otherwise."""
        return UnitPrice(self.unit_price_minor, self.currency)


@dataclass(frozen=True, slots=True)
class PricedProduct:
    """A product together with its tax code's row of the day; None when the code has ended by then."""

    product: ProductRow
    tax: TaxCodeRow | None


class UnknownTaxCode(Invalid):
    """A tax code that billing has not told of; billing owns them (`/v1/tax-codes`)."""

    code = "unknown_tax_code"

    def __init__(self, code: str, *, pointer: str = "/tax_code") -> None:
        sentence = f"There is no tax code {code}."
        super().__init__(sentence, errors=[FieldError(pointer, self.code, sentence)])
