"""The ledger over HTTP."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import Query

from services.billing.ledger import actions, queries
from services.billing.ledger.models import Account, Books, Period
from services.billing.ledger.queries import EntryView
from services.billing.ledger.schemas import (
    AccountChange,
    AccountIn,
    AccountOut,
    BooksChange,
    BooksOut,
    CloseIn,
    EntryIn,
    EntryOut,
    PeriodOut,
    ReopenIn,
    ReverseIn,
)
from shared.http.paging import Page, PageDep
from shared.http.router import CtxDep, IfMatch, Router
from shared.http.timeline import add_timeline
from shared.values.fields import Code, LocalDate

router = Router("Ledger")


@router.read("/books", scope="billing:read", response_model=BooksOut)
async def get_books(ctx: CtxDep) -> Books:
    """When the books open and in which month their fiscal years begin."""
    return await queries.get_books(ctx)


@router.change("/books", scope="billing:approve", response_model=BooksOut)
async def change_books(ctx: CtxDep, body: BooksChange, version: IfMatch) -> Books:
    """Change them while nothing contradicts: no entry is before the opening, and no month of a year is closed.

    Without `opened_on` any day since 1990 is posted to; an earlier opening lets history in, a later one keeps it out.
    """
    return await actions.change_books(ctx, body, version=version)


@router.create("/accounts", scope="billing:write", response_model=AccountOut)
async def create_account(ctx: CtxDep, body: AccountIn) -> Account:
    """Add an account to the chart. Its code is unique; only its name can change later."""
    return await actions.create_account(ctx, body)


@router.read("/accounts", scope="billing:read", response_model=Page[AccountOut])
async def list_accounts(
    ctx: CtxDep, page: PageDep, code: Annotated[Code | None, Query()] = None
) -> Page[Account]:
    """The chart of accounts; the standard chart is there from the start."""
    return await queries.list_accounts(ctx, page, code=code)


@router.read("/accounts/{account_id}", scope="billing:read", response_model=AccountOut)
async def get_account(ctx: CtxDep, account_id: UUID) -> Account:
    """One account."""
    return await queries.get_account(ctx, account_id)


@router.change("/accounts/{account_id}", scope="billing:write", response_model=AccountOut)
async def change_account(ctx: CtxDep, account_id: UUID, body: AccountChange, version: IfMatch) -> Account:
    """Rename an account."""
    return await actions.change_account(ctx, account_id, body, version=version)


@router.create("/journal-entries", scope="billing:write", response_model=EntryOut)
async def create_journal_entry(ctx: CtxDep, body: EntryIn) -> EntryView:
    """Post an entry by hand. It balances in each currency, and never changes again.

    It takes effect between the opening of the books and a year from today. One of kind `closing` moves a year's result
    to equity: the statements carry results forward by themselves and show none of it as income or expense.
    """
    return await actions.create_entry(ctx, body)


@router.read("/journal-entries", scope="billing:read", response_model=Page[EntryOut])
async def list_journal_entries(
    ctx: CtxDep,
    page: PageDep,
    account: Annotated[Code | None, Query()] = None,
    source: Annotated[Code | None, Query()] = None,
    source_id: Annotated[UUID | None, Query()] = None,
    from_: Annotated[LocalDate | None, Query(alias="from")] = None,
    to: Annotated[LocalDate | None, Query()] = None,
) -> Page[EntryView]:
    """Entries with their lines, newest first."""
    return await queries.list_entries(
        ctx, page, account=account, source=source, source_id=source_id, from_=from_, to=to
    )


@router.read("/journal-entries/{entry_id}", scope="billing:read", response_model=EntryOut)
async def get_journal_entry(ctx: CtxDep, entry_id: UUID) -> EntryView:
    """One entry with its lines."""
    return await queries.get_entry(ctx, entry_id)


@router.verb("/journal-entries/{entry_id}/reverse", scope="billing:write", response_model=EntryOut)
async def reverse_journal_entry(ctx: CtxDep, entry_id: UUID, body: ReverseIn | None = None) -> EntryView:
    """Undo an entry by its mirror image, once; returns the reversal."""
    wanted = body or ReverseIn()
    return await actions.reverse_manually(ctx, entry_id, effective_on=wanted.effective_on, memo=wanted.memo)


@router.read("/periods", scope="billing:read", response_model=Page[PeriodOut])
async def list_periods(
    ctx: CtxDep,
    page: PageDep,
    state: Annotated[Literal["open", "closed"] | None, Query()] = None,
    from_: Annotated[LocalDate | None, Query(alias="from")] = None,
    to: Annotated[LocalDate | None, Query()] = None,
) -> Page[Period]:
    """The months of the books, the latest first; months outside the first year appear when posted to.

    One that is not there counts as closed when a later one is.
    """
    return await queries.list_periods(ctx, page, state=state, from_=from_, to=to)


@router.read("/periods/{period_id}", scope="billing:read", response_model=PeriodOut)
async def get_period(ctx: CtxDep, period_id: UUID) -> Period:
    """One month."""
    return await queries.get_period(ctx, period_id)


@router.verb("/periods/{period_id}/close", scope="billing:approve", response_model=PeriodOut)
async def close_period(ctx: CtxDep, period_id: UUID, body: CloseIn | None = None) -> Period:
    """Let nothing more be posted to a month: postings in flight finish first, later ones get 409 `period_closed`.

    Months close in order. While one before it is open: 409 `earlier_period_open`, or with `through` they close along.
    """
    return await actions.close_period(ctx, period_id, through=body is not None and body.through)


@router.verb("/periods/{period_id}/reopen", scope="billing:approve", response_model=PeriodOut)
async def reopen_period(ctx: CtxDep, period_id: UUID, body: ReopenIn) -> Period:
    """Let the latest closed month be posted to again, and say why; an earlier one: 409 `later_period_closed`."""
    return await actions.reopen_period(ctx, period_id, reason=body.reason)


add_timeline(router, "periods", "period", scope="billing:read")
