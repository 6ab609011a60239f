"""Table of posting exceptions."""

from typing import Any
from uuid import UUID

from sqlalchemy import Index, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from services.billing.base import BillingRow


class PostingException(BillingRow, table=True):
    """An event that was consumed but could not be posted, with the rule that refused it."""

    __tablename__ = "posting_exceptions"
    __table_args__ = (
        UniqueConstraint("tenant_id", "event_id", name="posting_exceptions_event_key"),
        Index("posting_exceptions_by_state", "tenant_id", "state", "id"),
    )

    state: str = Field(sa_type=Text)
    event_type: str = Field(sa_type=Text)
    event_id: UUID
    payload: dict[str, Any] = Field(sa_type=JSONB)
    code: str = Field(sa_type=Text)
    reason: str = Field(sa_type=Text)
