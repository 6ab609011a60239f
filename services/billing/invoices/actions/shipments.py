"""Shipments: each shipped fulfilment makes one finalized invoice with the order's own figures.

The hot path of billing: post the entries, then number and store the invoices with their lines in one statement.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import orjson

from services.billing.documents.queries import SNAPSHOT
from services.billing.invoices import queries
from services.billing.invoices.actions.issuing import sales_postings
from services.billing.invoices.actions.mailing import mail_document
from services.billing.invoices.rules import (
    FINALIZED,
    LIFECYCLE,
    OVERDUE,
    SERIES,
    FulfilmentInvoiced,
    midnight_after,
    require_coherent,
)
from services.billing.ledger import actions as ledger
from services.billing.ledger.chart import ROLE_COST_OF_GOODS, ROLE_INVENTORY, ROLE_RECEIVABLE
from services.billing.ledger.rules import Entry, OpenItem, Posting
from services.billing.posting_exceptions.actions import Poster, posted_by
from shared.context import lifecycle
from shared.context.batch import Batch
from shared.context.ctx import Ctx
from shared.contracts.billing import InvoiceFinalized, InvoicePaid, SourceRefs
from shared.contracts.orders import FulfilmentShipped
from shared.database.number_blocks import TAKE
from shared.database.table_sql import TableSql
from shared.values.faults import Fault
from shared.values.ids import new_id


@dataclass(frozen=True, slots=True)
class _NewInvoice:
    """The row of an invoice that is numbered, in the order of its id, when it is stored."""

    id: UUID
    created_at: datetime
    updated_at: datetime
    state: str
    customer_id: UUID
    customer: orjson.Fragment
    currency: str
    prices: str
    rounding: str
    net_minor: int
    tax_minor: int
    gross_minor: int
    tax_breakdown: list[dict[str, Any]]
    open_minor: int
    payment_terms_days: int
    issued_on: date
    due_on: date
    delivered_on: date
    order_id: UUID
    order_number: str
    fulfilment_id: UUID
    purchase_order: str | None
    entry_id: UUID | None


@dataclass(frozen=True, slots=True)
class _NewLine:
    """The row of one of its lines."""

    id: UUID
    created_at: datetime
    updated_at: datetime
    invoice_id: UUID
    position: int
    description: str
    sku: str | None
    quantity: Decimal
    unit: str
    unit_price_minor: Decimal
    discount_minor: int
    kind: str
    order_discount_minor: int
    tax_code: str
    tax_category: str
    tax_rate: Decimal
    net_minor: int
    tax_minor: int
    gross_minor: int


INVOICES = TableSql(queries.Invoice, _NewInvoice)
LINES = TableSql(queries.InvoiceLine, _NewLine)
PLACE = "first + row_number() over (order by new.id) - 1"
NUMBER = f"$2 || '-' || $3 || '-' || lpad(({PLACE})::text, greatest(6, length(({PLACE})::text)), '0')"
STORE: Final = f"""
with taken as ({TAKE}), invoice as (
  {INVOICES.insert(5, given={"number": NUMBER, "seller": SNAPSHOT}, rest="cross join taken order by new.id")}
  returning id, number
), lines as ({LINES.insert(6)})
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
        STORE, ctx.tenant.id, SERIES, ctx.today.year, len(made),
        INVOICES.json(map(_invoice_row, made)), LINES.json(row for each in made for row in _line_rows(each)),
    )  # fmt: skip
    numbers = {row["id"]: row["number"] for row in rows}
    for each in made:
        _finalize(each)
        _tell(each, numbers[each.id])


async def _refused(ctx: Ctx, shipped: FulfilmentShipped, refusal: Fault) -> Fault | None:
    """Nothing where the fulfilment has its numbered invoice; a draft that claims it is named."""
    claims = await queries.find_claims(ctx, shipped.fulfilment_id)
    if claims is None:
        return refusal
    return None if claims.number is not None else FulfilmentInvoiced.by(claims.id, claims.number)


SHIPMENTS: Final = posted_by(Poster(FulfilmentShipped, invoice_shipments, _refused))


def _made(ctx: Ctx, shipped: FulfilmentShipped, issued_on: date) -> _Made:
    invoice_id = new_id()
    due_on = issued_on + timedelta(days=shipped.payment_terms_days)
    entry = _entry(invoice_id, shipped, issued_on, due_on)
    return _Made(ctx, shipped, invoice_id, entry, issued_on, due_on)


def _entry(invoice_id: UUID, shipped: FulfilmentShipped, issued_on: date, due_on: date) -> Entry | None:
    """Dr receivable, Cr sales, Cr output tax; Dr cost of goods, Cr inventory where the cost is known.

    A shipment worth nothing and of no known cost has no entry; one that deductions lower to nothing may still have
    sales and tax of several rates.
    """
    postings = sales_postings(invoice_id, shipped.gross, shipped.tax_breakdown)
    items: list[OpenItem] = []
    if shipped.gross.minor:
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


def _invoice_row(made: _Made) -> _NewInvoice:
    shipped, now = made.shipped, made.ctx.now
    return _NewInvoice(
        id=made.id,
        created_at=now,
        updated_at=now,
        state=FINALIZED,
        customer_id=shipped.customer.id,
        customer=orjson.Fragment(
            shipped.customer.model_dump_json(exclude={"id", "delivery"}, exclude_none=True)
        ),
        currency=shipped.currency,
        prices=shipped.prices,
        rounding=shipped.rounding,
        net_minor=shipped.net.minor,
        tax_minor=shipped.tax.minor,
        gross_minor=shipped.gross.minor,
        tax_breakdown=[row.model_dump(mode="json") for row in shipped.tax_breakdown],
        open_minor=shipped.gross.minor,
        payment_terms_days=shipped.payment_terms_days,
        issued_on=made.issued_on,
        due_on=made.due_on,
        delivered_on=shipped.shipped_on,
        order_id=shipped.order_id,
        order_number=shipped.order_number,
        fulfilment_id=shipped.fulfilment_id,
        purchase_order=shipped.purchase_order,
        entry_id=made.entry.id if made.entry else None,
    )


def _line_rows(made: _Made) -> list[_NewLine]:
    return [
        _NewLine(
            id=new_id(),
            created_at=made.ctx.now,
            updated_at=made.ctx.now,
            invoice_id=made.id,
            position=position,
            description=line.description,
            sku=line.sku or None,
            quantity=line.quantity,
            unit=line.unit,
            unit_price_minor=line.price.minor,
            discount_minor=line.discount.minor,
            kind=line.kind,
            order_discount_minor=line.order_discount.minor if line.order_discount else 0,
            tax_code=line.tax_code,
            tax_category=line.tax_category,
            tax_rate=line.tax_rate,
            net_minor=line.net.minor,
            tax_minor=line.tax.minor,
            gross_minor=line.gross.minor,
        )
        for position, line in enumerate(made.shipped.lines, 1)
    ]


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
    if shipped.customer.delivery == "mail" and shipped.customer.email is not None:
        mail_document(ctx, LIFECYCLE.aggregate, made.id, number, recipient=shipped.customer.email)
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
