"""Under load the events of one tenant share a transaction; one that fails or is slow is nobody else's trouble."""

import asyncio
from uuid import UUID, uuid4

import asyncpg
import httpx

from shared.base.batcher import RoundSize
from shared.bus.transport import Delivery
from shared.context.ctx import Ctx, TenantFacts
from shared.messaging.inbox import BATCH_LIMIT, Inbox
from shared.service.subscriptions import on
from tests.kit.suite import Suite, eventually
from tests.shared.given_notes import effects_of, execute, given_published, rows
from tests.shared.probe.notes import actions, switches
from tests.shared.probe.notes.schemas import NotePublished

COUNT = 12


async def facts_of(
    kernel: Suite, owner: TenantFacts, probe: httpx.AsyncClient, *titles: str
) -> list[asyncpg.Record]:
    """Published facts, one ordering key each, whose effects are undone and whose messages are in nobody's hand."""
    notes = [await given_published(probe, title) for title in (*titles, *[""] * (COUNT - len(titles)))]
    await kernel.settled()
    switches.TRIES.clear()
    await execute(kernel.url, "delete from probe.inbox where tenant_id = $1", owner.id)
    for note in notes:
        await execute(kernel.url, "delete from probe.effects where note_id = $1", UUID(note["id"]))
    return await kernel.outbox("probe", owner.id)


def note_of(fact: asyncpg.Record) -> str:
    return str(fact["ordering_key"]).split(":")[1]


def delivered(
    kernel: Suite, facts: list[asyncpg.Record], inbox: Inbox | None = None
) -> list[asyncio.Task[None]]:
    """All of them at the same time, as a transport with several ordering keys does."""
    inbox = inbox or kernel["probe"].inbox
    return [
        asyncio.create_task(inbox.deliver(Delivery(f["ordering_key"], f["envelope"], False))) for f in facts
    ]


async def transactions(kernel: Suite, owner: TenantFacts) -> int:
    sql = await asyncpg.connect(kernel.url)
    try:
        return int(
            await sql.fetchval(
                "select count(distinct xmin::text) from probe.inbox where tenant_id = $1", owner.id
            )
        )
    finally:
        await sql.close()


async def test_what_comes_at_once_takes_effect_in_few_transactions(
    kernel: Suite, owner: TenantFacts, probe: httpx.AsyncClient
):
    facts = await facts_of(kernel, owner, probe)

    await asyncio.gather(*delivered(kernel, facts))

    assert [await effects_of(kernel, note_of(fact)) for fact in facts] == [["published 0"]] * COUNT
    assert await transactions(kernel, owner) <= 3


async def test_what_is_heavy_together_takes_effect_in_several(
    kernel: Suite, owner: TenantFacts, probe: httpx.AsyncClient
):
    facts = await facts_of(kernel, owner, probe)
    inbox = kernel["probe"].inbox
    most = inbox._batcher._most
    inbox._batcher._most = RoundSize(BATCH_LIMIT, len(facts[0]["envelope"]))
    try:
        await asyncio.gather(*delivered(kernel, facts))
    finally:
        inbox._batcher._most = most

    assert [await effects_of(kernel, note_of(fact)) for fact in facts] == [["published 0"]] * COUNT
    assert await transactions(kernel, owner) == COUNT


@on(NotePublished)
async def take_one(ctx: Ctx, event: NotePublished) -> None:
    await actions.record_effect(ctx, event.note_id, f"published {event.number}")


async def test_a_function_marked_on_never_shares_a_transaction(
    kernel: Suite, owner: TenantFacts, probe: httpx.AsyncClient
):
    facts = await facts_of(kernel, owner, probe)
    inbox = Inbox(kernel["probe"], {NotePublished: [take_one]})

    await asyncio.gather(*delivered(kernel, facts, inbox))

    assert [await effects_of(kernel, note_of(fact)) for fact in facts] == [["published 0"]] * COUNT
    assert await transactions(kernel, owner) == COUNT


async def test_one_that_fails_among_them_fails_alone(
    kernel: Suite, owner: TenantFacts, probe: httpx.AsyncClient
):
    title = f"fails later {uuid4().hex}"
    facts = await facts_of(kernel, owner, probe, title)
    switches.BEFORE_EFFECT[title] = failing_always
    (bad,) = [f for f in facts if title in f["envelope"]]

    await asyncio.gather(*delivered(kernel, facts))

    others = [fact for fact in facts if fact is not bad]
    assert [await effects_of(kernel, note_of(fact)) for fact in others] == [["published 0"]] * len(others)
    assert await effects_of(kernel, note_of(bad)) == []
    states = {
        row["event_id"]: row["state"] for row in await rows(kernel.url, "probe", "inbox", tenant_id=owner.id)
    }
    assert states.pop(bad["id"]) in ("retry", "dead")
    assert set(states.values()) == {"done"}


async def test_a_slow_one_does_not_hold_the_others(
    kernel: Suite, owner: TenantFacts, probe: httpx.AsyncClient
):
    slow = f"slow {uuid4().hex}"
    facts = await facts_of(kernel, owner, probe, slow)
    release = asyncio.Event()
    switches.BEFORE_EFFECT[slow] = release.wait
    (held,) = [f for f in facts if slow in f["envelope"]]
    others = [fact for fact in facts if fact is not held]

    first = delivered(kernel, [held])
    rest = delivered(kernel, others)
    await asyncio.gather(*rest)

    assert [await effects_of(kernel, note_of(fact)) for fact in others] == [["published 0"]] * len(others)
    assert not first[0].done()
    release.set()
    await asyncio.gather(*first)
    assert await effects_of(kernel, note_of(held)) == ["published 0"]


async def test_a_slow_one_in_the_middle_of_a_batch_is_taken_alone(
    kernel: Suite, owner: TenantFacts, probe: httpx.AsyncClient
):
    slow = f"slow {uuid4().hex}"
    facts = await facts_of(kernel, owner, probe, "", slow)
    release = asyncio.Event()
    switches.BEFORE_EFFECT[slow] = release.wait
    (held,) = [f for f in facts if slow in f["envelope"]]
    others = [fact for fact in facts if fact is not held]

    tasks = delivered(kernel, facts)
    for fact in others:
        await eventually(lambda fact=fact: effects_of(kernel, note_of(fact)))
    release.set()
    await asyncio.gather(*tasks)

    assert await effects_of(kernel, note_of(held)) == ["published 0"]
    assert [await effects_of(kernel, note_of(fact)) for fact in facts] == [["published 0"]] * COUNT


async def test_one_event_that_comes_twice_at_once_takes_effect_once(
    kernel: Suite, owner: TenantFacts, probe: httpx.AsyncClient
):
    facts = await facts_of(kernel, owner, probe)

    await asyncio.gather(*delivered(kernel, [*facts, *facts]))

    assert [await effects_of(kernel, note_of(fact)) for fact in facts] == [["published 0"]] * COUNT


async def failing_always() -> None:
    raise RuntimeError("this one cannot be handled")
