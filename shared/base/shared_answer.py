"""An answer that is looked for once, and given to all who ask for it meanwhile or soon after.

    ready = SharedAnswer(ask_everybody, seconds=1.0)
    … await ready.get()                  # by as many as like, as often as they like

However many ask, there is one look at a time, and no more than one in that many seconds. Nobody gets an answer that was
looked for longer ago: who comes while an older look still goes on waits for the next one.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class SharedAnswer(Generic[T]):
    """What `look` returns or raises, shared."""

    def __init__(self, look: Callable[[], Coroutine[Any, Any, T]], *, seconds: float) -> None:
        """`seconds`: how long before the question its look may have begun; 0: not before it."""
        self._look = look
        self._seconds = seconds
        self._began = float("-inf")
        self._task: asyncio.Task[T] | None = None

    async def get(self) -> T:
        """The answer; who stops waiting for it does not stop the look."""
        earliest = asyncio.get_running_loop().time() - self._seconds
        while self._task is None or self._began < earliest:
            if self._task is not None and not self._task.done():
                await asyncio.wait((self._task,))
            else:
                self._task = self._begun()
        return await asyncio.shield(self._task)

    def _begun(self) -> asyncio.Task[T]:
        self._began = asyncio.get_running_loop().time()
        task = asyncio.create_task(self._look())
        task.add_done_callback(_seen)
        return task


def _seen(task: "asyncio.Task[Any]") -> None:
    """Whoever asked may have gone: what the look raised is nobody's surprise."""
    if not task.cancelled():
        task.exception()
