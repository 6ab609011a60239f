"""The way back to the caller: at its pace, for as long as it takes anything at all."""

import asyncio

from shared.httpserver.write_batch import WriteBatch


class AnswerWriter:
    """What is known of the caller as a reader; asyncio calls `pause_writing` and `resume_writing`."""

    transport: asyncio.Transport

    def __init__(self, loop: asyncio.AbstractEventLoop, batch: WriteBatch) -> None:
        """Nothing has been written. `batch` is shared by all connections of the server."""
        self.loop = loop
        self.batch = batch
        self.stalled: asyncio.Future[None] | None = None
        self._written = 0  # of large pieces; a small one more or less does not matter to what it is for
        self._taken = (0, 0.0)  # bytes, and since when it is so many

    def pause_writing(self) -> None:
        """The caller reads slower than we write."""
        if self.stalled is None:
            self.stalled = self.loop.create_future()

    def resume_writing(self) -> None:
        """Go on writing."""
        stalled, self.stalled = self.stalled, None
        if stalled is not None and not stalled.done():
            stalled.set_result(None)

    def write(self, *pieces: bytes) -> None:
        """Write at once, after what was said before; pieces are not copied into one."""
        self.batch.flush()
        for piece in pieces:
            self._written += len(piece)
        self.transport.writelines(pieces)

    async def drained(self) -> None:
        """Wait until the caller has read, or has gone."""
        while self.stalled is not None:
            await asyncio.shield(self.stalled)

    def takes_nothing(self, now: float, patience: float) -> bool:
        """Whether there is something to take and, for so many seconds, nothing of it was; to be asked every second."""
        left = self.transport.get_write_buffer_size()
        taken = self._written - left
        before, since = self._taken
        if not left or taken != before:
            self._taken = (taken, now)
            return False
        return now - since > patience
