"""Facts that billing publishes."""

from datetime import date
from uuid import UUID

from pydantic import BaseModel, Field

from shared.contracts.event import Event
from shared.values.fields import MoneyIO, Percent


class TaxCodeChanged(Event, type="billing.tax_code.changed.v1"):
    """A tax code was added or changed; orders keeps a copy to price with."""

    tax_code_id: UUID
    code: str
    name: str
    category: str
    rate: Percent
    valid_from: date
    valid_to: date | None = None
    version: int


class SourceRefs(BaseModel):
    """What an invoice charges."""

    order_id: UUID | None = None
    fulfilment_id: UUID | None = None


class InvoiceFinalized(Event, type="billing.invoice.finalized.v1"):
    """An invoice got its number and was posted; its figures never change again."""

    invoice_id: UUID
    number: str
    customer_id: UUID
    currency: str
    net: MoneyIO
    tax: MoneyIO
    gross: MoneyIO
    issued_on: date
    due_on: date
    source_refs: SourceRefs = Field(default_factory=SourceRefs)


class InvoiceVoided(Event, type="billing.invoice.voided.v1"):
    """A finalized invoice was voided: its posting was reversed, and a credit note cancels it.

    The credit note tells of itself, too, with `cancels`; whoever sums up counts one of the two.
    """

    invoice_id: UUID
    number: str
    customer_id: UUID
    gross: MoneyIO
    source_refs: SourceRefs = Field(default_factory=SourceRefs)
    credit_note_id: UUID | None = None
    credit_note_number: str | None = None


class InvoicePaid(Event, type="billing.invoice.paid.v1"):
    """Nothing is open of an invoice any more and money settled it; what reopens it is told with the payment."""

    invoice_id: UUID
    number: str
    customer_id: UUID
    gross: MoneyIO
    paid_on: date
    source_refs: SourceRefs = Field(default_factory=SourceRefs)


class InvoiceOverdue(Event, type="billing.invoice.overdue.v1"):
    """An invoice passed its due date with something still open."""

    invoice_id: UUID
    number: str
    customer_id: UUID
    due_on: date
    open: MoneyIO


class AllocatedInvoice(BaseModel):
    """How much of a payment or credit settled which invoice, and what that leaves."""

    invoice_id: UUID
    amount: MoneyIO
    open: MoneyIO
    payment_status: str
    source_refs: SourceRefs = Field(default_factory=SourceRefs)


class CreditNoteFinalized(Event, type="billing.credit_note.finalized.v1"):
    """A credit note got its number and was posted. One that `cancels` is the document of `invoice.voided`."""

    credit_note_id: UUID
    number: str
    invoice_id: UUID
    customer_id: UUID
    net: MoneyIO
    tax: MoneyIO
    gross: MoneyIO
    issued_on: date
    allocations: list[AllocatedInvoice] = Field(default_factory=list)
    cancels: bool = False
    source_refs: SourceRefs = Field(default_factory=SourceRefs)


class CreditNoteAllocated(Event, type="billing.credit_note.allocated.v1"):
    """What was left of a credit note settled further invoices; `invoice_id` is the one it takes back."""

    credit_note_id: UUID
    invoice_id: UUID | None = None
    customer_id: UUID
    unallocated: MoneyIO
    allocated_on: date
    allocations: list[AllocatedInvoice]


class PaymentRecorded(Event, type="billing.payment.recorded.v1"):
    """Money came in from a customer."""

    payment_id: UUID
    customer_id: UUID
    amount: MoneyIO
    unallocated: MoneyIO
    received_on: date
    allocations: list[AllocatedInvoice]


class PaymentAllocated(Event, type="billing.payment.allocated.v1"):
    """What was left of a payment settled further invoices, after `payment.recorded`."""

    payment_id: UUID
    customer_id: UUID
    unallocated: MoneyIO
    allocated_on: date
    allocations: list[AllocatedInvoice]


class PaymentDeallocated(Event, type="billing.payment.deallocated.v1"):
    """What a payment had settled of invoices is open again; each `amount` is what was taken back."""

    payment_id: UUID
    customer_id: UUID
    unallocated: MoneyIO
    deallocated_on: date
    allocations: list[AllocatedInvoice]


class PaymentReversed(Event, type="billing.payment.reversed.v1"):
    """Money did not come in after all (bounced, wrong customer); what it had settled is open again."""

    payment_id: UUID
    customer_id: UUID
    amount: MoneyIO
    reason: str
    effective_on: date
    allocations: list[AllocatedInvoice]


class CreditNoteDeallocated(Event, type="billing.credit_note.deallocated.v1"):
    """What a credit note had settled of further invoices is open again; each `amount` is what was taken back."""

    credit_note_id: UUID
    customer_id: UUID
    unallocated: MoneyIO
    deallocated_on: date
    allocations: list[AllocatedInvoice]


class RefundPaid(Event, type="billing.refund.paid.v1"):
    """Money went back to a customer, out of what was left of a payment or credit note."""

    refund_id: UUID
    customer_id: UUID
    payment_id: UUID | None = None
    credit_note_id: UUID | None = None
    amount: MoneyIO
    method: str
    refunded_on: date


class RefundReturned(Event, type="billing.refund.returned.v1"):
    """A refund came back (a closed account); the amount is the customer's credit again."""

    refund_id: UUID
    customer_id: UUID
    payment_id: UUID | None = None
    credit_note_id: UUID | None = None
    amount: MoneyIO
    effective_on: date


class WriteOffRecorded(Event, type="billing.write_off.recorded.v1"):
    """Part of what is open of an invoice was given up; `tax` is how much less tax is owed by it."""

    write_off_id: UUID
    customer_id: UUID
    kind: str
    amount: MoneyIO
    tax: MoneyIO
    effective_on: date
    allocations: list[AllocatedInvoice]


class WriteOffReversed(Event, type="billing.write_off.reversed.v1"):
    """What was given up of an invoice is open again; `allocations` has the amount that was taken back."""

    write_off_id: UUID
    customer_id: UUID
    kind: str
    amount: MoneyIO
    effective_on: date
    allocations: list[AllocatedInvoice]


class JournalEntryPosted(Event, type="billing.journal_entry.posted.v1"):
    """An entry was posted to the ledger."""

    journal_entry_id: UUID
    number: str | None = None
    effective_on: date
    memo: str
    source: str
