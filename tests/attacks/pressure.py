"""Many requests of one company at the same moment, each on a connection of its own, once or over and over.

By plain sockets: what the attacker costs must not be what slows the bystander in the same test down.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import orjson

from tests.attacks.bystander import Company


@dataclass(frozen=True)
class Wish:
    """One request."""

    method: str
    path: str
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)

    def on_the_wire(self, bearer: str) -> bytes:
        """The request as it is sent, for a connection of its own."""
        content = b"" if self.body is None else orjson.dumps(self.body)
        headers = {"host": "backoffice", "authorization": f"Bearer {bearer}", "connection": "close"}
        if content:
            headers |= {"content-type": "application/json", "content-length": str(len(content))}
        lines = [
            f"{self.method} {self.path} HTTP/1.1",
            *(f"{n}: {v}" for n, v in (headers | self.headers).items()),
        ]
        return "\r\n".join([*lines, "", ""]).encode() + content


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    content: bytes

    @classmethod
    def read(cls, raw: bytes) -> "Answer":
        """Of all bytes of a connection."""
        head, _, content = raw.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        pairs = (line.partition(":") for line in lines)
        return cls(int(first.split()[1]), {name.lower(): value.strip() for name, _, value in pairs}, content)

    @property
    def code(self) -> str:
        """Of a problem document."""
        return str(orjson.loads(self.content)["code"])


class Pressure:
    """What a company asks for; `answers` has what came back so far."""

    def __init__(self, company: Company, at_once: int, wish: Callable[[int], Wish]) -> None:
        """`wish` says what the n-th asks for."""
        self._company, self._at_once, self._wish = company, at_once, wish
        self.answers: list[Answer] = []

    @property
    def statuses(self) -> Counter[int]:
        """How often each was answered."""
        return Counter(answer.status for answer in self.answers)

    async def once(self) -> None:
        """Each asks once."""
        await asyncio.gather(*(self._ask(number) for number in range(self._at_once)))

    async def without_end(self) -> None:
        """Whoever is answered asks again."""
        await asyncio.gather(*(self._ask_on(number) for number in range(self._at_once)))

    async def answered(self, count: int) -> bool:
        """Whether so many have been."""
        return len(self.answers) >= count

    async def _ask_on(self, number: int) -> None:
        while True:
            await self._ask(number)

    async def _ask(self, number: int) -> None:
        url = self._company.http.base_url
        reader, writer = await asyncio.open_connection(url.host, url.port)
        try:
            writer.write(self._wish(number).on_the_wire(self._company.bearer))
            self.answers.append(Answer.read(await reader.read()))
        finally:
            writer.close()
