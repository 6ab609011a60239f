"""Stock adjustments over HTTP: what they do to promises is part of the answer."""

from services.orders.promises import actions
from services.orders.stock.rules import Adjustment
from services.orders.stock.schemas import StockAdjustmentIn, StockAdjustmentOut
from shared.http.router import CtxDep, Router

router = Router("Stock")


@router.create("/stock-adjustments", scope="orders:write", response_model=StockAdjustmentOut)
async def adjust_stock(ctx: CtxDep, body: StockAdjustmentIn) -> Adjustment:
    """Change what lies in a warehouse: by `delta`, or after a count by `set_to` with the `expected` count.

    What comes is promised at once to orders that wait, those confirmed first ahead. Where less is left than is
    promised, the youngest promises are taken back; the answer names who `lost` what.
    """
    return await actions.adjust_stock(ctx, body)
