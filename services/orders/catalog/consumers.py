"""What the catalogue does when billing tells of its tax codes."""

from services.orders.catalog import actions
from shared.context.ctx import Ctx
from shared.contracts.billing import TaxCodeChanged
from shared.service.subscriptions import on


@on(TaxCodeChanged)
async def on_tax_code_changed(ctx: Ctx, event: TaxCodeChanged) -> None:
    """Keep the copy that orders are priced with."""
    await actions.copy_tax_code(ctx, event)
