"""Settling invoices from many payments at once: what `settling` does for one, in as many statements as one needs."""

from services.billing.invoices import queries
from services.billing.invoices.actions.settling import (
    Locked,
    Settled,
    Settling,
    allocations_of,
    require_affordable,
    require_fitting,
    settle_in_memory,
    store_settled,
)
from services.billing.ledger import actions as ledger
from shared.context.batch import Batch


async def lock_settled(batch: Batch[Settling]) -> Locked:
    """Lock the invoices that customers' money is to settle, and refuse what does not fit."""
    for _, settling in batch.items:
        require_affordable(settling)
    ids = {s.invoice_id for _, settling in batch.items for s in settling.settlements}
    found = await queries.lock_invoices(batch.ctx, ids)
    for _, settling in batch.items:
        require_fitting(found, settling)
    return found


async def settle_invoices(invoices: Locked, batch: Batch[Settling]) -> list[list[Settled]]:
    """Settle locked invoices; several may settle parts of one. Returns what each settled."""
    allocations = [(ctx, made) for ctx, settling in batch.items for made in allocations_of(settling)]
    made_on = await ledger.allocate_all(Batch(allocations))
    settled = [settle_in_memory(ctx, invoices, settling, made_on) for ctx, settling in batch.items]
    ids = {s.invoice_id: None for _, settling in batch.items for s in settling.settlements}
    await store_settled(batch.ctx, [invoices[invoice_id] for invoice_id in ids])
    return settled
