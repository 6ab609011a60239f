"""A database that goes away in the middle of a transaction, at a chosen statement."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import asyncpg
import pytest

from shared.context.ctx import TenantFacts
from tests.kit.suite import Suite

ASKED_HERE: ContextVar[bool] = ContextVar("asked_here", default=False)


class Dying:
    """Ends the connection on which a request of the block asks something for a tenant, before one of those statements.

    What workers ask meanwhile is not counted.
    """

    def __init__(self, suite: Suite, tenant: TenantFacts, monkeypatch: pytest.MonkeyPatch) -> None:
        self._suite, self._tenant, self._monkeypatch = suite, tenant, monkeypatch

    @contextmanager
    def before(self, statement: int) -> Iterator[Callable[[], bool]]:
        """The connection ends before that statement (the first is 1); whether it did is known afterwards."""
        seen = 0
        send = asyncpg.Connection._execute

        async def asked(connection: Any, query: str, args: Any, *more: Any, **others: Any) -> Any:
            nonlocal seen
            if ASKED_HERE.get() and args and args[0] == self._tenant.id:
                seen += 1
                if seen == statement:
                    await self._end(connection.get_server_pid())
            return await send(connection, query, args, *more, **others)

        with self._monkeypatch.context() as patch:
            patch.setattr(asyncpg.Connection, "_execute", asked)
            here = ASKED_HERE.set(True)
            try:
                yield lambda: seen >= statement
            finally:
                ASKED_HERE.reset(here)

    async def _end(self, pid: int) -> None:
        """As when the server dies: what was not committed is gone."""
        sql = await asyncpg.connect(self._suite.url)
        await sql.fetchval("select pg_terminate_backend($1, 5000)", pid)
        await sql.close()
