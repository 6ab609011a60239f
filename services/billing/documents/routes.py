"""The seller over HTTP."""

from services.billing.documents import actions, queries
from services.billing.documents.schemas import SellerChange, SellerOut
from shared.http.router import CtxDep, IfMatch, Router

router = Router("Seller")


@router.read("/seller-profile", scope="billing:read")
async def get_seller(ctx: CtxDep) -> SellerOut:
    """What the tenant's invoices say of it beside its name: address, tax id, how to pay."""
    return await queries.show_seller(ctx, await queries.get_seller(ctx), reveal=True)


@router.change("/seller-profile", scope="billing:write")
async def change_seller(ctx: CtxDep, body: SellerChange, version: IfMatch) -> SellerOut:
    """Change it for documents to come; numbered ones keep what they say."""
    return await actions.change_seller(ctx, body, version=version)
