"""What can be done with notes."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
from sqlmodel import select

from shared.approvals.asking import ask_approval
from shared.approvals.rows import Approval
from shared.background import jobs
from shared.context import lifecycle
from shared.context.batch import Batch
from shared.context.ctx import Ctx
from shared.http.router import require_version
from shared.values.faults import NotFound
from shared.values.ids import new_id
from tests.shared.probe.notes import switches
from tests.shared.probe.notes.models import Note
from tests.shared.probe.notes.rules import LIFECYCLE
from tests.shared.probe.notes.schemas import NoteIn, NotePublished

ARCHIVE = "probe_note.archive"
REMIND_AFTER = timedelta(days=30)
EFFECT = "insert into effects (tenant_id, id, note_id, what, at) values ($1, $2, $3, $4, $5)"


async def get_note(ctx: Ctx, note_id: UUID, *, lock: bool = False) -> Note:
    statement = select(Note).where(Note.id == note_id)
    note = (await ctx.session.exec(statement.with_for_update() if lock else statement)).one_or_none()
    if note is None:
        raise NotFound("note", note_id)
    return note


async def create_notes(batch: Batch[tuple[NoteIn]]) -> list[Note]:
    for _, (note,) in batch.items:
        if note.title in switches.BEFORE_EFFECT:
            await switches.BEFORE_EFFECT[note.title]()
    return [await create_note(ctx, note) for ctx, (note,) in batch.items]


async def create_note(ctx: Ctx, note: NoteIn) -> Note:
    note_id = new_id()
    state = lifecycle.begin(ctx, LIFECYCLE, note_id)
    row = Note(tenant_id=ctx.tenant.id, id=note_id, title=note.title, state=state)
    ctx.session.add(row)
    await ctx.tx.flush()
    if note.link_to is not None:
        await ctx.sql.execute(
            "insert into links (tenant_id, id, note_id) values ($1, $2, $3)",
            ctx.tenant.id,
            new_id(),
            note.link_to,
        )
    return row


async def change_note(ctx: Ctx, note_id: UUID, title: str, *, version: int) -> Note:
    note = await get_note(ctx, note_id, lock=True)
    require_version(note, version)
    note.title = title
    note.version += 1
    note.updated_at = ctx.now
    return note


async def publish_note(ctx: Ctx, note_id: UUID, *, verb: str = "publish", number: int = 0) -> Note:
    note = await get_note(ctx, note_id, lock=True)
    lifecycle.advance(ctx, LIFECYCLE, note, verb)
    ctx.emit(
        NotePublished(note_id=note.id, title=note.title, number=number), subject=note.id, version=note.version
    )
    return note


async def ask_to_archive(ctx: Ctx, note_id: UUID, *, reason: str) -> Approval:
    """Ask that a note be archived; who has to approve is the test's choice."""
    note = await get_note(ctx, note_id, lock=True)
    LIFECYCLE.target(note.state, "archive")
    return await ask_approval(
        ctx,
        ARCHIVE,
        note.id,
        subject=note.title,
        command={"reason": reason},
        facts=_facts(note),
        steps=switches.STEPS[note.title],
        reason=reason,
    )


async def archive_facts(ctx: Ctx, note_id: UUID) -> dict[str, str]:
    return _facts(await get_note(ctx, note_id, lock=True))


def _facts(note: Note) -> dict[str, str]:
    return {"title": note.title}


async def archive_note(ctx: Ctx, note_id: UUID, command: Mapping[str, Any]) -> None:
    note = await get_note(ctx, note_id, lock=True)
    lifecycle.advance(ctx, LIFECYCLE, note, "archive", why=command["reason"])


async def record_effect(ctx: Ctx, note_id: UUID, what: str) -> None:
    await ctx.sql.execute(EFFECT, ctx.tenant.id, new_id(), note_id, what, ctx.now)


async def swallow_a_failure(ctx: Ctx, note_id: UUID) -> None:
    """What nobody should do: let a statement fail and go on."""
    try:
        await ctx.sql.execute(
            "insert into links (tenant_id, id, note_id) values ($1, null, $2)", ctx.tenant.id, note_id
        )
    except asyncpg.NotNullViolationError:
        return


async def touch_in_order(ctx: Ctx, first: UUID, second: UUID) -> None:
    """Lock two notes one after the other, slowly: made for deadlocks."""
    for note_id in (first, second):
        await ctx.sql.execute(
            "update notes set version = version + 1 where tenant_id = $1 and id = $2", ctx.tenant.id, note_id
        )
        await ctx.sql.execute("select pg_sleep(0.3)")


async def start_counting(ctx: Ctx, note_id: UUID) -> None:
    await get_note(ctx, note_id)
    await jobs.start_job(ctx, "count", note_id, total=5)


async def start_walking(ctx: Ctx, note_id: UUID) -> None:
    await get_note(ctx, note_id)
    await jobs.start_job(ctx, "walk", note_id)


async def close_walk(ctx: Ctx, note_id: UUID, why: jobs.Unfinished) -> None:
    """What a walk that does not reach its end leaves on its note."""
    note = await get_note(ctx, note_id, lock=True)
    if note.title.startswith("cannot be closed"):
        raise RuntimeError("a bug in what closes it")
    await record_effect(ctx, note_id, f"{why.state}: {why.code}")
