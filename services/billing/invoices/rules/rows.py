"""Invoices as plain rows: what is read to be shown or settled, without the cost of mapped objects.

The fields are named like the columns they come from (`shared.database.table_sql`).
"""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from services.billing.invoices.rules.invoices import PaymentStatus, allowed_actions, payment_status
from shared.values.money import Money
from shared.values.tax import StoredFigures


class OpenFigures:
    """What is owed by an invoice and what is still open of it, as money."""

    __slots__ = ()
    state: str
    currency: str
    gross_minor: int
    open_minor: int
    paid_minor: int
    credited_minor: int
    lost_minor: int

    @property
    def gross(self) -> Money:
        """What the customer owes for it."""
        return Money(self.gross_minor, self.currency)

    @property
    def open(self) -> Money:
        """What is still to be settled."""
        return Money(self.open_minor, self.currency)

    @property
    def payment_status(self) -> PaymentStatus:
        """unpaid, part_paid, paid or credited."""
        return payment_status(
            self.state,
            gross=self.gross_minor,
            open_=self.open_minor,
            paid=self.paid_minor,
            credited=self.credited_minor,
            lost=self.lost_minor,
        )


class InvoiceFigures(OpenFigures, StoredFigures):
    """All figures of an invoice as money, for mapped and plain rows alike."""

    __slots__ = ()
    written_off_minor: int

    @property
    def paid(self) -> Money:
        """What payments and credits of the customer have settled."""
        return Money(self.paid_minor, self.currency)

    @property
    def credited(self) -> Money:
        """What credit notes have taken back."""
        return Money(self.credited_minor, self.currency)

    @property
    def written_off(self) -> Money:
        """What was given up: discounts, fees, differences and bad debts."""
        return Money(self.written_off_minor, self.currency)

    @property
    def allowed_actions(self) -> list[str]:
        """The verbs a caller may use now; a void is refused once anything was settled or credited."""
        untouched = self.open_minor == self.gross_minor and not self.credited_minor
        return allowed_actions(self.state, open_=self.open_minor, untouched=untouched)


@dataclass(slots=True)
class InvoiceView(InvoiceFigures):
    """An invoice as it is shown."""

    id: UUID
    version: int
    created_at: datetime
    updated_at: datetime
    state: str
    number: str | None
    customer_id: UUID
    customer: dict[str, Any]
    currency: str
    prices: str
    rounding: str
    net_minor: int
    tax_minor: int
    gross_minor: int
    tax_breakdown: list[dict[str, Any]]
    open_minor: int
    paid_minor: int
    credited_minor: int
    written_off_minor: int
    lost_minor: int
    payment_terms_days: int
    issued_on: date | None
    due_on: date | None
    delivered_on: date | None
    order_id: UUID | None
    order_number: str | None
    fulfilment_id: UUID | None
    notes: str | None
    purchase_order: str | None
    entry_id: UUID | None

    @property
    def customer_name(self) -> str:
        """The buyer's name as the invoice states it."""
        return str(self.customer.get("name", ""))


@dataclass(slots=True)
class LineView:
    """A line of an invoice as it is shown."""

    invoice_id: UUID
    id: UUID
    position: int
    description: str
    sku: str | None
    quantity: Decimal
    unit: str
    unit_price_minor: Decimal
    discount_percent: Decimal | None
    discount_minor: int
    kind: str
    order_discount_minor: int
    tax_code: str
    tax_category: str
    tax_rate: Decimal
    net_minor: int
    tax_minor: int
    gross_minor: int
    credited_quantity: Decimal


@dataclass(slots=True)
class OpenInvoice(OpenFigures):
    """What settling must know of a locked invoice, and changes of it."""

    id: UUID
    version: int
    state: str
    number: str | None
    customer_id: UUID
    currency: str
    gross_minor: int
    open_minor: int
    paid_minor: int
    credited_minor: int
    written_off_minor: int
    lost_minor: int
    issued_on: date | None
    due_on: date | None
    delivered_on: date | None
    tax_breakdown: list[dict[str, Any]]
    order_id: UUID | None
    fulfilment_id: UUID | None
    updated_at: datetime
