"""Crediting: all or part of a finalized invoice is taken back, first off what is open of it."""

from collections.abc import Sequence
from uuid import UUID

from services.billing.credit_notes.models import CreditNote, CreditNoteLine
from services.billing.credit_notes.rules import (
    LIFECYCLE,
    SERIES,
    Creditable,
    CreditedLine,
    NotCreditable,
    OverCredited,
    breakdown_of,
    credit,
    parts_of,
    require_left,
    require_not_written_off,
    totals_of,
)
from services.billing.credit_notes.schemas import CreditNoteIn
from services.billing.documents.queries import find_seller_facts
from services.billing.invoices import actions as invoices
from services.billing.invoices import queries as invoice_queries
from services.billing.invoices.queries import Invoice, InvoiceLine
from services.billing.invoices.rules import FINALIZED
from services.billing.ledger import actions as ledger
from services.billing.ledger.chart import ROLE_RECEIVABLE
from services.billing.ledger.rules import Entry, OpenItem, mirrored
from services.billing.write_offs.queries import corrected_rows
from shared.context import lifecycle
from shared.context.ctx import Ctx
from shared.context.numbering import take_number
from shared.contracts.billing import (
    AllocatedInvoice,
    CreditNoteFinalized,
    SourceRefs,
)
from shared.contracts.orders import TaxBreakdownRow
from shared.values.ids import new_id
from shared.values.money import Money
from shared.values.tax import TaxMode, Totals


async def create_credit_note(ctx: Ctx, wanted: CreditNoteIn) -> CreditNote:
    """Take back all or part of a finalized invoice: first off what is open of it, the rest as credit."""
    invoice = await invoice_queries.get_invoice(ctx, wanted.invoice_id, lock=True)
    if invoice.state != FINALIZED:
        raise NotCreditable(f"This invoice is {invoice.state}.", state=invoice.state)
    stored = (await invoice_queries.find_lines(ctx, [invoice.id], lock=True))[invoice.id]
    lines = _credited(invoice, stored, wanted)
    totals, breakdown = totals_of(lines, invoice.currency), breakdown_of(lines, invoice.currency)
    await _require_creditable(ctx, invoice, totals, breakdown)
    credit_note_id = new_id()
    entry_id = await _post(ctx, credit_note_id, invoice, totals, breakdown)
    left = await invoices.credit_invoice(ctx, invoice, credit_note_id=credit_note_id, gross=totals.gross)
    _count_credited(stored, lines)
    await ctx.tx.flush()
    row = CreditNote(
        tenant_id=ctx.tenant.id,
        id=credit_note_id,
        created_at=ctx.now,
        updated_at=ctx.now,
        state=lifecycle.begin(ctx, LIFECYCLE, credit_note_id, verb="finalize", why=wanted.reason),
        invoice_id=invoice.id,
        customer_id=invoice.customer_id,
        seller=await find_seller_facts(ctx),
        currency=invoice.currency,
        net_minor=totals.net.minor,
        tax_minor=totals.tax.minor,
        gross_minor=totals.gross.minor,
        tax_breakdown=[part.model_dump(mode="json") for part in breakdown],
        unallocated_minor=left.minor,
        reason=wanted.reason,
        issued_on=ctx.today,
        entry_id=entry_id,
        number=await take_number(ctx, SERIES, ctx.today.year),
    )
    ctx.session.add(row)
    ctx.session.add_all(_line_rows(ctx, row, lines))
    await ctx.tx.flush()
    await invoices.mail_if_wanted(ctx, LIFECYCLE.aggregate, row.id, row.number, invoice)
    tell_finalized(ctx, row, _settled(invoice, totals.gross - left), invoices.refs_of(invoice))
    return row


def _settled(invoice: Invoice, amount: Money) -> list[AllocatedInvoice]:
    return [] if amount.is_zero else [invoices.allocated(invoice, amount)]


async def _require_creditable(
    ctx: Ctx, invoice: Invoice, totals: Totals, breakdown: Sequence[TaxBreakdownRow]
) -> None:
    """Refuse more than is left, and what was written off; an invoice of which nothing was costs no statement."""
    left = invoice.gross - invoice.credited
    if totals.gross > left:  # lines beside deductions may come to more than the whole
        raise OverCredited(
            f"Only {left} of the invoice is left to credit.",
            left={"amount": left.text, "currency": left.currency},
        )
    if invoice.written_off_minor:
        whole = Totals(invoice.net, invoice.tax, invoice.gross)
        require_not_written_off(whole, invoice.written_off, invoice.credited, totals)
        invoiced = [TaxBreakdownRow.model_validate(row) for row in invoice.tax_breakdown]
        require_left(invoiced, await corrected_rows(ctx, invoice.id), breakdown)


def _credited(invoice: Invoice, stored: Sequence[InvoiceLine], wanted: CreditNoteIn) -> list[CreditedLine]:
    """What is taken back of which line, as asked."""
    asked = None if wanted.lines is None else [(x.invoice_line_id, x.quantity) for x in wanted.lines]
    creditable = [_creditable(line, invoice.currency) for line in stored]
    mode = TaxMode(invoice.prices, invoice.rounding)
    return credit(creditable, parts_of(creditable, asked), mode, invoice.currency)


def _creditable(line: InvoiceLine, currency: str) -> Creditable:
    return Creditable(
        line_id=line.id,
        quantity=line.quantity,
        figures=line.figures(currency),
        credited_quantity=line.credited_quantity,
        credited=line.credited(currency),
        tax_code=line.tax_code,
        tax_category=line.tax_category,
        tax_rate=line.tax_rate,
    )


async def _post(
    ctx: Ctx, credit_note_id: UUID, invoice: Invoice, totals: Totals, breakdown: Sequence[TaxBreakdownRow]
) -> UUID:
    """What an invoice posts, mirrored: Dr sales, Dr output tax; Cr receivable, as an open item of its own."""
    return await ledger.post_entry(
        ctx,
        Entry(
            postings=mirrored(invoices.sales_postings(credit_note_id, totals.gross, breakdown)),
            effective_on=ctx.today,
            memo=f"Credit note on invoice {invoice.number}",
            source="credit_note",
            source_id=credit_note_id,
            open_items=[
                OpenItem(credit_note_id, "credit_note", invoice.customer_id, ROLE_RECEIVABLE, -totals.gross)
            ],
        ),
    )


def _count_credited(stored: Sequence[InvoiceLine], lines: Sequence[CreditedLine]) -> None:
    by_id = {line.id: line for line in stored}
    for part in lines:
        invoices.credit_line(by_id[part.of.line_id], quantity=part.quantity, figures=part.figures)


def _line_rows(ctx: Ctx, row: CreditNote, lines: Sequence[CreditedLine]) -> list[CreditNoteLine]:
    return [
        CreditNoteLine(
            tenant_id=ctx.tenant.id,
            created_at=ctx.now,
            updated_at=ctx.now,
            credit_note_id=row.id,
            invoice_line_id=line.of.line_id,
            position=position,
            quantity=line.quantity,
            discount_minor=line.figures.discount.minor,
            net_minor=line.figures.net.minor,
            tax_minor=line.figures.tax.minor,
            gross_minor=line.figures.gross.minor,
        )
        for position, line in enumerate(lines, 1)
    ]


def tell_finalized(ctx: Ctx, row: CreditNote, settled: list[AllocatedInvoice], refs: SourceRefs) -> None:
    """Tell other services of a credit note, of what it settled, and what its invoice charges."""
    ctx.emit(
        CreditNoteFinalized(
            credit_note_id=row.id,
            number=row.number,
            invoice_id=row.invoice_id,
            customer_id=row.customer_id,
            net=row.net,
            tax=row.tax,
            gross=row.gross,
            issued_on=row.issued_on,
            allocations=settled,
            cancels=row.cancels,
            source_refs=refs,
        ),
        subject=row.id,
        version=row.version,
    )
