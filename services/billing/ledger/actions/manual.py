"""Entries that people make: numbered, checked line by line, and kept off the accounts that documents move."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from services.billing.ledger import queries
from services.billing.ledger.actions.posting import post_entry, reverse_entry
from services.billing.ledger.models import Account
from services.billing.ledger.queries import EntryView
from services.billing.ledger.rules import (
    PAYROLL_SOURCES,
    SERIES,
    SOURCE_MANUAL,
    SUBLEDGER_CONTROLS,
    ControlAccount,
    Entry,
    Posting,
    UnknownAccount,
    check_entry,
)
from services.billing.ledger.schemas import EntryIn
from shared.context.ctx import Ctx
from shared.context.numbering import take_number
from shared.values.faults import FieldError, Invalid

WRITE_OFF = "reverse the write-off (POST /v1/write-offs/{id}/reverse)"
UNDONE_BY = {
    "invoice": "void or credit the invoice",
    "credit_note": "make a new invoice",
    "void": "make a new invoice",
    "payment": "reverse the payment (POST /v1/payments/{id}/reverse)",
    "refund": "reverse the refund (POST /v1/refunds/{id}/reverse)",
    **dict.fromkeys(("cash_discount", "bank_fee", "rounding", "bad_debt"), WRITE_OFF),
    **dict.fromkeys(PAYROLL_SOURCES, "reverse the pay run in payroll"),
}
"""What undoes the entry of a document, by its source; a reversal by a document's own verb is recorded anew."""


async def create_entry(ctx: Ctx, entry: EntryIn) -> EntryView:
    """Post an entry by hand, between the opening of the books and a year from today."""
    (await queries.entry_days(ctx)).require("/effective_on", entry.effective_on)
    postings = [Posting(line.account, line.signed, None, line.dimensions) for line in entry.lines]
    check_entry(postings)
    _check_accounts(postings, await queries.accounts_by_code(ctx, [p.account for p in postings]))
    number = await take_number(ctx, SERIES, entry.effective_on.year)
    entry_id = await post_entry(
        ctx,
        Entry(
            postings=postings,
            effective_on=entry.effective_on,
            memo=entry.memo,
            source=SOURCE_MANUAL,
            source_id=None,
            number=number,
            kind=entry.kind,
        ),
    )
    return await queries.get_entry(ctx, entry_id)


async def reverse_manually(
    ctx: Ctx, entry_id: UUID, *, effective_on: date | None, memo: str | None
) -> EntryView:
    """Reverse an entry by hand. One that a document made is undone through the document."""
    (await queries.entry_days(ctx)).require("/effective_on", effective_on)
    original = await queries.get_entry(ctx, entry_id)
    if original.source in PAYROLL_SOURCES or any(line.open_item_id for line in original.lines):
        raise ControlAccount(
            f"This entry belongs to a document; {UNDONE_BY.get(original.source, 'record it anew')} instead.",
            source=original.source,
            source_id=original.source_id,
            source_number=original.source_number,
        )
    day = effective_on or max(ctx.today, original.effective_on)
    number = await take_number(ctx, SERIES, day.year)
    reversal_id = await reverse_entry(
        ctx, entry_id, effective_on=day, memo=memo or f"Reversal: {original.memo}", number=number
    )
    return await queries.get_entry(ctx, reversal_id)


def _check_accounts(postings: Sequence[Posting], accounts: dict[str, Account]) -> None:
    unknown = [
        FieldError(f"/lines/{i}/account", "unknown_account", f"There is no account {p.account}.")
        for i, p in enumerate(postings)
        if p.account not in accounts
    ]
    if unknown:
        raise UnknownAccount("The chart does not have every account named.", errors=unknown)
    for i, posting in enumerate(postings):
        account = accounts[posting.account]
        if account.control in SUBLEDGER_CONTROLS:
            raise ControlAccount(
                f"Account {account.code} moves with its documents only; make an invoice, credit note or payment.",
                account=account.code,
            )
        if account.currency not in (None, posting.amount.currency):
            raise Invalid.field(
                f"/lines/{i}", "account_currency", f"Account {account.code} is kept in {account.currency}."
            )
