"""Wire shapes and the fact of notes."""

from typing import Annotated
from uuid import UUID

from shared.contracts.event import Event
from shared.values.fields import Entries, ShortText, Timestamp, WireInput, WireModel


class NoteIn(WireInput):
    title: ShortText
    link_to: UUID | None = None
    nested: object = None


class NotesIn(WireInput):
    titles: Annotated[list[ShortText], Entries(1, 1000)]


class NoteChange(WireInput):
    title: ShortText


class NoteOut(WireModel):
    id: UUID
    title: str
    state: str
    version: int
    created_at: Timestamp
    updated_at: Timestamp


class NotePublished(Event, type="probe.note.published.v1"):
    note_id: UUID
    title: str
    number: int = 0
