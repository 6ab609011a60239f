"""Places given out in turn: whoever asks most does not get most."""

import asyncio

import pytest

from shared.base.fair_share import FairShare, NoPlace, ShareExhausted


async def settle() -> None:
    """Let everything that can go on do so."""
    for _ in range(5):
        await asyncio.sleep(0)


class Taker:
    """Someone who takes a place and keeps it until told."""

    def __init__(self, share: FairShare, key: str | None, order: list[str | None]) -> None:
        self.leave = asyncio.Event()
        self.task = asyncio.create_task(self._run(share, key, order))

    async def _run(self, share: FairShare, key: str | None, order: list[str | None]) -> None:
        async with share.place(key):
            order.append(key)
            await self.leave.wait()


async def test_one_key_has_at_most_half_of_the_places_however_often_it_asks():
    share, order = FairShare(4), []
    takers = [Taker(share, "a", order) for _ in range(10)]
    await settle()
    other = Taker(share, "b", order)
    await settle()

    assert order == ["a", "a", "b"]
    assert (share.in_use("a"), share.in_use("b"), share.waiting) == (2, 1, 8)
    for taker in (*takers, other):
        taker.leave.set()
    await asyncio.gather(*(taker.task for taker in (*takers, other)))
    assert (share.in_use("a"), share.in_use("b"), share.waiting) == (0, 0, 0)


async def test_who_waits_alone_is_served_before_the_rest_of_a_long_queue():
    share, order = FairShare(1, of_one=1), []
    first = Taker(share, "a", order)
    await settle()
    others = [Taker(share, "a", order) for _ in range(5)]
    await settle()
    alone = Taker(share, "b", order)
    await settle()

    for taker in (first, *others, alone):
        taker.leave.set()
    await asyncio.gather(first.task, alone.task, *(taker.task for taker in others))

    assert order == ["a", "a", "b", "a", "a", "a", "a"]


async def test_a_queue_that_is_full_refuses_its_own_key_only():
    share, order = FairShare(2, of_one=1, waiting_of_one=2), []
    takers = [Taker(share, "a", order) for _ in range(3)]
    await settle()

    with pytest.raises(ShareExhausted):
        async with share.place("a"):
            pass
    async with share.place("b"):
        assert share.in_use("b") == 1

    for taker in takers:
        taker.leave.set()
    await asyncio.gather(*(taker.task for taker in takers))


@pytest.mark.parametrize("given_first", [False, True])
async def test_who_is_cancelled_while_waiting_takes_nothing_with_it(given_first: bool):
    share, order = FairShare(1, of_one=1), []
    first = Taker(share, "a", order)
    await settle()
    second = Taker(share, "a", order)
    await settle()

    if given_first:  # the place is given and the task cancelled in the same turn of the loop
        first.leave.set()
        await asyncio.sleep(0)
        second.task.cancel()
    else:
        second.task.cancel()
        first.leave.set()
    await asyncio.gather(first.task, second.task, return_exceptions=True)

    assert (share.in_use("a"), share.waiting) == (0, 0)
    async with share.place("b"):
        pass


async def test_a_wait_that_has_an_end_says_whose_places_were_missing():
    share, order = FairShare(2, of_one=1), []
    takers = [Taker(share, key, order) for key in "ab"]
    await settle()

    with pytest.raises(ShareExhausted):
        await share.take("a", within=0.01)
    with pytest.raises(NoPlace) as none_free:
        await share.take("c", within=0.01)

    assert not isinstance(none_free.value, ShareExhausted)
    for taker in takers:
        taker.leave.set()
    await asyncio.gather(*(taker.task for taker in takers))
    assert (share.in_use("a"), share.in_use("c"), share.waiting) == (0, 0, 0)


async def test_who_is_patient_joins_a_full_queue():
    share, order = FairShare(1, of_one=1, waiting_of_one=0), []
    first = Taker(share, "a", order)
    await settle()

    patient = asyncio.create_task(share.take("a", patient=True))
    await settle()
    with pytest.raises(ShareExhausted):
        await share.take("a")
    first.leave.set()

    await asyncio.wait_for(patient, 5)
    assert share.in_use("a") == 1


async def test_nobody_in_particular_is_a_key_as_any_other():
    share, order = FairShare(2, of_one=1), []
    takers = [Taker(share, None, order) for _ in range(3)]
    await settle()
    assert (share.in_use(None), share.waiting) == (1, 2)

    for taker in takers:
        taker.leave.set()

    await asyncio.wait_for(asyncio.gather(*(taker.task for taker in takers)), 5)
