"""Background loops that live as long as their process: whatever one round meets, the next one comes."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from shared.outages import DATABASE_ERRORS

log = structlog.get_logger()
AFTER_FAILURE_SECONDS = 1.0


async def pause(signal: asyncio.Event, seconds: float, *, linger: float = 0.0) -> None:
    """Wait for a signal, but no longer than that; linger a moment after it, so that more is taken at once.

    Under load lingering turns a round of statements per event into one per batch; alone it only adds its time.
    """
    try:
        async with asyncio.timeout(
            seconds
        ):  # `wait_for` forgets a cancellation that meets the signal (Python 3.11)
            await signal.wait()
    except TimeoutError:
        return
    if linger:
        await asyncio.sleep(linger)


async def repeat(
    name: str, round_of_work: Callable[[], Awaitable[bool]], stopping: asyncio.Event, idle_seconds: float
) -> None:
    """Do rounds until told to stop, the next one at once while there is work.

    A lost database is expected and told in one line; anything else is a bug: it is logged with its stack, and
    the loop goes on all the same, since one bad row must not end the work of all tenants.
    """
    while not stopping.is_set():
        try:
            if not await round_of_work():
                await pause(stopping, idle_seconds)
        except DATABASE_ERRORS as error:
            log.warning("a loop lost its database", loop=name, error=repr(error))
            await pause(stopping, AFTER_FAILURE_SECONDS)
        except Exception:
            log.exception("a loop's round failed", loop=name)
            await pause(stopping, AFTER_FAILURE_SECONDS)
