"""Events: contracts and the CloudEvents 1.0 envelope.

A contract is a pydantic model in `shared/contracts/<service>.py`, owned by the service that publishes it, in
the past tense, with a version in its type (`orders.order.confirmed.v1`). Within a major only optional fields
are added; the committed JSON Schemas in `docs/generated/events/` make CI notice anything else.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar
from uuid import UUID

import orjson
from pydantic import BaseModel, ConfigDict

TYPE = re.compile(r"^[a-z_]+\.[a-z_]+\.[a-z_]+\.v[1-9]\d*$")
REGISTRY: dict[str, type["Event"]] = {}


class Event(BaseModel):
    """A fact that one service publishes: `class OrderConfirmed(Event, type="orders.order.confirmed.v1")`."""

    model_config = ConfigDict(frozen=True, extra="ignore", from_attributes=True)
    type: ClassVar[str]

    @classmethod
    def __pydantic_init_subclass__(cls, *, type: str, **kwargs: Any) -> None:  # type: ignore[override]  # noqa: A002, ANN401
        super().__pydantic_init_subclass__(**kwargs)
        if not TYPE.match(type):
            raise TypeError(f"{type!r} is not <service>.<aggregate>.<past tense>.v<major>")
        if type in REGISTRY:
            raise TypeError(f"two contracts claim the event type {type}")
        cls.type = type
        REGISTRY[type] = cls

    def __init_subclass__(cls, *, type: str | None = None, **kwargs: Any) -> None:  # noqa: A002, ANN401
        super().__init_subclass__(**kwargs)

    @classmethod
    def aggregate(cls) -> str:
        """The noun the fact is about: `order` of `orders.order.confirmed.v1`."""
        return cls.type.split(".")[1]


@dataclass(frozen=True, slots=True)
class Envelope:
    """One event on its way: the attributes that routing needs, and the whole CloudEvent as JSON text."""

    id: UUID
    type: str
    tenant_id: UUID
    ordering_key: str
    text: str
    traceparent: str = ""

    def data(self) -> Any:  # noqa: ANN401 - the payload is shaped by its contract
        """The payload as plain JSON values."""
        return orjson.loads(self.text)["data"]


def envelope(
    event: Event,
    *,
    id: UUID,  # noqa: A002 - the CloudEvents name
    source: str,
    subject: str,
    time: datetime,
    tenant_id: UUID,
    version: int,
    ordering_key: str,
    actor_id: str,
    causation_id: str | None,
    correlation_id: str | None,
    traceparent: str,
) -> Envelope:
    """Wrap a fact as a CloudEvents 1.0 structured-mode JSON document with our extension attributes."""
    attributes = {
        "specversion": "1.0",
        "id": str(id),
        "source": f"/backoffice/{source}",
        "type": event.type,
        "subject": subject,
        "time": time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "datacontenttype": "application/json",
        "tenantid": str(tenant_id),
        "aggregateversion": version,
        "partitionkey": ordering_key,
        "actorid": actor_id,
        "traceparent": traceparent,
    }
    if causation_id:
        attributes["causationid"] = causation_id
    if correlation_id:
        attributes["correlationid"] = correlation_id
    head = orjson.dumps(attributes)
    text = f'{head[:-1].decode()},"data":{event.model_dump_json()}}}'
    return Envelope(id, event.type, tenant_id, ordering_key, text, traceparent)


class UnreadableEvent(ValueError):  # noqa: N818 - named for what it is
    """The bytes are not an event of ours; it can only be parked for a person to look at."""


def read_envelope(text: str) -> tuple[Envelope, dict[str, Any]]:
    """Parse a received document into its routing attributes and all its attributes."""
    try:
        document = orjson.loads(text)
        found = Envelope(
            id=UUID(document["id"]),
            type=str(document["type"]),
            tenant_id=UUID(document["tenantid"]),
            ordering_key=str(document["partitionkey"]),
            text=text,
            traceparent=str(document.get("traceparent", "")),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UnreadableEvent(f"not a CloudEvent of this suite ({type(error).__name__})") from error
    return found, document
