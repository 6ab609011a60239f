"""Clients as the gateway keeps them; plain rows for the reason given in `gateway.tenants.models`."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(slots=True)
class Client:
    """A program that may sign in for a tenant; its secret is known only at creation and rotation."""

    id: UUID
    tenant_id: UUID
    version: int
    created_at: datetime
    updated_at: datetime
    client_id: str
    name: str
    scopes: list[str]
    revoked_at: datetime | None
    client_secret: str | None = None
