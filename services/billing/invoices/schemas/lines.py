"""Wire shapes of what invoices charge: lines and totals."""

from decimal import Decimal
from typing import Annotated
from uuid import UUID

from services.billing.invoices.models import InvoiceLine
from services.billing.invoices.rules import LineView
from shared.values.fields import (
    Code,
    Entries,
    MoneyIO,
    Percent,
    PositiveQuantity,
    Quantity,
    ShortText,
    WireInput,
    WireModel,
)
from shared.values.money import Money
from shared.values.price_fields import PriceIO
from shared.values.prices import UnitPrice
from shared.values.units import PIECE, UnitCode


class InvoiceLineIn(WireInput):
    """One thing to invoice."""

    description: ShortText
    quantity: PositiveQuantity
    unit: UnitCode = PIECE
    unit_price: PriceIO
    tax_code: Code
    discount_percent: Percent = Decimal(0)
    sku: Code | None = None


LinesIn = Annotated[list[InvoiceLineIn], Entries(1, 1000)]


class InvoiceLineOut(WireModel):
    """One thing invoiced; `credited_quantity` is what credit notes took back.

    `discount` is all that is taken off; `order_discount` is what of it is a share of the order's discount.
    """

    id: UUID
    position: int
    kind: str
    description: str
    sku: str | None
    quantity: Quantity
    unit: str
    unit_price: PriceIO
    discount_percent: Percent | None
    discount: MoneyIO
    order_discount: MoneyIO
    tax_code: str
    tax_category: str
    tax_rate: Percent
    net: MoneyIO
    tax: MoneyIO
    gross: MoneyIO
    credited_quantity: Quantity

    @classmethod
    def of(cls, line: InvoiceLine | LineView, currency: str) -> "InvoiceLineOut":
        """A line of a row; what the database holds is not checked again."""
        return cls.model_construct(
            id=line.id,
            position=line.position,
            kind=line.kind,
            description=line.description,
            sku=line.sku,
            quantity=line.quantity,
            unit=line.unit,
            unit_price=UnitPrice(line.unit_price_minor, currency),
            discount_percent=line.discount_percent,
            discount=Money(line.discount_minor, currency),
            order_discount=Money(line.order_discount_minor, currency),
            tax_code=line.tax_code,
            tax_category=line.tax_category,
            tax_rate=line.tax_rate,
            net=Money(line.net_minor, currency),
            tax=Money(line.tax_minor, currency),
            gross=Money(line.gross_minor, currency),
            credited_quantity=line.credited_quantity,
        )


class TotalsOut(WireModel):
    """A document's totals: net + tax = gross."""

    net: MoneyIO
    tax: MoneyIO
    gross: MoneyIO
