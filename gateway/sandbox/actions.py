"""Advancing a test clock, and reading it."""

from gateway.control import Control
from gateway.sandbox import rules
from gateway.sandbox.schemas import ClockIn, ClockOut
from gateway.tenants import actions as tenant_actions
from gateway.tenants import queries as tenants
from gateway.tenants.models import Tenant
from shared.context.ctx import Ctx
from shared.values import clock


async def show_clock(ctx: Ctx) -> ClockOut:
    """The acting sandbox tenant's time."""
    return _shown(_require_sandbox(await tenants.get_tenant(ctx, ctx.tenant.id)))


async def advance_clock(ctx: Ctx, change: ClockIn, *, control: Control) -> ClockOut:
    """Move the acting sandbox tenant's time ahead; its services know before this is answered."""
    tenant = _require_sandbox(await tenants.get_tenant(ctx, ctx.tenant.id, lock=True))
    tenant.clock_offset = rules.advanced(
        tenant.clock_offset, clock.utc_now(), seconds=change.advance_seconds, to=change.advance_to
    )
    return _shown(await tenant_actions.store(ctx, tenant, control=control))


def _require_sandbox(tenant: Tenant) -> Tenant:
    if tenant.kind != "sandbox":
        raise rules.NotASandbox("Only a sandbox tenant has a test clock.", kind=tenant.kind)
    return tenant


def _shown(tenant: Tenant) -> ClockOut:
    return ClockOut(
        now=clock.utc_now(tenant.clock_offset),
        ahead_seconds=tenant.clock_offset.total_seconds(),
        version=tenant.version,
    )
