"""Lanes: items of one lane one after the other, lanes side by side up to a limit."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Lanes(Generic[Item]):
    """Runs `handle(item)` for items in lane order. `handle` must not raise."""

    def __init__(self, concurrency: int, handle: Callable[[Item], Awaitable[None]]) -> None:
        self._free = concurrency
        self._handle = handle
        self._queues: dict[str, deque[Item]] = {}
        self._ready: deque[str] = deque()
        self._tasks: set[asyncio.Task[None]] = set()

    def put(self, lane: str, item: Item) -> None:
        """Queue an item behind its lane's earlier ones."""
        queue = self._queues.get(lane)
        if queue is not None:
            queue.append(item)
            return
        self._queues[lane] = deque([item])
        self._ready.append(lane)
        if self._free > 0:
            self._free -= 1
            task = asyncio.create_task(self._work())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def drop(self, lane: str) -> list[Item]:
        """Forget the lane's items that have not begun; answers them."""
        queue = self._queues.get(lane)
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
                lane = self._ready.popleft()
                queue = self._queues[lane]
                while queue:
                    await self._handle(queue.popleft())
                del self._queues[lane]
        finally:
            self._free += 1
