"""Wire shapes of API keys."""

from uuid import UUID

from gateway.clients.schemas import Scopes
from shared.values.fields import ShortText, Timestamp, WireInput, WireModel


class ApiKeyIn(WireInput):
    """An API key to make."""

    name: ShortText
    scopes: Scopes


class ApiKeyOut(WireModel):
    """An API key; `prefix` is how people recognise it."""

    id: UUID
    tenant_id: UUID
    name: str
    prefix: str
    scopes: list[str]
    revoked_at: Timestamp | None
    version: int
    created_at: Timestamp
    updated_at: Timestamp


class ApiKeyWithKey(ApiKeyOut):
    """An API key with the key itself, which is shown this once (null when the answer is replayed)."""

    key: str | None
