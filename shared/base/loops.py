"""Background loops that live as long as their process: whatever one round meets, the next one comes."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import structlog

from shared.base.database_errors import DATABASE_ERRORS
from shared.base.error_text import error_text

log = structlog.get_logger()
AFTER_FAILURE_SECONDS = 1.0
REPORT_SECONDS = 5.0  # a metric that says whether something is stuck may be that old
LINGER_LOOK_SECONDS = 0.005
_NEVER = float("inf")


class InFlight:
    """How much is in flight in this process: connections that requests, events and loops have in use."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.count = 0

    async def linger(self, seconds: float) -> None:
        """Wait a moment, so that more is taken at once; no longer than anything is in flight, since then no more comes.

        Under load that turns a round of statements per event into one per batch; an event that is alone loses nothing.
        """
        end = time.monotonic() + seconds
        # Looked at now and then, since an event would tell of every moment between two transactions, too.
        while self.count and (left := end - time.monotonic()) > 0:  # noqa: ASYNC110
            await asyncio.sleep(min(left, LINGER_LOOK_SECONDS))


in_flight = InFlight()
MUCH = 100  # pieces, each of some ten microseconds of work


async def give_way(pieces: int) -> None:
    """Let others have the event loop between two stretches of work on so many pieces (lines of an order), if many."""
    if pieces >= MUCH:
        await asyncio.sleep(0)


async def pause(signal: asyncio.Event, seconds: float, *, linger: float = 0.0) -> None:
    """Wait for a signal, but no longer than that; linger after it, as long as that may bring more."""
    try:
        async with asyncio.timeout(
            seconds
        ):  # `wait_for` forgets a cancellation that meets the signal (Python 3.11)
            await signal.wait()
    except TimeoutError:
        return
    await in_flight.linger(linger)


class LoopAlarm:
    """Says when a loop is to look next: at once, or no later than somebody has asked for."""

    def __init__(self) -> None:
        """Nobody has asked for anything."""
        self._at = _NEVER
        self._earlier = asyncio.Event()

    def ring(self, in_seconds: float = 0.0) -> None:
        """Have a look taken after so many seconds, or before."""
        at = time.monotonic() + in_seconds
        if at < self._at:
            self._at = at
            self._earlier.set()

    def reset(self) -> None:
        """A look begins: what is asked for from here on is for the next one."""
        self._at = _NEVER

    async def wait(self, seconds: float, *, linger: float = 0.0) -> None:
        """Wait until the alarm rings, but no longer than that; linger after it, as `pause` does."""
        end = time.monotonic() + seconds
        while (left := min(end, self._at) - time.monotonic()) > 0:
            self._earlier.clear()
            await pause(self._earlier, left)
        if self._at < end:
            await in_flight.linger(linger)


class Seldom:
    """Says yes at once, and then only every so many seconds."""

    def __init__(self, seconds: float) -> None:
        """The first time is now."""
        self._seconds = seconds
        self._next = -_NEVER

    def due(self) -> bool:
        """Whether it is time again; if so, the next time is so many seconds from now."""
        now = time.monotonic()
        if now < self._next:
            return False
        self._next = now + self._seconds
        return True


async def repeat(
    name: str,
    work_once: Callable[[], Awaitable[bool]],
    stopping: asyncio.Event,
    idle_seconds: float,
    *,
    alarm: LoopAlarm | None = None,
    linger: float = 0.0,
) -> None:
    """Do rounds until told to stop, the next one at once while there is work, else when the alarm rings.

    Who stops a loop with an alarm rings it, too.

    A lost database is expected and told in one line; anything else is a bug: it is logged with its stack, and
    the loop goes on all the same, since one bad row must not end the work of all tenants.
    """
    while not stopping.is_set():
        try:
            if alarm is not None:
                alarm.reset()  # before looking: what is asked for meanwhile is for the next round
            if await work_once() or stopping.is_set():
                continue
            if alarm is None:
                await pause(stopping, idle_seconds)
            else:
                await alarm.wait(idle_seconds, linger=linger)
        except DATABASE_ERRORS as error:
            log.warning("a loop lost its database", loop=name, error=error_text(error))
            await pause(stopping, AFTER_FAILURE_SECONDS)
        except Exception:
            log.exception("a loop's round failed", loop=name)
            await pause(stopping, AFTER_FAILURE_SECONDS)
