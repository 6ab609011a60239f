"""Where a request's body waits until it is whole, so that no slow sender holds a connection to a service.

A body that came with its head passes untouched. Any other is kept: in memory while it is small, then in a file without
a name, which ends with the process, however that ends. What one key (a tenant) and all together may keep has a bound.
Files are written and read in threads of our own: a slow disk makes those wait who send much, and nobody else.
"""

import asyncio
import os
import tempfile
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from io import FileIO
from pathlib import Path
from typing import Protocol, TypeVar, cast

import structlog
from prometheus_client import Gauge

from gateway.upstream.errors import BodyShareUsed, BodyTooSlow, ClientDisconnected, NoRoomForBody
from gateway.upstream.request_head import announced_length
from shared.httpserver.asgi import LATE, Headers, Message, Receive

log = structlog.get_logger()
SMALL = 64 * 1024  # what any connection may hold: a body of one piece up to this is not counted
IN_MEMORY = 256 * 1024  # of one body, from where on it goes to a file
MEMORY_IN_ALL = 64 * 1024 * 1024  # of all bodies, from where on all go to files
PIECE = 256 * 1024  # read back at a time
THREADS = 4
HELD = Gauge("backoffice_gateway_held_body_bytes", "Bytes of request bodies kept for services", ["where"])
T = TypeVar("T")


class Body(Protocol):
    """A whole body."""

    async def receive(self) -> Message:
        """Its next piece; after the last one, what comes from the caller."""
        ...

    def close(self) -> None:
        """Let go of what is kept of it."""
        ...


class BodyRoom:
    """The room for bodies at one gateway process."""

    def __init__(self, folder: Path, *, of_one: int, in_all: int) -> None:
        """`of_one`: bytes that the bodies of a key may come to, in memory and files; `in_all`: those of all keys.

        A body that is alone may be larger: how large one may be is for its route to say.
        """
        self.folder = folder
        self._of_one = of_one
        self._in_all = in_all
        self._reserved: dict[str, int] = {}
        self._kept = 0
        self._in_memory = 0
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="bodies")

    @property
    def short_of_memory(self) -> bool:
        """Whether what can be written to a file should be."""
        return self._in_memory > MEMORY_IN_ALL

    def prepare(self) -> None:
        """Make the folder and try it; raises OSError, with what to do, when nothing can be written there."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=self.folder).close()
        except OSError as error:
            raise OSError(
                f"Bodies of requests cannot be kept in {self.folder} ({error.strerror}). Set BACKOFFICE_SPOOL_DIR to a "
                "folder that the gateway may write."
            ) from error

    def stop(self) -> None:
        """Let the threads go."""
        self._threads.shutdown(wait=False)

    async def whole(self, key: str, receive: Receive, headers: Headers) -> Body:
        """Wait until the body of a request with these headers is whole.

        Raises `ClientDisconnected` (`BodyTooSlow`) when it does not come, `BodyShareUsed` or `NoRoomForBody` when it
        cannot be kept, and whatever `receive` raises.
        """
        first = _checked(await receive())
        if not first.get("more_body", False) and len(first.get("body", b"")) <= SMALL:
            return _Passing(first, receive)
        kept = _Kept(self, key, receive)
        try:
            await kept.fill(first, announced_length(headers) or 0)
        except BaseException:
            kept.close()
            raise
        return kept

    def beside(self, work: Callable[[], T]) -> "Future[T]":
        """Do something with a file in a thread."""
        return self._threads.submit(work)

    def reserve(self, key: str, size: int) -> None:
        """Count bytes to a key, be they here or announced."""
        reserved = self._reserved.get(key, 0)
        if reserved and reserved + size > self._of_one:
            raise BodyShareUsed("the bodies in hand come to as many bytes as they may")
        self._reserved[key] = reserved + size

    def keep(self, before: int, size: int) -> None:
        """Count bytes that have come, of a body of which there were some before."""
        if self._kept > before and self._kept + size > self._in_all:
            raise NoRoomForBody("the bodies of all callers come to as many bytes as they may")
        self._count(size, size)

    def written(self, size: int) -> None:
        """Count them as memory no longer."""
        self._count(0, -size)

    def give_back(self, key: str, *, reserved: int, kept: int, in_memory: int) -> None:
        """Count nothing of a body any more."""
        left = self._reserved.get(key, 0) - reserved
        if left > 0:
            self._reserved[key] = left
        else:
            self._reserved.pop(key, None)
        self._count(-kept, -in_memory)

    def _count(self, kept: int, in_memory: int) -> None:
        self._kept += kept
        self._in_memory += in_memory
        HELD.labels("memory").set(self._in_memory)
        HELD.labels("file").set(self._kept - self._in_memory)


class _Passing:
    """A small body that came in one piece."""

    __slots__ = ("_message", "_receive")

    def __init__(self, message: Message, receive: Receive) -> None:
        self._message: Message | None = message
        self._receive = receive

    async def receive(self) -> Message:
        message, self._message = self._message, None
        return message if message is not None else await self._receive()

    def close(self) -> None:
        self._message = None


class _Kept:
    """A body that is kept: its first part in a file, or nothing, and the rest in memory."""

    def __init__(self, room: BodyRoom, key: str, receive: Receive) -> None:
        self._room = room
        self._key = key
        self._receive = receive
        self._reserved = self._size = self._in_memory = self._given = 0
        self._buffer = bytearray()
        self._file: FileIO | None = None
        self._last_work: Future[object] | None = None
        self._open = True
        self._taken = False

    async def fill(self, message: Message, announced: int) -> None:
        """Take the first piece in, and all that follow."""
        self._reserve(announced)
        while True:
            more = message.get("more_body", False)
            self._add(message.get("body", b""))
            if more and self._too_large_for_memory():
                await self._write()
            elif not more:
                if self._last_work is not None:
                    await self._write()
                return
            message = _checked(await self._receive())

    async def receive(self) -> Message:
        """Give it out again, piece by piece, and let go of it with the last."""
        if self._taken:
            return await self._receive()
        if self._last_work is None:
            piece = bytes(self._buffer)
        else:
            piece = await self._beside(self._read)
        self._given += len(piece)
        self._taken = self._given >= self._size
        if self._taken:
            self.close()
        return {"type": "http.request", "body": piece, "more_body": not self._taken}

    def close(self) -> None:
        if not self._open:
            return
        self._open = False
        self._room.give_back(self._key, reserved=self._reserved, kept=self._size, in_memory=self._in_memory)
        self._buffer = bytearray()
        work = self._last_work
        if work is None:
            return
        if work.done():  # in a thread, too: the blocks of a large file take their time
            self._room.beside(self._close_file)
        else:
            work.add_done_callback(lambda _: self._close_file())

    def _add(self, piece: bytes) -> None:
        self._room.keep(self._size, len(piece))
        self._size += len(piece)
        self._in_memory += len(piece)
        self._buffer += piece
        self._reserve(self._size)

    def _reserve(self, size: int) -> None:
        if size > self._reserved:
            self._room.reserve(self._key, size - self._reserved)
            self._reserved = size

    def _too_large_for_memory(self) -> bool:
        return self._in_memory > IN_MEMORY or self._room.short_of_memory

    async def _write(self) -> None:
        """Move what is in memory to the end of the file."""
        data, self._buffer = self._buffer, bytearray()
        await self._beside(partial(self._append, data))
        self._room.written(self._in_memory)
        self._in_memory = 0

    async def _beside(self, work: Callable[[], T]) -> T:
        self._last_work = future = cast("Future[object]", self._room.beside(work))
        try:
            return cast("T", await asyncio.wrap_future(future))
        except OSError as error:
            log.exception("a body cannot be kept", folder=str(self._room.folder))
            raise NoRoomForBody("the folder of bodies cannot be used") from error

    # in a thread, one at a time

    def _append(self, data: bytearray) -> None:
        if self._file is None:
            self._file = tempfile.TemporaryFile(dir=self._room.folder, buffering=0)  # noqa: SIM115
        left = memoryview(data)
        while left:
            left = left[self._file.write(left) :]

    def _read(self) -> bytes:
        assert self._file is not None
        return os.pread(self._file.fileno(), PIECE, self._given)

    def _close_file(self) -> None:
        if self._file is not None:
            self._file.close()


def _checked(message: Message) -> Message:
    """A piece of the body; raises when there will be none."""
    if message["type"] == "http.disconnect":
        if message.get(LATE):
            raise BodyTooSlow("the body came too slowly")
        raise ClientDisconnected("the client left while sending its body")
    return message
