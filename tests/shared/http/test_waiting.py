"""Prefer: wait, as RFC 7240 has it, and the registry of who waits for what."""

import asyncio
from uuid import UUID

import pytest
from starlette.responses import Response

from shared.contracts.event import Envelope
from shared.http import waiting
from shared.http.waiting import MOST_SECONDS, PREFERENCE_APPLIED, Waiting, Wish, seconds_preferred
from shared.values.ids import new_id
from tests.kit.suite import eventually

TENANT, ORDER = new_id(), new_id()


def fact(tenant_id: UUID = TENANT, names: UUID = ORDER) -> Envelope:
    return Envelope(new_id(), "a.b.c.v1", tenant_id, "ordering_key", f'{{"data": {{"order_id": "{names}"}}}}')


def wish(seconds: int = 5, tenant_id: UUID = TENANT) -> Wish:
    return Wish(seconds, tenant_id, str(ORDER))


class Shelf:
    """A list that is empty until something is put on it; counts how often it was looked at."""

    def __init__(self) -> None:
        self.full = False
        self.looks = 0

    async def look(self) -> tuple[Response, bool]:
        self.looks += 1
        return Response("full" if self.full else "empty"), not self.full

    async def looked(self, times: int) -> bool:
        return self.looks >= times


@pytest.fixture
def rarely(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody looks again by himself, so that what comes at once was told."""
    monkeypatch.setattr(waiting, "LOOK_AGAIN_SECONDS", 60.0)


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        (["wait=5"], 5),
        (["WAIT = 5"], 5),
        (["respond-async, wait=5"], 5),
        (["return=minimal", "wait=5;foo=bar"], 5),
        (['foo="a, wait=9, b", wait=5'], 5),
        (["wait=5, wait=7"], 5),
        (["wait=3600"], MOST_SECONDS),
        (["wait=" + "9" * 5000], MOST_SECONDS),
        (["wait=" + "0" * 5000 + "5"], 5),
        (["wait=0"], 0),
        ([], 0),
        ([""], 0),
        ([",,;=,"], 0),
        (["wait"], 0),
        (["wait="], 0),
        (["wait=-1"], 0),
        (["wait=1.5"], 0),
        (["wait=five"], 0),
        (["wait=\u0665"], 0),
        (["waiting=5"], 0),
        (["foo; wait=5"], 0),
        (['wait="5'], 0),
        (["wait=five, wait=5"], 0),
    ],
)
def test_the_first_wait_counts_and_nonsense_is_none(given: list[str], seconds: int):
    assert seconds_preferred(given) == seconds


@pytest.mark.usefixtures("rarely")
async def test_a_fact_that_names_the_subject_ends_the_wait_at_once():
    who, shelf = Waiting("probe"), Shelf()
    waits = asyncio.create_task(who.until_found(wish(), shelf.look))
    await eventually(lambda: shelf.looked(1))

    shelf.full = True
    who.tell([fact(names=new_id()), fact()])
    answer = await asyncio.wait_for(waits, 1)

    assert (answer.body, answer.headers[PREFERENCE_APPLIED], shelf.looks) == (b"full", "wait=5", 2)
    assert len(who) == 0


@pytest.mark.usefixtures("rarely")
async def test_facts_of_others_wake_nobody():
    who, shelf = Waiting("probe"), Shelf()
    waits = asyncio.create_task(who.until_found(wish(1), shelf.look))
    await eventually(lambda: shelf.looked(1))

    who.tell([fact(names=new_id()), fact(tenant_id=new_id())])
    await waits

    assert shelf.looks == 2  # at the beginning and at the end


@pytest.mark.parametrize("in_look", [1, 2])
@pytest.mark.usefixtures("rarely")
async def test_a_fact_committed_while_one_looks_is_not_lost(in_look: int):
    who, shelf = Waiting("probe"), Shelf()

    async def look() -> tuple[Response, bool]:
        seen = await shelf.look()
        if shelf.looks <= in_look:  # the commit comes after what the look saw, and before its answer
            shelf.full = shelf.looks == in_look
            who.tell([fact()])
        return seen

    answer = await asyncio.wait_for(who.until_found(wish(), look), 1)

    assert (answer.body, shelf.looks) == (b"full", in_look + 1)


@pytest.mark.usefixtures("rarely")
async def test_the_end_lets_everyone_answer_what_he_has_and_nobody_wait_any_more():
    who, shelf = Waiting("probe"), Shelf()
    waits = [asyncio.create_task(who.until_found(wish(), shelf.look)) for _ in range(3)]
    await eventually(lambda: shelf.looked(3))

    who.end()
    answers = await asyncio.wait_for(asyncio.gather(*waits), 1)
    late = await asyncio.wait_for(who.until_found(wish(), shelf.look), 1)

    assert [a.body for a in (*answers, late)] == [b"empty"] * 4
    assert not any(PREFERENCE_APPLIED in a.headers for a in (*answers, late))
    assert len(who) == 0


async def test_whoever_comes_when_too_many_wait_is_answered_at_once(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(waiting, "MOST_WAITING", 2)
    who, shelf = Waiting("probe"), Shelf()
    waits = [asyncio.create_task(who.until_found(wish(tenant_id=new_id()), shelf.look)) for _ in range(2)]
    await eventually(lambda: shelf.looked(2))

    answer = await asyncio.wait_for(who.until_found(wish(), shelf.look), 1)

    assert (answer.body, PREFERENCE_APPLIED in answer.headers, len(who)) == (b"empty", False, 2)
    who.end()
    await asyncio.gather(*waits)


@pytest.mark.usefixtures("rarely")
async def test_one_tenant_waits_in_half_of_the_places_and_others_in_the_rest(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(waiting, "MOST_WAITING", 8)
    who, shelf, other = Waiting("probe"), Shelf(), new_id()
    many = [asyncio.create_task(who.until_found(wish(), shelf.look)) for _ in range(20)]
    await eventually(lambda: shelf.looked(20))

    alone = asyncio.create_task(who.until_found(wish(tenant_id=other), shelf.look))
    await eventually(lambda: shelf.looked(21))
    waited = len(who)
    shelf.full = True
    who.tell([fact(), fact(tenant_id=other)])
    answers = await asyncio.wait_for(asyncio.gather(*many, alone), 5)

    assert waited == 4 + 1
    assert [PREFERENCE_APPLIED in a.headers for a in answers].count(True) == waited
    assert PREFERENCE_APPLIED in answers[-1].headers
    assert len(who) == 0


async def test_many_who_wait_do_not_make_another_tenant_look_less_often(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(waiting, "LOOK_AGAIN_SECONDS", 0.01)
    monkeypatch.setattr(waiting, "LOOKS_A_SECOND", 10)
    who, shelf, others = Waiting("probe"), Shelf(), Shelf()
    many = [asyncio.create_task(who.until_found(wish(10), others.look)) for _ in range(100)]
    await eventually(lambda: others.looked(100))

    alone = asyncio.create_task(who.until_found(wish(10, new_id()), shelf.look))
    await eventually(lambda: shelf.looked(3))  # every 0.2 s; each of a hundred of one tenant every 20 s

    assert others.looks < 2 * len(many)
    assert not any(task.done() for task in many)
    who.end()
    await asyncio.gather(*many, alone)


async def test_the_more_wait_the_less_often_each_looks(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(waiting, "LOOK_AGAIN_SECONDS", 0.01)
    monkeypatch.setattr(waiting, "LOOKS_A_SECOND", 50)
    who, shelf = Waiting("probe"), Shelf()

    await asyncio.gather(*(who.until_found(wish(1), shelf.look) for _ in range(25)))

    assert 25 < shelf.looks <= 25 + 50 + 25


@pytest.mark.parametrize("failure", [RuntimeError("a bug"), asyncio.CancelledError()])
async def test_whoever_fails_or_is_cancelled_waits_no_more(failure: BaseException):
    who = Waiting("probe")

    async def look() -> tuple[Response, bool]:
        raise failure

    with pytest.raises(type(failure)):
        await who.until_found(wish(), look)

    assert len(who) == 0
