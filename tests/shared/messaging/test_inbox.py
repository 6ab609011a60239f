"""The inbox: each event takes effect once, in its ordering key's order, or is visibly held."""

import asyncio
from datetime import timedelta
from functools import partial
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest

from shared.bus.transport import Delivery
from shared.context.ctx import TenantFacts
from shared.database.pool import DatabaseAway
from shared.values.ids import new_id
from tests.kit.suite import Suite, eventually
from tests.shared.given_notes import effects_of, execute, given_published, rows
from tests.shared.probe.notes import switches
from tests.shared.processes import KILLED, idle_suite, probe_process

DEAD = "/v1/probe-dead-letters"


async def test_an_event_delivered_twice_takes_effect_once(
    kernel: Suite, owner: TenantFacts, probe: httpx.AsyncClient
):
    note = await given_published(probe)
    await kernel.settled()
    (fact,) = await kernel.outbox("probe", owner.id)

    await asyncio.gather(
        *(
            kernel["probe"].inbox.deliver(Delivery(fact["ordering_key"], fact["envelope"], again))
            for again in [True, False] * 5
        )
    )
    await kernel.settled()

    assert await effects_of(kernel, note["id"]) == ["published 0"]


async def test_a_failing_handler_is_tried_again_with_growing_pauses_until_it_succeeds(
    kernel: Suite, owner: TenantFacts, probe: httpx.AsyncClient
):
    title = f"fails twice {uuid4().hex}"
    switches.BEFORE_EFFECT[title] = failing(title, times=2)

    note = await given_published(probe, title)
    await kernel.settled()

    (row,) = await rows(kernel.url, "probe", "inbox", tenant_id=owner.id)
    assert await effects_of(kernel, note["id"]) == ["published 0"]
    assert (row["state"], row["attempts"], row["envelope"]) == ("done", 3, None)


def test_pauses_grow_and_are_jittered(kernel: Suite):
    inbox = kernel["probe"].inbox
    spread = [[(inbox.next_try(n) - inbox.next_try(0)).total_seconds() for _ in range(50)] for n in (1, 4, 8)]

    assert max(spread[0]) < min(spread[1]) < max(spread[1]) < min(spread[2])
    assert len(set(spread[1])) > 10


async def test_a_poisonous_event_is_dead_after_its_tries_holds_its_ordering_key_and_nobody_elses(
    kernel: Suite, owner: TenantFacts, probe: httpx.AsyncClient
):
    poison = await given_published(probe, f"always-fails {uuid4().hex}", times=4)
    healthy = await given_published(probe)
    await eventually(dead_letters(probe))
    await kernel.settled()

    (letter,) = (await probe.get(DEAD)).json()["items"]

    assert letter["attempts"] == 4
    assert letter["waiting_behind"] == 3
    assert letter["error"].startswith("RuntimeError: this note cannot be handled")
    assert await effects_of(kernel, poison["id"]) == []
    assert await effects_of(kernel, healthy["id"]) == ["published 0"]


async def test_a_replayed_event_takes_effect_and_then_those_that_waited_in_order(
    kernel: Suite, owner: TenantFacts, probe: httpx.AsyncClient
):
    title = f"fails at first {uuid4().hex}"
    switches.BEFORE_EFFECT[title] = failing(title, times=4)
    note = await given_published(probe, title, times=5)
    (letter,) = await eventually(dead_letters(probe))
    await kernel.settled()

    answer = await probe.post(f"{DEAD}/{letter['id']}/replay")
    await kernel.settled()

    assert answer.status_code == 200
    assert await effects_of(kernel, note["id"]) == [f"published {n}" for n in range(5)]
    assert (await probe.get(DEAD)).json()["items"] == []
    assert (await probe.post(f"{DEAD}/{letter['id']}/replay")).status_code == 404


async def test_a_discarded_event_lets_those_behind_it_go_on(
    kernel: Suite, owner: TenantFacts, probe: httpx.AsyncClient
):
    title = f"fails at first {uuid4().hex}"
    switches.BEFORE_EFFECT[title] = failing(title, times=4)
    note = await given_published(probe, title, times=3)
    (letter,) = await eventually(dead_letters(probe))
    await kernel.settled()

    answer = await probe.post(f"{DEAD}/{letter['id']}/discard")
    await kernel.settled()

    assert answer.status_code == 200
    assert await effects_of(kernel, note["id"]) == ["published 1", "published 2"]


async def test_a_stranger_neither_sees_nor_replays_dead_letters(kernel: Suite, probe: httpx.AsyncClient):
    await given_published(probe, f"always-fails {uuid4().hex}")
    (letter,) = await eventually(dead_letters(probe))
    stranger = kernel.client("probe", await kernel.new_tenant())

    assert (await stranger.get(DEAD)).json()["items"] == []
    assert (await stranger.post(f"{DEAD}/{letter['id']}/replay")).status_code == 404
    assert (await stranger.post(f"{DEAD}/{letter['id']}/discard")).status_code == 404


@pytest.mark.parametrize(
    "text",
    ["", "no json", "[]", "null", "{}", '{"id": "x"}', '{"id": 1, "type": 2, "tenantid": 3}', '"\\u0000"'],
)
async def test_an_unreadable_message_is_parked_with_its_text(kernel: Suite, text: str):
    marked = f"{text} "

    await kernel["probe"].inbox.deliver(Delivery("ordering_key", marked, False))

    parked = await rows(kernel.url, "probe", "unreadable_messages", body=marked)
    assert parked
    assert parked[0]["error"]


async def test_an_event_of_an_unknown_type_or_a_wrong_shape_is_held_not_lost(
    kernel: Suite, owner: TenantFacts, probe: httpx.AsyncClient
):
    await given_published(probe)
    await kernel.settled()
    (fact,) = await kernel.outbox("probe", owner.id)
    strange = [
        fact["envelope"].replace("probe.note.published.v1", "probe.note.published.v2"),
        fact["envelope"].replace('"note_id"', '"wrong_id"'),
    ]

    for text in strange:
        event_id = new_id()
        await kernel["probe"].inbox.deliver(Delivery("x", with_id(text, fact["id"], event_id), False))
        await eventually(state_of(kernel, event_id, "dead"))
        await execute(kernel.url, "update probe.inbox set state = 'discarded' where event_id = $1", event_id)


async def test_an_event_of_an_unknown_tenant_is_retried_until_the_tenant_is_known(
    kernel: Suite, owner: TenantFacts
):
    unknown = TenantFacts(**(facts(owner) | {"id": new_id()}))
    probe = kernel.client("probe", unknown)
    note = await given_published(probe)
    await eventually(held(kernel, unknown.id))

    await kernel.provision(unknown)
    await kernel.settled()

    assert await effects_of(kernel, note["id"]) == ["published 0"]


async def test_a_cut_delivery_is_counted_before_it_is_tried(
    kernel: Suite, owner: TenantFacts, probe: httpx.AsyncClient
):
    fact = await a_fact_only_published(kernel, owner, probe)

    await kernel["probe"].inbox.deliver(Delivery(fact["ordering_key"], fact["envelope"], True))
    await kernel.settled()

    (row,) = await rows(kernel.url, "probe", "inbox", tenant_id=owner.id)
    assert (row["state"], row["attempts"]) == ("done", 1)


async def _ended_or_given_up(dead: asyncio.Task[int], url: str) -> bool:
    return dead.done() or bool(await rows(url, "probe", "inbox", state="dead"))


async def test_a_handler_that_kills_its_process_ends_dead_not_in_an_endless_loop(fresh_url: str):
    async with idle_suite(fresh_url) as suite:
        tenant = await suite.new_tenant()
        probe = suite.client("probe", tenant)
        await given_published(probe, "kills-its-process", times=2)
        other = await given_published(probe)
        deaths = 0
        for _ in range(8):
            async with probe_process(fresh_url) as process:
                dead = asyncio.create_task(process.wait())
                await eventually(partial(_ended_or_given_up, dead, fresh_url), within=60)
                if not dead.done():  # it lives: the event has been given up, and it goes on with the others
                    await eventually(partial(effects_of, suite, other["id"]), within=30)
                    break
                assert dead.result() == KILLED
                deaths += 1
        # The processes may have taken longer than the first token lives.
        (letter,) = (await suite.client("probe", tenant).get(DEAD)).json()["items"]

        assert deaths == 4  # once uncounted, then the three tries this process is allowed
        assert (letter["attempts"], letter["waiting_behind"]) == (3, 1)
        assert "the process died" in letter["error"]
        assert await effects_of(suite, other["id"]) == ["published 0"]


async def test_of_events_whose_last_try_never_ended_only_one_is_tried_at_a_time(fresh_url: str):
    """One of them has killed its process; the others must not be given up for having been tried beside it."""
    async with idle_suite(fresh_url) as suite:
        tenant = await suite.new_tenant()
        inbox, retries = suite["probe"].inbox, suite["probe"].retries
        release = asyncio.Event()
        titles = [f"suspect {uuid4().hex}" for _ in range(2)]
        notes = [await given_published(suite.client("probe", tenant), title) for title in titles]
        for fact in await suite.outbox("probe", tenant.id):
            await inbox.deliver(Delivery(fact["ordering_key"], fact["envelope"], True))
        await execute(
            fresh_url, "update probe.inbox set attempts = 2, error = 'try 2 has begun and not ended'"
        )
        switches.BEFORE_EFFECT |= dict.fromkeys(titles, release.wait)

        trying = asyncio.create_task(retries.retry_due())
        await eventually(tried(titles[0]))
        await asyncio.sleep(0.2)
        beside = [row["attempts"] for row in await rows(fresh_url, "probe", "inbox")]
        release.set()

        assert (await trying, beside) == (2, [3, 2])
        assert [await effects_of(suite, note["id"]) for note in notes] == [["published 0"], ["published 0"]]


async def test_a_redelivered_event_behind_a_dead_one_waits(
    kernel: Suite, owner: TenantFacts, probe: httpx.AsyncClient
):
    title = f"always-fails {uuid4().hex}"
    note = await given_published(probe, title)
    await eventually(dead_letters(probe))
    (fact,) = await kernel.outbox("probe", owner.id)
    later = new_id()

    await kernel["probe"].inbox.deliver(
        Delivery(
            fact["ordering_key"], with_id(fact["envelope"], fact["id"], later).replace(title, "fine"), True
        )
    )
    await kernel["probe"].retries.retry_due()

    (row,) = await rows(kernel.url, "probe", "inbox", event_id=later)
    assert row["state"] == "waiting"
    assert await effects_of(kernel, note["id"]) == []


@pytest.mark.parametrize(
    "error", [asyncpg.QueryCanceledError("too slow"), asyncpg.InterfaceError("a wrong number of arguments"),
              FileNotFoundError("a font"), asyncpg.DataError("not an integer")],
)  # fmt: skip
async def test_a_handlers_own_failures_are_counted_and_do_not_come_again_for_ever(
    kernel: Suite, owner: TenantFacts, probe: httpx.AsyncClient, error: Exception
):
    title = f"meets {type(error).__name__} {uuid4().hex}"
    switches.BEFORE_EFFECT[title] = failing(title, times=99, error=error)

    await given_published(probe, title)
    (letter,) = await eventually(dead_letters(probe))

    assert letter["attempts"] == 4
    assert type(error).__name__ in letter["error"]


async def test_a_database_that_goes_away_in_a_handler_is_not_the_events_fault(
    kernel: Suite, owner: TenantFacts, probe: httpx.AsyncClient
):
    title = f"database dies {uuid4().hex}"
    switches.BEFORE_EFFECT[title] = failing(title, times=3, error=DatabaseAway("gone"))

    note = await given_published(probe, title)
    await kernel.settled()

    assert await effects_of(kernel, note["id"]) == ["published 0"]
    (row,) = await rows(kernel.url, "probe", "inbox", tenant_id=owner.id)
    assert row["attempts"] == 1


async def test_two_processes_never_handle_one_event_at_the_same_time(
    kernel: Suite, owner: TenantFacts, probe: httpx.AsyncClient
):
    fact = await a_fact_only_published(kernel, owner, probe)
    title = (await probe.get(f"/v1/notes/{fact['ordering_key'].split(':')[1]}")).json()["title"]
    release = asyncio.Event()
    switches.BEFORE_EFFECT[title] = release.wait
    inbox = kernel["probe"].inbox
    await inbox.deliver(Delivery(fact["ordering_key"], fact["envelope"], True))
    await eventually(tried(title))
    await execute(kernel.url, "select pg_sleep(0.3)")  # its next try would be due by now

    others = [await kernel["probe"].retries.retry_due() for _ in range(3)]
    release.set()
    await kernel.settled()

    assert others == [0, 0, 0]
    assert switches.TRIES[title] == 1


def failing(title: str, *, times: int, error: Exception | None = None):
    async def fail() -> None:
        if switches.TRIES[title] <= times:
            raise error or RuntimeError("not yet")

    return fail


def dead_letters(probe: httpx.AsyncClient):
    async def asked() -> list[dict[str, object]]:
        items: list[dict[str, object]] = (await probe.get(DEAD)).json()["items"]
        return items

    return asked


def held(kernel: Suite, tenant_id: UUID):
    async def asked() -> bool:
        return any(
            r["state"] == "retry" for r in await rows(kernel.url, "probe", "inbox", tenant_id=tenant_id)
        )

    return asked


def state_of(kernel: Suite, event_id: UUID, state: str):
    async def asked() -> bool:
        return any(r["state"] == state for r in await rows(kernel.url, "probe", "inbox", event_id=event_id))

    return asked


def tried(title: str):
    async def asked() -> bool:
        return switches.TRIES.get(title, 0) > 0

    return asked


def with_id(text: str, old: UUID, new: UUID) -> str:
    return text.replace(str(old), str(new), 1)


def facts(tenant: TenantFacts) -> dict[str, object]:
    return {name: getattr(tenant, name) for name in TenantFacts.__slots__ if name != "clock_offset"} | {
        "clock_offset": timedelta(0)
    }


async def a_fact_only_published(kernel: Suite, owner: TenantFacts, probe: httpx.AsyncClient):
    """A fact as another process's broker would hold it: its effect undone, its message in nobody's hand."""
    note = await given_published(probe)
    await kernel.settled()
    switches.TRIES.clear()
    await execute(kernel.url, "delete from probe.inbox where tenant_id = $1", owner.id)
    await execute(kernel.url, "delete from probe.effects where note_id = $1", UUID(note["id"]))
    (fact,) = await kernel.outbox("probe", owner.id)
    return fact
