"""What can be done with the seller."""

from services.billing.documents import queries
from services.billing.documents.models import Seller
from services.billing.documents.schemas import SellerChange
from shared.context.ctx import Ctx
from shared.database.tables import touch
from shared.http.router import require_version


async def change_seller(ctx: Ctx, change: SellerChange, *, version: int) -> Seller:
    """Say what documents to come shall state of the tenant."""
    row = await queries.get_seller(ctx, lock=True)
    require_version(row, version)
    for name, value in change.model_dump(exclude_unset=True).items():
        setattr(row, name, value)
    touch(row, ctx.now)
    ctx.session.add(row)
    return row
