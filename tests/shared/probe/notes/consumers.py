"""What the probe does on its own facts, due times and jobs."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from shared.background.jobs import JobRun
from shared.context.batch import Batch
from shared.context.ctx import Ctx
from shared.service.subscriptions import on_approved, on_batch, on_due, on_job
from tests.shared.probe.notes import actions, switches
from tests.shared.probe.notes.schemas import NotePublished

STEPS = 5


@on_batch(NotePublished)
async def note_published(batch: Batch[NotePublished]) -> None:
    for ctx, event in batch.items:
        await switches.pass_by(event.title)
        await actions.record_effect(ctx, event.note_id, f"published {event.number}")


@on_due("remind")
async def remind(ctx: Ctx, note_id: UUID) -> None:
    note = await actions.get_note(ctx, note_id)
    await switches.pass_by(note.title)
    await actions.record_effect(ctx, note_id, "reminded")
    ctx.schedule("remind", note_id, ctx.now + actions.REMIND_AFTER)


@on_due("once")
async def once(ctx: Ctx, note_id: UUID) -> None:
    note = await actions.get_note(ctx, note_id)
    await switches.pass_by(note.title)
    await actions.record_effect(ctx, note_id, "once")


@on_job("count")
async def count(run: JobRun) -> None:
    """Five steps, each recorded, none twice."""
    for step in range(STEPS):
        async with run.transaction() as ctx:
            done = await ctx.sql.fetchval(
                "select count(*) from effects where tenant_id = $1 and note_id = $2",
                run.tenant_id,
                run.job_id,
            )
            if done > step:
                continue
            note = await actions.get_note(ctx, run.job_id)
            await switches.pass_by(note.title)
            await actions.record_effect(ctx, run.job_id, f"step {step}")
            await run.progress(ctx, step + 1)


@on_job("walk", unfinished=actions.close_walk, reads="probe.walks:read")
async def walk(run: JobRun) -> None:
    """Five steps from the checkpoint on, trusting in it alone, and a map of the way."""
    at = run.checkpoint["step"] if run.checkpoint else 0
    while at < STEPS:
        async with run.transaction() as ctx:
            note = await actions.get_note(ctx, run.job_id)
            await switches.pass_by(note.title)
            await actions.record_effect(ctx, run.job_id, f"step {at}")
            at += 1
            await run.progress(ctx, at, STEPS, checkpoint={"step": at})
    way = await run.store_result(f"{STEPS} steps".encode(), file_name="way.csv", media_type="text/csv")
    async with run.transaction() as ctx:
        await run.leave_result(ctx, way)


@on_approved(actions.ARCHIVE, facts=actions.archive_facts)
async def archive(ctx: Ctx, note_id: UUID, command: Mapping[str, Any]) -> None:
    await actions.archive_note(ctx, note_id, command)
