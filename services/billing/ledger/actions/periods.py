"""Periods: months close oldest first and reopen newest first; the database holds to it, too."""

from uuid import UUID

from services.billing.ledger import queries
from services.billing.ledger.models import Period
from services.billing.ledger.rules import (
    LIFECYCLE,
    EarlierPeriodOpen,
    LaterPeriodClosed,
    PeriodState,
)
from shared.context import lifecycle
from shared.context.ctx import Ctx

HOLD = "select pg_advisory_xact_lock(ledger_books_key($1))"
# One statement for all months: the trigger looks at their order after each.
MOVE = """
update periods set state = $3, version = version + 1, updated_at = $4 where tenant_id = $1 and id = any($2::uuid[])
"""


async def hold_books(ctx: Ctx) -> None:
    """Wait for postings in flight and hold up those that come, until the commit: nothing is posted meanwhile."""
    await ctx.sql.execute(HOLD, ctx.tenant.id)


async def close_period(ctx: Ctx, period_id: UUID, *, through: bool = False) -> Period:
    """Let nothing more be posted to a month, nor before it; with `through` close the open ones before it as well.

    Months before the opening of the books close along. Postings in flight are waited for, later ones refused.
    """
    await hold_books(ctx)
    row = await queries.get_period(ctx, period_id)
    LIFECYCLE.target(row.state, "close")
    earlier = await queries.open_periods_before(ctx, row.starts_on)
    opening = (await queries.get_books(ctx)).first_day
    waiting = [each for each in earlier if each.ends_on >= opening]
    if waiting and not through:
        raise EarlierPeriodOpen(
            f"{waiting[0].starts_on:%Y-%m} is still open; close it first, or all of them with `through`.",
            period_id=waiting[0].id,
            starts_on=waiting[0].starts_on,
            open=len(waiting),
        )
    for each in earlier:
        why = f"closed with {row.starts_on:%Y-%m}"
        lifecycle.move(ctx, LIFECYCLE, each.id, each.state, "close", why=why)
    lifecycle.move(ctx, LIFECYCLE, row.id, row.state, "close")
    return await _moved(ctx, row, [*earlier, row], PeriodState.CLOSED)


async def reopen_period(ctx: Ctx, period_id: UUID, *, reason: str) -> Period:
    """Let the latest closed month be posted to again; the reason stays on its timeline."""
    await hold_books(ctx)
    row = await queries.get_period(ctx, period_id)
    LIFECYCLE.target(row.state, "reopen")
    latest = await queries.latest_closed(ctx)
    if latest is not None and latest.id != row.id:
        raise LaterPeriodClosed(
            f"{latest.starts_on:%Y-%m} is closed; reopen it first, the newest before the older ones.",
            period_id=latest.id,
            starts_on=latest.starts_on,
        )
    lifecycle.move(ctx, LIFECYCLE, row.id, row.state, "reopen", why=reason)
    return await _moved(ctx, row, [row], PeriodState.OPEN)


async def _moved(ctx: Ctx, row: Period, rows: list[Period], state: PeriodState) -> Period:
    await ctx.sql.execute(MOVE, ctx.tenant.id, [each.id for each in rows], state, ctx.now)
    await ctx.session.refresh(row)
    return row
