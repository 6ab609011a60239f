"""What can be done with refunds: money goes back to a customer, and may come back when it cannot be delivered.

A refund posts Dr receivable (on the item of the payment or credit note, whose credit it uses up), Cr bank or cash.
"""

from datetime import date
from uuid import UUID

from services.billing.credit_notes import queries as credit_notes
from services.billing.credit_notes.queries import CreditNote
from services.billing.credit_notes.rules import LIFECYCLE as CREDIT_NOTE
from services.billing.invoices.rules import stated
from services.billing.ledger import actions as ledger
from services.billing.ledger import queries as ledger_queries
from services.billing.ledger.chart import ROLE_RECEIVABLE
from services.billing.ledger.rules import Entry, Posting
from services.billing.payments import queries as payments
from services.billing.payments.queries import Payment
from services.billing.payments.rules import LIFECYCLE as PAYMENT
from services.billing.payments.rules import money_account
from services.billing.refunds import queries
from services.billing.refunds.models import Refund
from services.billing.refunds.rules import LIFECYCLE, OverRefunded
from services.billing.refunds.schemas import RefundIn
from shared.context import lifecycle
from shared.context.ctx import Ctx
from shared.contracts.billing import RefundPaid, RefundReturned
from shared.values.faults import Invalid
from shared.values.ids import new_id
from shared.values.money import Money

Credit = Payment | CreditNote
"""What has money left for a customer."""


async def pay_refund(ctx: Ctx, given: RefundIn) -> Refund:
    """Give back what is left of a payment or credit note, or part of it, on a day (today, unless said).

    Refused for more than is left (409), and for a day on which that was not left yet (422).
    """
    credit = await _lock(ctx, given.payment_id, given.credit_note_id)
    move = PAYMENT if isinstance(credit, Payment) else CREDIT_NOTE
    move.target(credit.state, "refund")
    _require_left(credit, given.amount)
    day = await _require_day(ctx, credit, given.refunded_on)
    await ledger.require_open_since(ctx, credit.id, given.amount, day=day, pointer="/refunded_on")
    refund_id = new_id()
    row = Refund(
        tenant_id=ctx.tenant.id,
        id=refund_id,
        created_at=ctx.now,
        updated_at=ctx.now,
        state=lifecycle.begin(ctx, LIFECYCLE, refund_id, verb="pay", why=given.reason),
        customer_id=credit.customer_id,
        payment_id=given.payment_id,
        credit_note_id=given.credit_note_id,
        currency=given.amount.currency,
        amount_minor=given.amount.minor,
        method=given.method,
        reason=given.reason,
        refunded_on=day,
        entry_id=await _post(ctx, refund_id, credit, given, day),
    )
    _use(credit, given.amount)
    lifecycle.advance(ctx, move, credit, "refund", why=given.reason)
    ctx.session.add(row)
    await ctx.tx.flush()
    _tell_paid(ctx, row)
    return row


async def reverse_refund(ctx: Ctx, refund_id: UUID, *, reason: str, effective_on: date | None) -> Refund:
    """The money of a refund came back: it is the customer's credit again, from a day on (today, unless said)."""
    row = await queries.get_refund(ctx, refund_id)
    credit = await _lock(ctx, row.payment_id, row.credit_note_id)
    await ctx.session.refresh(row)
    LIFECYCLE.target(row.state, "reverse")
    (await ledger_queries.receipt_days(ctx)).require("/effective_on", effective_on)
    day = effective_on or max(ctx.today, row.refunded_on)
    if day < row.refunded_on:
        sentence = f"The refund was paid on {row.refunded_on}; it came back then or later."
        raise Invalid.field("/effective_on", "before_original", sentence)
    memo = f"Returned refund: {reason}"
    await ledger.reverse_entry(
        ctx, row.entry_id, effective_on=day, memo=memo, source=("refund_reversal", row.id)
    )
    _use(credit, -row.amount)
    move = PAYMENT if isinstance(credit, Payment) else CREDIT_NOTE
    lifecycle.advance(ctx, move, credit, "return_refund", why=reason)
    lifecycle.advance(ctx, LIFECYCLE, row, "reverse", why=reason)
    await ctx.tx.flush()
    _tell_returned(ctx, row, day)
    return row


async def _lock(ctx: Ctx, payment_id: UUID | None, credit_note_id: UUID | None) -> Credit:
    if payment_id is not None:
        return await payments.get_payment(ctx, payment_id, lock=True)
    if credit_note_id is None:
        raise AssertionError("a refund is of a payment or of a credit note")
    return await credit_notes.get_credit_note(ctx, credit_note_id, lock=True)


def _require_left(credit: Credit, amount: Money) -> None:
    if amount.currency != credit.currency:
        raise Invalid.field("/amount", "currency_mismatch", f"The money is in {credit.currency}.")
    if amount > credit.unallocated:
        raise OverRefunded(
            f"Only {credit.unallocated} is left to refund. Deallocate what else is to go back.",
            unallocated=stated(credit.unallocated),
            requested=stated(amount),
        )


async def _require_day(ctx: Ctx, credit: Credit, refunded_on: date | None) -> date:
    (await ledger_queries.receipt_days(ctx)).require("/refunded_on", refunded_on)
    came = credit.received_on if isinstance(credit, Payment) else credit.issued_on
    if refunded_on is not None and refunded_on < came:
        raise Invalid.field("/refunded_on", "before_original", f"There was nothing to refund before {came}.")
    return refunded_on or max(ctx.today, came)


async def _post(ctx: Ctx, refund_id: UUID, credit: Credit, given: RefundIn, day: date) -> UUID:
    what = (
        f"payment {credit.reference or credit.id}"
        if isinstance(credit, Payment)
        else f"credit note {credit.number}"
    )
    entry = Entry(
        postings=[
            Posting(ROLE_RECEIVABLE, given.amount, credit.id),
            Posting(money_account(given.method), -given.amount),
        ],
        effective_on=day,
        memo=f"Refund of {what}: {given.reason}",
        source="refund",
        source_id=refund_id,
    )
    return await ledger.post_entry(ctx, entry)


def _use(credit: Credit, amount: Money) -> None:
    credit.unallocated_minor -= amount.minor
    credit.refunded_minor += amount.minor


def _tell_paid(ctx: Ctx, row: Refund) -> None:
    ctx.emit(
        RefundPaid(
            refund_id=row.id,
            customer_id=row.customer_id,
            payment_id=row.payment_id,
            credit_note_id=row.credit_note_id,
            amount=row.amount,
            method=row.method,
            refunded_on=row.refunded_on,
        ),
        subject=row.id,
        version=row.version,
    )


def _tell_returned(ctx: Ctx, row: Refund, day: date) -> None:
    ctx.emit(
        RefundReturned(
            refund_id=row.id,
            customer_id=row.customer_id,
            payment_id=row.payment_id,
            credit_note_id=row.credit_note_id,
            amount=row.amount,
            effective_on=day,
        ),
        subject=row.id,
        version=row.version,
    )
