"""States of a note."""

from enum import StrEnum

from shared.context.lifecycle import Lifecycle


class NoteState(StrEnum):
    DRAFT = "draft"
    PUBLISHED = "published"
    ARCHIVED = "archived"


LIFECYCLE = Lifecycle(
    "probe_note",
    (NoteState.DRAFT, "publish", NoteState.PUBLISHED),
    (NoteState.PUBLISHED, "publish_again", NoteState.PUBLISHED),
    (NoteState.PUBLISHED, "archive", NoteState.ARCHIVED),
    initial=NoteState.DRAFT,
)
