"""Advancing a test clock, and reading it."""

from datetime import timedelta

from gateway.control import Control
from gateway.sandbox import rules
from gateway.sandbox.schemas import ClockIn, ClockOut
from gateway.tenants import actions as tenant_actions
from gateway.tenants import queries as tenants
from shared.context.ctx import Ctx
from shared.values import clock


async def show_clock(ctx: Ctx) -> ClockOut:
    """The acting sandbox tenant's time."""
    tenant = await tenants.get_tenant(ctx, ctx.tenant.id)
    rules.require_sandbox(tenant.kind)
    return _shown(tenant.clock_offset, version=tenant.version)


async def advance_clock(ctx: Ctx, change: ClockIn, *, control: Control) -> ClockOut:
    """Move the acting sandbox tenant's time ahead; its services know before this is answered."""
    tenant = await tenants.get_tenant(ctx, ctx.tenant.id, lock=True)
    rules.require_sandbox(tenant.kind)
    tenant.clock_offset = rules.advanced(
        tenant.clock_offset, clock.utc_now(), seconds=change.advance_seconds, to=change.advance_to
    )
    stored = await tenant_actions.store(ctx, tenant, control=control)
    return _shown(stored.clock_offset, version=stored.version)


def _shown(offset: timedelta, *, version: int) -> ClockOut:
    return ClockOut(now=clock.utc_now(offset), ahead_seconds=offset.total_seconds(), version=version)
