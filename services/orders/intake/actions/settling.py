"""What billing tells of orders' invoices, kept per invoice: facts of different ordering keys arrive in any order."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import asyncpg
import orjson

from services.orders.book.rules import settled_status
from shared.context.ctx import Ctx
from shared.contracts.billing import (
    CreditNoteAllocated,
    CreditNoteFinalized,
    InvoiceFinalized,
    InvoicePaid,
    InvoiceVoided,
    PaymentAllocated,
    PaymentRecorded,
)
from shared.database.json_rows import recordset, rows_json
from shared.values.faults import Busy

Settling = PaymentRecorded | PaymentAllocated | CreditNoteFinalized | CreditNoteAllocated
BillingFact = InvoiceFinalized | InvoiceVoided | InvoicePaid | Settling

# What orders and their invoices say, without a lock: the changes below take effect on these versions only.
READ = """
select o.id, o.version, o.state, o.gross_minor,
  (select coalesce(sum(l.shipped_net_minor + l.shipped_tax_minor), 0)::bigint from order_lines l
    where l.tenant_id = $1 and l.order_id = o.id) as shipped_minor,
  (select json_agg(json_build_array(i.id, i.gross_minor, i.paid_minor, i.settled, i.voided))::text
    from order_invoices i where i.tenant_id = $1 and i.order_id = o.id) as invoices
from orders o where o.tenant_id = $1 and o.id = any($2::uuid[])
"""

ORDER = {"id": "uuid", "version": "bigint", "invoiced": "bigint", "paid": "bigint", "status": "text"}
INVOICE = {
    "id": "uuid", "order_id": "uuid", "gross_minor": "bigint", "paid_minor": "bigint", "settled": "boolean",
    "voided": "boolean",
}  # fmt: skip
WRITE = f"""
with changed as (
  update orders o set version = o.version + 1, updated_at = $2, invoiced_minor = new.invoiced, paid_minor = new.paid,
    payment_status = new.status
  from {recordset(3, ORDER, "new")} where o.tenant_id = $1 and o.id = new.id and o.version = new.version
  returning o.id
), noted as (
  insert into order_invoices as i (tenant_id, id, order_id, gross_minor, paid_minor, settled, voided)
  select $1, new.id, new.order_id, new.gross_minor, new.paid_minor, new.settled, new.voided
  from {recordset(4, INVOICE, "new")} join changed on changed.id = new.order_id
  on conflict (tenant_id, id) do update set gross_minor = excluded.gross_minor, paid_minor = excluded.paid_minor,
    settled = excluded.settled, voided = excluded.voided
)
select id from changed
"""  # noqa: S608 - our own column names
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


@dataclass(frozen=True, slots=True)
class _Said:
    """What one fact says of one invoice of one order."""

    invoice_id: UUID
    order_id: UUID | None
    gross_minor: int | None = None
    paid_minor: int = 0
    settled: bool = False
    voided: bool = False

    def add_to(self, invoice: _Invoice) -> bool:
        """Add it to what is known; returns False where it is "settled" of what payments have covered already."""
        if (
            self.settled
            and invoice.counts
            and invoice.covered_minor == invoice.gross_minor == self.gross_minor
        ):
            return False
        invoice.gross_minor = self.gross_minor if invoice.gross_minor is None else invoice.gross_minor
        invoice.paid_minor += self.paid_minor
        invoice.settled = invoice.settled or self.settled
        invoice.voided = invoice.voided or self.voided
        return True


async def record_billing(ctx: Ctx, facts: Iterable[BillingFact]) -> None:
    """Bring the payment status of orders up to date with what billing tells, in the order it is told.

    An invoice of no order, or of one that is none of ours, says nothing here. Nothing is held while we think: what
    concerns an order that has changed meanwhile is looked at again. Two statements, however many facts.
    """
    said = [each for fact in facts for each in _said(fact) if each.order_id is not None]
    for _ in range(TRIES):
        if not said:
            return
        said = await _note(ctx, said)
    raise Busy("Others keep changing this order.")


def _said(fact: BillingFact) -> list[_Said]:
    match fact:
        case InvoiceFinalized():
            return [_Said(fact.invoice_id, fact.source_refs.order_id, gross_minor=fact.gross.minor)]
        case InvoiceVoided():
            return [_Said(fact.invoice_id, fact.source_refs.order_id, voided=True)]
        case InvoicePaid():
            order_id, gross = fact.source_refs.order_id, fact.gross.minor
            return [_Said(fact.invoice_id, order_id, gross_minor=gross, settled=True)]
        case _:
            parts = fact.allocations
            return [_Said(p.invoice_id, p.source_refs.order_id, paid_minor=p.amount.minor) for p in parts]


async def _note(ctx: Ctx, said: Sequence[_Said]) -> list[_Said]:
    """Store what was said; returns what is to be said again, since its order is no longer as it was read."""
    of_order: defaultdict[UUID, list[_Said]] = defaultdict(list)
    for each in said:
        assert each.order_id is not None
        of_order[each.order_id].append(each)
    orders, invoices = [], []
    for row in await ctx.sql.fetch(READ, ctx.tenant.id, list(of_order)):
        known = {UUID(id_): _Invoice(*facts) for id_, *facts in orjson.loads(row["invoices"] or "[]")}
        changed = _add(of_order[row["id"]], known)
        if changed:
            orders.append(_sums(row, known.values()))
            invoices += [
                (id_, row["id"], i.gross_minor, i.paid_minor, i.settled, i.voided)
                for id_, i in changed.items()
            ]
    if not orders:
        return []
    # In the order of their ids, as everybody writes orders: who else writes several of them cannot deadlock with us.
    orders.sort(key=lambda order: order[0])
    rows = await ctx.sql.fetch(
        WRITE, ctx.tenant.id, ctx.now, rows_json(tuple(ORDER), orders), rows_json(tuple(INVOICE), invoices)
    )
    missed = {order[0] for order in orders} - {row["id"] for row in rows}
    return [each for each in said if each.order_id in missed]


def _add(said: Iterable[_Said], known: dict[UUID, _Invoice]) -> Mapping[UUID, _Invoice]:
    """Add to what is known of an order's invoices; returns those of which something new was said."""
    changed = {}
    for each in said:
        invoice = known.setdefault(each.invoice_id, _Invoice())
        if each.add_to(invoice):
            changed[each.invoice_id] = invoice
    return changed


def _sums(order: asyncpg.Record, invoices: Collection[_Invoice]) -> tuple[UUID, int, int, int, str]:
    """An order's row of WRITE: what was invoiced and paid, and the status that follows."""
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
    return order["id"], order["version"], invoiced, paid, status
