"""Reads of API keys."""

from uuid import UUID

from gateway.api_keys.models import ApiKey
from gateway.tenants import queries as tenants
from shared.context.ctx import Ctx
from shared.http.paging import Page, PageQuery, page_of

COLUMNS = "id, tenant_id, version, created_at, updated_at, name, prefix, scopes, revoked_at"
LIST = f"""
select {COLUMNS} from api_keys where tenant_id = $1 and id < $2 order by id desc limit $3
"""  # noqa: S608


async def list_api_keys(ctx: Ctx, tenant_id: UUID, page: PageQuery) -> Page[ApiKey]:
    """A tenant's keys, newest first, revoked ones included."""
    await tenants.get_tenant(ctx, tenant_id)
    rows = await ctx.sql.fetch(LIST, tenant_id, page.below_id, page.limit + 1)
    return page_of([ApiKey(**row) for row in rows], page, lambda key: key.id)
