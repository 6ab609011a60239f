"""Notes over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import File, Query
from sqlmodel import col
from starlette.responses import Response

from shared.approvals.routes import ACCEPTED, accepted
from shared.http.documents import Document
from shared.http.finding import Ids
from shared.http.paging import Page, PageDep, list_rows
from shared.http.router import CtxDep, IfMatch, Router
from shared.http.timeline import add_timeline
from shared.http.uploads import Upload
from shared.values.faults import Unavailable
from tests.shared.probe.notes import actions
from tests.shared.probe.notes.models import Note
from tests.shared.probe.notes.papers import make_paper
from tests.shared.probe.notes.schemas import NoteChange, NoteIn, NoteOut, NotesIn

router = Router("Notes")
W, R = "probe:write", "probe:read"


@router.create("/notes", scope=W, response_model=NoteOut, batch=actions.create_notes)
async def create_note(ctx: CtxDep, body: NoteIn) -> Note:
    """Add a note."""
    return await actions.create_note(ctx, body)


@router.verb("/notes/many", scope=W, body_limit=4 << 20)
async def create_many(ctx: CtxDep, body: NotesIn) -> list[UUID]:
    """Add notes."""
    return [(await actions.create_note(ctx, NoteIn(title=title))).id for title in body.titles]


@router.read("/notes", scope=R, response_model=Page[NoteOut])
async def list_notes(
    ctx: CtxDep, page: PageDep, ids: Ids = None, state: Annotated[str | None, Query()] = None
) -> Page[Note]:
    """Notes, newest first."""
    conditions = [Note.state == state] if state else []
    return await list_rows(ctx, Note, page, *conditions, *([col(Note.id).in_(ids)] if ids else []))


@router.read("/notes/{note_id}", scope=R, response_model=NoteOut)
async def get_note(ctx: CtxDep, note_id: UUID) -> Note:
    """One note."""
    return await actions.get_note(ctx, note_id)


@router.document("/notes/{note_id}/paper", scope=R, media_type="text/x-paper")
async def get_paper(ctx: CtxDep, note_id: UUID) -> Document:
    """A note on paper."""
    note = await actions.get_note(ctx, note_id)
    return Document(ctx, make_paper, note.title, name="note.paper", media_type="text/x-paper")


@router.change("/notes/{note_id}", scope=W, response_model=NoteOut)
async def change_note(ctx: CtxDep, note_id: UUID, body: NoteChange, version: IfMatch) -> Note:
    """Change a note's title."""
    return await actions.change_note(ctx, note_id, body.title, version=version)


@router.verb("/notes/{note_id}/publish", scope=W, response_model=NoteOut)
async def publish_note(ctx: CtxDep, note_id: UUID) -> Note:
    """Publish a note."""
    return await actions.publish_note(ctx, note_id)


@router.verb("/notes/{note_id}/publish-again", scope=W, response_model=NoteOut)
async def publish_again(ctx: CtxDep, note_id: UUID, number: int = 0) -> Note:
    """Publish a note once more."""
    return await actions.publish_note(ctx, note_id, verb="publish_again", number=number)


@router.verb("/notes/{note_id}/archive", scope=W, response_model=NoteOut, responses=ACCEPTED)
async def archive(ctx: CtxDep, note_id: UUID, reason: str = "old") -> Response:
    """Ask that a note be archived."""
    return await accepted(ctx, await actions.ask_to_archive(ctx, note_id, reason=reason))


@router.verb("/notes/{note_id}/explode", scope=W, response_model=NoteOut)
async def explode(ctx: CtxDep, note_id: UUID) -> Note:
    """Publish a note, then meet a bug."""
    await actions.publish_note(ctx, note_id)
    raise RuntimeError("a secret nobody must see")


@router.verb("/notes/{note_id}/away", scope=W, response_model=NoteOut)
async def away(ctx: CtxDep, note_id: UUID) -> Note:
    """Find something away."""
    raise Unavailable("Something is away.")


@router.verb("/notes/{note_id}/swallow", scope=W, response_model=NoteOut)
async def swallow(ctx: CtxDep, note_id: UUID) -> Note:
    """Swallow a failed statement."""
    note = await actions.get_note(ctx, note_id)
    await actions.swallow_a_failure(ctx, note_id)
    return note


@router.verb("/notes/{note_id}/touch/{other_id}", scope=W)
async def touch(ctx: CtxDep, note_id: UUID, other_id: UUID) -> dict[str, bool]:
    """Lock two notes."""
    await actions.touch_in_order(ctx, note_id, other_id)
    return {"touched": True}


@router.create("/notes/{note_id}/upload/{other_id}", scope=W, status=200, upload_limit=1_000_000)
async def upload(
    ctx: CtxDep, note_id: UUID, other_id: UUID, file: Annotated[Upload, File()]
) -> dict[str, int]:
    """Lock two notes with a file at hand."""
    await actions.touch_in_order(ctx, note_id, other_id)
    return {"size": file.size or 0}


@router.verb("/notes/{note_id}/count", scope=W)
async def count(ctx: CtxDep, note_id: UUID) -> dict[str, bool]:
    """Start a job."""
    await actions.start_counting(ctx, note_id)
    return {"started": True}


@router.verb("/notes/{note_id}/walk", scope=W)
async def walk(ctx: CtxDep, note_id: UUID) -> dict[str, bool]:
    """Start a job that leaves a result."""
    await actions.start_walking(ctx, note_id)
    return {"started": True}


@router.read("/notes/{note_id}/walk", scope="probe.walks:read")
async def may_see_walks(ctx: CtxDep, note_id: UUID) -> dict[str, bool]:
    """An operation that needs the scope of walks."""
    return {"may": True}


add_timeline(router, "notes", "probe_note", scope=R)
