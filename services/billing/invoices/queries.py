"""Reads of invoices; and the types of what they answer, for siblings to name."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

import asyncpg
from sqlmodel import col, select

from services.billing.documents.content import DocumentContent, DocumentLine, PaymentTerms, References
from services.billing.documents.parties import buyer_party, logo_id, profile_of, seller_party, tax_rows
from services.billing.documents.queries import find_payment_terms, find_seller_facts
from services.billing.invoices.models import Customer, InvoiceSettings
from services.billing.invoices.models import Invoice as Invoice
from services.billing.invoices.models import InvoiceLine as InvoiceLine
from services.billing.invoices.rules import DRAFT, VOIDED, InvoiceIsVoided, InvoiceView, LineView, OpenInvoice
from services.billing.invoices.schemas import InvoiceOut, InvoiceSummaryOut
from shared.context.ctx import Ctx
from shared.context.search_terms import TermIndex
from shared.database.table_sql import TableSql
from shared.http.finding import Listing, Where, list_found
from shared.http.paging import Page, PageQuery
from shared.mail.delivery import find_deliveries
from shared.values.faults import NotFound
from shared.values.money import Money, currency_digits
from shared.values.prices import UnitPrice

VIEWS = TableSql(Invoice, InvoiceView)
LINES = TableSql(InvoiceLine, LineView)
OPEN = TableSql(Invoice, OpenInvoice)
SHOWN = f"select {VIEWS.columns('i')} from invoices i"  # noqa: S608 - our own column names
CUSTOMER_TERMS = TermIndex("customer_terms", "customer_id")
LISTED = Listing(
    "invoices", f"select {VIEWS.columns('t')} from invoices t",  # noqa: S608 - our own column names
    numbers=("number", "order_number"), terms=(CUSTOMER_TERMS, "customer_id"),
)  # fmt: skip
LINES_OF = f"""
select {LINES.columns("l")} from invoice_lines l
where l.tenant_id = $1 and l.invoice_id = any($2::uuid[]) order by l.invoice_id, l.position
"""  # noqa: S608 - our own column names
# Locked in the order of their ids, so that two settlers cannot deadlock.
LOCK = f"""
select {OPEN.columns("i")} from invoices i
where i.tenant_id = $1 and i.id = any($2::uuid[]) order by i.id for no key update
"""  # noqa: S608 - our own column names
CANCELLED_BY = "select id, number from credit_notes where tenant_id = $1 and invoice_id = $2 and cancels"
_NO_TERMS = PaymentTerms()
KNOWN = """
select asked.id from unnest($2::uuid[]) as asked(id)
where exists (select from customers c where c.tenant_id = $1 and c.id = asked.id)
  or exists (select from invoices i where i.tenant_id = $1 and i.customer_id = asked.id)
"""


async def get_invoice(ctx: Ctx, invoice_id: UUID, *, lock: bool = False) -> Invoice:
    """One invoice; locked when it is about to change."""
    statement = select(Invoice).where(Invoice.id == invoice_id)
    if lock:
        statement = statement.with_for_update()
    found = (await ctx.session.exec(statement)).one_or_none()
    if found is None:
        raise NotFound("invoice", invoice_id)
    return found


async def get_settings(ctx: Ctx, *, lock: bool = False) -> InvoiceSettings:
    """What the tenant wants done with its invoices; a new row, not yet stored, when it has said nothing."""
    statement = select(InvoiceSettings).where(InvoiceSettings.id == ctx.tenant.id)
    found = (await ctx.session.exec(statement.with_for_update() if lock else statement)).one_or_none()
    return found or InvoiceSettings(
        tenant_id=ctx.tenant.id, id=ctx.tenant.id, created_at=ctx.now, updated_at=ctx.now
    )


async def lock_invoices(ctx: Ctx, invoice_ids: Collection[UUID]) -> dict[UUID, OpenInvoice]:
    """Those of the invoices that exist, locked."""
    await ctx.tx.flush()
    rows = await ctx.sql.fetch(LOCK, ctx.tenant.id, list(invoice_ids)) if invoice_ids else []
    return {row["id"]: OPEN.read(row) for row in rows}


async def find_lines(
    ctx: Ctx, invoice_ids: Collection[UUID], *, lock: bool = False
) -> dict[UUID, list[InvoiceLine]]:
    """The lines of each invoice, in their order."""
    statement = (
        select(InvoiceLine)
        .where(col(InvoiceLine.invoice_id).in_(invoice_ids))
        .order_by(col(InvoiceLine.invoice_id), col(InvoiceLine.position))
    )
    found: dict[UUID, list[InvoiceLine]] = {invoice_id: [] for invoice_id in invoice_ids}
    for line in (await ctx.session.exec(statement.with_for_update() if lock else statement)).all():
        found[line.invoice_id].append(line)
    return found


async def find_lines_by_id(ctx: Ctx, line_ids: Collection[UUID]) -> dict[UUID, InvoiceLine]:
    """Invoice lines by their ids, whichever invoices they belong to."""
    statement = select(InvoiceLine).where(col(InvoiceLine.id).in_(line_ids))
    return {line.id: line for line in (await ctx.session.exec(statement)).all()}


async def find_customer(ctx: Ctx, customer_id: UUID) -> Customer | None:
    """What billing knows of a customer."""
    return (await ctx.session.exec(select(Customer).where(Customer.id == customer_id))).one_or_none()


async def find_last_buyer(ctx: Ctx, customer_id: UUID) -> Mapping[str, Any] | None:
    """A customer as its last invoice states it, for one that orders has not told of."""
    statement = select(Invoice.customer).where(Invoice.customer_id == customer_id)
    found = (await ctx.session.exec(statement.order_by(col(Invoice.id).desc()).limit(1))).one_or_none()
    return None if found is None else dict(found)


async def known_customers(ctx: Ctx, customer_ids: Collection[UUID]) -> set[UUID]:
    """Those of the customers that billing has heard of, from orders or by an invoice."""
    rows = await ctx.sql.fetch(KNOWN, ctx.tenant.id, list(customer_ids)) if customer_ids else []
    return {row["id"] for row in rows}


async def find_claims(ctx: Ctx, fulfilment_id: UUID) -> Invoice | None:
    """The invoice of a fulfilment, or the draft that claims it."""
    statement = select(Invoice).where(Invoice.fulfilment_id == fulfilment_id)
    return (await ctx.session.exec(statement)).one_or_none()


async def show_invoice(ctx: Ctx, row: Invoice) -> InvoiceOut:
    """An invoice that was just changed, with its lines, as callers see it."""
    return await with_delivery(ctx, InvoiceOut.of(row, (await find_lines(ctx, [row.id]))[row.id]))


async def with_delivery(ctx: Ctx, shown: InvoiceOut) -> InvoiceOut:
    """An invoice and how it went out by mail."""
    shown.delivery = (await find_deliveries(ctx, [shown.id])).get(shown.id)
    return shown


async def read_invoice(ctx: Ctx, invoice_id: UUID) -> InvoiceOut:
    """One invoice with its lines, as callers see it."""
    rows = await ctx.sql.fetch(f"{SHOWN} where i.tenant_id = $1 and i.id = $2", ctx.tenant.id, invoice_id)
    if not rows:
        raise NotFound("invoice", invoice_id)
    return (await _with_lines(ctx, rows))[0]


async def list_invoices(ctx: Ctx, page: PageQuery, where: Where, q: str | None) -> Page[InvoiceOut]:
    """Invoices, newest first; all lines of a page are one more statement, whatever its length."""
    found = await list_found(ctx, page, LISTED, where, q)
    return Page(items=await _with_lines(ctx, found.items), next=found.next)


async def list_heads(ctx: Ctx, page: PageQuery, where: Where, q: str | None) -> Page[InvoiceSummaryOut]:
    """Invoices without their lines, newest first."""
    found = await list_found(ctx, page, LISTED, where, q)
    heads = [InvoiceSummaryOut.model_validate(VIEWS.read(row)) for row in found.items]
    return Page(items=heads, next=found.next)


def unsettled(where: Where, today: date, *, is_open: bool | None, is_overdue: bool | None) -> Where:
    """Those with something left to pay, or past their due date with it; with `False` all others, with None all."""
    if is_open is not None:
        where.that("t.open_minor > 0" if is_open else "t.open_minor = 0", scattered=is_open)
    if is_overdue is not None:
        late = f"(t.open_minor > 0 and t.due_on < {where.parameters.add(today)})"
        where.that(late if is_overdue else f"{late} is not true", scattered=is_overdue)
    return where


async def _with_lines(ctx: Ctx, rows: Sequence[asyncpg.Record]) -> list[InvoiceOut]:
    """Rows of `SHOWN` with their lines and how they went out."""
    lines: dict[UUID, list[LineView]] = {row["id"]: [] for row in rows}
    for row in await ctx.sql.fetch(LINES_OF, ctx.tenant.id, list(lines)) if lines else []:
        lines[row["invoice_id"]].append(LINES.read(row))
    shown = [InvoiceOut.of(VIEWS.read(row), lines[row["id"]]) for row in rows]
    delivered = await find_deliveries(ctx, list(lines))
    for invoice in shown:
        invoice.delivery = delivered.get(invoice.id)
    return shown


async def get_document(ctx: Ctx, invoice_id: UUID, *, original: bool = False) -> DocumentContent:
    """An invoice as the renderers read it; a draft as it would look today, a numbered one as it was issued.

    A voided one is refused with the credit note that cancels it, unless `original` asks for what was issued.
    """
    row = await get_invoice(ctx, invoice_id)
    if row.state == VOIDED and not original:
        await _refuse_voided(ctx, row)
    lines = (await find_lines(ctx, [row.id]))[row.id]
    seller = row.seller if row.seller is not None else await find_seller_facts(ctx)
    return document_of(ctx, row, lines, seller, await find_payment_terms(ctx, seller))


async def _refuse_voided(ctx: Ctx, row: Invoice) -> None:
    found = await ctx.sql.fetchrow(CANCELLED_BY, ctx.tenant.id, row.id)
    by = f"credit note {found['number']} cancels it" if found else "its posting was reversed"
    raise InvoiceIsVoided(
        f"Invoice {row.number} was voided: {by}. With ?original=true you get it as it was issued.",
        invoice_id=row.id,
        number=row.number,
        credit_note={"id": found["id"], "number": found["number"]} if found else None,
    )


def document_of(
    ctx: Ctx,
    row: Invoice,
    lines: Sequence[InvoiceLine],
    seller: Mapping[str, Any],
    terms: PaymentTerms = _NO_TERMS,
) -> DocumentContent:
    """What an invoice says, of its rows and what they keep of seller and customer; nothing that happens later."""
    return DocumentContent(
        kind="invoice",
        number=row.number or "",
        state="draft" if row.state == DRAFT else "finalized",
        issued_on=row.issued_on or ctx.today,
        due_on=row.due_on,
        delivered_on=supply_day(row),
        currency=row.currency,
        decimals=currency_digits(row.currency),
        seller=seller_party(seller),
        buyer=buyer_party(row.customer),
        lines=tuple(document_line(line, row.currency) for line in lines),
        tax_breakdown=tax_rows(row.tax_breakdown),
        net=row.net.amount,
        tax=row.tax.amount,
        gross=row.gross.amount,
        paid=Money.zero(row.currency).amount,
        due=row.gross.amount,
        payment_terms=terms.text,
        bank_account=terms.account,
        references=References(
            order_number=row.order_number or "",
            purchase_order=row.purchase_order or "",
            buyer_reference=row.customer.get("buyer_reference") or "",
        ),
        notes=row.notes or "",
        prices=row.prices,
        language=row.customer.get("language") or "en",
        profile=profile_of(row.customer),
        logo_id=logo_id(seller),
    )


def supply_day(row: Invoice) -> date | None:
    """The day of supply that a document states; not told otherwise it is the day of issue, by which it is taxed, too.

    Invoices must say it (Directive 2006/112/EC, art. 226 (7)), those of intra-Community supplies as data (BR-IC-11).
    """
    return row.delivered_on or row.issued_on


def document_line(line: InvoiceLine, currency: str) -> DocumentLine:
    """An invoice line as the renderers read it."""
    figures = line.figures(currency)
    return DocumentLine(
        description=line.description,
        quantity=line.quantity,
        unit_price=UnitPrice(line.unit_price_minor, currency).amount,
        tax_code=line.tax_code,
        tax_category=line.tax_category,
        tax_rate=line.tax_rate,
        net=figures.net.amount,
        tax=figures.tax.amount,
        gross=figures.gross.amount,
        discount=figures.discount.amount,
        unit=line.unit,
    )
