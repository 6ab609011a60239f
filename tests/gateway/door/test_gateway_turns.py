"""Turns at the door: beside others a tenant has so many requests at work, and a queue of its own behind them."""

import asyncio
import time

import pytest

from gateway.door.turns import BYTES_OF_ONE, OTHERS_SECONDS, PLACES, Turns, Work
from tests.kit.suite import eventually

HEAVY = PLACES * BYTES_OF_ONE


@pytest.fixture
async def turns() -> Turns:
    """Two tenants have sent something just now."""
    found = Turns()
    for tenant in ("flood", "other"):
        found.end(tenant, await found.begin(tenant, 0, time.monotonic()))
    return found


async def begun(turns: Turns, tenant: str, count: int, length: int = 0) -> list["asyncio.Task[Work]"]:
    """So many requests of a tenant, each as far as it comes at once."""
    tasks = [asyncio.create_task(turns.begin(tenant, length, time.monotonic())) for _ in range(count)]
    await asyncio.sleep(0)
    return tasks


def at_work(tasks: list["asyncio.Task[Work]"]) -> int:
    return sum(task.done() and not task.cancelled() for task in tasks)


async def test_a_flood_of_one_tenant_is_at_work_in_part_and_another_begins_at_once(turns: Turns):
    flood = await begun(turns, "flood", 100)
    other = await begun(turns, "other", 1)

    assert (at_work(flood), at_work(other)) == (PLACES, 1)


async def test_who_waits_goes_on_in_its_order_when_one_is_answered(turns: Turns):
    flood = await begun(turns, "flood", PLACES + 3)

    turns.end("flood", await flood[0])
    turns.end("flood", await flood[1])
    await asyncio.sleep(0)

    assert [task.done() for task in flood[PLACES:]] == [True, True, False]


async def test_a_larger_body_takes_the_places_of_several(turns: Turns):
    flood = await begun(turns, "flood", 4, 2 * BYTES_OF_ONE)  # three places each
    assert at_work(flood) == 2

    turns.end("flood", await flood[0])
    await asyncio.sleep(0)

    assert at_work(flood) == 3


async def test_a_tenant_that_is_alone_waits_for_nothing():
    turns = Turns()
    turns.end("other", await turns.begin("other", 0, time.monotonic() - 2 * OTHERS_SECONDS))
    turns.end("flood", await turns.begin("flood", 0, time.monotonic() - 2 * OTHERS_SECONDS))

    assert at_work(await begun(turns, "flood", 100)) == 100


async def test_what_is_at_work_for_long_waits_for_something_else_and_is_in_nobodys_way(turns: Turns):
    flood = await begun(turns, "flood", 3 * PLACES)

    async def all_of_them() -> bool:
        return at_work(flood) == 3 * PLACES

    await eventually(all_of_them)
    for task in flood:
        turns.end("flood", await task)
    assert at_work(await begun(turns, "flood", PLACES + 1)) == PLACES


async def test_whoever_leaves_while_it_waits_takes_no_place(turns: Turns):
    flood = await begun(turns, "flood", PLACES + 3)

    flood[PLACES].cancel()  # while it waits
    flood[PLACES + 1].cancel()
    turns.end("flood", await flood[0])  # in the same moment: nobody has heard of it yet
    await asyncio.gather(*flood[PLACES : PLACES + 2], return_exceptions=True)

    assert flood[PLACES + 2].done()
    turns.end("flood", await flood[PLACES + 2])
    assert at_work(await begun(turns, "flood", 3)) == 1


async def test_whoever_leaves_in_the_moment_of_its_turn_gives_the_place_on(turns: Turns):
    flood = await begun(turns, "flood", PLACES + 2)

    turns.end("flood", await flood[0])  # the turn of the first that waits, which has not heard of it
    flood[PLACES].cancel()
    await asyncio.gather(flood[PLACES], return_exceptions=True)
    await asyncio.sleep(0)

    assert flood[PLACES + 1].done()


async def test_between_two_heavy_requests_of_a_tenant_the_others_have_their_time(turns: Turns):
    (first,) = await begun(turns, "flood", 1, HEAVY)
    work = await first
    work.began -= 3600  # an hour at work
    turns.end("flood", work)

    heavy = await begun(turns, "flood", 1, HEAVY)
    light = await begun(turns, "other", 1)
    assert (at_work(heavy), at_work(light)) == (0, 1)


async def test_a_heavy_request_begins_when_its_tenant_has_rested(turns: Turns):
    (first,) = await begun(turns, "flood", 1, HEAVY)
    turns.end("flood", await first)

    (second,) = await begun(turns, "flood", 1, HEAVY)

    await asyncio.wait_for(second, 30)
