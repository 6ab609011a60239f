"""A share for each: places that many want, given out in turn, so that whoever asks most does not get most.

    async with share.place(tenant_id):
        … what only so many may do at the same time

One key (a tenant, an address) has at most its share of the places. Whoever comes when none is free for it waits in
its key's own queue; a place that becomes free goes to the key whose turn it is, so one that waits alone is served
next however many wait behind another. A queue has an end, too: beyond it the caller is refused at once; and a wait
has one where the caller says so (`within`). Work of ours, of which there is never much, is `patient`: it may join a
full queue.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager

_NOBODY = object()  # no key at all: None is one, too


class NoPlace(Exception):  # noqa: N818 - named for what happened
    """No place became free in time: others have them."""


class ShareExhausted(NoPlace):
    """The places of this key are all in use, and as many wait for one, or for as long, as may be."""


class FairShare:
    """Places at the same time over all keys, and their queues."""

    def __init__(self, places: int, *, of_one: int | None = None, waiting_of_one: int = 1000) -> None:
        """`of_one`: places one key has at most, by default half of them; `waiting_of_one`: who may wait for them."""
        self._free = places
        self._of_one = of_one if of_one is not None else max(1, places // 2)
        self._waiting_of_one = waiting_of_one
        self._in_use: dict[Hashable, int] = {}
        self._queues: dict[Hashable, deque[asyncio.Future[None]]] = {}  # in the order of their turns

    @property
    def waiting(self) -> int:
        """How many wait, of all keys."""
        return sum(len(queue) for queue in self._queues.values())

    def waiting_of(self, key: Hashable) -> int:
        """How many of one key wait."""
        return len(self._queues.get(key, ()))

    def in_use(self, key: Hashable) -> int:
        """The places a key has now."""
        return self._in_use.get(key, 0)

    @asynccontextmanager
    async def place(
        self, key: Hashable, *, within: float | None = None, patient: bool = False
    ) -> AsyncIterator[None]:
        """A place for the length of the block; waits and refuses as `take` does."""
        await self.take(key, within=within, patient=patient)
        try:
            yield
        finally:
            self.give_back(key)

    async def take(self, key: Hashable, *, within: float | None = None, patient: bool = False) -> None:
        """Take a place, waiting `within` so many seconds for one where need be; `give_back` must follow.

        Raises `ShareExhausted` where too many of the key wait already or its own places did not become free in time,
        `NoPlace` where those of the others did not.
        """
        if key not in self._queues and self._has_room(key):
            self._grant(key)
            return
        if not patient and len(self._queues.get(key, ())) >= self._waiting_of_one:
            raise ShareExhausted(f"{self._waiting_of_one} wait for a place already")
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queues.setdefault(key, deque()).append(turn)
        try:
            async with asyncio.timeout(within):
                await turn
        except BaseException as error:  # cancelled, or the time is over
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self.give_back(key)  # it was given in the same turn of the loop
            else:
                self._forget(key, turn)
            if isinstance(error, TimeoutError):
                own = self.in_use(key) >= self._of_one
                raise (ShareExhausted if own else NoPlace)(
                    f"no place became free within {within} s"
                ) from None
            raise

    def give_back(self, key: Hashable) -> None:
        """Give a place back, to whoever is next."""
        self._free += 1
        self._in_use[key] -= 1
        if not self._in_use[key]:
            del self._in_use[key]
        self._serve()

    def refuse_all(self, error: Exception) -> None:
        """Let nobody wait any longer: the error is raised where they do."""
        for queue in self._queues.values():
            for turn in queue:
                if not turn.done():
                    turn.set_exception(error)
        self._queues.clear()

    def _has_room(self, key: Hashable) -> bool:
        return self._free > 0 and self.in_use(key) < self._of_one

    def _grant(self, key: Hashable) -> None:
        self._free -= 1
        self._in_use[key] = self.in_use(key) + 1

    def _serve(self) -> None:
        """Give what is free to the queues in turn."""
        while (key := next(filter(self._has_room, self._queues), _NOBODY)) is not _NOBODY:
            queue = self._queues.pop(key)
            turn = queue.popleft()
            if queue:
                self._queues[key] = queue  # behind the others now
            if not turn.done():
                self._grant(key)
                turn.set_result(None)

    def _forget(self, key: Hashable, turn: asyncio.Future[None]) -> None:
        """Take out of its queue who waits no longer."""
        queue = self._queues.get(key)
        if queue is not None and turn in queue:
            queue.remove(turn)
            if not queue:
                del self._queues[key]
