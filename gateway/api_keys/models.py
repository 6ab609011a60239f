"""API keys as the gateway keeps them; plain rows for the reason given in `gateway.tenants.models`."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(slots=True)
class ApiKey:
    """A key of a tenant; the key itself is known only at creation."""

    id: UUID
    tenant_id: UUID
    version: int
    created_at: datetime
    updated_at: datetime
    name: str
    prefix: str
    scopes: list[str]
    revoked_at: datetime | None
    key: str | None = None
