"""Adjusting stock: a count is a fact, so it is noted whatever is promised, and promises follow it."""

from dataclasses import replace

from services.orders.promises.actions.sharing import share_out
from services.orders.stock import actions as stock
from services.orders.stock.rules import Adjustment
from services.orders.stock.schemas import StockAdjustmentIn
from shared.context.ctx import Ctx


async def adjust_stock(ctx: Ctx, adjustment: StockAdjustmentIn) -> Adjustment:
    """Change what lies in a warehouse, by hand or after a count, and share out what there is then.

    What comes goes to lines that wait, those confirmed first ahead. What is missing is taken from promises, the
    youngest first; what is being picked or is packed keeps its promise, and what is short of that is said.
    """
    movement = await stock.adjust(ctx, adjustment)
    shared = await share_out(ctx, [movement.product_id], why=movement.reason)
    item = next(i for i in shared.items if i.warehouse_id == movement.warehouse_id)
    return replace(
        movement,
        reserved=item.reserved,
        short=item.short,
        lost=shared.lost,
        pending=bool(shared.pending),
    )
