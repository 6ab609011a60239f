"""Tenants over HTTP."""

from uuid import UUID

from gateway.control import ControlDep
from gateway.tenants import actions, queries
from gateway.tenants.models import Tenant
from gateway.tenants.schemas import TenantChange, TenantIn, TenantOut, Why
from shared.http.paging import Page, PageDep
from shared.http.router import CtxDep, IfMatch, Router
from shared.http.timeline import TimelineEntry

router = Router("Tenants")


@router.create("/tenants", scope="tenants:admin", response_model=TenantOut)
async def create_tenant(ctx: CtxDep, body: TenantIn, control: ControlDep) -> Tenant:
    """Register a client company. `active` means usable at once; `provisioning` finishes by itself."""
    return await actions.create_tenant(ctx, body, control=control)


@router.read("/tenants", scope="tenants:read", response_model=Page[TenantOut])
async def list_tenants(ctx: CtxDep, page: PageDep) -> Page[Tenant]:
    """Tenants, newest first; a client company sees itself."""
    return await queries.list_tenants(ctx, page)


@router.read("/tenants/{tenant_id}", scope="tenants:read", response_model=TenantOut)
async def get_tenant(ctx: CtxDep, tenant_id: UUID) -> Tenant:
    """One tenant; a client company sees itself."""
    return await queries.get_tenant(ctx, tenant_id)


@router.change("/tenants/{tenant_id}", scope="tenants:admin", response_model=TenantOut)
async def change_tenant(
    ctx: CtxDep, tenant_id: UUID, body: TenantChange, version: IfMatch, control: ControlDep
) -> Tenant:
    """Change names or subscriptions."""
    return await actions.change_tenant(ctx, tenant_id, body, version=version, control=control)


@router.verb("/tenants/{tenant_id}/suspend", scope="tenants:admin", response_model=TenantOut)
async def suspend_tenant(
    ctx: CtxDep, tenant_id: UUID, control: ControlDep, body: Why | None = None
) -> Tenant:
    """Refuse all of the tenant's calls from now on (403 `tenant_suspended`)."""
    why = body.reason if body else None
    return await actions.move_tenant(ctx, tenant_id, "suspend", why=why, control=control)


@router.verb("/tenants/{tenant_id}/resume", scope="tenants:admin", response_model=TenantOut)
async def resume_tenant(ctx: CtxDep, tenant_id: UUID, control: ControlDep, body: Why | None = None) -> Tenant:
    """Answer the tenant's calls again."""
    why = body.reason if body else None
    return await actions.move_tenant(ctx, tenant_id, "resume", why=why, control=control)


@router.verb("/tenants/{tenant_id}/close", scope="tenants:admin", response_model=TenantOut)
async def close_tenant(ctx: CtxDep, tenant_id: UUID, control: ControlDep, body: Why | None = None) -> Tenant:
    """End the tenant for good; what it did stays on record."""
    why = body.reason if body else None
    return await actions.move_tenant(ctx, tenant_id, "close", why=why, control=control)


@router.read("/tenants/{tenant_id}/timeline", scope="tenants:read")
async def list_tenant_timeline(ctx: CtxDep, tenant_id: UUID, page: PageDep) -> Page[TimelineEntry]:
    """Who moved this tenant, when, and why; newest first."""
    return await queries.list_timeline(ctx, tenant_id, page)
