"""Keeping the books: accounts and periods."""

from datetime import date
from uuid import UUID

from services.billing.ledger import queries
from services.billing.ledger.chart import STANDARD_CHART
from services.billing.ledger.models import Account, Period
from services.billing.ledger.rules import LIFECYCLE, month_end
from services.billing.ledger.schemas import AccountChange, AccountIn
from shared.context.ctx import Ctx
from shared.context.lifecycle import advance, begin
from shared.database.tables import touch
from shared.http.router import require_version
from shared.values.ids import new_id

SEED = """
insert into accounts (tenant_id, id, created_at, updated_at, code, name, type, control)
select $1, a.id, $2, $2, a.code, a.name, a.type, a.control
from unnest($3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[]) as a(id, code, name, type, control)
on conflict (tenant_id, code) do nothing
"""
OPEN_YEAR = """
insert into periods (tenant_id, id, created_at, updated_at, starts_on, ends_on, state)
select $1, p.id, $2, $2, p.starts_on, p.ends_on, 'open'
from unnest($3::uuid[], $4::date[], $5::date[]) as p(id, starts_on, ends_on)
on conflict (tenant_id, starts_on) do nothing returning id
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


async def create_account(ctx: Ctx, account: AccountIn) -> Account:
    """Add an account to the chart."""
    row = Account(tenant_id=ctx.tenant.id, created_at=ctx.now, updated_at=ctx.now, **account.model_dump())
    ctx.session.add(row)
    return row


async def change_account(ctx: Ctx, account_id: UUID, change: AccountChange, *, version: int) -> Account:
    """Rename an account; what it counts never changes."""
    row = await queries.get_account(ctx, account_id, lock=True)
    require_version(row, version)
    row.name = change.name
    touch(row, ctx.now)
    return row


async def close_period(ctx: Ctx, period_id: UUID) -> Period:
    """Let nothing more be posted to a month. Waits for postings in flight; those that come later are refused."""
    return await _move(ctx, period_id, "close")


async def reopen_period(ctx: Ctx, period_id: UUID) -> Period:
    """Let a closed month be posted to again."""
    return await _move(ctx, period_id, "reopen")


async def _move(ctx: Ctx, period_id: UUID, verb: str) -> Period:
    row = await queries.get_period(ctx, period_id, lock=True)
    advance(ctx, LIFECYCLE, row, verb)
    await ctx.tx.flush()
    return row
