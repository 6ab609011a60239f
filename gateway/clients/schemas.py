"""Wire shapes of clients."""

from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from shared.values.fields import Entries, ShortText, Timestamp, WireInput, WireModel

ScopeText = Annotated[
    str, StringConstraints(strict=True, max_length=64, pattern=r"^(\*|[a-z][a-z0-9_.-]*:[a-z][a-z0-9_]*)$")
]
Scopes = Annotated[list[ScopeText], Entries(1, 100), Field(description="`<area>:<right>`.")]


class ClientIn(WireInput):
    """A client to make."""

    name: ShortText
    scopes: Scopes


class ClientOut(WireModel):
    """A client."""

    id: UUID
    tenant_id: UUID
    client_id: str
    name: str
    scopes: list[str]
    revoked_at: Timestamp | None
    version: int
    created_at: Timestamp
    updated_at: Timestamp


class ClientWithSecret(ClientOut):
    """A client with its secret, which is shown this once (null when the answer is replayed)."""

    client_secret: str | None
