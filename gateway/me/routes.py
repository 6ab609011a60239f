"""Who am I."""

from gateway.me.schemas import MeOut, TenantShown
from shared.http.router import CtxDep, Router

router = Router("Me")


@router.read("/me", scope="self:read")
async def show_me(ctx: CtxDep) -> MeOut:
    """The caller as the gateway sees it. Every credential may ask this."""
    tenant = TenantShown.model_validate(ctx.tenant)
    scopes = sorted(ctx.scopes)
    return MeOut(client_id=ctx.actor.id, kind=ctx.actor.kind, tenant=tenant, scopes=scopes, now=ctx.now)
