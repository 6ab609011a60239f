"""The file read in a process beside ours, for as long as the job that wants it is wanted itself."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from services.orders.imports import queries
from services.orders.imports.rules import Reading, Step, read_orders
from services.orders.settings import OrdersSettings
from shared.background.jobs import JobRun
from shared.base.side_process import Limits, SideProcesses
from shared.blobs.local import local_file, temporary_file
from shared.blobs.refs import BlobRef
from shared.blobs.store import Blobs

T = TypeVar("T")
LOOK_SECONDS = 1.0  # how long a cancelled import is read on
LIMITS = Limits(cpu_seconds=180, memory_mb=512)


@dataclass(frozen=True, slots=True)
class ImportLimits:
    """How many rows a file may have, and one that is taken as a whole."""

    rows: int
    rows_at_once: int


@asynccontextmanager
async def open_limits(settings: OrdersSettings) -> AsyncIterator[ImportLimits]:
    """The limits from the settings."""
    yield ImportLimits(settings.import_rows, settings.import_rows_at_once)


@dataclass(frozen=True, slots=True)
class ImportFile:
    """A file and how it is to be read; without a `ref` it came before files were blobs."""

    ref: BlobRef | None
    reading: Reading
    most_rows: int
    blobs: Blobs
    aside: SideProcesses


@asynccontextmanager
async def open_steps(run: JobRun, file: ImportFile) -> AsyncIterator[AsyncIterator[Step]]:
    """The file's orders in steps; leaving the block ends the process that reads it, as `JobCancelled` does.

    Raises `UnreadableFile`, `BlobLost`, or `SideProcessFailed` where reading it costs more than `LIMITS`.
    """
    async with AsyncExitStack() as stack:
        content = temporary_file(_old_pieces(run)) if file.ref is None else local_file(file.blobs, file.ref)
        path: Path = await _while_wanted(run, stack.enter_async_context(content))
        steps = file.aside.stream(
            run.tenant_id, read_orders, str(path), file.reading, file.most_rows, limits=LIMITS
        )
        await stack.enter_async_context(aclosing(steps))
        yield await stack.enter_async_context(aclosing(_wanted_steps(run, steps)))


async def _old_pieces(run: JobRun) -> AsyncIterator[bytes]:
    start = 1
    while True:
        async with run.transaction() as ctx:
            piece = await queries.find_old_piece(ctx, run.job_id, start)
        if not piece:
            return
        yield piece
        start += len(piece)


async def _wanted_steps(run: JobRun, steps: AsyncGenerator[Step, None]) -> AsyncGenerator[Step, None]:
    while (step := await _while_wanted(run, _next(steps))) is not None:
        yield step


async def _next(steps: AsyncGenerator[Step, None]) -> Step | None:
    return await anext(steps, None)


async def _while_wanted(run: JobRun, work: Coroutine[Any, Any, T]) -> T:
    """What the work returns; while it goes on, the job is looked at every second, and ended when it is cancelled."""
    task = asyncio.create_task(work)
    try:
        while not (await asyncio.wait({task}, timeout=LOOK_SECONDS))[0]:
            async with run.transaction():
                pass  # raises when the job is cancelled, or the process is to stop
        return task.result()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
