"""Issuing: a draft becomes a numbered document in the ledger, and passes its due date."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from services.billing.documents.content import DocumentContent, PaymentTerms
from services.billing.documents.parties import profile_of
from services.billing.documents.queries import find_payment_terms, get_seller, seller_facts
from services.billing.documents.rules import require_sound
from services.billing.invoices import queries
from services.billing.invoices.actions.drafts import tax_at_supply
from services.billing.invoices.actions.mailing import mail_if_wanted
from services.billing.invoices.models import Invoice, InvoiceLine
from services.billing.invoices.rules import (
    FINALIZED,
    LIFECYCLE,
    OVERDUE,
    SERIES,
    OpenInvoice,
    midnight_after,
)
from services.billing.ledger import actions as ledger
from services.billing.ledger.chart import ROLE_OUTPUT_TAX, ROLE_RECEIVABLE, ROLE_SALES
from services.billing.ledger.rules import Entry, OpenItem, Posting
from shared.context import lifecycle
from shared.context.ctx import Ctx
from shared.context.numbering import take_number
from shared.contracts.billing import InvoiceFinalized, InvoiceOverdue, InvoicePaid, SourceRefs
from shared.contracts.orders import TaxBreakdownRow
from shared.values.fields import decimal_text
from shared.values.money import Money


@dataclass(frozen=True, slots=True)
class Finalized:
    """An invoice that was just numbered, and the document that it is."""

    row: Invoice
    lines: Sequence[InvoiceLine]
    content: DocumentContent


async def finalize_invoice(ctx: Ctx, invoice_id: UUID) -> Finalized:
    """Date, tax, post and number a draft. The number comes last, so that a rollback gives it back at once.

    Its tax rates are those of the day of supply, decided now. An invoice of nothing has no posting and is settled
    from the start. Refused where the seller wants valid e-invoices only and this is none: then nothing of it is kept.
    """
    row = await queries.get_invoice(ctx, invoice_id, lock=True)
    LIFECYCLE.target(row.state, "finalize")
    lines = await tax_at_supply(ctx, row)
    seller = await get_seller(ctx)
    kept = seller_facts(ctx, seller)
    terms = await _terms(ctx, row, kept)
    lifecycle.advance(ctx, LIFECYCLE, row, "finalize")
    row.issued_on = ctx.today
    row.due_on = ctx.today + timedelta(days=row.payment_terms_days)
    row.seller = kept
    row.open_minor = row.gross_minor
    row.entry_id = await _post(ctx, row, row.issued_on)
    if row.gross_minor:
        ctx.schedule(OVERDUE, row.id, midnight_after(row.due_on, ctx.tenant.time_zone))
    row.number = await take_number(ctx, SERIES, row.issued_on.year)
    await ctx.tx.flush()
    content = queries.document_of(ctx, row, lines, kept, terms)
    if seller.e_invoice_required:
        require_sound(content)
    _tell_finalized(ctx, row)
    await mail_if_wanted(ctx, LIFECYCLE.aggregate, row.id, row.number, row)
    return Finalized(row, lines, content)


async def _terms(ctx: Ctx, row: Invoice, kept: Mapping[str, Any]) -> PaymentTerms:
    """How to pay, as far as an e-invoice is judged by it: only XRechnung is, nobody else's bank data is opened here."""
    if profile_of(row.customer) != "xrechnung":
        return PaymentTerms()
    return await find_payment_terms(ctx, kept)


async def _post(ctx: Ctx, row: Invoice, issued_on: date) -> UUID | None:
    """Post what an invoice states; one that deductions lower to nothing may still have tax of several rates."""
    breakdown = [TaxBreakdownRow.model_validate(part) for part in row.tax_breakdown]
    postings = sales_postings(row.id, row.gross, breakdown)
    if not postings:
        return None
    return await ledger.post_entry(
        ctx,
        Entry(
            postings=postings,
            effective_on=issued_on,
            memo=f"Invoice to {row.customer['name']}",
            source="invoice",
            source_id=row.id,
            open_items=[receivable(row.id, row.customer_id, row.gross, row)] if row.gross_minor else [],
        ),
    )


def receivable(invoice_id: UUID, customer_id: UUID, gross: Money, row: Invoice) -> OpenItem:
    """The claim on the customer that an invoice's posting opens."""
    return OpenItem(invoice_id, "invoice", customer_id, ROLE_RECEIVABLE, gross, due_on=row.due_on)


def sales_postings(
    document_id: UUID, gross: Money, breakdown: Sequence[TaxBreakdownRow], *, account: str = ROLE_SALES
) -> list[Posting]:
    """Dr receivable; Cr sales and Cr output tax, each per tax code, category and rate. Lines of nothing are left out.

    Sales and tax say what they are by dimensions, with the base as the document states it: a return asks for the value
    of exempt and untaxed sales, too (VAT Directive 2006/112/EC, articles 250 and 251; rows as EN 16931 BG-23).
    """
    lines = [Posting(ROLE_RECEIVABLE, gross, document_id)]
    lines += [Posting(account, -row.base, dimensions=_of_tax(row)) for row in breakdown]
    lines += [Posting(ROLE_OUTPUT_TAX, -row.tax, dimensions=_of_tax(row)) for row in breakdown]
    return [line for line in lines if not line.amount.is_zero]


def _of_tax(row: TaxBreakdownRow) -> dict[str, str]:
    return {
        "tax_code": row.tax_code,
        "tax_category": row.category,
        "tax_rate": decimal_text(row.rate),
        "tax_base": row.base.text,
    }


async def tell_overdue(ctx: Ctx, invoice_id: UUID) -> None:
    """Tell once that an invoice's due date has passed, if something is still open of it."""
    row = await queries.get_invoice(ctx, invoice_id, lock=True)
    if row.state != FINALIZED or not row.open_minor or row.due_on is None or row.due_on >= ctx.today:
        return
    ctx.emit(
        InvoiceOverdue(
            invoice_id=row.id,
            number=row.number or "",
            customer_id=row.customer_id,
            due_on=row.due_on,
            open=row.open,
        ),
        subject=row.id,
        version=row.version,
    )


def refs_of(row: Invoice | OpenInvoice) -> SourceRefs:
    """What the invoice charges."""
    return SourceRefs(order_id=row.order_id, fulfilment_id=row.fulfilment_id)


def tell_paid(ctx: Ctx, row: Invoice | OpenInvoice) -> None:
    """Tell that nothing is open of an invoice any more."""
    ctx.emit(
        InvoicePaid(
            invoice_id=row.id,
            number=row.number or "",
            customer_id=row.customer_id,
            gross=row.gross,
            paid_on=ctx.today,
            source_refs=refs_of(row),
        ),
        subject=row.id,
        version=row.version,
    )


def _tell_finalized(ctx: Ctx, row: Invoice) -> None:
    if row.number is None or row.issued_on is None or row.due_on is None:
        raise AssertionError("a finalized invoice has a number and dates")
    ctx.emit(
        InvoiceFinalized(
            invoice_id=row.id,
            number=row.number,
            customer_id=row.customer_id,
            currency=row.currency,
            net=row.net,
            tax=row.tax,
            gross=row.gross,
            issued_on=row.issued_on,
            due_on=row.due_on,
            source_refs=refs_of(row),
        ),
        subject=row.id,
        version=row.version,
    )
    if not row.gross_minor:
        tell_paid(ctx, row)
