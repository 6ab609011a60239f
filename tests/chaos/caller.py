"""A client as it should be: every write has a key, and is repeated until it is answered."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.kit.program import Process

Document = dict[str, Any]
TRY_SECONDS = 20.0
PATIENCE_SECONDS = 90.0
PAUSE_SECONDS = 0.1
FIRST, TOTAL = "gateway-1", "requests"


class Unanswered(AssertionError):  # noqa: N818 - named for what happened
    """A request that was repeated for longer than any fault lasts."""


class Refused(AssertionError):  # noqa: N818 - named for what happened
    """An answer that a correct client should never get."""


@dataclass
class Notes:
    """What a round's callers met with on their way."""

    away: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    slowest: float = 0.0


@dataclass(frozen=True)
class Written:
    """A write and its answer."""

    method: str
    path: str
    body: Any
    status: int
    answer: Document


@dataclass
class Caller:
    """One client company's client."""

    doors: Callable[[], Sequence[Process]]
    client_id: str
    secret: str
    notes: Notes
    http: httpx.AsyncClient
    written: dict[str, Written] = field(default_factory=dict)
    _token: str = ""
    _turn: int = 0

    async def see(self, path: str, **query: Any) -> Document:
        """What a GET shows."""
        return (await self._answered("GET", path, None, {}, query)).json()

    async def listed(self, path: str, **query: Any) -> list[Document]:
        """All of a list, oldest first."""
        items: list[Document] = []
        cursor: dict[str, str] = {}
        while True:
            page = await self.see(path, limit=200, **query, **cursor)
            items += page["items"]
            if page["next"] is None:
                return items[::-1]
            cursor = {"cursor": page["next"]}

    async def write(self, path: str, body: Any, *, key: str, twice: bool = False) -> Document:
        """What a POST made or moved; `twice` sends it twice at once, as an impatient client would."""
        headers = {"idempotency-key": key}
        answers = await asyncio.gather(
            *(self._answered("POST", path, body, headers, {}) for _ in range(2 if twice else 1))
        )
        shown = [answer.json() for answer in answers]
        if any(one != shown[0] for one in shown):
            self.notes.wrong.append(f"{key}: two answers to one key: {shown}")
        self.written[key] = Written("POST", path, body, answers[0].status_code, shown[0])
        return shown[0]

    async def replay(self, key: str) -> None:
        """Send a write again; the answer must be the one it had."""
        before = self.written[key]
        again = await self._answered(before.method, before.path, before.body, {"idempotency-key": key}, {})
        if (again.status_code, again.json()) != (before.status, before.answer):
            self.notes.wrong.append(f"{key}: answered {before.answer}, replayed {again.text}")
        if again.headers.get("idempotency-replayed") != "true":
            self.notes.wrong.append(f"{key}: took effect again")

    async def try_once(
        self, method: str, path: str, body: Any, headers: Any, query: Any
    ) -> httpx.Response | str:
        """One try at the door whose turn it is; a reason when it was no answer."""
        door = self.doors()[0]
        try:
            if not self._token:
                await self._sign_in(door)
            answer = await self.http.request(
                method,
                f"{door.url}{path}",
                json=body,
                params=query,
                headers={**headers, "authorization": f"Bearer {self._token}"},
            )
        except httpx.TransportError as error:
            return type(error).__name__
        if answer.status_code == 401:
            self._token = ""
            return "401"
        if answer.status_code == 409 and answer.json().get("code") == "in_progress":
            return "in progress"
        if answer.status_code >= 500 or answer.status_code == 429:
            return _named(answer)
        return answer

    async def _answered(self, method: str, path: str, body: Any, headers: Any, query: Any) -> httpx.Response:
        began = time.monotonic()
        self.notes.away[TOTAL] += 1
        while True:
            answer = await self.try_once(method, path, body, headers, query)
            if isinstance(answer, httpx.Response):
                break
            self.notes.away[answer] += 1
            if answer.startswith("500"):
                self.notes.wrong.append(f"{method} {path}: {answer}")
            if time.monotonic() - began > PATIENCE_SECONDS:
                raise Unanswered(
                    f"{method} {path} was not answered within {PATIENCE_SECONDS:.0f} s: {answer}"
                )
            await asyncio.sleep(PAUSE_SECONDS)
        self.notes.slowest = max(self.notes.slowest, time.monotonic() - began)
        if answer.status_code >= 300:
            raise Refused(f"{method} {path} {json.dumps(body)} {headers}: {answer.status_code} {answer.text}")
        return answer

    async def _sign_in(self, door: Process) -> None:
        form = {"grant_type": "client_credentials"}
        answer = await self.http.post(
            f"{door.url}/oauth/token", data=form, auth=(self.client_id, self.secret)
        )
        if answer.status_code == 200:
            self._token = answer.json()["access_token"]


def _named(answer: httpx.Response) -> str:
    """A refusal as it is counted; 503 must say when to come again."""
    patience = "" if answer.status_code != 503 or "retry-after" in answer.headers else " without Retry-After"
    try:
        code = answer.json().get("code", "")
    except ValueError:
        code = answer.text[:40]
    return f"{answer.status_code}{patience} {code}"
