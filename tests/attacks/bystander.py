"""Attackers and bystanders: client companies of one deployment, of which one sends what it likes.

    async with under_way(attack(company)) as attack:
        await bystander.is_served(times=20)
        assert attack.runs()

What is asserted is an order, never a time: the bystander was answered while the attack was still going on.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import httpx
import psutil

from tests.deploy.company import client_of, operator_of, registered
from tests.kit.deployment import Deployment


@dataclass
class Company:
    """A client company and its client."""

    id: str
    http: httpx.AsyncClient

    @property
    def bearer(self) -> str:
        """Its access token, for who speaks HTTP by himself."""
        return self.http.headers["authorization"].removeprefix("Bearer ")

    async def is_served(self, *, times: int = 10, path: str = "/v1/orders?limit=5") -> None:
        """Read something as everybody does, one request after the other; each must be answered with 200."""
        for _ in range(times):
            answer = await self.http.get(path)
            assert answer.status_code == 200, answer.text


@dataclass
class Target:
    """A deployment under attack: one process, or one for each role."""

    suite: Deployment
    _stack: AsyncExitStack

    @property
    def url(self) -> str:
        """The gateway's address."""
        return self.suite.url

    @property
    def port(self) -> int:
        """The gateway's port."""
        return int(self.url.rsplit(":", 1)[1])

    async def company(self, **changes: Any) -> Company:
        """A client company taken on now."""
        async with operator_of(self.url) as operator:
            tenant = await registered(operator, **changes)
            http = await self._stack.enter_async_context(client_of(operator, tenant))
        return Company(tenant["id"], http)

    def resident_mb(self) -> dict[str, float]:
        """Resident memory of each process and what it has started, by name."""
        found = {}
        for name, process in self.suite.processes.items():
            if process.pid is None:
                continue
            parent = psutil.Process(process.pid)
            for each in (parent, *parent.children(recursive=True)):
                with suppress(psutil.NoSuchProcess):
                    found[f"{name}/{each.pid}"] = each.memory_info().rss / 2**20
        return found


class Attack:
    """Something that goes on."""

    def __init__(self, task: "asyncio.Task[Any]") -> None:
        self._task = task

    def runs(self) -> bool:
        """Whether it still goes on."""
        return not self._task.done()

    async def ends(self) -> Any:
        """What came of it."""
        return await self._task


@asynccontextmanager
async def under_way(
    attack: Coroutine[Any, Any, Any], *, begun: Awaitable[object] | None = None
) -> AsyncIterator[Attack]:
    """An attack that goes on beside the block, from when `begun` returns; ended with the block."""
    task = asyncio.create_task(attack)
    try:
        if begun is not None:
            await begun
        yield Attack(task)
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
