"""Wire shapes of the caller."""

from uuid import UUID

from shared.values.fields import Timestamp, WireModel


class TenantShown(WireModel):
    """The tenant a caller acts for."""

    id: UUID
    name: str
    kind: str
    state: str
    currency: str
    time_zone: str


class MeOut(WireModel):
    """Who calls, for whom, with which scopes, and what time it is for that tenant."""

    client_id: str
    kind: str
    tenant: TenantShown
    scopes: list[str]
    now: Timestamp
