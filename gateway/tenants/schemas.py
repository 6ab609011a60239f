"""Wire shapes of tenants."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from shared.values.fields import (
    Code,
    CountryCode,
    CurrencyCode,
    Entries,
    ShortText,
    Timestamp,
    TimeZoneName,
    WireInput,
    WireModel,
)

ServiceName = Annotated[Code, Field(description="A service behind this gateway.")]
ServiceNames = Annotated[list[ServiceName], Entries(most=50)]
Kind = Literal["live", "sandbox"]


class TenantIn(WireInput):
    """A client company as an operator registers it; without `services` it gets all that run here."""

    name: ShortText
    legal_name: ShortText
    country: CountryCode
    currency: CurrencyCode
    time_zone: TimeZoneName
    kind: Kind = "live"
    services: ServiceNames | None = None


class TenantChange(WireInput):
    """The fields to change; what is left out stays as it is."""

    name: ShortText | None = None
    legal_name: ShortText | None = None
    services: ServiceNames | None = None


class Why(WireInput):
    """The reason of a move, for the timeline."""

    reason: ShortText | None = None


class TenantOut(WireModel):
    """A tenant. `provisioning` says for each subscribed service whether it is `done` or `waiting`."""

    id: UUID
    name: str
    legal_name: str
    country: str
    currency: str
    time_zone: str
    kind: str
    state: str
    services: list[str]
    provisioning: dict[str, Literal["done", "waiting"]]
    allowed_actions: list[str]
    version: int
    created_at: Timestamp
    updated_at: Timestamp
