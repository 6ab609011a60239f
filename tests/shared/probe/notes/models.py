"""Tables of notes."""

from uuid import UUID

from sqlalchemy import MetaData, Text, UniqueConstraint
from sqlalchemy.orm import registry
from sqlmodel import Field

from shared.context.effective_rows import RecordedRow
from shared.database.tables import TenantRow


class ProbeRow(TenantRow, registry=registry(metadata=MetaData())):
    """A row of the probe's tables."""


class Note(ProbeRow, table=True):
    """A note."""

    __tablename__ = "notes"
    __table_args__ = (UniqueConstraint("tenant_id", "title", name="notes_title_key"),)

    title: str = Field(sa_type=Text)
    state: str = Field(sa_type=Text)


class Wage(ProbeRow, RecordedRow, table=True):
    """What a person earns for a time, by what was known when."""

    __tablename__ = "wages"

    person_id: UUID
    grade: str = Field(sa_type=Text)
