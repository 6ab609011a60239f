"""What can be done with API keys."""

from uuid import UUID

from gateway.api_keys import queries
from gateway.api_keys.models import ApiKey
from gateway.api_keys.schemas import ApiKeyIn
from gateway.control import Control
from gateway.identity import scopes as rules
from gateway.identity import secrets
from gateway.tenants import queries as tenants
from shared.context.ctx import Ctx
from shared.values.faults import NotFound
from shared.values.ids import new_id

INSERT = f"""
insert into api_keys (tenant_id, id, created_at, updated_at, name, prefix, scopes, key_hash)
values ($1, $2, $3, $3, $4, $5, $6, $7) returning {queries.COLUMNS}
"""  # noqa: S608
REVOKE = """
update api_keys set revoked_at = $3, version = version + 1, updated_at = $3
where tenant_id = $1 and id = $2 and revoked_at is null returning id
"""


async def create_api_key(ctx: Ctx, tenant_id: UUID, key: ApiKeyIn, *, control: Control) -> ApiKey:
    """Make a key: `bo_test_…` for a sandbox, `bo_live_…` otherwise; nobody can give it scopes beyond his own."""
    tenant = await tenants.get_tenant(ctx, tenant_id)
    rules.require_grantable(
        key.scopes, known=control.scopes(), held=ctx.scopes, operator=tenant.kind == "provider"
    )
    secret, prefix = secrets.new_api_key(tenant.kind)
    row = await ctx.sql.fetchrow(
        INSERT, tenant_id, new_id(), ctx.now, key.name, prefix, sorted(set(key.scopes)),
        secrets.key_hash(secret.encode()),
    )  # fmt: skip
    _forget_after(ctx, tenant_id, control)
    return ApiKey(**row, key=secret)


async def revoke_api_key(ctx: Ctx, tenant_id: UUID, key_id: UUID, *, control: Control) -> None:
    """End a key at once."""
    await tenants.get_tenant(ctx, tenant_id)
    if await ctx.sql.fetchval(REVOKE, tenant_id, key_id, ctx.now) is None:
        raise NotFound("API key", key_id)
    _forget_after(ctx, tenant_id, control)


def _forget_after(ctx: Ctx, tenant_id: UUID, control: Control) -> None:
    async def forget() -> None:
        control.forget(tenant_id)

    ctx.after_commit.append(forget)
