"""What can be done with payments."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from services.billing.invoices import actions as invoices
from services.billing.invoices import queries as invoice_queries
from services.billing.invoices.actions import Settlement
from services.billing.invoices.rules import UnknownCustomer
from services.billing.invoices.schemas import AllocateIn, AllocationIn, AllocationOut
from services.billing.ledger import actions as ledger
from services.billing.ledger.chart import ROLE_BANK, ROLE_RECEIVABLE
from services.billing.ledger.rules import OpenItem, Posting
from services.billing.payments import queries
from services.billing.payments.models import Payment
from services.billing.payments.schemas import PaymentIn, PaymentOut
from shared.contracts.billing import AllocatedInvoice, PaymentAllocated, PaymentRecorded
from shared.ctx import Ctx
from shared.faults import FieldError
from shared.ids import new_id
from shared.money import Money, total
from shared.tables import touch

INSERT = """
insert into payments (tenant_id, id, created_at, updated_at, customer_id, currency, amount_minor, unallocated_minor,
  received_on, method, reference, entry_id)
values ($1, $2, $3, $3, $4, $5, $6, $7, $8, $9, $10, $11)
"""


async def record_payment(ctx: Ctx, payment: PaymentIn) -> PaymentOut:
    """Post money that came in and settle the invoices it names; the rest stays as the customer's credit.

    The answer is built from memory.
    """
    settlements = _settlements(payment.allocations)
    found = await invoices.lock_settled(
        ctx, settlements, customer_id=payment.customer_id, available=payment.amount
    )
    if not found:
        await _require_customer(ctx, payment.customer_id)
    payment_id, received_on = new_id(), payment.received_on or ctx.today
    entry_id = await _post(ctx, payment_id, payment, received_on)
    settled = await invoices.settle_invoices(ctx, found, settlements, from_item=payment_id)
    amount, unallocated = payment.amount, payment.amount - _sum(settlements, payment.amount.currency)
    await ctx.sql.execute(
        INSERT, ctx.tenant.id, payment_id, ctx.now, payment.customer_id, amount.currency, amount.minor,
        unallocated.minor, received_on, payment.method, payment.reference, entry_id,
    )  # fmt: skip
    _tell_recorded(ctx, payment_id, payment, received_on, unallocated, [s.told for s in settled])
    return PaymentOut.model_construct(
        id=payment_id,
        customer_id=payment.customer_id,
        amount=amount,
        unallocated=unallocated,
        received_on=received_on,
        method=payment.method,
        reference=payment.reference,
        allocations=[
            AllocationOut(invoice_id=s.told.invoice_id, amount=s.told.amount, allocated_on=s.allocated_on)
            for s in settled
        ],
        journal_entry_id=entry_id,
        version=1,
        created_at=ctx.now,
        updated_at=ctx.now,
    )


async def allocate_payment(ctx: Ctx, payment_id: UUID, body: AllocateIn) -> Payment:
    """Settle further invoices from what is left of a payment."""
    row = await queries.get_payment(ctx, payment_id, lock=True)
    settlements = _settlements(body.allocations)
    found = await invoices.lock_settled(
        ctx, settlements, customer_id=row.customer_id, available=row.unallocated
    )
    settled = await invoices.settle_invoices(ctx, found, settlements, from_item=row.id)
    row.unallocated_minor -= _sum(settlements, row.currency).minor
    touch(row, ctx.now)
    await ctx.tx.flush()
    _tell_allocated(ctx, row, [s.told for s in settled])
    return row


async def _post(ctx: Ctx, payment_id: UUID, payment: PaymentIn, received_on: date) -> UUID:
    """Dr bank, Cr receivable: the credit is an open item of its own until it settles something."""
    return await ledger.post_entry(
        ctx,
        [Posting(ROLE_BANK, payment.amount), Posting(ROLE_RECEIVABLE, -payment.amount, payment_id)],
        effective_on=received_on,
        memo=f"Payment {payment.reference or payment.method}",
        source="payment",
        source_id=payment_id,
        open_items=[OpenItem(payment_id, "payment", payment.customer_id, ROLE_RECEIVABLE, -payment.amount)],
    )


def _settlements(allocations: Sequence[AllocationIn]) -> list[Settlement]:
    return [Settlement(a.invoice_id, a.amount) for a in allocations]


def _sum(settlements: Sequence[Settlement], currency: str) -> Money:
    return total((s.amount for s in settlements), currency)


async def _require_customer(ctx: Ctx, customer_id: UUID) -> None:
    if not await invoice_queries.is_known_customer(ctx, customer_id):
        sentence = f"There is no customer {customer_id}."
        raise UnknownCustomer(sentence, errors=[FieldError("/customer_id", UnknownCustomer.code, sentence)])


def _tell_recorded(
    ctx: Ctx,
    payment_id: UUID,
    payment: PaymentIn,
    received_on: date,
    unallocated: Money,
    told: list[AllocatedInvoice],
) -> None:
    ctx.emit(
        PaymentRecorded(
            payment_id=payment_id,
            customer_id=payment.customer_id,
            amount=payment.amount,
            unallocated=unallocated,
            received_on=received_on,
            allocations=told,
        ),
        subject=payment_id,
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
