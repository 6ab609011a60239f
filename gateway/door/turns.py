"""How much of one tenant's is at work at the same time while other tenants are about.

What a request costs our event loop and its service's can only be guessed before, but it is bounded by how many are
begun. A tenant that floods us has so many requests at work, and the others in a queue of its own, so that what anybody
else sends is behind a few of its requests and not behind hundreds. A tenant that is alone has no such bound.
"""

import asyncio
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from prometheus_client import Gauge

PLACES: Final = 8
"""What one tenant has at work at a gateway process, counted in requests of an ordinary size."""
BYTES_OF_ONE: Final = 2048
"""A request takes one place, and one for each so many bytes of its body."""
OTHERS_SECONDS: Final = 60.0
"""How long a tenant that has sent something counts as being about."""
IDLE_SECONDS: Final = 0.1
"""What is at work for longer waits for something else than a processor (`Prefer: wait`, a file) and is not counted."""
HEAVY_PLACES: Final = 4
"""From so many places on a request is heavy: what it costs may hold an event loop for some milliseconds at a time."""
REST: Final = 6
"""After a heavy request a tenant's next one waits so many times as long as it was at work: the others' share."""
WAITING = Gauge("backoffice_gateway_waiting_turns", "Requests that wait behind others of their own tenant")


@dataclass(slots=True, eq=False)
class Work:
    """One request at work: the places it takes, since when, and whether it still counts."""

    places: int
    began: float
    counts: bool = True


@dataclass(slots=True)
class _Tenant:
    running: dict[Work, None] = field(default_factory=dict)  # in the order in which they began
    places: int = 0  # of those that count
    waiting: deque[tuple[Work, asyncio.Future[None]]] = field(default_factory=deque)
    rests_until: float = float("-inf")  # from heavy work
    look: asyncio.TimerHandle | None = None

    def fits(self, work: Work, now: float) -> bool:
        if work.places >= HEAVY_PLACES and now < self.rests_until:
            return False
        return not self.places or self.places + work.places <= PLACES

    def waits(self, now: float) -> float:
        """How long until it is worth a look whether the first that waits may begin, whatever ends meanwhile."""
        rest = self.rests_until - now
        heavy = self.waiting[0][0].places >= HEAVY_PLACES
        return rest if heavy and 0 < rest < IDLE_SECONDS else IDLE_SECONDS

    def begin(self, work: Work) -> None:
        self.running[work] = None
        self.places += work.places


class Turns:
    """The requests at work of each tenant, and its queue."""

    def __init__(self) -> None:
        """Nobody is about."""
        self._of: dict[str, _Tenant] = {}
        self._last = ""  # who sent something last
        self._others = float("-inf")  # when that was last another tenant than the time before

    async def begin(self, key: str, length: int, now: float) -> Work:
        """Begin a tenant's request with a body of so many bytes, when it is its turn; `end` must follow."""
        if key != self._last:
            self._last, self._others = key, now
        tenant = self._of.get(key)
        if tenant is None:
            tenant = self._of[key] = _Tenant()
        work = Work(min(PLACES, 1 + length // BYTES_OF_ONE), now)
        if now - self._others > OTHERS_SECONDS or (not tenant.waiting and tenant.fits(work, now)):
            tenant.begin(work)
        else:
            await self._turn(key, tenant, work)
        return work

    def end(self, key: str, work: Work) -> None:
        """A request is answered, or given up: whoever waits is next."""
        tenant = self._of[key]
        del tenant.running[work]
        if work.counts:
            tenant.places -= work.places
            if work.places >= HEAVY_PLACES:
                now = asyncio.get_running_loop().time()
                tenant.rests_until = now + REST * (now - work.began)
        self._serve(key, tenant)

    async def _turn(self, key: str, tenant: _Tenant, work: Work) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        tenant.waiting.append((work, turn))
        self._serve(key, tenant)
        try:
            with WAITING.track_inprogress():
                await turn
        except BaseException:  # whoever waited has gone
            if work in tenant.running:
                self.end(key, work)  # it was its turn in the same moment
            else:
                with suppress(ValueError):  # passed over already
                    tenant.waiting.remove((work, turn))
                self._serve(key, tenant)
            raise

    def _look(self, key: str, tenant: _Tenant) -> None:
        """Count no longer what has been at work for so long that it cannot be our processor it waits for."""
        tenant.look = None
        until = asyncio.get_running_loop().time() - IDLE_SECONDS
        for work in tenant.running:
            if work.began > until:
                break
            if work.counts:
                work.counts = False
                tenant.places -= work.places
        self._serve(key, tenant)

    def _serve(self, key: str, tenant: _Tenant) -> None:
        """Begin what waits and has room, in its order; forget a tenant of whom nothing is left."""
        if tenant.waiting:
            self._begin_next(key, tenant)
        if not tenant.waiting:
            if tenant.look is not None:
                tenant.look.cancel()
                tenant.look = None
            rests = tenant.rests_until > asyncio.get_running_loop().time()
            if not tenant.running and not rests and self._of.get(key) is tenant:
                del self._of[key]

    def _begin_next(self, key: str, tenant: _Tenant) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        while tenant.waiting and (tenant.waiting[0][1].done() or tenant.fits(tenant.waiting[0][0], now)):
            work, turn = tenant.waiting.popleft()
            if not turn.done():
                work.began = now
                tenant.begin(work)
                turn.set_result(None)
        if tenant.waiting and tenant.look is None:
            tenant.look = loop.call_later(tenant.waits(now), self._look, key, tenant)
