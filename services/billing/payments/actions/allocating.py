"""Allocating: what is left of a payment settles further invoices, and what it settled is left again."""

from uuid import UUID

from services.billing.invoices import actions as invoices
from services.billing.invoices.actions import Settling
from services.billing.invoices.rules import wanted_back
from services.billing.invoices.schemas import AllocateIn, DeallocateIn
from services.billing.ledger import actions as ledger
from services.billing.payments import queries
from services.billing.payments.actions.recording import settlements_of
from services.billing.payments.models import Payment
from services.billing.payments.rules import LIFECYCLE
from shared.context import lifecycle
from shared.context.ctx import Ctx
from shared.contracts.billing import AllocatedInvoice, PaymentAllocated, PaymentDeallocated
from shared.values.money import total


async def allocate_payment(ctx: Ctx, payment_id: UUID, body: AllocateIn) -> Payment:
    """Settle further invoices from what is left of a payment."""
    row = await queries.get_payment(ctx, payment_id, lock=True)
    LIFECYCLE.target(row.state, "allocate")
    settling = Settling(row.id, row.customer_id, row.unallocated, settlements_of(body.allocations))
    found = await invoices.lock_settled(ctx, settling)
    settled = await invoices.settle_invoices(ctx, found, settling)
    row.unallocated_minor = settling.left.minor
    lifecycle.advance(ctx, LIFECYCLE, row, "allocate")
    await ctx.tx.flush()
    _tell_allocated(ctx, row, [s.invoice for s in settled])
    return row


async def deallocate_payment(ctx: Ctx, payment_id: UUID, body: DeallocateIn) -> Payment:
    """Have invoices open again, from today, that a payment has settled; the money stays as the customer's credit."""
    row = await queries.get_payment(ctx, payment_id, lock=True)
    LIFECYCLE.target(row.state, "deallocate")
    wanted = wanted_back([(each.invoice_id, each.amount) for each in body.allocations], row.currency)
    found = await invoices.lock_to_reopen(ctx, wanted)
    taken = await ledger.take_back(ctx, row.id, wanted)
    told = await invoices.reopen_invoices(
        ctx, found, taken, why=f"payment {row.reference or row.id} deallocated"
    )
    row.unallocated_minor += total(taken.values(), row.currency).minor
    lifecycle.advance(ctx, LIFECYCLE, row, "deallocate")
    await ctx.tx.flush()
    _tell_deallocated(ctx, row, told)
    return row


def _tell_allocated(ctx: Ctx, row: Payment, allocations: list[AllocatedInvoice]) -> None:
    ctx.emit(
        PaymentAllocated(
            payment_id=row.id,
            customer_id=row.customer_id,
            unallocated=row.unallocated,
            allocated_on=ctx.today,
            allocations=allocations,
        ),
        subject=row.id,
        version=row.version,
    )


def _tell_deallocated(ctx: Ctx, row: Payment, allocations: list[AllocatedInvoice]) -> None:
    ctx.emit(
        PaymentDeallocated(
            payment_id=row.id,
            customer_id=row.customer_id,
            unallocated=row.unallocated,
            deallocated_on=ctx.today,
            allocations=allocations,
        ),
        subject=row.id,
        version=row.version,
    )
