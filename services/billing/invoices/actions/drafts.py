"""Drafts: invoices that are still being written. They have no number and are in no ledger."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import delete
from sqlmodel import col

from services.billing.invoices import queries
from services.billing.invoices.actions.customers import be_found
from services.billing.invoices.models import Customer, Invoice, InvoiceLine
from services.billing.invoices.rules import (
    DRAFT,
    LIFECYCLE,
    FulfilmentInvoiced,
    NegativeInvoice,
    NotADraft,
    PricedLine,
    UnknownCustomer,
    figures_of,
    require_not_negative,
    require_prices,
)
from services.billing.invoices.schemas import CustomerFacts, InvoiceChange, InvoiceIn, InvoiceLineIn
from services.billing.ledger.rules import EARLIEST, DateBounds, a_year_after
from services.billing.tax import queries as tax
from services.billing.tax.rules import TaxRate, require_holding, require_known
from shared.context import lifecycle
from shared.context.ctx import Ctx
from shared.contracts.orders import TaxBreakdownRow
from shared.database.tables import touch
from shared.http.router import require_version
from shared.values.party_fields import USUAL_TERMS
from shared.values.prices import UnitPrice
from shared.values.tax import TaxedDocument, TaxedLine


async def create_invoice(ctx: Ctx, invoice: InvoiceIn) -> Invoice:
    """Write a draft; its tax rates are those of the day of supply, or of today when that is not given."""
    _require_supply(ctx, invoice.delivered_on)
    await _require_unclaimed(ctx, invoice.source_refs.fulfilment_id)
    known = await queries.find_customer(ctx, invoice.customer_id)
    row = Invoice(
        tenant_id=ctx.tenant.id,
        created_at=ctx.now,
        updated_at=ctx.now,
        state=DRAFT,
        customer_id=invoice.customer_id,
        customer=_buyer(invoice.customer_id, invoice.customer, known),
        currency=invoice.currency or ctx.tenant.currency,
        prices=invoice.prices,
        rounding=invoice.rounding,
        payment_terms_days=_terms(invoice.payment_terms_days, known),
        delivered_on=invoice.delivered_on,
        order_id=invoice.source_refs.order_id,
        fulfilment_id=invoice.source_refs.fulfilment_id,
        notes=invoice.notes,
        purchase_order=invoice.purchase_order,
    )
    ctx.session.add(row)
    ctx.session.add_all(await _priced_lines(ctx, row, invoice.lines))
    await be_found(ctx, row.customer_id, row.customer["name"], row.customer.get("email"))
    lifecycle.begin(ctx, LIFECYCLE, row.id)
    return row


async def change_invoice(ctx: Ctx, invoice_id: UUID, change: InvoiceChange, *, version: int) -> Invoice:
    """Rewrite parts of a draft, based on the version the caller has seen."""
    row = await _get_draft(ctx, invoice_id)
    require_version(row, version)
    given = change.model_fields_set
    _require_supply(ctx, change.delivered_on)
    for name in given & {"payment_terms_days", "delivered_on", "notes", "purchase_order"}:
        setattr(row, name, getattr(change, name))
    if "customer" in given:
        row.customer = _snapshot(change.customer)
        await be_found(ctx, row.customer_id, change.customer.name, change.customer.email)
    if given & {"lines", "delivered_on"}:
        lines = change.lines if "lines" in given else await _lines_as_given(ctx, row)
        await ctx.session.exec(delete(InvoiceLine).where(*_lines_of(row)))
        ctx.session.add_all(await _priced_lines(ctx, row, lines))
    touch(row, ctx.now)
    return row


async def tax_at_supply(ctx: Ctx, row: Invoice) -> list[InvoiceLine]:
    """Tax a draft that is issued now at the rates of its day of supply: the delivery, or else today; returns its lines.

    They may be others than when it was written (Directive 2006/112/EC art. 63 and 93). What its prices fix stays: the
    net, or with prices that include tax the gross. Raises TaxCodeNotValid.
    """
    lines = (await queries.find_lines(ctx, [row.id], lock=True))[row.id]
    on = row.delivered_on or ctx.today
    codes = [line.tax_code for line in lines]
    rates = await tax.find_tax_codes(ctx, codes, on=on)
    require_holding(rates, codes, on)
    document = _figures(row, [_priced(line, rates[line.tax_code], row.currency) for line in lines])
    if document.totals.gross.minor < 0:
        raise NegativeInvoice(f"On {on} the invoice comes to {document.totals.gross}; lower its deductions.")
    _state_totals(row, document)
    for line, taxed in zip(lines, document.lines, strict=True):
        rate = rates[line.tax_code]
        line.tax_rate, line.tax_category = rate.rate, rate.category
        line.discount_minor, line.net_minor = taxed.discount.minor, taxed.net.minor
        line.tax_minor, line.gross_minor = taxed.tax.minor, taxed.gross.minor
    await ctx.tx.flush()
    return lines


def _priced(line: InvoiceLine, rate: TaxRate, currency: str) -> PricedLine:
    return PricedLine(
        quantity=line.quantity,
        unit_price=UnitPrice(line.unit_price_minor, currency),
        discount_percent=line.discount_percent or Decimal(0),
        tax_code=line.tax_code,
        tax_category=rate.category,
        tax_rate=rate.rate,
    )


def _figures(row: Invoice, lines: Sequence[PricedLine]) -> TaxedDocument:
    return figures_of(lines, prices=row.prices, rounding=row.rounding, currency=row.currency)


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
        allowed = row.allowed_actions
        raise NotADraft(f"This invoice is {row.state}.", state=row.state, allowed_actions=allowed)
    return row


def _lines_of(row: Invoice) -> tuple[Any, ...]:
    """The condition for a draft's lines."""
    return col(InvoiceLine.tenant_id) == row.tenant_id, col(InvoiceLine.invoice_id) == row.id


def _buyer(customer_id: UUID, stated: CustomerFacts | None, known: Customer | None) -> dict[str, Any]:
    """What the invoice shows of its buyer: as stated, else as orders knows it."""
    if stated is not None:
        return _snapshot(stated)
    if known is None:
        raise UnknownCustomer.named(customer_id)
    return _snapshot(CustomerFacts.model_validate(known))


def _terms(stated: int | None, known: Customer | None) -> int:
    """Days to pay: as stated, else the customer's, else 30."""
    own = known.payment_terms_days if known else None
    return next((days for days in (stated, own) if days is not None), USUAL_TERMS)


def _snapshot(facts: CustomerFacts) -> dict[str, Any]:
    return facts.model_dump(mode="json", exclude_none=True)


async def _lines_as_given(ctx: Ctx, row: Invoice) -> list[InvoiceLineIn]:
    """The draft's lines as they were asked for, to be priced again."""
    stored = (await queries.find_lines(ctx, [row.id]))[row.id]
    return [
        InvoiceLineIn(
            description=line.description,
            quantity=line.quantity,
            unit=line.unit,
            unit_price=UnitPrice(line.unit_price_minor, row.currency),
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
    document = _figures(row, priced)
    require_not_negative([line.unit_price for line in lines], document.totals.gross)
    _state_totals(row, document)
    return [
        _line_row(ctx, row, position, *parts)
        for position, parts in enumerate(zip(lines, priced, document.lines, strict=True), 1)
    ]


def _line_row(
    ctx: Ctx, row: Invoice, position: int, line: InvoiceLineIn, meaning: PricedLine, taxed: TaxedLine
) -> InvoiceLine:
    return InvoiceLine(
        tenant_id=row.tenant_id,
        created_at=ctx.now,
        updated_at=ctx.now,
        invoice_id=row.id,
        position=position,
        description=line.description,
        sku=line.sku,
        quantity=line.quantity,
        unit=line.unit,
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


def _state_totals(row: Invoice, document: TaxedDocument) -> None:
    totals = document.totals
    row.net_minor, row.tax_minor, row.gross_minor = totals.net.minor, totals.tax.minor, totals.gross.minor
    row.tax_breakdown = [
        TaxBreakdownRow(
            tax_code=group.tax_code, category=group.category, rate=group.rate, base=group.base, tax=group.tax
        ).model_dump(mode="json")
        for group in document.tax_breakdown
    ]
