"""Keeping the books: what holds for all of them, and their accounts."""

from datetime import date
from uuid import UUID

from services.billing.ledger import queries
from services.billing.ledger.actions.periods import hold_books
from services.billing.ledger.chart import STANDARD_CHART
from services.billing.ledger.models import Account, Books
from services.billing.ledger.rules import (
    EARLIEST,
    EARLIEST_OPENING,
    LIFECYCLE,
    AccountExists,
    DateBounds,
    EntriesBeforeOpening,
    FiscalYearFixed,
    month_end,
)
from services.billing.ledger.schemas import AccountChange, AccountIn, BooksChange
from shared.context.ctx import Ctx
from shared.context.lifecycle import begin
from shared.database.tables import touch
from shared.http.router import require_version
from shared.values.ids import new_id

SEED = """
insert into accounts (tenant_id, id, created_at, updated_at, code, name, type, control)
select $1, a.id, $2, $2, a.code, a.name, a.type, a.control
from unnest($3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[]) as a(id, code, name, type, control)
on conflict (tenant_id, code) do nothing
"""
# A month before a closed one counts as closed and does not come to be.
OPEN_YEAR = """
insert into periods (tenant_id, id, created_at, updated_at, starts_on, ends_on, state)
select $1, p.id, $2, $2, p.starts_on, p.ends_on, 'open'
from unnest($3::uuid[], $4::date[], $5::date[]) as p(id, starts_on, ends_on)
where not exists (select from periods c where c.tenant_id = $1 and c.state = 'closed' and c.starts_on >= p.starts_on)
on conflict (tenant_id, starts_on) do nothing returning id
"""
ADD_ACCOUNT = """
insert into accounts (tenant_id, id, created_at, updated_at, code, name, type, currency, control)
values ($1, $2, $3, $3, $4, $5, $6, $7, $8) on conflict (tenant_id, code) do nothing returning id
"""


async def provision(ctx: Ctx) -> None:
    """Give a tenant the standard chart and the months of its current year; what it has already stays."""
    await ctx.sql.execute(
        SEED,
        ctx.tenant.id,
        ctx.now,
        [new_id() for _ in STANDARD_CHART],
        [a.code for a in STANDARD_CHART],
        [a.name for a in STANDARD_CHART],
        [a.type for a in STANDARD_CHART],
        [a.control for a in STANDARD_CHART],
    )
    months = [date(ctx.today.year, month, 1) for month in range(1, 13)]
    opened = await ctx.sql.fetch(
        OPEN_YEAR, ctx.tenant.id, ctx.now, [new_id() for _ in months], months, [month_end(m) for m in months]
    )
    for row in opened:
        begin(ctx, LIFECYCLE, row["id"])


async def change_books(ctx: Ctx, change: BooksChange, *, version: int) -> Books:
    """Say when the books open and in which month their years begin; nobody posts or closes meanwhile."""
    await hold_books(ctx)
    row = await queries.get_books(ctx)
    require_version(row, version)
    if "opened_on" in change.model_fields_set:
        await _require_opening(ctx, change.opened_on)
        row.opened_on = change.opened_on
    if change.fiscal_year_starts not in (None, row.fiscal_year_starts):
        await _require_no_month_closed(ctx)
        row.fiscal_year_starts = change.fiscal_year_starts
    touch(row, ctx.now)
    ctx.session.add(row)
    return row


async def _require_opening(ctx: Ctx, opened_on: date | None) -> None:
    DateBounds(EARLIEST_OPENING, ctx.today).require("/opened_on", opened_on)
    first = await queries.first_entry(ctx)
    if first is not None and first.effective_on < (opened_on or EARLIEST):
        raise EntriesBeforeOpening(
            f"There are entries from {first.effective_on} on; the books open then or before.",
            journal_entry_id=first.id,
            number=first.number,
            effective_on=first.effective_on,
        )


async def _require_no_month_closed(ctx: Ctx) -> None:
    closed = await queries.latest_closed(ctx)
    if closed is not None:
        raise FiscalYearFixed(
            f"{closed.starts_on:%Y-%m} is closed; reopen every month to have years begin in another.",
            period_id=closed.id,
            starts_on=closed.starts_on,
        )


async def create_account(ctx: Ctx, account: AccountIn) -> Account:
    """Add an account to the chart. Of two that come at once with one code, the other one is refused."""
    a = account
    values = (a.code, a.name, a.type, a.currency, a.control)
    added = await ctx.sql.fetchval(ADD_ACCOUNT, ctx.tenant.id, new_id(), ctx.now, *values)
    found = (await queries.accounts_by_code(ctx, [account.code]))[account.code]
    if added is None:
        raise AccountExists(
            f"Account {found.code} is there already: {found.name}.", account_id=found.id, account=found.code
        )
    return found


async def change_account(ctx: Ctx, account_id: UUID, change: AccountChange, *, version: int) -> Account:
    """Rename an account; what it counts never changes."""
    row = await queries.get_account(ctx, account_id, lock=True)
    require_version(row, version)
    row.name = change.name
    touch(row, ctx.now)
    return row
