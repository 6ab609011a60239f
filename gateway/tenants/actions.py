"""What can be done with tenants.

Services are told of a *new* tenant inside the transaction that registers it: whatever they answer is part of
the reply, and if the transaction fails they merely know an id that nobody can act for. Every *later* change is
committed first and told afterwards, before the reply, so that no service ever knows what was never decided.
What a service could not be told is in `tenant_sync`, and the gateway's loop carries it there.
"""

import asyncio
from collections.abc import Collection
from uuid import UUID

import asyncpg

from gateway.control import Control
from gateway.tenants import queries, rules
from gateway.tenants.models import Tenant
from gateway.tenants.schemas import TenantChange, TenantIn
from shared.context.ctx import Ctx
from shared.context.lifecycle import begin, move, step
from shared.values.faults import PreconditionFailed
from shared.values.ids import new_id

INSERT = """
insert into registered_tenants (tenant_id, id, created_at, updated_at, name, legal_name, country, currency, time_zone,
  kind, state, services)
values ($1, $1, $2, $2, $3, $4, $5, $6, $7, $8, $9, $10)
"""
UPDATE = """
update registered_tenants set version = version + 1, updated_at = $2, name = $3, legal_name = $4, services = $5,
  state = $6, clock_offset = $7
where tenant_id = $1
"""
WANT = """
insert into tenant_sync (tenant_id, service, wanted_version)
select $1, w.service, $3
from (select unnest($2::text[]) as service union select service from tenant_sync where tenant_id = $1) w
on conflict (tenant_id, service) do update set wanted_version = excluded.wanted_version, next_try_at = now(),
  attempts = 0
"""
NOTE = """
update tenant_sync t set synced_version = greatest(synced_version, $3), error = n.error, attempts = attempts + 1,
  next_try_at = now() + least(0.25 * power(2, least(attempts, 8)), 8) * (0.75 + random() / 2) * interval '1 second'
from unnest($1::text[], $2::text[]) as n(service, error) where t.tenant_id = $4 and t.service = n.service
"""


async def create_tenant(ctx: Ctx, tenant: TenantIn, *, control: Control) -> Tenant:
    """Register a client company and set it up in every service it subscribes to."""
    queries.require_provider(ctx)
    running = control.services()
    wanted = running if tenant.services is None else tenant.services
    services = rules.subscribed(wanted, running=running)
    tenant_id = new_id()
    state = begin(ctx, rules.LIFECYCLE, tenant_id)
    await ctx.sql.execute(
        INSERT, tenant_id, ctx.now, tenant.name, tenant.legal_name, tenant.country, tenant.currency, tenant.time_zone,
        tenant.kind, state, services,
    )  # fmt: skip
    await ctx.sql.execute(WANT, tenant_id, services, 1)
    row = await queries.get_tenant(ctx, tenant_id)
    told = [service for service in services if service in running]
    errors = await asyncio.gather(*(control.tell(row.facts(), service) for service in told))
    await _note(ctx.sql, tenant_id, row.version, dict(zip(told, errors, strict=True)))
    return await _activate(ctx, tenant_id, running)


async def _activate(ctx: Ctx, tenant_id: UUID, running: Collection[str]) -> Tenant:
    """Open a tenant for work once every service that runs here knows it; answers it either way."""
    row = await queries.get_tenant(ctx, tenant_id, lock=True)
    waiting = [s for s, state in row.provisioning.items() if state == "waiting" and s in running]
    if row.state != rules.TenantState.PROVISIONING or waiting:
        return row
    state = move(ctx, rules.LIFECYCLE, row.id, row.state, "activate")
    await ctx.sql.execute(
        "update registered_tenants set state = $2, version = version + 1, updated_at = $3 where tenant_id = $1",
        tenant_id, state, ctx.now,
    )  # fmt: skip
    return await queries.get_tenant(ctx, tenant_id)


async def _note(
    sql: asyncpg.Connection, tenant_id: UUID, version: int, outcomes: dict[str, str | None]
) -> None:
    """Record which services know a version of a tenant and what kept the others from it."""
    known = [service for service, error in outcomes.items() if error is None]
    failed = {service: error for service, error in outcomes.items() if error is not None}
    await sql.execute(NOTE, known, [None] * len(known), version, tenant_id)
    await sql.execute(NOTE, list(failed), list(failed.values()), 0, tenant_id)


async def note_told(
    ctx: Ctx, tenant_id: UUID, version: int, outcomes: dict[str, str | None], *, running: Collection[str]
) -> None:
    """Record what services have been told, and open the tenant when that was the last thing missing.

    The tenant's row is locked first, as every change does, so that the two never wait for each other.
    """
    await queries.get_tenant(ctx, tenant_id, lock=True)
    await _note(ctx.sql, tenant_id, version, outcomes)
    await _activate(ctx, tenant_id, running)


async def change_tenant(
    ctx: Ctx, tenant_id: UUID, change: TenantChange, *, version: int, control: Control
) -> Tenant:
    """Change a tenant's names or the services it subscribes to."""
    row = await _locked(ctx, tenant_id)
    if row.version != version:
        raise PreconditionFailed("The resource has changed meanwhile.", current_version=row.version)
    if row.state == rules.TenantState.CLOSED:
        raise rules.TenantClosed("A closed tenant does not change any more.")
    row.name = change.name or row.name
    row.legal_name = change.legal_name or row.legal_name
    if change.services is not None:
        row.services = rules.subscribed(change.services, running=control.services())
    return await store(ctx, row, control=control)


async def move_tenant(ctx: Ctx, tenant_id: UUID, verb: str, *, why: str | None, control: Control) -> Tenant:
    """Suspend, resume or close a tenant; its calls are refused, or answered again, at once."""
    row = await _locked(ctx, tenant_id)
    if row.kind == "provider":
        raise rules.ProviderStays(f"The provider itself cannot {verb}.")
    step(ctx, rules.LIFECYCLE, row, verb, why=why)
    return await store(ctx, row, control=control)


async def _locked(ctx: Ctx, tenant_id: UUID) -> Tenant:
    row = await queries.get_tenant(ctx, tenant_id, lock=True)
    queries.require_provider(ctx)
    return row


async def store(ctx: Ctx, row: Tenant, *, control: Control) -> Tenant:
    """Write a changed tenant; once committed, the gateway forgets the old facts and tells the services."""
    await ctx.sql.execute(
        UPDATE, row.id, ctx.now, row.name, row.legal_name, row.services, row.state, row.clock_offset
    )
    await ctx.sql.execute(WANT, row.id, row.services, row.version + 1)

    async def tell() -> None:
        control.forget(row.id)
        await control.push(row.id)

    ctx.after_commit.append(tell)
    return await queries.get_tenant(ctx, row.id)
