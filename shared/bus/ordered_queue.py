"""Ordered queues: items of one ordering key one after the other, ordering keys side by side up to a limit."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

Item = TypeVar("Item")


class OrderedQueue(Generic[Item]):
    """Runs `handle(item)` for items in the order of their keys. `handle` must not raise."""

    def __init__(self, concurrency: int, handle: Callable[[Item], Awaitable[None]]) -> None:
        self._free = concurrency
        self._handle = handle
        self._queues: dict[str, deque[Item]] = {}
        self._ready: deque[str] = deque()
        self._tasks: set[asyncio.Task[None]] = set()

    def put(self, ordering_key: str, item: Item) -> None:
        """Queue an item behind its ordering key's earlier ones."""
        queue = self._queues.get(ordering_key)
        if queue is not None:
            queue.append(item)
            return
        self._queues[ordering_key] = deque([item])
        self._ready.append(ordering_key)
        if self._free > 0:
            self._free -= 1
            task = asyncio.create_task(self._work())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def drop(self, ordering_key: str) -> list[Item]:
        """Forget the ordering key's items that have not begun; returns them."""
        queue = self._queues.get(ordering_key)
        dropped = list(queue) if queue else []
        if queue:
            queue.clear()
        return dropped

    def drop_all(self) -> None:
        """Forget every item that has not begun."""
        for queue in self._queues.values():
            queue.clear()

    async def drain(self) -> None:
        """Wait until everything put so far is done."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def cancel(self) -> None:
        """Forget what has not begun and break off what has."""
        self.drop_all()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._queues.clear()
        self._ready.clear()

    async def _work(self) -> None:
        try:
            while self._ready:
                ordering_key = self._ready.popleft()
                queue = self._queues[ordering_key]
                while queue:
                    await self._handle(queue.popleft())
                del self._queues[ordering_key]
        finally:
            self._free += 1
