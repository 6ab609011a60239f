"""Nobody waits for the poll: what a process or its neighbour leaves is begun when it can be, however rare the looks."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

import httpx
import pytest

from shared.database.rls import worker_role
from shared.service.runtime import ServiceRuntime
from tests.kit.suite import Suite, eventually, running_suite
from tests.kit.suite import test_settings as settings_for_tests
from tests.shared.given_notes import effects_of, execute, given_note, given_published, listeners
from tests.shared.probe.notes import switches
from tests.shared.probe.service import PROBE
from tests.shared.processes import idle_suite

RARELY = settings_for_tests(poll_seconds=60.0, consumer_backoff_seconds=0.2)
SOON = 6.0  # far less than the poll, far more than it takes


@pytest.fixture
async def rare(fresh_url: str) -> AsyncIterator[Suite]:
    """The probe at work, looking for work by itself once a minute."""
    async with running_suite(fresh_url, [PROBE], settings=RARELY) as suite:
        await eventually(everything_was_looked_for(suite["probe"]))
        yield suite


@pytest.fixture
async def writer(rare: Suite) -> httpx.AsyncClient:
    return rare.client("probe", await rare.new_tenant())


async def test_a_queued_job_begins_without_waiting_for_the_poll(rare: Suite, writer: httpx.AsyncClient):
    note = await given_note(writer)

    await writer.post(f"/v1/notes/{note['id']}/count")

    await eventually(in_order(rare, note, [f"step {n}" for n in range(5)]), within=SOON)


@pytest.mark.parametrize("behind_it", [0, 2])
async def test_a_failed_event_is_tried_again_when_it_is_due_and_then_those_behind_it(
    rare: Suite, writer: httpx.AsyncClient, behind_it: int
):
    title = f"fails twice {uuid4().hex}"
    switches.BEFORE_EFFECT[title] = failing(title, times=2)

    note = await given_published(writer, title, times=1 + behind_it)

    await eventually(in_order(rare, note, [f"published {n}" for n in range(1 + behind_it)]), within=SOON)


async def test_a_replayed_event_is_tried_at_once(rare: Suite, writer: httpx.AsyncClient):
    title = f"fails four times {uuid4().hex}"
    switches.BEFORE_EFFECT[title] = failing(title, times=4)
    note = await given_published(writer, title)

    async def given_up() -> str:
        items = (await writer.get("/v1/probe-dead-letters")).json()["items"]
        return items[0]["id"] if items else ""

    letter = await eventually(given_up)
    await writer.post(f"/v1/probe-dead-letters/{letter}/replay")

    await eventually(in_order(rare, note, ["published 0"]), within=SOON)


async def test_a_job_that_another_process_queues_begins_without_waiting_for_the_poll(fresh_url: str):
    async with idle_suite(fresh_url) as suite, neighbour(suite, fresh_url) as worker:
        note = await given_note(suite.client("probe", await suite.new_tenant()))
        await execute(
            fresh_url,
            "insert into probe.jobs (tenant_id, id, kind, actor_id, actor_kind, request_id, traceparent) "
            "select tenant_id, id, 'count', 'a', 'client', 'r', '' from probe.notes where id = $1",
            UUID(note["id"]),
        )
        asking = suite["probe"]
        asking.notifier.start()
        await eventually(listening(fresh_url, 2))

        asking.jobs.queued()

        await eventually(in_order(suite, note, [f"step {n}" for n in range(5)]), within=SOON)
        assert await worker.complaints() == []


async def test_an_event_held_by_a_process_that_dies_is_tried_by_another_when_it_is_due(fresh_url: str):
    async with idle_suite(fresh_url) as suite, neighbour(suite, fresh_url) as holder:
        writer = suite.client("probe", await suite.new_tenant())
        first = await given_published(writer)
        holder.relay.wake()
        await eventually(in_order(suite, first, ["published 0"]))  # so the holder owns the queue
        async with neighbour(suite, fresh_url):
            await eventually(listening(fresh_url, 2))
            (retries,) = [task for task in holder._tasks if task.get_name() == "retries:probe"]
            retries.cancel()
            title = f"fails once {uuid4().hex}"
            switches.BEFORE_EFFECT[title] = failing(title, times=1)
            note = await given_published(writer, title)
            holder.relay.wake()

            await eventually(in_order(suite, note, ["published 0"]), within=SOON)


@asynccontextmanager
async def neighbour(suite: Suite, url: str) -> AsyncIterator[ServiceRuntime]:
    """A further process of the service, as far as this one can be two; it looks by itself once a minute."""
    verifier = suite["probe"].app.state.edge.verifier
    running = ServiceRuntime(PROBE, dsn=url, settings=RARELY, transport=suite.transport, verifier=verifier)
    await running.start(among_others=True)
    try:
        await eventually(everything_was_looked_for(running))
        yield running
    finally:
        await running.stop()


def everything_was_looked_for(running: ServiceRuntime):
    """Whether the first round of every loop is over: from then on only waking helps."""

    async def asked() -> bool:
        await asyncio.sleep(0.3)
        return await running.complaints() == []

    return asked


def listening(url: str, bells: int):
    async def asked() -> bool:
        return await listeners(url, worker_role("probe")) >= bells

    return asked


def in_order(suite: Suite, note: dict[str, str], wanted: list[str]):
    async def asked() -> bool:
        return await effects_of(suite, note["id"]) == wanted

    return asked


def failing(title: str, *, times: int):
    async def fail() -> None:
        if switches.TRIES[title] <= times:
            raise RuntimeError("not yet")

    return fail
