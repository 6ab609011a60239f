"""Wire shapes of invoices."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from services.billing.invoices.models import Invoice, InvoiceLine
from services.billing.invoices.rules import LIFECYCLE, InvoiceView, LineView, PaymentStatus
from shared.contracts.billing import SourceRefs
from shared.contracts.orders import TaxBreakdownRow
from shared.values.fields import (
    Address,
    Code,
    CurrencyCode,
    EmailText,
    Entries,
    LocalDate,
    LongText,
    MoneyIO,
    Percent,
    PositiveQuantity,
    Quantity,
    ShortText,
    Timestamp,
    WholeNumber,
    WireInput,
    WireModel,
)
from shared.values.money import Money
from shared.values.price_fields import PriceIO
from shared.values.prices import UnitPrice
from shared.values.tax import Prices, Rounding
from shared.values.units import PIECE, UnitCode

TermsDays = Annotated[WholeNumber, Field(ge=0, le=365)]


class CustomerFacts(WireInput, from_attributes=True):
    """What an invoice shows of its buyer."""

    name: ShortText
    email: EmailText | None = None
    tax_id: Code | None = None
    billing_address: Address | None = None


class CustomerOut(WireModel):
    """The buyer as the invoice shows it."""

    name: str
    email: str | None = None
    tax_id: str | None = None
    billing_address: Address | None = None


class VoidIn(WireInput):
    """Why an invoice is taken back."""

    reason: ShortText | None = None


class InvoiceSettingsChange(WireInput):
    """The settings to change. Without a limit any invoice is voided at once, as long as nobody sets one."""

    void_approval_limit: MoneyIO | None = None

    @field_validator("void_approval_limit")
    @classmethod
    def _not_negative(cls, limit: Money | None) -> Money | None:
        if limit is not None and limit.minor < 0:
            raise PydanticCustomError("negative_limit", "A limit is zero or more.")
        return limit


class InvoiceSettingsOut(WireModel):
    """What the tenant wants done with its invoices."""

    void_approval_limit: MoneyIO | None
    version: int
    created_at: Timestamp
    updated_at: Timestamp


class InvoiceLineIn(WireInput):
    """One thing to invoice."""

    description: ShortText
    quantity: PositiveQuantity
    unit: UnitCode = PIECE
    unit_price: PriceIO
    tax_code: Code
    discount_percent: Percent = Decimal(0)
    sku: Code | None = None


class SourceRefsIn(WireInput):
    """What the invoice charges, where orders knows it."""

    order_id: UUID | None = None
    fulfilment_id: UUID | None = None


LinesIn = Annotated[list[InvoiceLineIn], Entries(1, 1000)]


class InvoiceIn(WireInput):
    """A draft invoice. Without `customer` the buyer is shown as orders knows it."""

    customer_id: UUID
    customer: CustomerFacts | None = None
    currency: CurrencyCode | None = None
    prices: Prices = "net"
    rounding: Rounding = "document"
    lines: LinesIn
    payment_terms_days: TermsDays = 30
    delivered_on: LocalDate | None = None
    source_refs: SourceRefsIn = Field(default_factory=SourceRefsIn)
    notes: LongText | None = None
    purchase_order: Code | None = None


class InvoiceChange(WireInput, validate_default=False):
    """The fields of a draft to change; `lines` replaces all lines."""

    customer: CustomerFacts = Field(default_factory=lambda: CustomerFacts(name="-"))
    lines: LinesIn = Field(default_factory=list)
    payment_terms_days: TermsDays = 30
    delivered_on: LocalDate | None = None
    notes: LongText | None = None
    purchase_order: Code | None = None


class InvoiceLineOut(WireModel):
    """One thing invoiced; `credited_quantity` is what credit notes took back.

    `discount` is all that is taken off; `order_discount` is what of it is a share of the order's discount.
    """

    id: UUID
    position: int
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


class InvoiceOut(WireModel):
    """An invoice. `open` is what is still to be settled, `paid` what payments settled, `credited` what credit
    notes took back."""

    id: UUID
    number: str | None
    state: Literal["draft", "finalized", "voided"]
    payment_status: PaymentStatus
    customer_id: UUID
    customer: CustomerOut
    currency: str
    prices: str
    rounding: str
    lines: list[InvoiceLineOut]
    order_discount: MoneyIO
    totals: TotalsOut
    tax_breakdown: list[TaxBreakdownRow]
    open: MoneyIO
    paid: MoneyIO
    credited: MoneyIO
    payment_terms_days: int
    issued_on: LocalDate | None
    due_on: LocalDate | None
    delivered_on: LocalDate | None
    source_refs: SourceRefs
    order_number: str | None
    notes: str | None
    purchase_order: str | None
    journal_entry_id: UUID | None
    allowed_actions: list[str]
    version: int
    created_at: Timestamp
    updated_at: Timestamp

    @classmethod
    def of(cls, row: Invoice | InvoiceView, lines: Sequence[InvoiceLine | LineView]) -> "InvoiceOut":
        """An invoice of its rows; what the database holds is not checked again."""
        return cls.model_construct(
            id=row.id,
            number=row.number,
            state=row.state,  # type: ignore[arg-type]  # the table's CHECK says so
            payment_status=row.payment_status,
            customer_id=row.customer_id,
            customer=CustomerOut.model_validate(row.customer),
            currency=row.currency,
            prices=row.prices,
            rounding=row.rounding,
            lines=[InvoiceLineOut.of(line, row.currency) for line in lines],
            order_discount=Money(sum(line.order_discount_minor for line in lines), row.currency),
            totals=TotalsOut.model_construct(net=row.net, tax=row.tax, gross=row.gross),
            tax_breakdown=[TaxBreakdownRow.model_validate(part) for part in row.tax_breakdown],
            open=row.open,
            paid=row.paid,
            credited=row.credited,
            payment_terms_days=row.payment_terms_days,
            issued_on=row.issued_on,
            due_on=row.due_on,
            delivered_on=row.delivered_on,
            source_refs=SourceRefs(order_id=row.order_id, fulfilment_id=row.fulfilment_id),
            order_number=row.order_number,
            notes=row.notes,
            purchase_order=row.purchase_order,
            journal_entry_id=row.entry_id,
            allowed_actions=LIFECYCLE.allowed(row.state),
            version=row.version,
            created_at=row.created_at,
            updated_at=row.updated_at,
        )


class AllocationIn(WireInput):
    """So much of the money goes to one invoice."""

    invoice_id: UUID
    amount: MoneyIO

    @field_validator("amount")
    @classmethod
    def _above_zero(cls, amount: Money) -> Money:
        return above_zero(amount)


class AllocateIn(WireInput):
    """Invoices to settle from what is left of a payment or credit note."""

    allocations: Annotated[list[AllocationIn], Entries(1, 100)]


class AllocationOut(WireModel):
    """How much went to which invoice."""

    invoice_id: UUID
    amount: MoneyIO
    allocated_on: LocalDate


def above_zero(amount: Money) -> Money:
    """Refuse an amount of nothing or less."""
    if amount.minor <= 0:
        raise PydanticCustomError("amount_not_positive", "Must be above zero")
    return amount
