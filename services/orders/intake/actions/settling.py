"""What billing tells of orders' invoices, kept per invoice: facts of different ordering keys arrive in any order."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import asyncpg

from services.orders.book.queries import ORDER_INVOICES, ORDERS
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
from shared.database.table_sql import TableSql
from shared.values.faults import Busy

Settling = PaymentRecorded | PaymentAllocated | CreditNoteFinalized | CreditNoteAllocated
BillingFact = InvoiceFinalized | InvoiceVoided | InvoicePaid | Settling

TRIES = 50


@dataclass(slots=True)
class _Invoice:
    """What is known of an invoice so far; a payment may be told before the invoice's gross."""

    id: UUID
    order_id: UUID
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
class _Sums:
    """What an order's invoices come to; takes effect on this version of the order only."""

    id: UUID
    version: int
    invoiced_minor: int
    paid_minor: int
    payment_status: str


INVOICES = TableSql(ORDER_INVOICES, _Invoice)
SUMS = TableSql(ORDERS.table, _Sums)
# What orders and their invoices say, without a lock: the changes below take effect on these versions only.
READ = f"""
select o.id, o.version, o.state, o.gross_minor,
  (select coalesce(sum(l.shipped_net_minor + l.shipped_tax_minor), 0)::bigint from order_lines l
    where l.tenant_id = $1 and l.order_id = o.id) as shipped_minor,
  {INVOICES.array("i", "order_invoices i where i.tenant_id = $1 and i.order_id = o.id")} as invoices
from orders o where o.tenant_id = $1 and o.id = any($2::uuid[])
"""  # noqa: S608 - our own column names

WRITE = f"""
with changed as (
  update orders o set version = o.version + 1, updated_at = $2, invoiced_minor = new.invoiced_minor,
    paid_minor = new.paid_minor, payment_status = new.payment_status
  from {SUMS.rows(3)} where o.tenant_id = $1 and o.id = new.id and o.version = new.version
  returning o.id
), noted as (
  {INVOICES.replace(4, keep=("order_id",), rest="join changed on changed.id = new.order_id")}
)
select id from changed
"""  # noqa: S608 - our own column names


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
    orders: list[_Sums] = []
    invoices: list[_Invoice] = []
    for row in await ctx.sql.fetch(READ, ctx.tenant.id, list(of_order)):
        known = {invoice.id: invoice for invoice in map(INVOICES.read, row["invoices"])}
        changed = _add(row["id"], of_order[row["id"]], known)
        if changed:
            orders.append(_sums(row, known.values()))
            invoices += changed.values()
    if not orders:
        return []
    # In the order of their ids, as everybody writes orders: who else writes several of them cannot deadlock with us.
    orders.sort(key=lambda order: order.id)
    rows = await ctx.sql.fetch(WRITE, ctx.tenant.id, ctx.now, SUMS.json(orders), INVOICES.json(invoices))
    missed = {order.id for order in orders} - {row["id"] for row in rows}
    return [each for each in said if each.order_id in missed]


def _add(order_id: UUID, said: Iterable[_Said], known: dict[UUID, _Invoice]) -> Mapping[UUID, _Invoice]:
    """Add to what is known of an order's invoices; returns those of which something new was said."""
    changed = {}
    for each in said:
        invoice = known.setdefault(each.invoice_id, _Invoice(each.invoice_id, order_id))
        if each.add_to(invoice):
            changed[each.invoice_id] = invoice
    return changed


def _sums(order: asyncpg.Record, invoices: Collection[_Invoice]) -> _Sums:
    """What was invoiced and paid of an order, and the status that follows."""
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
    return _Sums(order["id"], order["version"], invoiced, paid, status)
