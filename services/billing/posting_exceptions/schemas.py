"""Wire shapes of posting exceptions."""

from datetime import datetime
from typing import Any, Literal, Self
from uuid import UUID

from services.billing.posting_exceptions.models import PostingException
from services.billing.posting_exceptions.rules import LIFECYCLE, OPEN
from shared.values.fields import ShortText, Timestamp, WireInput, WireModel


class DiscardIn(WireInput):
    """Why the event is never to be posted."""

    reason: ShortText


class HeldEventOut(WireModel):
    """The event as it came."""

    id: UUID
    type: str
    data: dict[str, Any]


class PostingExceptionOut(WireModel):
    """An event that could not be posted. `age_seconds` counts until it was resolved or discarded."""

    id: UUID
    state: Literal["open", "resolved", "discarded"]
    event: HeldEventOut
    code: str
    reason: str
    age_seconds: int
    allowed_actions: list[str]
    version: int
    created_at: Timestamp
    updated_at: Timestamp

    @classmethod
    def of(cls, row: PostingException, now: datetime) -> Self:
        """A posting exception of its row, as old as it is now."""
        until = now if row.state == OPEN else row.updated_at
        return cls(
            event=HeldEventOut(id=row.event_id, type=row.event_type, data=row.payload),
            age_seconds=max(0, int((until - row.created_at).total_seconds())),
            allowed_actions=LIFECYCLE.allowed(row.state),
            **row.model_dump(
                include={"id", "state", "code", "reason", "version", "created_at", "updated_at"}
            ),
        )
