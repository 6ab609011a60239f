"""Tenants as the gateway keeps them.

Plain rows rather than SQLModel tables: the kernel's session narrows every table to the acting tenant, while
operators read over tenants here. Row-level security decides (policies `tenant` and `provider`).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg

from gateway.tenants import rules
from shared.context.ctx import TenantFacts


@dataclass(slots=True)
class Tenant:
    """A registered tenant; `provisioning` tells for each subscribed service whether it knows the tenant."""

    id: UUID
    version: int
    created_at: datetime
    updated_at: datetime
    name: str
    legal_name: str
    country: str
    currency: str
    time_zone: str
    kind: str
    state: str
    services: list[str]
    clock_offset: timedelta
    provisioning: dict[str, str]

    @property
    def allowed_actions(self) -> list[str]:
        """The verbs an operator may use now."""
        return [] if self.kind == "provider" else rules.LIFECYCLE.allowed(self.state)

    def facts(self) -> TenantFacts:
        """What services are told."""
        return TenantFacts(
            id=self.id,
            name=self.name,
            legal_name=self.legal_name,
            country=self.country,
            currency=self.currency,
            time_zone=self.time_zone,
            kind=self.kind,
            state=rules.told_state(self.state),
            clock_offset=self.clock_offset,
            version=self.version,
        )


def tenant_of(row: asyncpg.Record) -> Tenant:
    """A tenant from a row of `queries.SELECT`."""
    done = dict(zip(row["told_services"], row["told_done"], strict=True))
    states = {s: "done" if done.get(s) else "waiting" for s in row["services"]}
    values = {name: row[name] for name in Tenant.__slots__ if name != "provisioning"}
    return Tenant(**values, provisioning=states)
