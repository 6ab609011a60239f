"""What can be done with payments."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from services.billing.invoices import actions as invoices
from services.billing.invoices import queries as invoice_queries
from services.billing.invoices.actions import Settled, Settlement, Settling
from services.billing.invoices.rules import UnknownCustomer
from services.billing.invoices.schemas import AllocateIn, AllocationIn, AllocationOut
from services.billing.ledger import actions as ledger
from services.billing.ledger.chart import ROLE_BANK, ROLE_RECEIVABLE
from services.billing.ledger.rules import Entry, OpenItem, Posting
from services.billing.payments import queries
from services.billing.payments.models import Payment
from services.billing.payments.schemas import PaymentIn, PaymentOut
from shared.context.batch import Batch
from shared.context.ctx import Ctx
from shared.contracts.billing import AllocatedInvoice, PaymentAllocated, PaymentRecorded
from shared.database.json_rows import recordset, rows_json
from shared.database.tables import touch
from shared.values.faults import FieldError
from shared.values.ids import new_id
from shared.values.money import Money, total

PAYMENT = {
    "id": "uuid", "at": "timestamptz", "customer_id": "uuid", "currency": "text", "amount": "bigint",
    "unallocated": "bigint", "received_on": "date", "method": "text", "reference": "text", "entry_id": "uuid",
}  # fmt: skip
INSERT = f"""
insert into payments (tenant_id, id, created_at, updated_at, customer_id, currency, amount_minor, unallocated_minor,
  received_on, method, reference, entry_id)
select $1, id, at, at, customer_id, currency, amount, unallocated, received_on, method, reference, entry_id
from {recordset(2, PAYMENT, "new")}
"""  # noqa: S608 - our own column names


@dataclass(frozen=True, slots=True)
class _Received:
    """A payment as it is recorded."""

    ctx: Ctx
    id: UUID
    given: PaymentIn
    received_on: date
    entry: Entry
    settling: Settling

    @property
    def unallocated(self) -> Money:
        """What stays as the customer's credit."""
        return self.given.amount - _sum(self.settling.settlements, self.given.amount.currency)


async def record_payment(ctx: Ctx, payment: PaymentIn) -> PaymentOut:
    """Post money that came in and settle the invoices it names; the rest stays as the customer's credit.

    The answer is built from memory.
    """
    return (await record_payments(Batch([(ctx, (payment,))])))[0]


async def record_payments(batch: Batch[tuple[PaymentIn]]) -> list[PaymentOut]:
    """The same for several payments of a tenant, all or none, in as many statements."""
    ctx = batch.ctx
    received = [_received(its_ctx, given) for its_ctx, (given,) in batch.items]
    found = await invoices.lock_settled([each.settling for each in received])
    await _require_customers(
        ctx, [each.given.customer_id for each in received if not each.settling.settlements]
    )
    await ledger.post_entries([(each.ctx, each.entry) for each in received])
    settled = await invoices.settle_invoices(found, [each.settling for each in received])
    await ctx.sql.execute(INSERT, ctx.tenant.id, rows_json(tuple(PAYMENT), map(_row, received)))
    for each, its in zip(received, settled, strict=True):
        _tell_recorded(each, [s.told for s in its])
    return [_shown(each, its) for each, its in zip(received, settled, strict=True)]


def _received(ctx: Ctx, given: PaymentIn) -> _Received:
    """Dr bank, Cr receivable: the credit is an open item of its own until it settles something."""
    payment_id, amount = new_id(), given.amount
    received_on = given.received_on or ctx.today
    entry = Entry(
        id=new_id(),
        postings=[Posting(ROLE_BANK, amount), Posting(ROLE_RECEIVABLE, -amount, payment_id)],
        effective_on=received_on,
        memo=f"Payment {given.reference or given.method}",
        source="payment",
        source_id=payment_id,
        open_items=[OpenItem(payment_id, "payment", given.customer_id, ROLE_RECEIVABLE, -amount)],
    )
    settling = Settling(ctx, payment_id, given.customer_id, amount, _settlements(given.allocations))
    return _Received(ctx, payment_id, given, received_on, entry, settling)


def _row(received: _Received) -> tuple[object, ...]:
    given = received.given
    return (
        received.id, received.ctx.now, given.customer_id, given.amount.currency, given.amount.minor,
        received.unallocated.minor, received.received_on, given.method, given.reference, received.entry.id,
    )  # fmt: skip


def _shown(received: _Received, settled: Sequence[Settled]) -> PaymentOut:
    given, now = received.given, received.ctx.now
    return PaymentOut.model_construct(
        id=received.id,
        customer_id=given.customer_id,
        amount=given.amount,
        unallocated=received.unallocated,
        received_on=received.received_on,
        method=given.method,
        reference=given.reference,
        allocations=[
            AllocationOut(invoice_id=s.told.invoice_id, amount=s.told.amount, allocated_on=s.allocated_on)
            for s in settled
        ],
        journal_entry_id=received.entry.id,
        version=1,
        created_at=now,
        updated_at=now,
    )


async def allocate_payment(ctx: Ctx, payment_id: UUID, body: AllocateIn) -> Payment:
    """Settle further invoices from what is left of a payment."""
    row = await queries.get_payment(ctx, payment_id, lock=True)
    settlements = _settlements(body.allocations)
    settling = Settling(ctx, row.id, row.customer_id, row.unallocated, settlements)
    found = await invoices.lock_settled([settling])
    (settled,) = await invoices.settle_invoices(found, [settling])
    row.unallocated_minor -= _sum(settlements, row.currency).minor
    touch(row, ctx.now)
    await ctx.tx.flush()
    _tell_allocated(ctx, row, [s.told for s in settled])
    return row


def _settlements(allocations: Sequence[AllocationIn]) -> list[Settlement]:
    return [Settlement(a.invoice_id, a.amount) for a in allocations]


def _sum(settlements: Sequence[Settlement], currency: str) -> Money:
    return total((s.amount for s in settlements), currency)


async def _require_customers(ctx: Ctx, customer_ids: Sequence[UUID]) -> None:
    known = await invoice_queries.known_customers(ctx, customer_ids)
    for customer_id in customer_ids:
        if customer_id not in known:
            sentence = f"There is no customer {customer_id}."
            raise UnknownCustomer(
                sentence, errors=[FieldError("/customer_id", UnknownCustomer.code, sentence)]
            )


def _tell_recorded(received: _Received, told: list[AllocatedInvoice]) -> None:
    given = received.given
    received.ctx.emit(
        PaymentRecorded(
            payment_id=received.id,
            customer_id=given.customer_id,
            amount=given.amount,
            unallocated=received.unallocated,
            received_on=received.received_on,
            allocations=told,
        ),
        subject=received.id,
        version=1,
    )


def _tell_allocated(ctx: Ctx, row: Payment, told: list[AllocatedInvoice]) -> None:
    ctx.emit(
        PaymentAllocated(
            payment_id=row.id,
            customer_id=row.customer_id,
            unallocated=row.unallocated,
            allocated_on=ctx.today,
            allocations=told,
        ),
        subject=row.id,
        version=row.version,
    )
