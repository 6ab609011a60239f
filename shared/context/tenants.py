"""A service's copy of the tenants: provisioned by the gateway, read by consumers and the scheduler."""

import time
from datetime import datetime
from uuid import UUID

from shared.context.ctx import TenantFacts
from shared.database.pool import Transaction
from shared.values import clock
from shared.values.faults import Fault

CACHE_SECONDS = 1.0
CACHE_SIZE = 10_000

UPSERT = """
insert into tenants (tenant_id, version, name, legal_name, country, currency, time_zone, kind, state, clock_offset)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
on conflict (tenant_id) do update set version = excluded.version, name = excluded.name,
  legal_name = excluded.legal_name, time_zone = excluded.time_zone, state = excluded.state,
  clock_offset = excluded.clock_offset, updated_at = now()
where tenants.version <= excluded.version
"""


class UnknownTenant(Fault):
    """An event for a tenant this service has not been told of yet; it is retried."""

    code = "unknown_tenant"


class Tenants:
    """Reads tenants with a short memory, so that consumers need no query per event.

    Sandboxes are read each time: their clocks jump, and what an advance has made due must see the new time.
    """

    def __init__(self) -> None:
        self._known: dict[UUID, tuple[float, TenantFacts]] = {}

    async def facts(self, tx: Transaction, tenant_id: UUID) -> TenantFacts:
        """What this service knows of a tenant."""
        known = self._known.get(tenant_id)
        if known is not None and known[0] > time.monotonic():
            return known[1]
        row = await tx.sql.fetchrow("select * from tenants where tenant_id = $1", tenant_id)
        if row is None:
            raise UnknownTenant(f"Tenant {tenant_id} is not known here yet.")
        facts = TenantFacts.of(row)
        if facts.kind != "sandbox":
            if len(self._known) >= CACHE_SIZE:
                self._known.clear()
            self._known[tenant_id] = (time.monotonic() + CACHE_SECONDS, facts)
        return facts

    async def now(self, tx: Transaction, tenant_id: UUID) -> datetime:
        """The present instant of a tenant's clock."""
        return clock.utc_now((await self.facts(tx, tenant_id)).clock_offset)

    async def store(self, tx: Transaction, facts: TenantFacts) -> None:
        """Keep what the gateway says of a tenant; an older version never replaces a newer one."""
        await tx.sql.execute(
            UPSERT, facts.id, facts.version, facts.name, facts.legal_name, facts.country, facts.currency,
            facts.time_zone, facts.kind, facts.state, facts.clock_offset,
        )  # fmt: skip
        self._known.pop(facts.id, None)
