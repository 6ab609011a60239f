"""Gathering: what comes while others of its key are at work goes together in the next round.

Nothing waits for company: an item that comes alone goes at once, alone. Under load rounds grow by themselves, up to a
number of items and to a weight of them together, since everybody in a round waits for the whole of it.
A round that takes long is left to itself and the next one begins beside it, so that a slow item does not hold up
those of other ordering keys. Rounds take their turns over the owners of the items, each of whom has a share
(`FairShare`).
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Hashable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from shared.base.fair_share import FairShare, ShareExhausted

Key = TypeVar("Key", bound=tuple[Hashable, Hashable])  # whose items, and what is done with them
Item = TypeVar("Item")
Outcome = TypeVar("Outcome")
Round = Callable[[Key, Sequence[Item]], Awaitable[Sequence[Outcome]]]


PATIENCE_SECONDS = 0.2
MOST_WAITING = 1000  # items of one key; who comes then is refused, where somebody waits for the answer


@dataclass(frozen=True, slots=True)
class RoundSize:
    """How much goes in one round: so many items, and so much weight unless one item alone is heavier."""

    items: int
    weight: int


@dataclass(slots=True, eq=False)
class _Entry(Generic[Item, Outcome]):
    """An item that waits for its round, or is in it."""

    item: Item
    outcome: "asyncio.Future[Outcome]"
    begun: bool = False

    def give_up(self) -> None:
        """Wait no longer, unless the round has begun: what came of that is the outcome."""
        if not self.begun and not self.outcome.done():
            self.outcome.set_exception(ShareExhausted("no round had room in time"))


class Batcher(Generic[Key, Item, Outcome]):
    """Runs `work(key, items)` in rounds per key; items of one ordering key never share a round."""

    def __init__(
        self,
        work: Round[Key, Item, Outcome],
        *,
        key_of: Callable[[Item], Hashable],
        weight_of: Callable[[Item], int],
        most: RoundSize,
        turns: FairShare,
    ) -> None:
        """`key_of`: an item's ordering key; `turns`: rounds at the same time, over all owners and of one."""
        self._work = work
        self._key_of = key_of
        self._weight_of = weight_of
        self._most = most
        self._turns = turns
        self._waiting: dict[Key, list[_Entry[Item, Outcome]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def put(self, key: Key, item: Item, *, within: float | None = None) -> Outcome:
        """Have an item worked on; returns or raises what its round came to.

        Where somebody waits for it, `within` so many seconds: raises `ShareExhausted` when too many wait already or
        its round has not begun by then. An item whose caller has gone before is not worked on.
        """
        loop = asyncio.get_running_loop()
        entry: _Entry[Item, Outcome] = _Entry(item, loop.create_future())
        queue = self._waiting.get(key)
        if queue is None:
            self._waiting[key] = [entry]
            self._begin(self._batches(key))
        elif within is not None and len(queue) >= MOST_WAITING:
            raise ShareExhausted(f"{MOST_WAITING} wait for their round already")
        else:
            queue.append(entry)
        if within is None:
            return await entry.outcome
        end = loop.call_later(within, entry.give_up)
        try:
            return await entry.outcome
        finally:
            end.cancel()

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
        owner = key[0]
        while self._waiting[key]:
            await self._turns.take(owner, patient=True)
            begun = self._begin(self._batch(key, self._next(key)))
            await asyncio.wait((begun,), timeout=PATIENCE_SECONDS)
        del self._waiting[key]

    async def _batch(self, key: Key, taken: Sequence[_Entry[Item, Outcome]]) -> None:
        try:
            outcomes = await self._work(key, [each.item for each in taken]) if taken else []
        except Exception as error:  # noqa: BLE001 - whoever put the items in decides what it means
            for each in taken:
                if not each.outcome.done():
                    each.outcome.set_exception(error)
        else:
            for each, result in zip(taken, outcomes, strict=True):
                if not each.outcome.done():
                    each.outcome.set_result(result)
        finally:
            self._turns.give_back(key[0])

    def _next(self, key: Key) -> list[_Entry[Item, Outcome]]:
        """The oldest items that have room together, one of each ordering key; the others stay in their order."""
        taken: list[_Entry[Item, Outcome]] = []
        left: list[_Entry[Item, Outcome]] = []
        ordering_keys: set[Hashable] = set()
        weight = 0
        for entry in self._waiting[key]:
            if entry.outcome.done():
                continue  # its caller has gone, or was told to come again
            ordering_key, heavy = self._key_of(entry.item), self._weight_of(entry.item)
            room = len(taken) < self._most.items and weight + heavy <= self._most.weight
            if ordering_key not in ordering_keys and (room or not taken):
                entry.begun = True
                weight += heavy
                taken.append(entry)
            else:
                left.append(entry)
            ordering_keys.add(ordering_key)
        self._waiting[key] = left
        return taken
