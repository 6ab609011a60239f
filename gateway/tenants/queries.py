"""Reads of tenants, and who may see which."""

from uuid import UUID

from gateway.tenants.models import Tenant, tenant_of
from gateway.tenants.rules import OperatorsOnly
from shared.context.ctx import Ctx
from shared.http.paging import Page, PageQuery, page_of
from shared.http.timeline import TimelineEntry
from shared.values.faults import NotFound

SELECT = """
select t.*,
  array(select s.service from tenant_sync s where s.tenant_id = t.tenant_id order by s.service) as told_services,
  array(select s.synced_version >= s.wanted_version from tenant_sync s where s.tenant_id = t.tenant_id
        order by s.service) as told_done
from registered_tenants t
"""
LIST = SELECT + "where t.tenant_id < $1 order by t.tenant_id desc limit $2"
TIMELINE = """
select id, at, verb, from_state, to_state, why, actor_id, actor_kind, on_behalf_of from history
where tenant_id in ($1, $2) and aggregate = 'tenant' and aggregate_id = $2 and id < $3
order by id desc limit $4
"""


def is_provider(ctx: Ctx) -> bool:
    """Whether an operator acts for the provider itself, and so may see all tenants."""
    return ctx.actor.kind == "operator" and ctx.tenant.kind == "provider"


def require_provider(ctx: Ctx) -> None:
    """Refuse everybody but operators who act for no client company."""
    if not is_provider(ctx):
        raise OperatorsOnly("Only an operator may do this, without the header Backoffice-Tenant.")


async def get_tenant(ctx: Ctx, tenant_id: UUID, *, lock: bool = False) -> Tenant:
    """One tenant: any for operators, the own one for everybody else; locked when it is about to change."""
    if tenant_id != ctx.tenant.id and not is_provider(ctx):
        raise NotFound("tenant", tenant_id)
    row = await ctx.sql.fetchrow(
        SELECT + "where t.tenant_id = $1" + (" for update of t" if lock else ""), tenant_id
    )
    if row is None:
        raise NotFound("tenant", tenant_id)
    return tenant_of(row)


async def list_tenants(ctx: Ctx, page: PageQuery) -> Page[Tenant]:
    """Tenants, newest first: all for operators, the own one for everybody else."""
    if not is_provider(ctx):
        return Page(items=[await get_tenant(ctx, ctx.tenant.id)])
    rows = await ctx.sql.fetch(LIST, page.below_id, page.limit + 1)
    return page_of([tenant_of(row) for row in rows], page, lambda tenant: tenant.id)


async def list_timeline(ctx: Ctx, tenant_id: UUID, page: PageQuery) -> Page[TimelineEntry]:
    """A tenant's moves, newest first; operators also see those made in the provider's name."""
    await get_tenant(ctx, tenant_id)
    rows = await ctx.sql.fetch(TIMELINE, ctx.tenant.id, tenant_id, page.below_id, page.limit + 1)
    return page_of([TimelineEntry(**row) for row in rows], page, lambda entry: entry.id)
