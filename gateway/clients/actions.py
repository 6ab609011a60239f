"""What can be done with clients."""

from uuid import UUID

from gateway.clients import queries
from gateway.clients.models import Client
from gateway.clients.schemas import ClientIn
from gateway.control import Control
from gateway.identity import scopes as rules
from gateway.identity import secrets
from gateway.tenants import queries as tenants
from shared.context.ctx import Ctx
from shared.values.ids import new_id

INSERT = f"""
insert into clients (tenant_id, id, created_at, updated_at, client_id, name, scopes, secret_hash)
values ($1, $2, $3, $3, $4, $5, $6, $7) returning {queries.COLUMNS}
"""  # noqa: S608
ROTATE = f"""
update clients set secret_hash = $3, version = version + 1, updated_at = $4 where tenant_id = $1 and id = $2
returning {queries.COLUMNS}
"""  # noqa: S608
REVOKE = """
update clients set revoked_at = $3, version = version + 1, updated_at = $3 where tenant_id = $1 and id = $2
"""


async def create_client(
    ctx: Ctx, tenant_id: UUID, client: ClientIn, *, control: Control, keeper: secrets.SecretKeeper
) -> Client:
    """Make a client with a fresh secret; nobody can give it scopes beyond his own."""
    tenant = await tenants.get_tenant(ctx, tenant_id)
    rules.require_grantable(
        client.scopes, known=control.scopes(), held=ctx.scopes, operator=tenant.kind == "provider"
    )
    secret = secrets.new_secret()
    row = await ctx.sql.fetchrow(
        INSERT, tenant_id, new_id(), ctx.now, secrets.new_client_id(), client.name, sorted(set(client.scopes)),
        await keeper.hash(secret),
    )  # fmt: skip
    _forget_after(ctx, tenant_id, control)
    return Client(**row, client_secret=secret)


async def rotate_secret(
    ctx: Ctx, tenant_id: UUID, client_id: UUID, *, control: Control, keeper: secrets.SecretKeeper
) -> Client:
    """Give a client a new secret; the old one stops at once, tokens already issued run out by themselves."""
    client = await queries.get_client(ctx, tenant_id, client_id)
    rules.require_grantable(
        client.scopes, known=control.scopes() | set(client.scopes), held=ctx.scopes, operator=True
    )
    secret = secrets.new_secret()
    row = await ctx.sql.fetchrow(ROTATE, tenant_id, client_id, await keeper.hash(secret), ctx.now)
    _forget_after(ctx, tenant_id, control)
    return Client(**row, client_secret=secret)


async def revoke_client(ctx: Ctx, tenant_id: UUID, client_id: UUID, *, control: Control) -> None:
    """End a client: neither its secret nor its tokens are honoured any more."""
    await queries.get_client(ctx, tenant_id, client_id)
    await ctx.sql.execute(REVOKE, tenant_id, client_id, ctx.now)
    _forget_after(ctx, tenant_id, control)


def _forget_after(ctx: Ctx, tenant_id: UUID, control: Control) -> None:
    async def forget() -> None:
        control.forget(tenant_id)

    ctx.after_commit.append(forget)
