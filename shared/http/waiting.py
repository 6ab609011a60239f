"""Waiting instead of asking again: an empty list is held back until it is empty no more (`Prefer: wait=N`, RFC 7240).

Who waits holds no connection and no transaction: each look is a transaction of its own. A fact committed here that
names the awaited subject is followed by a look at once. Other processes only say that they have committed some (the
notifier): then all look, soon. What is committed without telling it is found by looking again (docs/performance.md).
One tenant has at most half of the places; looks are shared out over the tenants that wait.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from shared.base import telemetry
from shared.base.loops import pause
from shared.contracts.event import Envelope

MOST_SECONDS = (
    10  # below the time in which a service must begin its answer (the gateway's `upstream_head_seconds`)
)
MOST_WAITING = (
    256  # of one service in one process, half of them of one tenant; who comes then is answered at once
)
LOOK_AGAIN_SECONDS = 0.25
LOOKS_A_SECOND = (
    40  # of all who wait together: the more of a tenant they are, the longer each waits between two
)
SOON_SECONDS = 0.02  # after the word of another process, which may come fifty times a second
PREFERENCE_APPLIED = "preference-applied"
# A text that is never closed goes to the end, so that every one is read once: looking for its end from each quote in it
# took seconds for 60 KB of them.
_QUOTED = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?', re.DOTALL)
Looked = tuple[Response, bool]  # an answer, and whether it shows nothing


@dataclass(frozen=True, slots=True)
class Wish:
    """How long a request would wait for news of which subject."""

    seconds: int
    tenant_id: UUID
    subject: str


def wish_of(request: Request, parameter: str, tenant_id: UUID) -> Wish | None:
    """The wish of a request for a list's first page, if it has one; the query parameter names the subject."""
    seconds = seconds_preferred(request.headers.getlist("prefer"))
    given = request.query_params.get(parameter)
    if not seconds or given is None or "cursor" in request.query_params:
        return None
    try:
        return Wish(seconds, tenant_id, str(UUID(given)))
    except ValueError:
        return None  # it is the route that refuses it


def seconds_preferred(values: Iterable[str]) -> int:
    """The seconds of `wait` among the preferences, of which the first counts; 0 for none, and for all nonsense."""
    for preference in _QUOTED.sub('""', ",".join(values)).split(","):
        name, _, value = preference.partition(";")[0].partition("=")
        if name.strip().lower() == "wait":
            digits = value.strip()
            if not (digits.isascii() and digits.isdigit()):
                return 0
            return min(int(digits.lstrip("0")[:9] or "0"), MOST_SECONDS)  # int() refuses what is very long
    return 0


@dataclass(eq=False, slots=True)
class _Wait:
    """One request that waits."""

    wish: Wish
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def is_named_by(self, fact: Envelope) -> bool:
        """Whether a fact of its tenant is news for it."""
        return self.wish.subject in fact.text


class Waiting:
    """Who waits for news of what, of one service in this process."""

    def __init__(self, service: str) -> None:
        self._service = service
        self._waits: dict[UUID, set[_Wait]] = {}  # by tenant
        self._all_look: asyncio.TimerHandle | None = None
        self._ended = False

    def __len__(self) -> int:
        """How many wait."""
        return sum(map(len, self._waits.values()))

    def tell(self, facts: Sequence[Envelope]) -> None:
        """These facts stand now: whoever waits for what they name looks at once."""
        for fact in facts:
            for wait in self._waits.get(fact.tenant_id, ()):
                if wait.is_named_by(fact):
                    wait.news.set()

    def hear(self) -> None:
        """Another process has committed facts of whatever: let all look, but not more often than they may."""
        if self._waits and self._all_look is None:
            soon = max(SOON_SECONDS, len(self) / LOOKS_A_SECOND)
            self._all_look = asyncio.get_running_loop().call_later(soon, self._look_all)

    def _look_all(self) -> None:
        self._all_look = None
        for waits in self._waits.values():
            for wait in waits:
                wait.news.set()

    def end(self) -> None:
        """Let nobody wait any more: each answers what it has."""
        self._ended = True
        self._look_all()

    async def until_found(self, wish: Wish, look: Callable[[], Awaitable[Looked]]) -> Response:
        """Look until something is found or the time is over; without the header where waiting was refused or cut."""
        if self._ended or not self._has_room(wish.tenant_id):
            return (await look())[0]
        loop = asyncio.get_running_loop()
        until = loop.time() + wish.seconds
        wait = _Wait(wish)
        waits = self._waits.setdefault(wish.tenant_id, set())
        waits.add(wait)  # before the first look: what is committed from here on is news
        try:
            response, empty = await look()
            while empty and (left := until - loop.time()) > 0:
                await pause(wait.news, min(left, self._rest(len(waits))))
                if self._ended:
                    return response
                wait.news.clear()  # before looking: what is committed meanwhile is news again
                response, empty = await look()
        finally:
            waits.remove(wait)
            if not waits:
                del self._waits[wish.tenant_id]
        response.headers[PREFERENCE_APPLIED] = f"wait={wish.seconds}"
        return response

    def _has_room(self, tenant_id: UUID) -> bool:
        """Whether one more of a tenant may wait."""
        if len(self) >= MOST_WAITING:
            return False
        if len(self._waits.get(tenant_id, ())) < MOST_WAITING // 2:
            return True
        telemetry.REFUSED_BY_SHARE.labels(self._service, "news").inc()
        return False

    def _rest(self, of_tenant: int) -> float:
        """How long each of a tenant's rests between two looks; a second's looks are the tenants' in equal parts."""
        return max(LOOK_AGAIN_SECONDS, of_tenant * len(self._waits) / LOOKS_A_SECOND)
