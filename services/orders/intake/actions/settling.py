"""What billing tells of an order's invoices, kept per invoice: facts of different lanes arrive in any order."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

import asyncpg
import orjson

from services.orders.book.rules import settled_status
from shared.contracts.billing import AllocatedInvoice, InvoiceFinalized, InvoicePaid, InvoiceVoided
from shared.ctx import Ctx
from shared.faults import Busy

# What an order and its invoices say, without a lock: the change below takes effect on this version only.
READ = """
select o.version, o.state, o.gross_minor,
  (select coalesce(sum(l.shipped_net_minor + l.shipped_tax_minor), 0)::bigint from order_lines l
    where l.tenant_id = $1 and l.order_id = $2) as shipped_minor,
  (select json_agg(json_build_array(i.id, i.gross_minor, i.paid_minor, i.settled, i.voided))::text
    from order_invoices i where i.tenant_id = $1 and i.order_id = $2) as invoices
from orders o where o.tenant_id = $1 and o.id = $2
"""

WRITE = """
with changed as (
  update orders set version = version + 1, updated_at = $4, invoiced_minor = $5, paid_minor = $6, payment_status = $7
  where tenant_id = $1 and id = $2 and version = $3 returning id
)
insert into order_invoices as i (tenant_id, id, order_id, gross_minor, paid_minor, settled, voided)
select $1, $8, id, $9::bigint, $10::bigint, $11::boolean, $12::boolean from changed
on conflict (tenant_id, id) do update set gross_minor = excluded.gross_minor, paid_minor = excluded.paid_minor,
  settled = excluded.settled, voided = excluded.voided
returning 1
"""
TRIES = 50


@dataclass(slots=True)
class _Invoice:
    """What is known of an invoice so far; a payment may be told before the invoice's gross."""

    gross_minor: int | None = None
    paid_minor: int = 0
    settled: bool = False
    voided: bool = False

    @property
    def counts(self) -> bool:
        """Whether it is part of what was invoiced."""
        return self.gross_minor is not None and not self.voided

    @property
    def covered_minor(self) -> int:
        """What of its gross is settled."""
        gross = self.gross_minor or 0
        return gross if self.settled else min(gross, self.paid_minor)


async def record_invoice(ctx: Ctx, invoice: InvoiceFinalized) -> None:
    """An invoice for the order was made."""
    await _note(ctx, invoice.invoice_id, invoice.source_refs.order_id, gross_minor=invoice.gross.minor)


async def record_void(ctx: Ctx, invoice: InvoiceVoided) -> None:
    """An invoice counts no more."""
    await _note(ctx, invoice.invoice_id, invoice.source_refs.order_id, voided=True)


async def record_settlement(ctx: Ctx, invoice: InvoicePaid) -> None:
    """An invoice is settled in full, by whatever means."""
    order_id = invoice.source_refs.order_id
    await _note(ctx, invoice.invoice_id, order_id, gross_minor=invoice.gross.minor, settled=True)


async def record_allocations(ctx: Ctx, allocations: Sequence[AllocatedInvoice]) -> None:
    """A payment or a credit note settled some of one or more invoices; orders are locked in order of their ids."""
    for part in sorted(allocations, key=lambda a: (str(a.source_refs.order_id), a.invoice_id)):
        await _note(ctx, part.invoice_id, part.source_refs.order_id, paid_minor=part.amount.minor)


async def _note(
    ctx: Ctx,
    invoice_id: UUID,
    order_id: UUID | None,
    *,
    gross_minor: int | None = None,
    paid_minor: int = 0,
    settled: bool = False,
    voided: bool = False,
) -> None:
    """Add what a fact says of an invoice, and bring its order's payment status up to date.

    An invoice of no order, or of one that is none of ours, says nothing here; no more does "settled" of one whose
    payments have covered it. Nothing is held while we think: when the order has changed meanwhile we look again.
    """
    if order_id is None:
        return
    for _ in range(TRIES):
        row = await ctx.sql.fetchrow(READ, ctx.tenant.id, order_id)
        if row is None:
            return
        known = {UUID(id_): _Invoice(*facts) for id_, *facts in orjson.loads(row["invoices"] or "[]")}
        told = known.setdefault(invoice_id, _Invoice())
        if settled and told.counts and told.covered_minor == gross_minor == told.gross_minor:
            return
        told.gross_minor = gross_minor if told.gross_minor is None else told.gross_minor
        told.paid_minor += paid_minor
        told.settled = told.settled or settled
        told.voided = told.voided or voided
        if await _write(ctx, order_id, row, known.values(), invoice_id, told):
            return
    raise Busy("Others keep changing this order.")


async def _write(
    ctx: Ctx,
    order_id: UUID,
    order: asyncpg.Record,
    invoices: Collection[_Invoice],
    invoice_id: UUID,
    told: _Invoice,
) -> bool:
    """Store an invoice's facts and the order's sums; answers False when the order is no longer as it was read."""
    counted = [invoice for invoice in invoices if invoice.counts]
    invoiced = sum(invoice.gross_minor or 0 for invoice in counted)
    paid = sum(invoice.covered_minor for invoice in counted)
    status = settled_status(
        order["state"],
        gross=order["gross_minor"],
        shipped=order["shipped_minor"],
        invoiced=invoiced,
        paid=paid,
    )
    written = await ctx.sql.fetchval(
        WRITE, ctx.tenant.id, order_id, order["version"], ctx.now, invoiced, paid, status,
        invoice_id, told.gross_minor, told.paid_minor, told.settled, told.voided,
    )  # fmt: skip
    return written is not None
