"""Reads of credit notes, and of all credit a customer has."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from sqlmodel import col, select

from services.billing.credit_notes.models import CreditNote as CreditNote
from services.billing.credit_notes.models import CreditNoteLine
from services.billing.credit_notes.schemas import CreditNoteLineOut, CreditNoteOut, CreditOut
from services.billing.documents.content import DocumentContent, DocumentLine, References
from services.billing.documents.parties import buyer_party, logo_id, profile_of, seller_party, tax_rows
from services.billing.invoices import queries as invoices
from services.billing.invoices.queries import CUSTOMER_TERMS, Invoice, InvoiceLine, document_line, supply_day
from services.billing.invoices.schemas import AllocationOut, InvoiceLineOut
from services.billing.ledger import queries as ledger
from shared.context.ctx import Ctx
from shared.http.finding import Listing, Where, list_found, shown
from shared.http.paging import Page, PageQuery, page_of
from shared.mail.delivery import find_deliveries
from shared.values.faults import NotFound
from shared.values.money import Money, currency_digits

LISTED = Listing(
    "credit_notes",
    "select t.id from credit_notes t",
    numbers=("number",),
    terms=(CUSTOMER_TERMS, "customer_id"),
)
CREDITS = """
(select 'payment' as kind, id, customer_id, reference, amount_minor, unallocated_minor, currency, received_on as dated
 from payments where tenant_id = $1 and customer_id = $2 and unallocated_minor > 0
 and id < $3 order by id desc limit $4)
union all
(select 'credit_note', id, customer_id, number, gross_minor, unallocated_minor, currency, issued_on
 from credit_notes where tenant_id = $1 and customer_id = $2 and unallocated_minor > 0
 and id < $3 order by id desc limit $4)
order by id desc limit $4
"""


async def get_credit_note(ctx: Ctx, credit_note_id: UUID, *, lock: bool = False) -> CreditNote:
    """One credit note; locked when it is about to be allocated."""
    statement = select(CreditNote).where(CreditNote.id == credit_note_id)
    found = (await ctx.session.exec(statement.with_for_update() if lock else statement)).one_or_none()
    if found is None:
        raise NotFound("credit note", credit_note_id)
    return found


async def find_lines(
    ctx: Ctx, credit_note_ids: Sequence[UUID]
) -> dict[UUID, list[tuple[CreditNoteLine, InvoiceLine]]]:
    """The lines of each credit note with the invoice lines they take back, in their order."""
    statement = (
        select(CreditNoteLine)
        .where(col(CreditNoteLine.credit_note_id).in_(credit_note_ids))
        .order_by(col(CreditNoteLine.credit_note_id), col(CreditNoteLine.position))
    )
    found: dict[UUID, list[tuple[CreditNoteLine, InvoiceLine]]] = {key: [] for key in credit_note_ids}
    lines = (await ctx.session.exec(statement)).all()
    taken_back = await invoices.find_lines_by_id(ctx, [line.invoice_line_id for line in lines])
    for line in lines:
        found[line.credit_note_id].append((line, taken_back[line.invoice_line_id]))
    return found


async def show_credit_notes(ctx: Ctx, rows: Sequence[CreditNote]) -> list[CreditNoteOut]:
    """Credit notes with their lines and what they settled, as callers see them."""
    ids = [row.id for row in rows]
    lines = await find_lines(ctx, ids)
    settled: dict[UUID, list[AllocationOut]] = {key: [] for key in ids}
    for made in await ledger.find_allocations(ctx, ids):
        part = AllocationOut(invoice_id=made.to_item, amount=made.amount, allocated_on=made.allocated_on)
        settled[made.from_item].append(part)
    notes = [
        CreditNoteOut.of(
            row,
            [
                CreditNoteLineOut.of(line, InvoiceLineOut.of(of, row.currency), row.currency)
                for line, of in lines[row.id]
            ],
            settled[row.id],
        )
        for row in rows
    ]
    delivered = await find_deliveries(ctx, ids)
    for note in notes:
        note.delivery = delivered.get(note.id)
    return notes


async def show_credit_note(ctx: Ctx, row: CreditNote) -> CreditNoteOut:
    """One credit note as callers see it."""
    return (await show_credit_notes(ctx, [row]))[0]


async def list_credit_notes(ctx: Ctx, page: PageQuery, where: Where, q: str | None) -> Page[CreditNoteOut]:
    """Credit notes, newest first."""
    found = await shown(ctx, CreditNote, await list_found(ctx, page, LISTED, where, q))
    return Page(items=await show_credit_notes(ctx, found.items), next=found.next)


async def list_credits(ctx: Ctx, page: PageQuery, *, customer_id: UUID) -> Page[CreditOut]:
    """What of a customer's payments and credit notes settles nothing yet, newest first."""
    rows = await ctx.sql.fetch(CREDITS, ctx.tenant.id, customer_id, page.below_id, page.limit + 1)
    shown = [
        CreditOut(
            kind=row["kind"],
            id=row["id"],
            customer_id=row["customer_id"],
            reference=row["reference"],
            amount=Money(row["amount_minor"], row["currency"]),
            unallocated=Money(row["unallocated_minor"], row["currency"]),
            dated=row["dated"],
        )
        for row in rows
    ]
    return page_of(shown, page, lambda row: row.id)


async def get_document(ctx: Ctx, credit_note_id: UUID) -> DocumentContent:
    """A credit note as the renderers read it; its amounts are what is given back."""
    row = await get_credit_note(ctx, credit_note_id)
    invoice = await invoices.get_invoice(ctx, row.invoice_id)
    return document_of(row, invoice, (await find_lines(ctx, [row.id]))[row.id])


def document_of(
    row: CreditNote, invoice: Invoice, lines: Sequence[tuple[CreditNoteLine, InvoiceLine]]
) -> DocumentContent:
    """What a credit note says, of its rows, its invoice's, and what they keep of seller and customer."""
    return DocumentContent(
        kind="credit_note",
        number=row.number,
        state="finalized",
        issued_on=row.issued_on,
        delivered_on=supply_day(invoice),
        currency=row.currency,
        decimals=currency_digits(row.currency),
        seller=seller_party(row.seller),
        buyer=buyer_party(invoice.customer),
        lines=tuple(_document_line(line, of, row.currency) for line, of in lines),
        tax_breakdown=tax_rows(row.tax_breakdown),
        net=row.net.amount,
        tax=row.tax.amount,
        gross=row.gross.amount,
        paid=Money.zero(row.currency).amount,
        due=row.gross.amount,
        references=References(
            order_number=invoice.order_number or "",
            purchase_order=invoice.purchase_order or "",
            buyer_reference=invoice.customer.get("buyer_reference") or "",
            original_invoice_number=invoice.number or "",
            original_invoice_issued_on=invoice.issued_on,
        ),
        notes=row.reason,
        prices=invoice.prices,
        language=invoice.customer.get("language") or "en",
        profile=profile_of(invoice.customer),
        logo_id=logo_id(row.seller),
    )


def _document_line(line: CreditNoteLine, of: InvoiceLine, currency: str) -> DocumentLine:
    return replace(
        document_line(of, currency),
        quantity=line.quantity,
        discount=Money(line.discount_minor, currency).amount,
        net=Money(line.net_minor, currency).amount,
        tax=Money(line.tax_minor, currency).amount,
        gross=Money(line.gross_minor, currency).amount,
    )
