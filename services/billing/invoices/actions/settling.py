"""Settling: what payments, credits and credit notes do to invoices that are locked by then."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from services.billing.invoices import queries
from services.billing.invoices.actions.issuing import refs_of, tell_paid
from services.billing.invoices.models import Invoice, InvoiceLine
from services.billing.invoices.rules import (
    FINALIZED,
    OVERDUE,
    InvoiceMismatch,
    OpenInvoice,
    OverAllocated,
    UnknownInvoice,
    stated,
)
from services.billing.ledger import actions as ledger
from services.billing.ledger.rules import Allocation
from shared.context.batch import Batch
from shared.context.ctx import Ctx
from shared.contracts.billing import AllocatedInvoice
from shared.values.faults import FieldError, Invalid
from shared.values.money import Money, total
from shared.values.tax import TaxedLine

CHANGED = ("version", "updated_at", "open_minor", "paid_minor")
SETTLE = queries.OPEN.update(2, CHANGED)


@dataclass(frozen=True, slots=True)
class Settlement:
    """So much of one invoice is to be settled."""

    invoice_id: UUID
    amount: Money


@dataclass(frozen=True, slots=True)
class Settling:
    """What a customer's money or credit is to settle; `from_item` is its open item, `available` what is left of it.

    `credits` is the invoice that a credit note takes back: settling that one is no payment of it.
    """

    from_item: UUID
    customer_id: UUID
    available: Money
    settlements: Sequence[Settlement]
    credits: UUID | None = None

    @property
    def left(self) -> Money:
        """What stays as the customer's credit."""
        return self.available - total((s.amount for s in self.settlements), self.available.currency)


@dataclass(frozen=True, slots=True)
class Settled:
    """What other services learn of a settled invoice, and the day the allocation counts from."""

    invoice: AllocatedInvoice
    allocated_on: date


Locked = Mapping[UUID, OpenInvoice]
"""Locked invoices by their ids."""


async def lock_settled(ctx: Ctx, settling: Settling) -> Locked:
    """Lock the invoices that a customer's money is to settle, and refuse what does not fit.

    Comes before anything is posted: whoever holds a period must not wait for an invoice.
    """
    require_affordable(settling)
    found = await queries.lock_invoices(ctx, [s.invoice_id for s in settling.settlements])
    require_fitting(found, settling)
    return found


async def settle_invoices(ctx: Ctx, invoices: Locked, settling: Settling) -> list[Settled]:
    """Settle locked invoices from a payment or credit, never more than is open of any; returns what it settled."""
    made_on = await ledger.allocate_all(Batch([(ctx, made) for made in allocations_of(settling)]))
    settled = settle_in_memory(ctx, invoices, settling, made_on)
    await store_settled(ctx, [invoices[s.invoice_id] for s in settling.settlements])
    return settled


def allocations_of(settling: Settling) -> list[Allocation]:
    """What the ledger is to allocate."""
    return [Allocation(settling.from_item, s.invoice_id, s.amount) for s in settling.settlements]


def settle_in_memory(
    ctx: Ctx, invoices: Locked, settling: Settling, made_on: Mapping[tuple[UUID, UUID], date]
) -> list[Settled]:
    """Settle locked invoices as the ledger has allocated."""
    return [
        _settle(
            ctx,
            invoices[s.invoice_id],
            s.amount,
            made_on[settling.from_item, s.invoice_id],
            pays=s.invoice_id != settling.credits,
        )
        for s in settling.settlements
    ]


def _settle(ctx: Ctx, row: OpenInvoice, amount: Money, allocated_on: date, *, pays: bool) -> Settled:
    row.paid_minor += amount.minor if pays else 0
    reduce_open(ctx, row, amount)
    return Settled(allocated(row, amount), allocated_on)


async def store_settled(ctx: Ctx, rows: Sequence[OpenInvoice]) -> None:
    """Write what settling has changed of locked invoices."""
    if rows:
        await ctx.sql.execute(SETTLE, ctx.tenant.id, queries.OPEN.json(rows, CHANGED))


def allocated(row: Invoice | OpenInvoice, amount: Money) -> AllocatedInvoice:
    """What other services learn of an invoice that was settled by an amount."""
    return AllocatedInvoice(
        invoice_id=row.id,
        amount=amount,
        open=row.open,
        payment_status=row.payment_status,
        source_refs=refs_of(row),
    )


async def credit_invoice(ctx: Ctx, row: Invoice, *, credit_note_id: UUID, gross: Money) -> Money:
    """Take a credit note off what is open of its locked invoice; returns what is left for the customer."""
    settled = min(gross, row.open)
    row.credited_minor += gross.minor
    if settled.is_zero:
        row.version += 1
        row.updated_at = ctx.now
    else:
        await ledger.allocate(ctx, from_item=credit_note_id, to_item=row.id, amount=settled)
        reduce_open(ctx, row, settled)
    return gross - settled


def credit_line(line: InvoiceLine, *, quantity: Decimal, figures: TaxedLine) -> None:
    """Remember on a locked line what was taken of it, so that all its parts sum to it exactly."""
    line.credited_quantity += quantity
    line.credited_discount_minor += figures.discount.minor
    line.credited_net_minor += figures.net.minor
    line.credited_tax_minor += figures.tax.minor


def require_affordable(settling: Settling) -> None:
    """Refuse an invoice named twice, another currency, and more in sum than there is to allocate."""
    settlements, available = settling.settlements, settling.available
    named: set[UUID] = set()
    for n, settlement in enumerate(settlements):
        if settlement.invoice_id in named:
            raise Invalid.field(f"/allocations/{n}/invoice_id", "duplicate", "Name each invoice once.")
        named.add(settlement.invoice_id)
        if settlement.amount.currency != available.currency:
            sentence = f"The money is in {available.currency}."
            raise Invalid.field(f"/allocations/{n}/amount", "currency_mismatch", sentence)
    if sum(s.amount.minor for s in settlements) > available.minor:
        raise OverAllocated(f"Only {available} is there to allocate.", available=stated(available))


def require_fitting(found: Locked, settling: Settling) -> None:
    """Refuse invoices that do not exist or do not fit."""
    unknown = [
        FieldError(
            f"/allocations/{n}/invoice_id", UnknownInvoice.code, f"There is no invoice {s.invoice_id}."
        )
        for n, s in enumerate(settling.settlements)
        if s.invoice_id not in found
    ]
    if unknown:
        raise UnknownInvoice(unknown[0].message, errors=unknown)
    for n, settlement in enumerate(settling.settlements):
        _require_fitting(found[settlement.invoice_id], settlement, settling.customer_id, f"/allocations/{n}")


def reduce_open(ctx: Ctx, row: Invoice | OpenInvoice, amount: Money) -> None:
    """Take off what is open of a locked invoice; what settles it wholly with money is told."""
    row.open_minor -= amount.minor
    row.version += 1
    row.updated_at = ctx.now
    if not row.open_minor:
        ctx.unschedule(OVERDUE, row.id)
        if row.payment_status == "paid":
            tell_paid(ctx, row)


def _require_fitting(row: OpenInvoice, settlement: Settlement, customer_id: UUID, pointer: str) -> None:
    """Refuse an invoice of somebody else, in another currency, not finalized, or with less open."""
    amount = settlement.amount
    if row.customer_id != customer_id:
        raise InvoiceMismatch("The invoice is another customer's.", invoice_id=row.id, pointer=pointer)
    if row.currency != amount.currency:
        raise InvoiceMismatch(f"The invoice is in {row.currency}.", invoice_id=row.id, pointer=pointer)
    if row.state != FINALIZED:
        raise InvoiceMismatch(
            f"The invoice is {row.state}.", invoice_id=row.id, state=row.state, pointer=pointer
        )
    if amount > row.open:
        raise OverAllocated(
            f"Of invoice {row.number} only {row.open} is open.",
            invoice_id=row.id,
            open=stated(row.open),
            requested=stated(amount),
            pointer=pointer,
        )
