"""What is paid once is settled by the run that pays it, and open again when the run is taken back."""

from collections.abc import Collection
from uuid import UUID

from sqlmodel import col, select

from services.payroll.pay_items import queries
from services.payroll.pay_items.models import PayItem
from services.payroll.pay_items.rules import LIFECYCLE
from shared.context.ctx import Ctx
from shared.context.lifecycle import advance


async def settle_items(ctx: Ctx, item_ids: Collection[UUID], *, run_id: UUID) -> None:
    """Settle the items that a run pays; recurring ones among them stay as they are.

    Raises IllegalTransition where another run has settled one, or it was cancelled meanwhile.
    """
    statement = select(PayItem).where(col(PayItem.id).in_(item_ids), col(PayItem.recurring).is_(False))
    for item in (await ctx.session.exec(statement.order_by(col(PayItem.id)).with_for_update())).all():
        advance(ctx, LIFECYCLE, item, "settle", why=f"pay run {run_id}")
        item.settled_by = run_id
    await ctx.tx.flush()


async def reopen_items(ctx: Ctx, *, run_id: UUID) -> None:
    """Have what a run has settled be due again, when the run is reversed."""
    for item in await queries.find_settled(ctx, run_id):
        advance(ctx, LIFECYCLE, item, "reopen", why=f"pay run {run_id} was reversed")
        item.settled_by = None
    await ctx.tx.flush()
