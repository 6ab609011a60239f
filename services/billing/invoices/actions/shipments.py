"""Shipments: each shipped fulfilment makes one finalized invoice with the order's own figures.

The hot path of billing: post the entry, then number and store the invoice with its lines in one statement.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final
from uuid import UUID

import orjson

from services.billing.documents.queries import SNAPSHOT
from services.billing.invoices.actions.issuing import sales_postings
from services.billing.invoices.rules import LIFECYCLE, OVERDUE, SERIES, midnight_after, require_coherent
from services.billing.ledger import actions as ledger
from services.billing.ledger.chart import ROLE_COST_OF_GOODS, ROLE_INVENTORY, ROLE_RECEIVABLE
from services.billing.ledger.rules import OpenItem, Posting
from shared import states
from shared.contracts.billing import InvoiceFinalized, InvoicePaid, SourceRefs
from shared.contracts.orders import FulfilmentShipped, ShippedLine
from shared.ctx import Ctx
from shared.ids import new_id
from shared.leases import TAKE

STORE: Final = f"""
with taken as ({TAKE}), invoice as (
  insert into invoices (tenant_id, id, created_at, updated_at, state, number, customer_id, customer, seller, currency,
    net_minor, tax_minor, gross_minor, tax_breakdown, open_minor, payment_terms_days, issued_on, due_on, delivered_on,
    order_id, order_number, fulfilment_id, entry_id)
  select $1, $5, $6, $6, 'finalized',
    $2 || '-' || $3 || '-' || lpad(first::text, greatest(6, length(first::text)), '0'), $7, $8::text::jsonb,
    {SNAPSHOT},
    $9, $10, $11, $12, $13::text::jsonb, $12, $14, $15, $16, $17, $18, $19, $20, $21
  from taken returning number
), lines as (
  insert into invoice_lines (tenant_id, created_at, updated_at, invoice_id, id, position, description, sku, quantity,
    unit_price_minor, discount_minor, tax_code, tax_category, tax_rate, net_minor, tax_minor, gross_minor)
  select $1, $6, $6, $5, l.* from unnest($22::uuid[], $23::int[], $24::text[], $25::text[], $26::numeric[],
    $27::bigint[], $28::bigint[], $29::text[], $30::text[], $31::numeric[], $32::bigint[], $33::bigint[],
    $34::bigint[]) as l
)
select number from invoice
"""  # noqa: S608 - fixed texts only


async def invoice_shipment(ctx: Ctx, shipped: FulfilmentShipped) -> UUID:
    """Invoice what was shipped, dated today, and post it with its cost; answers the invoice's id."""
    require_coherent(shipped)
    invoice_id = new_id()
    issued_on, due_on = ctx.today, ctx.today + timedelta(days=shipped.payment_terms_days)
    entry_id = await _post(ctx, invoice_id, shipped, issued_on, due_on)
    number: str = await ctx.sql.fetchval(
        STORE,
        *(ctx.tenant.id, SERIES, issued_on.year, 1),
        *(invoice_id, ctx.now, shipped.customer.id),
        shipped.customer.model_dump_json(exclude={"id"}, exclude_none=True),
        *(shipped.currency, shipped.net.minor, shipped.tax.minor, shipped.gross.minor),
        orjson.dumps([row.model_dump(mode="json") for row in shipped.tax_breakdown]).decode(),
        *(shipped.payment_terms_days, issued_on, due_on, shipped.shipped_on),
        *(shipped.order_id, shipped.order_number, shipped.fulfilment_id, entry_id),
        *_columns(shipped.lines),
    )
    state = states.begin(ctx, LIFECYCLE, invoice_id)
    states.move(
        ctx, LIFECYCLE, invoice_id, state, "finalize", why=f"fulfilment of {shipped.order_number} shipped"
    )
    if shipped.gross.minor:
        ctx.schedule(OVERDUE, invoice_id, midnight_after(due_on, ctx.tenant.time_zone))
    _tell(ctx, invoice_id, number, shipped, issued_on, due_on)
    return invoice_id


async def _post(
    ctx: Ctx, invoice_id: UUID, shipped: FulfilmentShipped, issued_on: date, due_on: date
) -> UUID | None:
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
    return await ledger.post_entry(
        ctx,
        postings,
        effective_on=issued_on,
        memo=f"Shipment of {shipped.order_number} to {shipped.customer.name}",
        source="invoice",
        source_id=invoice_id,
        open_items=items,
    )


def _columns(lines: Sequence[ShippedLine]) -> tuple[list[object], ...]:
    """The lines, column by column."""
    rows = [
        (
            new_id(), position, line.description, line.sku, line.quantity, line.unit_price.minor,
            line.discount.minor, line.tax_code, line.tax_category, line.tax_rate, line.net.minor, line.tax.minor,
            line.gross.minor,
        )
        for position, line in enumerate(lines, 1)
    ]  # fmt: skip
    return tuple(list(column) for column in zip(*rows, strict=True))


def _tell(
    ctx: Ctx, invoice_id: UUID, number: str, shipped: FulfilmentShipped, issued_on: date, due_on: date
) -> None:
    refs = SourceRefs(order_id=shipped.order_id, fulfilment_id=shipped.fulfilment_id)
    ctx.emit(
        InvoiceFinalized(
            invoice_id=invoice_id,
            number=number,
            customer_id=shipped.customer.id,
            currency=shipped.currency,
            net=shipped.net,
            tax=shipped.tax,
            gross=shipped.gross,
            issued_on=issued_on,
            due_on=due_on,
            source_refs=refs,
        ),
        subject=invoice_id,
        version=1,
    )
    if not shipped.gross.minor:
        ctx.emit(
            InvoicePaid(
                invoice_id=invoice_id,
                number=number,
                customer_id=shipped.customer.id,
                gross=shipped.gross,
                paid_on=issued_on,
                source_refs=refs,
            ),
            subject=invoice_id,
            version=1,
        )
