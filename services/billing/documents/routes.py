"""The seller over HTTP."""

from starlette.responses import Response

from services.billing.documents import actions, queries
from services.billing.documents.logos import MEDIA_TYPES, MOST_BYTES
from services.billing.documents.schemas import SellerChange, SellerOut
from services.billing.documents.sending import PICTURE
from shared.http.downloads import Download
from shared.http.router import CtxDep, IfMatch, Router
from shared.http.uploads import UploadDep

router = Router("Seller")


@router.read("/seller-profile", scope="billing:read")
async def get_seller(ctx: CtxDep) -> SellerOut:
    """What the tenant's invoices say of it beside its name: address, tax id, how to pay."""
    return await queries.show_seller(ctx, await queries.get_seller(ctx), reveal=True)


@router.change("/seller-profile", scope="billing:write")
async def change_seller(ctx: CtxDep, body: SellerChange, version: IfMatch) -> SellerOut:
    """Change it for documents to come; numbered ones keep what they say."""
    return await actions.change_seller(ctx, body, version=version)


@router.upload(
    "/seller-profile/logo",
    scope="billing:write",
    upload_limit=MOST_BYTES,
    media_types=MEDIA_TYPES,
)
async def put_logo(ctx: CtxDep, file: UploadDep, version: IfMatch) -> SellerOut:
    """Have a picture on documents to come (PNG or JPEG, the body is the file); numbered ones keep what they carry."""
    return await actions.set_logo(ctx, file, version=version)


@router.read("/seller-profile/logo", scope="billing:read", response_class=Response, responses=PICTURE)
async def get_logo(ctx: CtxDep) -> Response:
    """The picture on documents to come, as it was sent."""
    logo = await queries.get_logo(ctx)
    return Download(ctx, logo, name=f"logo.{logo.media_type.rpartition('/')[2]}")


@router.remove("/seller-profile/logo", scope="billing:write")
async def remove_logo(ctx: CtxDep, version: IfMatch) -> None:
    """Have no picture on documents to come."""
    await actions.remove_logo(ctx, version=version)
