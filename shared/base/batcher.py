"""Gathering: what comes while others of its key are at work goes together in the next round.

Nothing waits for company: an item that comes alone goes at once, alone. Under load rounds grow by themselves.
A round that takes long is left to itself and the next one begins beside it, so that a slow item does not hold up
those of other ordering keys.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Hashable, Sequence
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Item = TypeVar("Item")
Outcome = TypeVar("Outcome")
_Entry = tuple[Item, asyncio.Future[Outcome]]
Round = Callable[[Key, Sequence[Item]], Awaitable[Sequence[Outcome]]]


PATIENCE_SECONDS = 0.2


class Batcher(Generic[Key, Item, Outcome]):
    """Runs `work(key, items)` in rounds per key; items of one ordering key never share a round."""

    def __init__(
        self, work: Round[Key, Item, Outcome], key_of: Callable[[Item], Hashable], *, most: int, at_once: int
    ) -> None:
        """`most`: items in a round; `at_once`: rounds at the same time, over all keys."""
        self._work = work
        self._key_of = key_of
        self._most = most
        self._gate = asyncio.Semaphore(at_once)
        self._waiting: dict[Key, list[_Entry[Item, Outcome]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def put(self, key: Key, item: Item) -> Outcome:
        """Have an item worked on; returns or raises what its round came to."""
        outcome: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        queue = self._waiting.get(key)
        if queue is not None:
            queue.append((item, outcome))
        else:
            self._waiting[key] = [(item, outcome)]
            self._begin(self._batches(key))
        return await outcome

    async def drain(self) -> None:
        """Wait until every round has ended."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    def _begin(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _batches(self, key: Key) -> None:
        while self._waiting[key]:
            await self._gate.acquire()
            begun = self._begin(self._batch(key, self._next(key)))
            await asyncio.wait((begun,), timeout=PATIENCE_SECONDS)
        del self._waiting[key]

    async def _batch(self, key: Key, taken: Sequence[_Entry[Item, Outcome]]) -> None:
        try:
            outcomes = await self._work(key, [item for item, _ in taken])
        except Exception as error:  # noqa: BLE001 - whoever put the items in decides what it means
            for _, outcome in taken:
                if not outcome.done():
                    outcome.set_exception(error)
        else:
            for (_, outcome), result in zip(taken, outcomes, strict=True):
                if not outcome.done():
                    outcome.set_result(result)
        finally:
            self._gate.release()

    def _next(self, key: Key) -> list[_Entry[Item, Outcome]]:
        """The oldest items, one of each ordering key; the others stay in their order."""
        taken: list[_Entry[Item, Outcome]] = []
        left: list[_Entry[Item, Outcome]] = []
        ordering_keys: set[Hashable] = set()
        for entry in self._waiting[key]:
            ordering_key = self._key_of(entry[0])
            fits = len(taken) < self._most and ordering_key not in ordering_keys
            ordering_keys.add(ordering_key)
            (taken if fits else left).append(entry)
        self._waiting[key] = left
        return taken
