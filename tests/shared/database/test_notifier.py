"""The notifier: who commits facts wakes the relays of the service's other processes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from uuid import uuid4

import asyncpg
import pytest

from shared.database.notifier import Notifier
from shared.database.pool import Database
from shared.database.rls import role_password, worker_role
from tests.kit.suite import ROLE_SECRET, eventually


@pytest.fixture
async def worker(database_url: str) -> AsyncIterator[Database]:
    role = worker_role("orders")
    database = Database(
        database_url,
        user=role,
        password=role_password(ROLE_SECRET, role),
        size=2,
        application_name=f"doorbell-{uuid4().hex}",  # other tests ring on the same server
    )
    yield database
    await database.close()


async def _listeners(worker: Database) -> int:
    async with worker.transaction(None) as tx:
        found: int = await tx.sql.fetchval(
            "select count(*) from pg_stat_activity "
            "where application_name = current_setting('application_name') and query ilike 'listen%'"
        )
        return found


async def test_others_hear_the_bell_and_oneself_does_not(worker: Database):
    heard: list[str] = []
    async with AsyncExitStack() as stack:
        bells = [
            Notifier("orders", worker, {"facts": lambda name=name: heard.append(name)}) for name in "abc"
        ]  # type: ignore[misc]
        for bell in bells:
            bell.start()
            stack.push_async_callback(bell.stop)

        async def all_listen() -> bool:
            return await _listeners(worker) == 3

        await eventually(all_listen)
        bells[0].ring("facts")

        async def both_heard() -> bool:
            return sorted(set(heard)) == ["b", "c"]

        await eventually(both_heard, within=3)


async def test_ringing_all_the_time_rings_fifty_times_a_second_at_most(worker: Database):
    heard: list[float] = []
    loop = asyncio.get_running_loop()
    ringer, listener = (
        Notifier("orders", worker, {}),
        Notifier("orders", worker, {"facts": lambda: heard.append(loop.time())}),
    )
    async with AsyncExitStack() as stack:
        for bell in (ringer, listener):
            bell.start()
            stack.push_async_callback(bell.stop)

        async def some_heard() -> bool:
            ringer.ring("facts")
            return len(heard) >= 10

        await eventually(some_heard, within=10, every=0.001)

    assert heard[9] - heard[0] >= 9 * 0.02 * 0.9


async def test_a_bell_never_started_may_be_rung(worker: Database):
    bell = Notifier("orders", worker, {})
    bell.ring("facts")
    await bell.stop()


async def test_a_broken_bell_is_hung_up_anew(worker: Database):
    heard: list[int] = []
    ringer = Notifier("orders", worker, {})
    listener = Notifier("orders", worker, {"facts": lambda: heard.append(1)})
    async with AsyncExitStack() as stack:
        for bell in (ringer, listener):
            bell.start()
            stack.push_async_callback(bell.stop)

        async def rung() -> bool:
            ringer.ring("facts")
            return bool(heard)

        await eventually(rung)
        async with worker.transaction(None) as tx:
            await tx.sql.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity "
                "where application_name = current_setting('application_name') and pid <> pg_backend_pid()"
            )
        heard.clear()
        await eventually(rung)


@pytest.mark.parametrize(
    "error", [asyncpg.AdminShutdownError("terminated"), asyncpg.InterfaceError("connection is closed"),
              asyncpg.InternalClientError("cannot switch to state 15"), ConnectionResetError("gone")],
)  # fmt: skip
async def test_a_bell_goes_on_whatever_a_dying_connection_says(
    worker: Database, monkeypatch: pytest.MonkeyPatch, error: Exception
):
    monkeypatch.setattr("shared.database.notifier.AFTER_FAILURE_SECONDS", 0.01)
    failures, dedicated = [error], worker.dedicated

    @asynccontextmanager
    async def breaking() -> AsyncIterator[asyncpg.Connection]:
        async with dedicated() as sql:
            if failures:
                raise failures.pop()
            yield sql

    monkeypatch.setattr(worker, "dedicated", breaking)
    bell = Notifier("orders", worker, {})
    bell.start()

    async def listens() -> bool:
        return await _listeners(worker) == 1

    await eventually(listens)
    await bell.stop()
