"""Allocating: what is left of a credit note settles further invoices, and what it settled is left again."""

from uuid import UUID

from services.billing.credit_notes import queries
from services.billing.credit_notes.models import CreditNote
from services.billing.credit_notes.rules import LIFECYCLE, OfOwnInvoice
from services.billing.invoices import actions as invoices
from services.billing.invoices.actions import Settlement, Settling
from services.billing.invoices.rules import wanted_back
from services.billing.invoices.schemas import AllocateIn, DeallocateIn
from services.billing.ledger import actions as ledger
from shared.context import lifecycle
from shared.context.ctx import Ctx
from shared.contracts.billing import CreditNoteAllocated, CreditNoteDeallocated
from shared.values.money import total


async def allocate_credit_note(ctx: Ctx, credit_note_id: UUID, body: AllocateIn) -> CreditNote:
    """Settle further invoices of the customer from what is left of a credit note."""
    row = await queries.get_credit_note(ctx, credit_note_id, lock=True)
    settlements = [Settlement(a.invoice_id, a.amount) for a in body.allocations]
    settling = Settling(row.id, row.customer_id, row.unallocated, settlements, credits=row.invoice_id)
    found = await invoices.lock_settled(ctx, settling)
    settled = await invoices.settle_invoices(ctx, found, settling)
    row.unallocated_minor = settling.left.minor
    lifecycle.advance(ctx, LIFECYCLE, row, "allocate")
    await ctx.tx.flush()
    ctx.emit(
        CreditNoteAllocated(
            credit_note_id=row.id,
            invoice_id=row.invoice_id,
            customer_id=row.customer_id,
            unallocated=row.unallocated,
            allocated_on=ctx.today,
            allocations=[s.invoice for s in settled],
        ),
        subject=row.id,
        version=row.version,
    )
    return row


async def deallocate_credit_note(ctx: Ctx, credit_note_id: UUID, body: DeallocateIn) -> CreditNote:
    """Have further invoices open again, from today, that a credit note has settled; not the one it belongs to."""
    row = await queries.get_credit_note(ctx, credit_note_id, lock=True)
    wanted = wanted_back([(each.invoice_id, each.amount) for each in body.allocations], row.currency)
    if row.invoice_id in wanted:
        raise OfOwnInvoice("A credit note stays on the invoice it takes back.", invoice_id=row.invoice_id)
    found = await invoices.lock_to_reopen(ctx, wanted)
    taken = await ledger.take_back(ctx, row.id, wanted)
    told = await invoices.reopen_invoices(ctx, found, taken, why=f"credit note {row.number} deallocated")
    row.unallocated_minor += total(taken.values(), row.currency).minor
    lifecycle.advance(ctx, LIFECYCLE, row, "deallocate")
    await ctx.tx.flush()
    ctx.emit(
        CreditNoteDeallocated(
            credit_note_id=row.id,
            customer_id=row.customer_id,
            unallocated=row.unallocated,
            deallocated_on=ctx.today,
            allocations=told,
        ),
        subject=row.id,
        version=row.version,
    )
    return row
