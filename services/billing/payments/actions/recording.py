"""Recording: money comes in, settles the invoices it names, and stays as credit for the rest."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from services.billing.invoices import actions as invoices
from services.billing.invoices import queries as invoice_queries
from services.billing.invoices.actions import Settled, Settlement, Settling
from services.billing.invoices.rules import UnknownCustomer
from services.billing.invoices.schemas import AllocationIn, AllocationOut
from services.billing.ledger import actions as ledger
from services.billing.ledger import queries as ledger_queries
from services.billing.ledger.chart import ROLE_RECEIVABLE
from services.billing.ledger.rules import Entry, OpenItem, Posting
from services.billing.payments.models import Payment
from services.billing.payments.rules import LIFECYCLE, RECORDED, allowed_actions, money_account
from services.billing.payments.schemas import PaymentIn, PaymentOut
from shared.context import lifecycle
from shared.context.ctx import Ctx
from shared.contracts.billing import PaymentRecorded
from shared.database.table_sql import TableSql
from shared.values.ids import new_id
from shared.values.money import Money
from shared.values.search_text import fold


@dataclass(frozen=True, slots=True)
class _NewPayment:
    """The row of a payment."""

    id: UUID
    created_at: datetime
    updated_at: datetime
    customer_id: UUID
    currency: str
    amount_minor: int
    unallocated_minor: int
    received_on: date
    method: str
    reference: str | None
    entry_id: UUID
    search_ref: str | None


PAYMENTS = TableSql(Payment, _NewPayment)
INSERT = PAYMENTS.insert(2)


@dataclass(frozen=True, slots=True)
class Received:
    """Money that came in, as it is recorded."""

    ctx: Ctx
    id: UUID
    given: PaymentIn
    received_on: date
    entry: Entry
    settling: Settling


async def record_payment(ctx: Ctx, given: PaymentIn) -> PaymentOut:
    """Post money that came in and settle the invoices it names; the rest stays as the customer's credit.

    What is returned comes from memory.
    """
    await require_received(ctx, [given])
    received = receive(ctx, given)
    found = await invoices.lock_settled(ctx, received.settling)
    if not given.allocations:
        await require_customers(ctx, [given.customer_id])
    await ledger.post_entry(ctx, received.entry)
    settled = await invoices.settle_invoices(ctx, found, received.settling)
    await store_payments(ctx, [received])
    tell_recorded(received, settled)
    return show_recorded(received, settled)


async def require_received(ctx: Ctx, payments: Sequence[PaymentIn]) -> None:
    """Refuse money that came in before the books opened, or has not come in yet."""
    if any(given.received_on for given in payments):
        bounds = await ledger_queries.receipt_days(ctx)
        for given in payments:
            bounds.require("/received_on", given.received_on)


def receive(ctx: Ctx, given: PaymentIn) -> Received:
    """Dr bank (or cash), Cr receivable: the credit is an open item of its own until it settles something."""
    payment_id, amount = new_id(), given.amount
    received_on = given.received_on or ctx.today
    entry = Entry(
        postings=[
            Posting(money_account(given.method), amount),
            Posting(ROLE_RECEIVABLE, -amount, payment_id),
        ],
        effective_on=received_on,
        memo=f"Payment {given.reference or given.method}",
        source="payment",
        source_id=payment_id,
        open_items=[OpenItem(payment_id, "payment", given.customer_id, ROLE_RECEIVABLE, -amount)],
    )
    settling = Settling(payment_id, given.customer_id, amount, settlements_of(given.allocations))
    return Received(ctx, payment_id, given, received_on, entry, settling)


async def store_payments(ctx: Ctx, payments: Sequence[Received]) -> None:
    """Write payments; their timelines begin."""
    for each in payments:
        lifecycle.begin(each.ctx, LIFECYCLE, each.id)
    await ctx.sql.execute(INSERT, ctx.tenant.id, PAYMENTS.json(map(_row, payments)))


def _row(received: Received) -> _NewPayment:
    given, now = received.given, received.ctx.now
    return _NewPayment(
        id=received.id,
        created_at=now,
        updated_at=now,
        customer_id=given.customer_id,
        currency=given.amount.currency,
        amount_minor=given.amount.minor,
        unallocated_minor=received.settling.left.minor,
        received_on=received.received_on,
        method=given.method,
        reference=given.reference,
        entry_id=received.entry.id,
        search_ref=None if given.reference is None else fold(given.reference),
    )


def show_recorded(received: Received, settled: Sequence[Settled]) -> PaymentOut:
    """A payment that was just recorded, as callers see it."""
    given, now = received.given, received.ctx.now
    left = received.settling.left
    return PaymentOut.model_construct(
        id=received.id,
        state=RECORDED,
        customer_id=given.customer_id,
        amount=given.amount,
        unallocated=left,
        refunded=Money.zero(given.amount.currency),
        received_on=received.received_on,
        reversed_on=None,
        method=given.method,
        reference=given.reference,
        allocations=[
            AllocationOut(
                invoice_id=s.invoice.invoice_id, amount=s.invoice.amount, allocated_on=s.allocated_on
            )
            for s in settled
        ],
        journal_entry_id=received.entry.id,
        allowed_actions=allowed_actions(
            RECORDED, amount=given.amount.minor, unallocated=left.minor, refunded=0
        ),
        version=1,
        created_at=now,
        updated_at=now,
    )


def settlements_of(allocations: Sequence[AllocationIn]) -> list[Settlement]:
    """What is to be settled, as it was asked for."""
    return [Settlement(a.invoice_id, a.amount) for a in allocations]


async def require_customers(ctx: Ctx, customer_ids: Sequence[UUID]) -> None:
    """Refuse customers that billing has never heard of."""
    known = await invoice_queries.known_customers(ctx, customer_ids)
    for customer_id in customer_ids:
        if customer_id not in known:
            raise UnknownCustomer.named(customer_id)


def tell_recorded(received: Received, settled: Sequence[Settled]) -> None:
    """Tell other services of a recorded payment and what it settled."""
    given = received.given
    received.ctx.emit(
        PaymentRecorded(
            payment_id=received.id,
            customer_id=given.customer_id,
            amount=given.amount,
            unallocated=received.settling.left,
            received_on=received.received_on,
            allocations=[s.invoice for s in settled],
        ),
        subject=received.id,
        version=1,
    )
