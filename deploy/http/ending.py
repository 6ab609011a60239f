"""How a connection ends: after words that cannot be read, after its time, or when the server stops."""

import asyncio
from collections import deque

from deploy.http import heads
from deploy.http.cycle import Cycle

HEAD_SECONDS = 15.0
LINGER_SECONDS = 15.0


class Ending(asyncio.Protocol):
    """The part of a connection that knows when and how to end it; `HttpConnection` is the whole."""

    transport: asyncio.Transport
    loop: asyncio.AbstractEventLoop
    leaving: bool
    _line: deque[Cycle]
    _reading: Cycle | None
    _deaf: bool
    _refusal: bytes
    _in_head: bool
    _since: float
    _keep_alive_seconds: float

    def _refuse(self) -> None:
        """Believe nothing more; answer so when nobody has spoken yet, else end after those who were before."""
        if self._deaf:
            return
        self._deaf = True
        reading, self._reading = self._reading, None
        if reading is not None and reading.more:  # its body will never be whole
            if reading in self._line:
                self._line.remove(reading)
            reading.lose()
            if reading.complete or reading.started:
                self.cut(b"")
                return
        if self._line:
            self._line[-1].keep_alive = False
        else:
            self.cut(self._refusal)

    def cut(self, last: bytes) -> None:
        """End the connection, after some last words.

        While the caller still sends, closing would reset the connection and the answer be lost: then only our side
        is closed, and what comes is thrown away until the caller ends it, or time does.
        """
        sending = self._reading is not None and self._reading.more and not self._deaf
        self._deaf = True
        self._since = self.loop.time()
        self._line.clear()
        if last:
            self.transport.write(last)
        if (sending or last) and self.transport.can_write_eof() and not self.leaving:
            self.transport.write_eof()
        else:
            self.transport.close()

    # for the server

    def shutdown(self) -> None:
        """End when what is being answered has been: uvicorn's word before it stops."""
        self.leaving = True
        if not self._line:
            self.transport.close()
        else:
            self._line[0].keep_alive = False

    def expire(self, now: float) -> None:
        """End what lasts too long; asked every second. A request being answered has a deadline of its own."""
        if self._line:
            return
        age = now - self._since
        if self._deaf or self.transport.is_closing() or self._reading is not None:
            if age > LINGER_SECONDS:
                self.transport.abort()
        elif self._in_head:
            if age > HEAD_SECONDS:
                self._refusal = heads.TOO_SLOW
                self._refuse()
        elif age > self._keep_alive_seconds:
            self.transport.close()
