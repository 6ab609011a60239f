"""Wire shapes of whole invoices and their settings."""

from collections.abc import Sequence
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from services.billing.documents.schemas import EInvoiceOut
from services.billing.invoices.models import Invoice, InvoiceLine
from services.billing.invoices.rules import InvoiceView, LineView, PaymentStatus
from services.billing.invoices.schemas.lines import InvoiceLineOut, LinesIn, TotalsOut
from shared.contracts.billing import SourceRefs
from shared.contracts.orders import TaxBreakdownRow
from shared.mail.delivery import DeliveryOut
from shared.values.fields import (
    Address,
    Code,
    CurrencyCode,
    EmailText,
    LocalDate,
    LongText,
    MoneyIO,
    ShortText,
    Timestamp,
    WireInput,
    WireModel,
    left_out,
)
from shared.values.money import Money
from shared.values.party_fields import EInvoice, ElectronicAddress, LanguageCode, TermsDays
from shared.values.tax import Prices, Rounding


class CustomerFacts(WireInput, from_attributes=True):
    """What an invoice shows of its buyer, and which e-invoice it asks for."""

    name: ShortText
    email: EmailText | None = None
    tax_id: Code | None = None
    billing_address: Address | None = None
    language: LanguageCode | None = None
    registration_number: Code | None = None
    buyer_reference: ShortText | None = None
    electronic_address: ElectronicAddress | None = None
    e_invoice: EInvoice = "none"


class InvoiceCustomerOut(WireModel):
    """The buyer as the invoice shows it."""

    name: str
    email: str | None = None
    tax_id: str | None = None
    billing_address: Address | None = None
    language: str | None = None
    registration_number: str | None = None
    buyer_reference: str | None = None
    electronic_address: str | None = None
    e_invoice: EInvoice = "none"


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


class SourceRefsIn(WireInput):
    """What the invoice charges, where orders knows it."""

    order_id: UUID | None = None
    fulfilment_id: UUID | None = None


class InvoiceIn(WireInput):
    """A draft invoice. Without `customer` the buyer is shown as orders knows it, without `payment_terms_days` the
    customer's hold, else 30."""

    customer_id: UUID
    customer: CustomerFacts | None = None
    currency: CurrencyCode | None = None
    prices: Prices = "net"
    rounding: Rounding = "document"
    lines: LinesIn
    payment_terms_days: TermsDays | None = None
    delivered_on: LocalDate | None = None
    source_refs: SourceRefsIn = Field(default_factory=SourceRefsIn)
    notes: LongText | None = None
    purchase_order: Code | None = None


class InvoiceChange(WireInput):
    """The fields of a draft to change; `lines` replaces all lines."""

    customer: CustomerFacts = left_out()
    lines: LinesIn = left_out()
    payment_terms_days: TermsDays = left_out()
    delivered_on: LocalDate | None = None
    notes: LongText | None = None
    purchase_order: Code | None = None


class InvoiceSummaryOut(WireModel):
    """An invoice in a list on a screen."""

    id: UUID
    number: str | None
    state: Literal["draft", "finalized", "voided"]
    payment_status: PaymentStatus
    customer_id: UUID
    customer_name: str
    order_id: UUID | None
    order_number: str | None
    gross: MoneyIO
    open: MoneyIO
    issued_on: LocalDate | None
    due_on: LocalDate | None
    version: int
    created_at: Timestamp
    updated_at: Timestamp


class InvoiceOut(WireModel):
    """An invoice. `open` is what is still to be settled, `paid` what payments settled, `credited` what credit
    notes took back, `written_off` what was given up; `delivery` is how it went out by mail, the last time."""

    id: UUID
    number: str | None
    state: Literal["draft", "finalized", "voided"]
    payment_status: PaymentStatus
    customer_id: UUID
    customer: InvoiceCustomerOut
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
    written_off: MoneyIO
    payment_terms_days: int
    issued_on: LocalDate | None
    due_on: LocalDate | None
    delivered_on: LocalDate | None
    source_refs: SourceRefs
    order_number: str | None
    notes: str | None
    purchase_order: str | None
    journal_entry_id: UUID | None
    e_invoice: Annotated[EInvoiceOut | None, Field(description="In the answer to finalize only.")]
    delivery: DeliveryOut | None
    allowed_actions: list[str]
    version: int
    created_at: Timestamp
    updated_at: Timestamp

    @classmethod
    def of(
        cls,
        row: Invoice | InvoiceView,
        lines: Sequence[InvoiceLine | LineView],
        e_invoice: EInvoiceOut | None = None,
    ) -> "InvoiceOut":
        """An invoice of its rows; what the database holds is not checked again."""
        return cls.model_construct(
            id=row.id,
            number=row.number,
            state=row.state,  # type: ignore[arg-type]  # the table's CHECK says so
            payment_status=row.payment_status,
            customer_id=row.customer_id,
            customer=InvoiceCustomerOut.model_validate(row.customer),
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
            written_off=row.written_off,
            payment_terms_days=row.payment_terms_days,
            issued_on=row.issued_on,
            due_on=row.due_on,
            delivered_on=row.delivered_on,
            source_refs=SourceRefs(order_id=row.order_id, fulfilment_id=row.fulfilment_id),
            order_number=row.order_number,
            notes=row.notes,
            purchase_order=row.purchase_order,
            journal_entry_id=row.entry_id,
            e_invoice=e_invoice,
            delivery=None,
            allowed_actions=row.allowed_actions,
            version=row.version,
            created_at=row.created_at,
            updated_at=row.updated_at,
        )
