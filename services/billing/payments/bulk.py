"""Recording many payments at once: what `record_payment` does for one, in as many statements as one needs."""

from services.billing.invoices import bulk as invoices
from services.billing.ledger import actions as ledger
from services.billing.payments.actions import (
    receive,
    require_customers,
    require_received,
    show_recorded,
    store_payments,
    tell_recorded,
)
from services.billing.payments.schemas import PaymentIn, PaymentOut
from shared.context.batch import Batch


async def record_payments(batch: Batch[tuple[PaymentIn]]) -> list[PaymentOut]:
    """Record payments of a tenant, all or none; several may settle parts of one invoice."""
    ctx = batch.ctx
    await require_received(ctx, [given for _, (given,) in batch.items])
    received = [receive(its_ctx, given) for its_ctx, (given,) in batch.items]
    settlings = Batch([(each.ctx, each.settling) for each in received])
    found = await invoices.lock_settled(settlings)
    await require_customers(ctx, [each.given.customer_id for each in received if not each.given.allocations])
    await ledger.post_entries(Batch([(each.ctx, each.entry) for each in received]))
    settled = await invoices.settle_invoices(found, settlings)
    await store_payments(ctx, received)
    for each, its in zip(received, settled, strict=True):
        tell_recorded(each, its)
    return [show_recorded(each, its) for each, its in zip(received, settled, strict=True)]
