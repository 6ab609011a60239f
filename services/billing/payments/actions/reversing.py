"""Reversing: money that did not come in after all. Its invoices are open again, its entry is mirrored."""

from datetime import date
from uuid import UUID

from services.billing.invoices import actions as invoices
from services.billing.ledger import actions as ledger
from services.billing.ledger import queries as ledger_queries
from services.billing.payments import queries
from services.billing.payments.models import Payment
from services.billing.payments.rules import LIFECYCLE, PaymentRefunded
from shared.context import lifecycle
from shared.context.ctx import Ctx
from shared.contracts.billing import AllocatedInvoice, PaymentReversed
from shared.values.faults import Invalid


async def reverse_payment(ctx: Ctx, payment_id: UUID, *, reason: str, effective_on: date | None) -> Payment:
    """Undo a payment as a whole, from a day on (today, unless said): it bounced, or was another customer's.

    Refused while part of it is refunded (409), for a day before it came in (422) and in a closed period (409).
    """
    row = await queries.get_payment(ctx, payment_id, lock=True)
    LIFECYCLE.target(row.state, "reverse")
    await _require_not_refunded(ctx, row)
    day = await _require_day(ctx, row, effective_on)
    settled = await ledger_queries.find_allocations(ctx, [row.id])
    found = await invoices.lock_to_reopen(ctx, {each.to_item for each in settled})
    taken = await ledger.take_back(ctx, row.id, None, undone_on=day)
    told = await invoices.reopen_invoices(
        ctx, found, taken, why=f"payment {row.reference or row.id} reversed: {reason}"
    )
    await ledger.require_open_since(ctx, row.id, row.amount, day=day, pointer="/effective_on")
    await ledger.reverse_entry(
        ctx,
        row.entry_id,
        effective_on=day,
        memo=f"Reversal of payment {row.reference or row.method}: {reason}",
        source=("payment_reversal", row.id),
    )
    row.unallocated_minor = 0
    row.reversed_on = day
    lifecycle.advance(ctx, LIFECYCLE, row, "reverse", why=reason)
    await ctx.tx.flush()
    _tell_reversed(ctx, row, reason, told)
    return row


async def _require_not_refunded(ctx: Ctx, row: Payment) -> None:
    if row.refunded_minor:
        refund_id, amount = await queries.find_refund(ctx, row.id)
        raise PaymentRefunded(
            f"{amount} of this payment was refunded. Reverse the refund first, if that money came back.",
            refund_id=refund_id,
            amount={"amount": amount.text, "currency": amount.currency},
        )


async def _require_day(ctx: Ctx, row: Payment, effective_on: date | None) -> date:
    (await ledger_queries.receipt_days(ctx)).require("/effective_on", effective_on)
    day = effective_on or max(ctx.today, row.received_on)
    if day < row.received_on:
        sentence = f"The payment came in on {row.received_on}; reverse it then or later."
        raise Invalid.field("/effective_on", "before_original", sentence)
    return day


def _tell_reversed(ctx: Ctx, row: Payment, reason: str, allocations: list[AllocatedInvoice]) -> None:
    ctx.emit(
        PaymentReversed(
            payment_id=row.id,
            customer_id=row.customer_id,
            amount=row.amount,
            reason=reason,
            effective_on=row.reversed_on or ctx.today,
            allocations=allocations,
        ),
        subject=row.id,
        version=row.version,
    )
