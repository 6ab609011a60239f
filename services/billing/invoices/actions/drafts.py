"""Drafts: invoices that are still being written. They have no number and are in no ledger."""

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import delete
from sqlmodel import col

from services.billing.invoices import queries
from services.billing.invoices.actions.customers import be_found
from services.billing.invoices.models import Invoice, InvoiceLine
from services.billing.invoices.rules import (
    DRAFT,
    LIFECYCLE,
    FulfilmentInvoiced,
    NotADraft,
    PricedLine,
    UnknownCustomer,
    figures_of,
    require_prices,
)
from services.billing.invoices.schemas import CustomerFacts, InvoiceChange, InvoiceIn, InvoiceLineIn
from services.billing.ledger.rules import EARLIEST, DateBounds, a_year_after
from services.billing.tax import queries as tax
from services.billing.tax.rules import require_known
from shared.context import lifecycle
from shared.context.ctx import Ctx
from shared.contracts.orders import TaxBreakdownRow
from shared.database.tables import touch
from shared.http.router import require_version
from shared.values.faults import FieldError
from shared.values.money import Money
from shared.values.tax import TaxedDocument


async def create_invoice(ctx: Ctx, invoice: InvoiceIn) -> Invoice:
    """Write a draft; its tax rates are those of the day of supply, or of today when that is not given."""
    _require_supply(ctx, invoice.delivered_on)
    await _require_unclaimed(ctx, invoice.source_refs.fulfilment_id)
    row = Invoice(
        tenant_id=ctx.tenant.id,
        created_at=ctx.now,
        updated_at=ctx.now,
        state=DRAFT,
        customer_id=invoice.customer_id,
        customer=await _buyer(ctx, invoice.customer_id, invoice.customer),
        currency=invoice.currency or ctx.tenant.currency,
        prices=invoice.prices,
        rounding=invoice.rounding,
        payment_terms_days=invoice.payment_terms_days,
        delivered_on=invoice.delivered_on,
        order_id=invoice.source_refs.order_id,
        fulfilment_id=invoice.source_refs.fulfilment_id,
        notes=invoice.notes,
    )
    ctx.session.add(row)
    ctx.session.add_all(await _priced_lines(ctx, row, invoice.lines))
    lifecycle.begin(ctx, LIFECYCLE, row.id)
    return row


async def change_invoice(ctx: Ctx, invoice_id: UUID, change: InvoiceChange, *, version: int) -> Invoice:
    """Rewrite parts of a draft, based on the version the caller has seen."""
    row = await _get_draft(ctx, invoice_id)
    require_version(row, version)
    given = change.model_fields_set
    _require_supply(ctx, change.delivered_on)
    for name in given & {"payment_terms_days", "delivered_on", "notes"}:
        setattr(row, name, getattr(change, name))
    if "customer" in given:
        row.customer = await _buyer(ctx, row.customer_id, change.customer)
    if given & {"lines", "delivered_on"}:
        lines = change.lines if "lines" in given else await _lines_as_given(ctx, row)
        await ctx.session.exec(delete(InvoiceLine).where(*_lines_of(row)))
        ctx.session.add_all(await _priced_lines(ctx, row, lines))
    touch(row, ctx.now)
    return row


async def delete_invoice(ctx: Ctx, invoice_id: UUID) -> None:
    """Throw a draft away; as it has no number, none is missing afterwards."""
    row = await _get_draft(ctx, invoice_id)
    await ctx.session.exec(delete(InvoiceLine).where(*_lines_of(row)))
    await ctx.session.delete(row)
    ctx.record_move(LIFECYCLE.aggregate, row.id, "delete", DRAFT, "deleted", None)


def _require_supply(ctx: Ctx, delivered_on: date | None) -> None:
    DateBounds(EARLIEST, a_year_after(ctx.today)).require("/delivered_on", delivered_on)


async def _require_unclaimed(ctx: Ctx, fulfilment_id: UUID | None) -> None:
    claims = None if fulfilment_id is None else await queries.find_claims(ctx, fulfilment_id)
    if claims is not None:
        raise FulfilmentInvoiced.by(claims.id, claims.number)


async def _get_draft(ctx: Ctx, invoice_id: UUID) -> Invoice:
    row = await queries.get_invoice(ctx, invoice_id, lock=True)
    if row.state != DRAFT:
        allowed = LIFECYCLE.allowed(row.state)
        raise NotADraft(f"This invoice is {row.state}.", state=row.state, allowed_actions=allowed)
    return row


def _lines_of(row: Invoice) -> tuple[Any, ...]:
    """The condition for a draft's lines."""
    return col(InvoiceLine.tenant_id) == row.tenant_id, col(InvoiceLine.invoice_id) == row.id


async def _buyer(ctx: Ctx, customer_id: UUID, stated: CustomerFacts | None) -> dict[str, Any]:
    """What the invoice shows of its buyer: as stated, else as orders knows it."""
    if stated is not None:
        await be_found(ctx, customer_id, stated.name, stated.email)
        return _snapshot(stated)
    known = await queries.find_customer(ctx, customer_id)
    if known is None:
        sentence = f"There is no customer {customer_id}."
        raise UnknownCustomer(sentence, errors=[FieldError("/customer_id", UnknownCustomer.code, sentence)])
    return _snapshot(CustomerFacts.model_validate(known))


def _snapshot(facts: CustomerFacts) -> dict[str, Any]:
    return facts.model_dump(mode="json", exclude_none=True)


async def _lines_as_given(ctx: Ctx, row: Invoice) -> list[InvoiceLineIn]:
    """The draft's lines as they were asked for, to be priced again."""
    stored = (await queries.find_lines(ctx, [row.id]))[row.id]
    return [
        InvoiceLineIn(
            description=line.description,
            quantity=line.quantity,
            unit_price=Money(line.unit_price_minor, row.currency),
            tax_code=line.tax_code,
            discount_percent=line.discount_percent,
            sku=line.sku,
        )
        for line in stored
    ]


async def _priced_lines(ctx: Ctx, row: Invoice, lines: Sequence[InvoiceLineIn]) -> list[InvoiceLine]:
    """Price the lines, state the totals on the invoice, and make its line rows."""
    require_prices([line.unit_price for line in lines], row.currency)
    on = row.delivered_on or ctx.today
    rates = await tax.find_tax_codes(ctx, {line.tax_code for line in lines}, on=on)
    require_known(rates, [line.tax_code for line in lines], on)
    priced = [
        PricedLine(
            quantity=line.quantity,
            unit_price=line.unit_price,
            discount_percent=line.discount_percent,
            tax_code=line.tax_code,
            tax_category=rates[line.tax_code].category,
            tax_rate=rates[line.tax_code].rate,
        )
        for line in lines
    ]
    document = figures_of(priced, prices=row.prices, rounding=row.rounding, currency=row.currency)
    _state_totals(row, document)
    return [
        InvoiceLine(
            tenant_id=row.tenant_id,
            created_at=ctx.now,
            updated_at=ctx.now,
            invoice_id=row.id,
            position=position,
            description=line.description,
            sku=line.sku,
            quantity=line.quantity,
            unit_price_minor=line.unit_price.minor,
            discount_percent=line.discount_percent,
            discount_minor=taxed.discount.minor,
            tax_code=line.tax_code,
            tax_category=meaning.tax_category,
            tax_rate=meaning.tax_rate,
            net_minor=taxed.net.minor,
            tax_minor=taxed.tax.minor,
            gross_minor=taxed.gross.minor,
        )
        for position, (line, meaning, taxed) in enumerate(zip(lines, priced, document.lines, strict=True), 1)
    ]


def _state_totals(row: Invoice, document: TaxedDocument) -> None:
    totals = document.totals
    row.net_minor, row.tax_minor, row.gross_minor = totals.net.minor, totals.tax.minor, totals.gross.minor
    row.tax_breakdown = [
        TaxBreakdownRow(
            tax_code=group.tax_code, category=group.category, rate=group.rate, base=group.base, tax=group.tax
        ).model_dump(mode="json")
        for group in document.tax_breakdown
    ]
