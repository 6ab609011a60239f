"""Interrupting a request from outside: deadline, silence of the upstream, a client that went away.

All of them must reach the request wherever it waits (a connection, the upstream, a slow client), so all of
them cancel its task and are turned back into their cause at its edge, like `asyncio.timeout`. The watch for
a disconnect starts only after `PATIENCE`: a request answered sooner, as nearly all are, never pays for the
extra task.
"""

import asyncio
from types import TracebackType
from typing import Self

from gateway.upstream.errors import ClientDisconnected, ProxyError, UpstreamTimeout
from shared.httpserver.asgi import Receive

PATIENCE = 0.05
_NEVER = float("inf")


class Guard:
    """Watches one request; `error` tells why it was interrupted."""

    __slots__ = (
        "_answer_by",
        "_cancelling",
        "_closed",
        "_deadline",
        "_loop",
        "_receive",
        "_settled",
        "_side",
        "_task",
        "_timer",
        "_watch_at",
        "error",
    )

    def __init__(
        self, loop: asyncio.AbstractEventLoop, now: float, deadline: float, receive: Receive
    ) -> None:
        """Start the clock; must be made by the task that is to be interrupted."""
        task = asyncio.current_task(loop)
        if task is None:
            raise RuntimeError("a guard needs a task to interrupt")
        self._task = task
        self._cancelling = task.cancelling()
        self._settled = False
        self._loop = loop
        self._deadline = deadline
        self._receive = receive
        self._answer_by = _NEVER
        self._watch_at = _NEVER
        self._closed = False
        self._side: asyncio.Task[None] | None = None
        self.error: BaseException | None = None
        self._timer = loop.call_at(min(deadline, now + PATIENCE), self._on_timer)

    def head_within(self, seconds: float) -> None:
        """Expect the head of the response, now that the request is out; begin to watch the client."""
        now = self._loop.time()
        self._answer_by = now + seconds
        if self._side is None:
            self._watch_at = now + PATIENCE
        self._ring_by(min(self._answer_by, self._watch_at))

    def more_within(self, seconds: float) -> None:
        """Expect more of the response: an upstream that falls silent in the middle is given up."""
        self._answer_by = self._loop.time() + seconds
        self._ring_by(self._answer_by)

    def answer_seen(self) -> None:
        """Stop expecting: something came, and now only the deadline counts. An early timer finds nothing to do."""
        self._answer_by = _NEVER

    def run_aside(self, task: "asyncio.Task[None]") -> None:
        """Adopt the task that sends the body; it watches the client as well, being the one that receives."""
        self._side = task

    def interrupt(self, error: BaseException) -> None:
        """Stop the request with this cause; the first cause wins, and none counts once it is over."""
        if self._closed or self.error is not None:
            return
        if not self._settled or isinstance(error, UpstreamTimeout):
            self.error = error
            self._task.cancel()

    def settle(self) -> None:
        """Note that the response is whole: only a client too slow to take it may still fail the request."""
        self._settled = True

    def __enter__(self) -> Self:
        """Begin the guarded part."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop watching; turn our own cancellation back into its cause and leave every foreign one alone."""
        self._closed = True
        self._timer.cancel()
        if self._side is not None:
            self._side.cancel()
        if self.error is None or self._task.uncancel() > self._cancelling:
            return
        if isinstance(error, asyncio.CancelledError):
            raise self.error from None

    async def watch(self) -> None:
        """Wait for the client to go; only once its body has been received is that what `receive` reports."""
        try:
            while (await self._receive())["type"] != "http.disconnect":
                pass
        except Exception as error:  # noqa: BLE001 - handed to the request, which raises it
            self.interrupt(error if isinstance(error, ProxyError) else ClientDisconnected(str(error)))
        else:
            self.interrupt(ClientDisconnected("the client closed the connection"))

    def _ring_by(self, at: float) -> None:
        """Be woken at this time at the latest; a timer that rings sooner sets the next one."""
        if at < self._timer.when():
            self._timer.cancel()
            self._timer = self._loop.call_at(at, self._on_timer)

    def _on_timer(self) -> None:
        """Act on what is due, and set the timer to what is due next."""
        now = self._loop.time() + 0.001  # timers may fire a little early
        if now >= self._deadline:
            self.interrupt(UpstreamTimeout("the deadline of the request has passed"))
            return
        if now >= self._answer_by:
            self.interrupt(UpstreamTimeout("the upstream was silent for longer than allowed"))
            return
        if now >= self._watch_at:
            self._watch_at = _NEVER
            self._side = self._loop.create_task(self.watch())
        due = min(self._deadline, self._answer_by, self._watch_at)
        self._timer = self._loop.call_at(due, self._on_timer)
