"""Jobs for tests: queued as a request does, looked at as the superuser sees them."""

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID, uuid4

import asyncpg
import httpx

from shared.background.jobs import start_job
from shared.context.ctx import TenantFacts
from tests.kit.suite import Suite
from tests.shared.given_notes import given_note, rows
from tests.shared.probe.notes import switches

STEPS = [f"step {n}" for n in range(5)]


async def job_of(url: str, note_id: str) -> asyncpg.Record:
    (row,) = await rows(url, "probe", "jobs", id=UUID(note_id))
    return row


def in_state(url: str, note_id: str, state: str) -> Callable[[], Awaitable[bool]]:
    async def asked() -> bool:
        return (await job_of(url, note_id))["state"] == state

    return asked


async def given_job(probe: httpx.AsyncClient, title: str = "", *, verb: str = "count") -> str:
    """A note and a job that works on it; `walk` has a checkpoint, a result, and closes what it leaves unfinished."""
    note_id: str = (await given_note(probe, title or f"job {uuid4().hex}"))["id"]
    answer = await probe.post(f"/v1/notes/{note_id}/{verb}")
    assert answer.status_code == 200, answer.text
    return note_id


def held(prefix: str = "held") -> tuple[str, asyncio.Event]:
    """The title of a note whose job does not go on before the event is set."""
    title, release = f"{prefix} {uuid4().hex}", asyncio.Event()
    switches.BEFORE_EFFECT[title] = release.wait
    return title, release


async def queued(suite: Suite, tenant: TenantFacts, *, jobs: int) -> list[UUID]:
    """Jobs that wait, oldest first; nobody is told of them."""
    found = []
    for _ in range(jobs):
        note = await given_note(suite.client("probe", tenant))
        async with suite.work("probe", tenant) as ctx:
            await start_job(ctx, "count", UUID(note["id"]))
            ctx.job_queued = False
        found.append(UUID(note["id"]))
    return found
