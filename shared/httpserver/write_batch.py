"""Writes of one turn of the event loop, sent together at its end.

A write wakes whoever reads, and on a busy machine that process often runs at once, in our place. Answering eight
requests that came together means eight such changes in the middle of the work; gathered, the work is done first, with
warm caches, and the others find more to do when they are woken.
"""

import asyncio

import structlog

log = structlog.get_logger()


class WriteBatch:
    """What is to be written at the end of this turn, in order."""

    __slots__ = ("_loop", "_pending")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Nothing waits."""
        self._loop = loop
        self._pending: list[tuple[asyncio.Transport, bytes]] = []

    def write(self, transport: asyncio.Transport, data: bytes) -> None:
        """Take a piece; whoever writes to the same transport in another way before the turn ends flushes first."""
        if not self._pending:
            self._loop.call_soon(self.flush)
        self._pending.append((transport, data))

    def flush(self) -> None:
        """Write everything now."""
        pending, self._pending = self._pending, []
        for transport, data in pending:
            if transport.is_closing():
                continue
            try:
                transport.write(data)
            except (OSError, RuntimeError):  # of this one alone: the others still get theirs
                log.exception("a connection could not be written to")
                transport.abort()
