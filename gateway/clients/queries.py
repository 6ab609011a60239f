"""Reads of clients."""

from uuid import UUID

from gateway.clients.models import Client
from gateway.tenants import queries as tenants
from shared.context.ctx import Ctx
from shared.http.paging import Page, PageQuery, page_of
from shared.values.faults import NotFound

COLUMNS = "id, tenant_id, version, created_at, updated_at, client_id, name, scopes, revoked_at"
GET = f"select {COLUMNS} from clients where tenant_id = $1 and id = $2 and revoked_at is null for update"  # noqa: S608
LIST = f"""
select {COLUMNS} from clients where tenant_id = $1 and id < $2 order by id desc limit $3
"""  # noqa: S608


async def list_clients(ctx: Ctx, tenant_id: UUID, page: PageQuery) -> Page[Client]:
    """A tenant's clients, newest first, revoked ones included."""
    await tenants.get_tenant(ctx, tenant_id)
    rows = await ctx.sql.fetch(LIST, tenant_id, page.below_id, page.limit + 1)
    return page_of([Client(**row) for row in rows], page, lambda client: client.id)


async def get_client(ctx: Ctx, tenant_id: UUID, client_id: UUID) -> Client:
    """A client that is not revoked, locked since it is about to change."""
    await tenants.get_tenant(ctx, tenant_id)
    row = await ctx.sql.fetchrow(GET, tenant_id, client_id)
    if row is None:
        raise NotFound("client", client_id)
    return Client(**row)
