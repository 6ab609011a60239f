"""What can be done with write-offs: give up what is open of an invoice, and claim it again.

A write-off posts Dr the account of its kind, Dr output tax where tax is corrected; Cr receivable on the invoice's item.
"""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from services.billing.invoices import actions as invoices
from services.billing.invoices import queries as invoice_queries
from services.billing.invoices.rules import FINALIZED, OpenInvoice, stated
from services.billing.ledger import actions as ledger
from services.billing.ledger import queries as ledger_queries
from services.billing.ledger.chart import ROLE_RECEIVABLE
from services.billing.ledger.rules import Entry, Posting, mirrored
from services.billing.write_offs import queries
from services.billing.write_offs.models import WriteOff
from services.billing.write_offs.rules import (
    ACCOUNTS,
    BAD_DEBT,
    LIFECYCLE,
    NAMES,
    ROUNDING,
    Claim,
    NotWritable,
    OverWrittenOff,
    corrects_tax,
    require_kind_allows,
    require_small,
    spread,
    tax_of,
)
from services.billing.write_offs.schemas import WriteOffIn
from shared.context import lifecycle
from shared.context.ctx import Ctx
from shared.contracts.billing import AllocatedInvoice, WriteOffRecorded, WriteOffReversed
from shared.contracts.orders import TaxBreakdownRow
from shared.values.faults import Invalid, NotFound
from shared.values.ids import new_id


async def record_write_off(ctx: Ctx, given: WriteOffIn) -> WriteOff:
    """Give up an amount that is open of an invoice, on a day (today, unless said); tax is corrected as the law has it.

    Refused for more than is open (409), and for a day on which that was not open yet (422).
    """
    require_kind_allows(given.kind, given.amount, given.correct_tax)
    invoice = await _lock(ctx, given.invoice_id)
    _require_open(invoice, given)
    if given.kind == ROUNDING:
        require_small(given.amount + await queries.rounded_off(ctx, invoice.id, invoice.currency))
    day = await _require_day(ctx, invoice, given.effective_on)
    await ledger.require_open_since(ctx, invoice.id, given.amount, day=day, pointer="/effective_on")
    rows = await _corrected(ctx, invoice, given, day)
    write_off_id = new_id()
    row = WriteOff(
        tenant_id=ctx.tenant.id,
        id=write_off_id,
        created_at=ctx.now,
        updated_at=ctx.now,
        state=lifecycle.begin(ctx, LIFECYCLE, write_off_id, why=given.reason),
        invoice_id=invoice.id,
        customer_id=invoice.customer_id,
        kind=given.kind,
        currency=invoice.currency,
        amount_minor=given.amount.minor,
        tax_minor=tax_of(rows, invoice.currency).minor,
        tax_breakdown=[part.model_dump(mode="json") for part in rows],
        reason=given.reason,
        effective_on=day,
        entry_id=await _post(ctx, write_off_id, invoice, given, day, rows),
    )
    told = await invoices.write_off_invoice(
        ctx, invoice, given.amount, lost=given.kind == BAD_DEBT, why=f"{NAMES[given.kind]}: {given.reason}"
    )
    ctx.session.add(row)
    await ctx.tx.flush()
    _tell_recorded(ctx, row, told)
    return row


async def reverse_write_off(
    ctx: Ctx, write_off_id: UUID, *, reason: str, effective_on: date | None
) -> WriteOff:
    """Claim again what was given up (a bad debt is recovered), from a day on (today, unless said); tax, too."""
    row = await queries.get_write_off(ctx, write_off_id)
    invoice = await _lock(ctx, row.invoice_id)
    await ctx.session.refresh(row)
    LIFECYCLE.target(row.state, "reverse")
    (await ledger_queries.receipt_days(ctx)).require("/effective_on", effective_on)
    day = effective_on or max(ctx.today, row.effective_on)
    if day < row.effective_on:
        sentence = f"This was written off on {row.effective_on}; reverse it then or later."
        raise Invalid.field("/effective_on", "before_original", sentence)
    memo = f"Reversal of {NAMES[row.kind].lower()} on invoice {invoice.number}: {reason}"
    await ledger.reverse_entry(
        ctx, row.entry_id, effective_on=day, memo=memo, source=(f"{row.kind}_reversal", row.id)
    )
    lifecycle.advance(ctx, LIFECYCLE, row, "reverse", why=reason)
    told = await invoices.reinstate_invoice(ctx, invoice, row.amount, lost=row.kind == BAD_DEBT, why=reason)
    await ctx.tx.flush()
    _tell_reversed(ctx, row, day, told)
    return row


async def _lock(ctx: Ctx, invoice_id: UUID) -> OpenInvoice:
    found = await invoice_queries.lock_invoices(ctx, [invoice_id])
    if invoice_id not in found:
        raise NotFound("invoice", invoice_id)
    return found[invoice_id]


def _require_open(invoice: OpenInvoice, given: WriteOffIn) -> None:
    if invoice.state != FINALIZED:
        raise NotWritable(f"This invoice is {invoice.state}.", state=invoice.state)
    if given.amount.currency != invoice.currency:
        raise Invalid.field("/amount", "currency_mismatch", f"The invoice is in {invoice.currency}.")
    if given.amount > invoice.open:
        raise OverWrittenOff(
            f"Of invoice {invoice.number} only {invoice.open} is open.",
            invoice_id=invoice.id,
            number=invoice.number,
            open=stated(invoice.open),
            requested=stated(given.amount),
        )


async def _require_day(ctx: Ctx, invoice: OpenInvoice, effective_on: date | None) -> date:
    (await ledger_queries.receipt_days(ctx)).require("/effective_on", effective_on)
    issued_on = invoice.issued_on or ctx.today
    if effective_on is not None and effective_on < issued_on:
        raise Invalid.field("/effective_on", "before_original", f"The invoice is of {issued_on}.")
    return effective_on or max(ctx.today, issued_on)


async def _corrected(ctx: Ctx, invoice: OpenInvoice, given: WriteOffIn, day: date) -> list[TaxBreakdownRow]:
    """What of the invoice's tax rows is no longer owed; nothing where tax stays as it is."""
    issued_on = invoice.issued_on or ctx.today
    claim = Claim(invoice.due_on or issued_on, invoice.delivered_on or issued_on)
    if not corrects_tax(given.kind, country=ctx.tenant.country, claim=claim, day=day, told=given.correct_tax):
        return []
    invoiced = [TaxBreakdownRow.model_validate(row) for row in invoice.tax_breakdown]
    return spread(given.amount, invoiced, await queries.corrected_rows(ctx, invoice.id))


async def _post(
    ctx: Ctx,
    write_off_id: UUID,
    invoice: OpenInvoice,
    given: WriteOffIn,
    day: date,
    rows: Sequence[TaxBreakdownRow],
) -> UUID:
    account = ACCOUNTS[given.kind]
    if rows:
        postings = mirrored(invoices.sales_postings(invoice.id, given.amount, rows, account=account))
    else:
        postings = [Posting(account, given.amount), Posting(ROLE_RECEIVABLE, -given.amount, invoice.id)]
    entry = Entry(
        postings=postings,
        effective_on=day,
        memo=f"{NAMES[given.kind]} on invoice {invoice.number}: {given.reason}",
        source=given.kind,
        source_id=write_off_id,
    )
    return await ledger.post_entry(ctx, entry)


def _tell_recorded(ctx: Ctx, row: WriteOff, told: AllocatedInvoice) -> None:
    ctx.emit(
        WriteOffRecorded(
            write_off_id=row.id,
            customer_id=row.customer_id,
            kind=row.kind,
            amount=row.amount,
            tax=row.tax,
            effective_on=row.effective_on,
            allocations=[told],
        ),
        subject=row.id,
        version=row.version,
    )


def _tell_reversed(ctx: Ctx, row: WriteOff, day: date, told: AllocatedInvoice) -> None:
    ctx.emit(
        WriteOffReversed(
            write_off_id=row.id,
            customer_id=row.customer_id,
            kind=row.kind,
            amount=row.amount,
            effective_on=day,
            allocations=[told],
        ),
        subject=row.id,
        version=row.version,
    )
