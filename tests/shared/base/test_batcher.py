"""Rounds: what goes together, how much of it, and whose turn it is."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from shared.base import batcher
from shared.base.batcher import Batcher, RoundSize
from shared.base.fair_share import FairShare, ShareExhausted

Key = tuple[str, str]


@dataclass
class Kitchen:
    """Work that is held up until the test says so; remembers its rounds, each by the weights of its items."""

    rounds: list[tuple[str, list[int]]] = field(default_factory=list)
    open: asyncio.Event = field(default_factory=asyncio.Event)

    async def work(self, key: Key, items: Sequence[int]) -> Sequence[int]:
        self.rounds.append((key[0], list(items)))
        await self.open.wait()
        return [item + 1 for item in items]


@pytest.fixture
def kitchen(monkeypatch: pytest.MonkeyPatch) -> Kitchen:
    """Nobody loses patience: the rounds of a key come one after the other."""
    monkeypatch.setattr(batcher, "PATIENCE_SECONDS", 60.0)
    return Kitchen()


def rounds_of(kitchen: Kitchen, *, items: int = 64, weight: int = 1000, turns: FairShare | None = None):
    """A batcher of numbers, each as heavy as it is large."""
    return Batcher[Key, int, int](
        kitchen.work,
        key_of=lambda _: object(),
        weight_of=int,
        most=RoundSize(items, weight),
        turns=turns or FairShare(2),
    )


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def put(found: Batcher[Key, int, int], owner: str, *items: int) -> list["asyncio.Task[int]"]:
    tasks = [asyncio.create_task(found.put((owner, "cook"), item)) for item in items]
    await settle()
    return tasks


async def test_a_round_is_bounded_in_number_and_in_weight_and_one_alone_may_be_heavier(kitchen: Kitchen):
    found = rounds_of(kitchen, items=3, weight=100)

    tasks = [*await put(found, "a", 1), *await put(found, "a", 60, 2, 30, 500, 3, 4, 5)]
    kitchen.open.set()

    assert await asyncio.gather(*tasks) == [2, 61, 3, 31, 501, 4, 5, 6]
    assert [items for _, items in kitchen.rounds] == [[1], [60, 2, 30], [500], [3, 4, 5]]


async def test_the_rounds_of_one_owner_leave_room_for_those_of_another(kitchen: Kitchen):
    found = rounds_of(kitchen, turns=FairShare(2))

    first = await put(found, "a", 1)
    others = [asyncio.create_task(found.put(("a", str(n)), n)) for n in range(5)]
    await settle()
    alone = await put(found, "b", 7)

    assert kitchen.rounds == [("a", [1]), ("b", [7])]
    kitchen.open.set()
    await asyncio.gather(*first, *others, *alone)


async def test_whoever_waits_too_long_or_behind_too_many_is_told_and_not_worked_for(
    kitchen: Kitchen, monkeypatch: pytest.MonkeyPatch
):
    found = rounds_of(kitchen)
    first = await put(found, "a", 1)

    with pytest.raises(ShareExhausted):
        await found.put(("a", "cook"), 2, within=0.01)
    waits = await put(found, "a", 3)
    monkeypatch.setattr(batcher, "MOST_WAITING", 2)
    with pytest.raises(ShareExhausted):
        await found.put(("a", "cook"), 4, within=60)
    kitchen.open.set()
    await asyncio.gather(*first, *waits)

    assert kitchen.rounds == [("a", [1]), ("a", [3])]


async def test_a_round_that_has_begun_is_waited_for_however_long_it_takes(kitchen: Kitchen):
    found = rounds_of(kitchen)
    task = asyncio.create_task(found.put(("a", "cook"), 1, within=0.01))
    await asyncio.wait((task,), timeout=0.05)

    kitchen.open.set()

    assert await task == 2


async def test_whoever_has_gone_before_the_round_is_not_worked_for(kitchen: Kitchen):
    found = rounds_of(kitchen)
    first = await put(found, "a", 1)
    (gone,) = await put(found, "a", 2)

    gone.cancel()
    await settle()
    kitchen.open.set()
    await asyncio.gather(*first)
    await found.drain()

    assert kitchen.rounds == [("a", [1])]
