"""One timer for many: whoever has something due is looked at when the earliest of all is.

A timer of the event loop costs as much as a tenth of a proxied request, and nearly all requests end before theirs
would ring. So those who wait are kept in a set, and joining or leaving it touches the timer only to ring sooner.
"""

import asyncio
from typing import Protocol

_NEVER = float("inf")
_PAUSE_EACH = 20e-6  # looking at one costs far less: however many wait, it is a small part of the time


class Due(Protocol):
    """Someone with an appointment, in loop time."""

    due: float

    def tick(self, now: float) -> None:
        """Act on what is due, and fix the next appointment."""


class Alarm:
    """The timer, and those who rely on it."""

    __slots__ = ("_at", "_timer", "_waiting", "loop")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Nobody waits yet."""
        self.loop = loop
        self._waiting: set[Due] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._at = _NEVER

    def join(self, who: Due) -> None:
        """Rely on being looked at when due; to be called again when the appointment is moved forward."""
        self._waiting.add(who)
        if who.due < self._at:
            self._ring_at(who.due)

    def leave(self, who: Due) -> None:
        """Want nothing any more. The timer is left alone, and finds nothing to do."""
        self._waiting.discard(who)

    def _ring_at(self, at: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._at = at
        self._timer = self.loop.call_at(at, self._ring)

    def _ring(self) -> None:
        """Look at all, and ring again at the earliest of what is left."""
        self._timer, self._at = None, _NEVER
        now = self.loop.time() + 0.001  # timers may fire a little early
        for who in tuple(self._waiting):
            if who.due <= now:
                who.tick(now)
        if self._waiting:
            earliest = min(who.due for who in self._waiting)
            self._ring_at(max(earliest, now + len(self._waiting) * _PAUSE_EACH))
