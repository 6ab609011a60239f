"""Work beside the event loop, in a process of its own: what a hostile file or a large document costs is its cost.

    async for rows in aside.stream(tenant_id, parse_rows, path, reading):   # a generator function
        …
    pdf = await aside.call(tenant_id, render, content)

The function is a module's own; it, its arguments and its results travel by pickle. The process has a limit of memory
and each call one of CPU time; beyond them it dies and the caller hears why. Leaving a stream, or being cancelled in a
call, ends the process. It has no secrets in its environment, and it ends when ours does. Processes are made at the
first call, kept for the next, and replaced now and then. A tenant has its share of them (`FairShare`), and as many of
its calls may wait as `MOST_WAITING` says: beyond it, or where one has waited `within` so long, `ShareExhausted`.
"""

import asyncio
import os
import pickle
import signal
import sys
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

import structlog

from shared.base.fair_share import FairShare

log = structlog.get_logger()
T = TypeVar("T")
LENGTH_BYTES = 4
MOST_WAITING = 100  # calls of one tenant
CALLS_OF_ONE_PROCESS = 500  # what leaks in a library leaks no further
KEPT_ENVIRONMENT = (
    "PATH", "PYTHONPATH", "LANG", "LC_ALL", "TZ", "HOME", "TMPDIR", "LD_LIBRARY_PATH",
    "BACKOFFICE_FONT_FOLDERS",
)  # fmt: skip
_MODULE = "shared.base.side_process_main"


@dataclass(frozen=True, slots=True)
class Limits:
    """What one call may cost."""

    cpu_seconds: int = 60
    memory_mb: int = 512


class SideProcessFailed(Exception):  # noqa: N818 - named for what happened
    """The process ended, or what it raised cannot travel; the text says which."""


class TookTooLong(SideProcessFailed):
    """The call used up its CPU time."""


class TookTooMuchMemory(SideProcessFailed):
    """The call used up its memory."""


class _Process:
    """One process beside ours, and the pipes to it."""

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        calls_in: asyncio.StreamWriter,
        results_out: asyncio.StreamReader,
    ) -> None:
        self._process = process
        self._calls_in = calls_in
        self._results_out = results_out
        self.calls = 0

    @classmethod
    async def start(cls) -> "_Process":
        environment = {name: os.environ[name] for name in KEPT_ENVIRONMENT if name in os.environ}
        # The program's own folder, wherever the process is started from: what we could import it can.
        environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", _MODULE,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, env=environment,
        )  # fmt: skip
        if process.stdin is None or process.stdout is None:
            raise SideProcessFailed("the process has no pipes")
        return cls(process, process.stdin, process.stdout)

    async def results(self, call: bytes) -> AsyncGenerator[tuple[str, Any], None]:
        """What a call sends back, piece by piece; raises when the process ends before the call does."""
        self.calls += 1
        try:
            self._calls_in.write(len(call).to_bytes(LENGTH_BYTES) + call)
            await self._calls_in.drain()
            while True:
                length = await self._results_out.readexactly(LENGTH_BYTES)
                piece = await self._results_out.readexactly(int.from_bytes(length))
                yield pickle.loads(piece)  # noqa: S301 - our own program on the other side
        except (asyncio.IncompleteReadError, BrokenPipeError, ConnectionResetError) as error:
            raise _why(await self._process.wait()) from error

    async def end(self) -> None:
        """Be gone, whatever it is doing."""
        with suppress(ProcessLookupError):
            self._process.kill()
        await self._results_out.read()  # what it had sent and nobody took: the pipe is closed at its end only
        await self._process.wait()


def _why(status: int) -> SideProcessFailed:
    if status == -signal.SIGXCPU:
        return TookTooLong("the CPU time of the call is used up")
    return SideProcessFailed(f"the process ended with {status}")


class SideProcesses:
    """The processes beside ours; shared by all that need some, a tenant's share of them for each."""

    def __init__(self, places: int = 2) -> None:
        """`places`: calls at the same time."""
        self.share = FairShare(places, waiting_of_one=MOST_WAITING)
        self._idle: list[_Process] = []
        self._closed = False

    async def call(
        self,
        tenant_id: UUID,
        function: Callable[..., T],
        *arguments: object,
        limits: Limits | None = None,
        within: float | None = None,
    ) -> T:
        """What the function returns; raises what it raises, `SideProcessFailed`, or `NoPlace` when none is free."""
        async with aclosing(self._results(tenant_id, function, arguments, limits, within)) as results:
            async for kind, value in results:
                if kind == "returned":
                    found: T = value
                    return found
        raise SideProcessFailed("the call ended without a result")

    async def stream(
        self,
        tenant_id: UUID,
        function: Callable[..., Generator[T, None, object]],
        *arguments: object,
        limits: Limits | None = None,
    ) -> AsyncGenerator[T, None]:
        """What a generator function yields, no faster than it is taken. Leave it by `aclosing`."""
        async with aclosing(self._results(tenant_id, function, arguments, limits)) as results:
            async for kind, value in results:
                if kind == "yielded":
                    yield value

    async def _results(
        self,
        tenant_id: UUID,
        function: Callable[..., object],
        arguments: tuple[object, ...],
        limits: Limits | None,
        within: float | None = None,
    ) -> AsyncGenerator[tuple[str, Any], None]:
        """All of one call's pieces but its end."""
        call = pickle.dumps((function, arguments, limits or Limits()))
        async with self.share.place(tenant_id, within=within):
            process = self._idle.pop() if self._idle else await _Process.start()
            whole = False
            try:
                async with aclosing(process.results(call)) as pieces:
                    async for kind, value in pieces:
                        if kind == "raised":
                            whole = not isinstance(value, TookTooMuchMemory)
                            raise value
                        whole = kind == "returned"
                        yield kind, value
                        if whole:
                            return
            finally:
                await self._give_back(process, whole=whole)

    async def _give_back(self, process: _Process, *, whole: bool) -> None:
        if whole and not self._closed and process.calls < CALLS_OF_ONE_PROCESS:
            self._idle.append(process)
        else:
            await process.end()

    async def close(self) -> None:
        """End the processes that rest; one at work ends with its call."""
        self._closed = True
        while self._idle:
            await self._idle.pop().end()
