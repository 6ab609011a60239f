"""Tables of notes."""

from sqlalchemy import MetaData, Text, UniqueConstraint
from sqlalchemy.orm import registry
from sqlmodel import Field

from shared.database.tables import TenantRow


class ProbeRow(TenantRow, registry=registry(metadata=MetaData())):
    """A row of the probe's tables."""


class Note(ProbeRow, table=True):
    """A note."""

    __tablename__ = "notes"
    __table_args__ = (UniqueConstraint("tenant_id", "title", name="notes_title_key"),)

    title: str = Field(sa_type=Text)
    state: str = Field(sa_type=Text)
