"""Ways between processes that can be cut, stalled and slowed: a TCP proxy for each."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable, Sequence
from typing import cast

Place = tuple[str, int] | str  # host and port, or a Unix socket


class End(asyncio.Protocol):
    """One side of a connection through a link."""

    def __init__(self, link: "Link") -> None:
        self.link = link
        self.peer: End | None = None
        self.transport: asyncio.Transport | None = None
        self.full = False
        self.due_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.link.ends.add(self)
        self.adjust()

    def connection_lost(self, exc: Exception | None) -> None:
        self.link.ends.discard(self)
        if self.peer is not None and self.peer.transport is not None:
            self.peer.transport.close()

    def data_received(self, data: bytes) -> None:
        loop = asyncio.get_running_loop()
        if not self.link.delay and loop.time() >= self.due_at:
            self.pass_on(data)
            return
        self.due_at = max(self.due_at + 1e-6, loop.time() + self.link.delay)  # never one before the other
        loop.call_at(self.due_at, self.pass_on, data)

    def pass_on(self, data: bytes) -> None:
        """Hand bytes to the other side."""
        if self.peer is not None and self.peer.transport is not None:
            self.peer.transport.write(data)

    def pause_writing(self) -> None:
        if self.peer is not None:
            self.peer.full = True
            self.peer.adjust()

    def resume_writing(self) -> None:
        if self.peer is not None:
            self.peer.full = False
            self.peer.adjust()

    def adjust(self) -> None:
        """Read, or not: never while the link is stalled, the other side is full or not there yet."""
        if self.transport is None or self.transport.is_closing():
            return
        if self.link.stalled or self.full or self.peer is None:
            self.transport.pause_reading()
        else:
            self.transport.resume_reading()


class Caller(End):
    """The side that came to us; its connection goes on to the first place that takes it."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.going_on = asyncio.get_running_loop().create_task(self.go_on())

    async def go_on(self) -> None:
        """Connect to where the link leads, once nothing holds us up."""
        if self.link.cut:
            self.link.abort(self)
            return
        await self.link.flowing.wait()
        loop = asyncio.get_running_loop()
        for place in self.link.places():
            with contextlib.suppress(OSError):
                if isinstance(place, str):
                    _, other = await loop.create_unix_connection(lambda: End(self.link), place)
                else:
                    _, other = await loop.create_connection(lambda: End(self.link), *place)
                self.peer, other.peer = other, self
                self.adjust()
                other.adjust()
                if self.transport is None or self.transport.is_closing():
                    self.connection_lost(None)
                return
        self.link.abort(self)


class Link:
    """A way to one of several places, tried in the order they are answered in."""

    def __init__(self, places: Callable[[], Sequence[Place]]) -> None:
        self.places = places
        self.port = 0
        self.delay = 0.0
        self.cut = False
        self.stalled = False
        self.flowing = asyncio.Event()
        self.flowing.set()
        self.ends: set[End] = set()
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        """Listen on a free port."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Caller(self), "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    def close(self) -> None:
        """Let nobody through any more."""
        if self._server is not None:
            self._server.close()
        self.reset()

    @staticmethod
    def abort(end: End) -> None:
        """End a connection with a reset."""
        if end.transport is not None:
            if (held := end.transport.get_extra_info("socket")) is not None:
                held.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            end.transport.abort()

    def reset(self) -> None:
        """Reset every connection there is."""
        for end in list(self.ends):
            self.abort(end)

    def break_off(self) -> None:
        """Reset what there is and whatever comes, until mended."""
        self.cut = True
        self.reset()

    def stall(self) -> None:
        """Swallow silence: nothing moves, nobody is told."""
        self.stalled = True
        self.flowing.clear()
        self._adjust()

    def mend(self, *, reset: bool = False) -> None:
        """All is well again; with `reset` the connections of before are found dead."""
        self.cut = self.stalled = False
        self.delay = 0.0
        if reset:
            self.reset()
        self.flowing.set()
        self._adjust()

    def _adjust(self) -> None:
        for end in list(self.ends):
            end.adjust()
