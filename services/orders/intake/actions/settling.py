"""What billing tells of orders' invoices, kept per invoice: facts of different ordering keys arrive in any order."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import asyncpg

from services.orders.book.queries import ORDER_INVOICES, ORDERS
from services.orders.book.rules import Settled, settled_status
from shared.context.ctx import Ctx
from shared.contracts.billing import (
    AllocatedInvoice,
    CreditNoteAllocated,
    CreditNoteDeallocated,
    CreditNoteFinalized,
    InvoiceFinalized,
    InvoicePaid,
    InvoiceVoided,
    PaymentAllocated,
    PaymentDeallocated,
    PaymentRecorded,
    PaymentReversed,
    WriteOffRecorded,
    WriteOffReversed,
)
from shared.database.table_sql import TableSql
from shared.values.faults import Busy

Paying = PaymentRecorded | PaymentAllocated
TakingBack = PaymentDeallocated | PaymentReversed | CreditNoteDeallocated
Crediting = CreditNoteFinalized | CreditNoteAllocated
GivingUp = WriteOffRecorded | WriteOffReversed
BillingFact = InvoiceFinalized | InvoicePaid | InvoiceVoided | Paying | TakingBack | Crediting | GivingUp

TRIES = 50
BAD_DEBT = "bad_debt"


@dataclass(slots=True)
class _Invoice:
    """What is known of an invoice so far; a payment may be told before the invoice's gross.

    Amounts are added and taken back as they are told, so their order does not matter.
    """

    id: UUID
    order_id: UUID
    gross_minor: int | None = None
    paid_minor: int = 0
    credited_minor: int = 0
    lost_minor: int = 0
    taken_back_minor: int = 0
    voided: bool = False

    @property
    def counts(self) -> bool:
        """Whether it is part of what was invoiced."""
        return self.gross_minor is not None and not self.voided


@dataclass(frozen=True, slots=True)
class _Sums:
    """What an order's invoices come to; takes effect on this version of the order only."""

    id: UUID
    version: int
    invoiced_minor: int
    paid_minor: int
    credited_minor: int
    lost_minor: int
    taken_back_minor: int
    payment_status: str


INVOICES = TableSql(ORDER_INVOICES, _Invoice)
SUMS = TableSql(ORDERS.table, _Sums)
# What orders and their invoices say, without a lock: the changes below take effect on these versions only.
READ = f"""
select o.id, o.version, o.state, o.customer_id, o.gross_minor,
  (select coalesce(sum((g->>3)::bigint + (g->>4)::bigint), 0)::bigint
    from jsonb_array_elements(o.shipped_tax) as g) as shipped_minor,
  {INVOICES.array("i", "order_invoices i where i.tenant_id = $1 and i.order_id = o.id")} as invoices
from orders o where o.tenant_id = $1 and o.id = any($2::uuid[])
"""  # noqa: S608 - our own column names

WRITE = f"""
with changed as (
  update orders o set version = o.version + 1, updated_at = $2, invoiced_minor = new.invoiced_minor,
    paid_minor = new.paid_minor, credited_minor = new.credited_minor, lost_minor = new.lost_minor,
    taken_back_minor = new.taken_back_minor, payment_status = new.payment_status
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
    credited_minor: int = 0
    lost_minor: int = 0
    taken_back_minor: int = 0
    voided: bool = False
    customer_id: UUID | None = None

    def add_to(self, invoice: _Invoice) -> None:
        """Add it to what is known."""
        invoice.gross_minor = self.gross_minor if invoice.gross_minor is None else invoice.gross_minor
        invoice.paid_minor += self.paid_minor
        invoice.credited_minor += self.credited_minor
        invoice.lost_minor += self.lost_minor
        invoice.taken_back_minor += self.taken_back_minor
        invoice.voided = invoice.voided or self.voided


async def record_billing(ctx: Ctx, facts: Iterable[BillingFact]) -> None:
    """Bring the payment status of orders up to date with what billing tells, in the order it is told.

    An invoice of no order, of one that is none of ours, or for somebody else than the order's customer says nothing
    here. Nothing is held while we think: what concerns an order that has changed meanwhile is looked at again. Two
    statements, however many facts.
    """
    said = [
        replace(each, customer_id=fact.customer_id)
        for fact in facts
        for each in _said(fact)
        if each.order_id is not None
    ]
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
        case CreditNoteFinalized(cancels=True):
            return []  # its invoice is told of as void
        case InvoicePaid():
            return []  # what settled it is told in amounts, which can be taken back
        case CreditNoteFinalized():
            return [*_credited(fact), *_amounts(fact.allocations, "credited_minor")]
        case CreditNoteAllocated():
            own = [each for each in fact.allocations if each.invoice_id == fact.invoice_id]
            others = [each for each in fact.allocations if each.invoice_id != fact.invoice_id]
            return [*_amounts(own, "credited_minor"), *_amounts(others, "paid_minor")]
        case WriteOffRecorded() | WriteOffReversed():
            sign = 1 if isinstance(fact, WriteOffRecorded) else -1
            column = "lost_minor" if fact.kind == BAD_DEBT else "credited_minor"
            return _amounts(fact.allocations, column, sign=sign)
        case PaymentDeallocated() | PaymentReversed() | CreditNoteDeallocated():
            return _amounts(fact.allocations, "paid_minor", sign=-1)
        case _:
            return _amounts(fact.allocations, "paid_minor")


def _credited(fact: CreditNoteFinalized) -> list[_Said]:
    """What is told of the invoice that a credit note takes back, settled by it or not."""
    return [_Said(fact.invoice_id, fact.source_refs.order_id, taken_back_minor=fact.gross.minor)]


def _amounts(parts: Iterable[AllocatedInvoice], column: str, *, sign: int = 1) -> list[_Said]:
    said = []
    for part in parts:
        amount: dict[str, Any] = {column: sign * part.amount.minor}
        said.append(_Said(part.invoice_id, part.source_refs.order_id, **amount))
    return said


async def _note(ctx: Ctx, said: Sequence[_Said]) -> list[_Said]:
    """Store what was said; returns what is to be said again, since its order is no longer as it was read."""
    of_order: defaultdict[UUID, list[_Said]] = defaultdict(list)
    for each in said:
        assert each.order_id is not None
        of_order[each.order_id].append(each)
    orders: list[_Sums] = []
    invoices: list[_Invoice] = []
    for row in await ctx.sql.fetch(READ, ctx.tenant.id, list(of_order)):
        its = [each for each in of_order[row["id"]] if each.customer_id == row["customer_id"]]
        if not its:
            continue
        known = {invoice.id: invoice for invoice in map(INVOICES.read, row["invoices"])}
        invoices += _add(row["id"], its, known)
        orders.append(_sums(row, known.values()))
    if not orders:
        return []
    # In the order of their ids, as everybody writes orders: who else writes several of them cannot deadlock with us.
    orders.sort(key=lambda order: order.id)
    rows = await ctx.sql.fetch(WRITE, ctx.tenant.id, ctx.now, SUMS.json(orders), INVOICES.json(invoices))
    missed = {order.id for order in orders} - {row["id"] for row in rows}
    return [each for each in said if each.order_id in missed]


def _add(order_id: UUID, said: Iterable[_Said], known: dict[UUID, _Invoice]) -> Collection[_Invoice]:
    """Add to what is known of an order's invoices; returns those of which something was said."""
    changed = {}
    for each in said:
        invoice = changed[each.invoice_id] = known.setdefault(
            each.invoice_id, _Invoice(each.invoice_id, order_id)
        )
        each.add_to(invoice)
    return changed.values()


def _sums(order: asyncpg.Record, invoices: Collection[_Invoice]) -> _Sums:
    """What was invoiced and paid of an order, and the status that follows."""
    counted = [invoice for invoice in invoices if invoice.counts]
    invoiced = sum(invoice.gross_minor or 0 for invoice in counted)
    settled = Settled(
        paid=sum(min(invoice.paid_minor, invoice.gross_minor or 0) for invoice in counted),
        credited=sum(invoice.credited_minor for invoice in counted),
        lost=sum(invoice.lost_minor for invoice in counted),
        taken_back=sum(invoice.taken_back_minor for invoice in counted),
    )
    status = settled_status(
        order["state"],
        gross=order["gross_minor"],
        shipped=order["shipped_minor"],
        invoiced=invoiced,
        settled=settled,
    )
    return _Sums(
        order["id"],
        order["version"],
        invoiced,
        settled.paid,
        settled.credited,
        settled.lost,
        settled.taken_back,
        status,
    )
