"""PgTransport against the contract of transports."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest

from shared.bus.pg.transport import ROLE, PgTransport, migrate
from shared.bus.transport import Subscription, Transport
from shared.values.ids import new_id
from tests.kit import postgres
from tests.kit.suite import BUS_PASSWORD, cloned_database, eventually
from tests.shared.bus.conformance import Received, TransportConformance, message
from tests.shared.given_notes import execute, listeners, rows


@pytest.fixture(scope="module")
async def bus_url(admin_url: str, probe_template: str) -> AsyncIterator[str]:
    """A database whose queues nobody else waits to see empty."""
    name = f"bus_{new_id().hex}"
    yield await cloned_database(admin_url, name, probe_template)
    await postgres.drop_database(admin_url, name)


class TestPgTransport(TransportConformance):
    """The table-backed transport."""

    @pytest.fixture(autouse=True)
    def _address(self, bus_url: str) -> None:
        self.url = bus_url

    @pytest.fixture
    async def transport(self) -> AsyncIterator[PgTransport]:
        transport = PgTransport(self.url, password=BUS_PASSWORD, poll_seconds=0.02)
        await transport.start()
        yield transport
        await transport.close()

    async def waiting(self, queue: str) -> int:
        return len(await rows(self.url, "bus", "messages", queue=queue))

    async def unrouted(self, type_: str) -> list[str]:
        return [row["body"] for row in await rows(self.url, "bus", "unrouted", type=type_)]

    async def kill(self, subscription: Subscription) -> None:
        task: asyncio.Task[None] = subscription._task  # type: ignore[attr-defined]  # as a crash would
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    async def cut_connections(self) -> None:
        await execute(
            self.url,
            "select pg_terminate_backend(pid) from pg_stat_activity where usename = $1 "
            "and datname = current_database()",
            ROLE,
        )

    async def want_only(self, queue: str, type_: str) -> None:
        await migrate(self.url, password=BUS_PASSWORD, bindings={queue: [type_]})

    def address(self) -> list[str]:
        return ["pg", self.url]

    async def away(self) -> PgTransport:
        return PgTransport("postgresql://127.0.0.1:9/none", password=BUS_PASSWORD)

    async def test_subscriptions_need_no_room_in_the_pool(self, transport: Transport, type_: str):
        subscriptions = [
            await transport.subscribe(f"q{n}", [type_], Received(), concurrency=1) for n in range(12)
        ]
        try:
            outcome = await asyncio.wait_for(transport.publish([message("a", "1", type_)]), 5)
        finally:
            for subscription in subscriptions:
                await subscription.stop()

        assert outcome == [None]

    async def test_what_one_process_publishes_another_takes_without_waiting_for_its_poll(self, type_: str):
        def transport() -> PgTransport:
            return PgTransport(self.url, password=BUS_PASSWORD, poll_seconds=60.0, among_others=True)

        here, there, received = transport(), transport(), Received()
        for each in (here, there):
            await each.start()
        subscription = await there.subscribe("far", [type_], received, concurrency=1)
        try:

            async def both_listen_and_one_has_looked() -> bool:
                return await listeners(self.url, ROLE) >= 2 and subscription.healthy

            await eventually(both_listen_and_one_has_looked)
            await here.publish([message("a", "1", type_)])

            async def taken() -> bool:
                return await self.waiting("far") == 0

            await eventually(taken, within=6)
        finally:
            await subscription.stop()
            for each in (here, there):
                await each.close()

        assert len(received.texts) == 1

    async def test_what_nobody_wanted_for_a_week_is_let_go(self, transport: Transport, type_: str):
        await transport.publish([message("a", "old", type_), message("a", "new", type_)])
        (old, _) = await self.unrouted(type_)
        await execute(
            self.url, "update bus.unrouted set enqueued_at = now() - interval '8 days' where body = $1", old
        )

        later = PgTransport(self.url, password=BUS_PASSWORD)
        await later.publish([message("b", "newer", type_)])
        await later.close()

        kept = await self.unrouted(type_)
        assert len(kept) == 2
        assert old not in kept
