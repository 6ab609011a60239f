"""Shipments: each shipped fulfilment makes one finalized invoice with the order's own figures.

The hot path of billing: post the entries, then number and store the invoices with their lines in one statement.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final
from uuid import UUID

import orjson

from services.billing.documents.queries import SNAPSHOT
from services.billing.invoices import queries
from services.billing.invoices.actions.issuing import sales_postings
from services.billing.invoices.rules import LIFECYCLE, OVERDUE, SERIES, midnight_after, require_coherent
from services.billing.ledger import actions as ledger
from services.billing.ledger.chart import ROLE_COST_OF_GOODS, ROLE_INVENTORY, ROLE_RECEIVABLE
from services.billing.ledger.rules import Entry, OpenItem, Posting
from services.billing.posting_exceptions.actions import Poster, posted_by
from shared.context import lifecycle
from shared.context.batch import Batch
from shared.context.ctx import Ctx
from shared.contracts.billing import InvoiceFinalized, InvoicePaid, SourceRefs
from shared.contracts.orders import FulfilmentShipped
from shared.database.json_rows import recordset, rows_json
from shared.database.number_blocks import TAKE
from shared.values.ids import new_id

INVOICE = {
    "n": "int", "id": "uuid", "at": "timestamptz", "customer_id": "uuid", "customer": "jsonb", "currency": "text",
    "net": "bigint", "tax": "bigint", "gross": "bigint", "tax_breakdown": "jsonb", "terms": "int", "due_on": "date",
    "delivered_on": "date", "order_id": "uuid", "order_number": "text", "fulfilment_id": "uuid", "entry_id": "uuid",
}  # fmt: skip
LINE = {
    "invoice_id": "uuid", "id": "uuid", "at": "timestamptz", "position": "int", "description": "text", "sku": "text",
    "quantity": "numeric", "unit_price": "bigint", "discount": "bigint", "tax_code": "text", "tax_category": "text",
    "tax_rate": "numeric", "net": "bigint", "tax": "bigint", "gross": "bigint",
}  # fmt: skip
STORE: Final = f"""
with taken as ({TAKE}), invoice as (
  insert into invoices (tenant_id, id, created_at, updated_at, state, number, customer_id, customer, seller, currency,
    net_minor, tax_minor, gross_minor, tax_breakdown, open_minor, payment_terms_days, issued_on, due_on, delivered_on,
    order_id, order_number, fulfilment_id, entry_id)
  select $1, new.id, new.at, new.at, 'finalized',
    $2 || '-' || $3 || '-' || lpad((first + n)::text, greatest(6, length((first + n)::text)), '0'),
    new.customer_id, new.customer, {SNAPSHOT},
    new.currency, new.net, new.tax, new.gross, new.tax_breakdown, new.gross, new.terms, $5::date, new.due_on,
    new.delivered_on, new.order_id, new.order_number, new.fulfilment_id, new.entry_id
  from taken, {recordset(6, INVOICE, "new")} order by n
  returning id, number
), lines as (
  insert into invoice_lines (tenant_id, created_at, updated_at, invoice_id, id, position, description, sku, quantity,
    unit_price_minor, discount_minor, tax_code, tax_category, tax_rate, net_minor, tax_minor, gross_minor)
  select $1, new.at, new.at, new.invoice_id, new.id, new.position, new.description, new.sku, new.quantity,
    new.unit_price, new.discount, new.tax_code, new.tax_category, new.tax_rate, new.net, new.tax, new.gross
  from {recordset(7, LINE, "new")}
)
select id, number from invoice
"""  # noqa: S608 - our own column names


@dataclass(frozen=True, slots=True)
class _Made:
    """The invoice that a shipment makes."""

    ctx: Ctx
    shipped: FulfilmentShipped
    id: UUID
    entry: Entry | None
    issued_on: date
    due_on: date


async def invoice_shipments(batch: Batch[FulfilmentShipped]) -> None:
    """Invoice what was shipped, dated today, and post it with its cost: two statements, however many shipments."""
    for _, shipped in batch.items:
        require_coherent(shipped)
    ctx = batch.ctx
    made = [_made(its_ctx, shipped, ctx.today) for its_ctx, shipped in batch.items]
    if entries := [(each.ctx, each.entry) for each in made if each.entry is not None]:
        await ledger.post_entries(Batch(entries))
    rows = await ctx.sql.fetch(
        STORE, ctx.tenant.id, SERIES, ctx.today.year, len(made), ctx.today,
        rows_json(tuple(INVOICE), [_invoice_row(n, each) for n, each in enumerate(made)]),
        rows_json(tuple(LINE), [row for each in made for row in _line_rows(each)]),
    )  # fmt: skip
    numbers = {row["id"]: row["number"] for row in rows}
    for each in made:
        _finalize(each)
        _tell(each, numbers[each.id])


async def _is_invoiced(ctx: Ctx, shipped: FulfilmentShipped) -> bool:
    return await queries.is_invoiced(ctx, shipped.fulfilment_id)


SHIPMENTS: Final = posted_by(Poster(FulfilmentShipped, invoice_shipments, _is_invoiced))


def _made(ctx: Ctx, shipped: FulfilmentShipped, issued_on: date) -> _Made:
    invoice_id = new_id()
    due_on = issued_on + timedelta(days=shipped.payment_terms_days)
    entry = _entry(invoice_id, shipped, issued_on, due_on)
    return _Made(ctx, shipped, invoice_id, entry, issued_on, due_on)


def _entry(invoice_id: UUID, shipped: FulfilmentShipped, issued_on: date, due_on: date) -> Entry | None:
    """Dr receivable, Cr sales, Cr output tax; Dr cost of goods, Cr inventory where the cost is known.

    A shipment worth nothing and of no known cost has no entry.
    """
    postings: list[Posting] = []
    items: list[OpenItem] = []
    if shipped.gross.minor:
        postings += sales_postings(invoice_id, shipped.net, shipped.gross, shipped.tax_breakdown)
        items.append(
            OpenItem(
                invoice_id, "invoice", shipped.customer.id, ROLE_RECEIVABLE, shipped.gross, due_on=due_on
            )
        )
    if shipped.cost is not None and shipped.cost.minor:
        postings += [Posting(ROLE_COST_OF_GOODS, shipped.cost), Posting(ROLE_INVENTORY, -shipped.cost)]
    if not postings:
        return None
    return Entry(
        postings=postings,
        effective_on=issued_on,
        memo=f"Shipment of {shipped.order_number} to {shipped.customer.name}",
        source="invoice",
        source_id=invoice_id,
        open_items=items,
    )


def _invoice_row(n: int, made: _Made) -> tuple[object, ...]:
    shipped = made.shipped
    customer = orjson.Fragment(shipped.customer.model_dump_json(exclude={"id"}, exclude_none=True))
    return (
        n, made.id, made.ctx.now, shipped.customer.id, customer, shipped.currency, shipped.net.minor,
        shipped.tax.minor, shipped.gross.minor, [row.model_dump(mode="json") for row in shipped.tax_breakdown],
        shipped.payment_terms_days, made.due_on, shipped.shipped_on, shipped.order_id, shipped.order_number,
        shipped.fulfilment_id, made.entry.id if made.entry else None,
    )  # fmt: skip


def _line_rows(made: _Made) -> list[tuple[object, ...]]:
    return [
        (
            made.id, new_id(), made.ctx.now, position, line.description, line.sku, line.quantity,
            line.unit_price.minor, line.discount.minor, line.tax_code, line.tax_category, line.tax_rate,
            line.net.minor, line.tax.minor, line.gross.minor,
        )
        for position, line in enumerate(made.shipped.lines, 1)
    ]  # fmt: skip


def _finalize(made: _Made) -> None:
    """The timeline of an invoice that was never a draft, and the day it falls due."""
    ctx, shipped = made.ctx, made.shipped
    state = lifecycle.begin(ctx, LIFECYCLE, made.id)
    why = f"fulfilment of {shipped.order_number} shipped"
    lifecycle.move(ctx, LIFECYCLE, made.id, state, "finalize", why=why)
    if shipped.gross.minor:
        ctx.schedule(OVERDUE, made.id, midnight_after(made.due_on, ctx.tenant.time_zone))


def _tell(made: _Made, number: str) -> None:
    ctx, shipped = made.ctx, made.shipped
    refs = SourceRefs(order_id=shipped.order_id, fulfilment_id=shipped.fulfilment_id)
    ctx.emit(
        InvoiceFinalized(
            invoice_id=made.id,
            number=number,
            customer_id=shipped.customer.id,
            currency=shipped.currency,
            net=shipped.net,
            tax=shipped.tax,
            gross=shipped.gross,
            issued_on=made.issued_on,
            due_on=made.due_on,
            source_refs=refs,
        ),
        subject=made.id,
        version=1,
    )
    if not shipped.gross.minor:
        ctx.emit(
            InvoicePaid(
                invoice_id=made.id,
                number=number,
                customer_id=shipped.customer.id,
                gross=shipped.gross,
                paid_on=made.issued_on,
                source_refs=refs,
            ),
            subject=made.id,
            version=1,
        )
