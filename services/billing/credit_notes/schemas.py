"""Wire shapes of credit notes."""

from collections.abc import Sequence
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import Field

from services.billing.credit_notes.models import CreditNote, CreditNoteLine
from services.billing.credit_notes.rules import allowed_actions
from services.billing.invoices.schemas import AllocationOut, InvoiceLineOut, TotalsOut
from shared.contracts.orders import TaxBreakdownRow
from shared.mail.delivery import DeliveryOut
from shared.values.fields import (
    Entries,
    LocalDate,
    MoneyIO,
    Percent,
    PositiveQuantity,
    Quantity,
    ShortText,
    Timestamp,
    WireInput,
    WireModel,
)
from shared.values.money import Money
from shared.values.price_fields import PriceIO


class CreditNoteLineIn(WireInput):
    """So much of an invoice line is taken back."""

    invoice_line_id: UUID
    quantity: PositiveQuantity


class CreditNoteIn(WireInput):
    """What of an invoice is taken back, and why; without `lines` all that is left of it."""

    invoice_id: UUID
    lines: Annotated[list[CreditNoteLineIn], Entries(1, 1000)] | None = None
    reason: ShortText


class CreditNoteLineOut(WireModel):
    """What of an invoice line is taken back."""

    id: UUID
    invoice_line_id: UUID
    position: int
    description: str
    sku: str | None
    quantity: Quantity
    unit: str
    unit_price: PriceIO
    discount: MoneyIO
    tax_code: str
    tax_category: str
    tax_rate: Percent
    net: MoneyIO
    tax: MoneyIO
    gross: MoneyIO

    @classmethod
    def of(cls, line: CreditNoteLine, of: InvoiceLineOut, currency: str) -> Self:
        """A line of its row and the invoice line it takes back, as that is shown."""
        return cls(
            id=line.id,
            invoice_line_id=line.invoice_line_id,
            position=line.position,
            description=of.description,
            sku=of.sku,
            quantity=line.quantity,
            unit=of.unit,
            unit_price=of.unit_price,
            discount=Money(line.discount_minor, currency),
            tax_code=of.tax_code,
            tax_category=of.tax_category,
            tax_rate=of.tax_rate,
            net=Money(line.net_minor, currency),
            tax=Money(line.tax_minor, currency),
            gross=Money(line.gross_minor, currency),
        )


class CreditNoteOut(WireModel):
    """A credit note. `unallocated` is the customer's credit: what was left after the invoice was settled."""

    id: UUID
    number: str
    state: Literal["finalized"]
    invoice_id: UUID
    customer_id: UUID
    currency: str
    lines: list[CreditNoteLineOut]
    totals: TotalsOut
    tax_breakdown: list[TaxBreakdownRow]
    allocations: list[AllocationOut]
    unallocated: MoneyIO
    refunded: MoneyIO
    reason: str
    issued_on: LocalDate
    journal_entry_id: UUID | None
    cancels: Annotated[bool, Field(description="It voids its invoice.")]
    delivery: DeliveryOut | None = None
    allowed_actions: list[str]
    version: int
    created_at: Timestamp
    updated_at: Timestamp

    @classmethod
    def of(
        cls,
        row: CreditNote,
        lines: Sequence[CreditNoteLineOut],
        allocations: Sequence[AllocationOut],
    ) -> Self:
        """A credit note of its rows."""
        return cls(
            lines=list(lines),
            allocations=list(allocations),
            totals=TotalsOut(net=row.net, tax=row.tax, gross=row.gross),
            unallocated=row.unallocated,
            refunded=row.refunded,
            journal_entry_id=row.entry_id,
            allowed_actions=allowed_actions(
                row.state,
                unallocated=row.unallocated_minor,
                elsewhere=sum(a.amount.minor for a in allocations if a.invoice_id != row.invoice_id),
            ),
            **row.model_dump(
                include={
                    "id", "number", "state", "invoice_id", "customer_id", "currency", "tax_breakdown", "reason",
                    "issued_on", "cancels", "version", "created_at", "updated_at",
                }
            ),
        )  # fmt: skip


class CreditOut(WireModel):
    """Money of a customer that settles nothing yet: what is left of a payment or credit note."""

    kind: Literal["payment", "credit_note"]
    id: UUID
    customer_id: UUID
    reference: str | None
    amount: MoneyIO
    unallocated: MoneyIO
    dated: LocalDate
