"""An answer looked for once, however many ask."""

import asyncio

import pytest

from shared.base.shared_answer import SharedAnswer


class Looks:
    """A look that goes on until it is told what it saw."""

    def __init__(self) -> None:
        self.under_way: list[asyncio.Future[str]] = []

    async def look(self) -> str:
        seen: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.under_way.append(seen)
        return await seen


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_all_who_ask_meanwhile_share_one_look_and_so_do_those_who_ask_soon_after():
    looks = Looks()
    answer = SharedAnswer(looks.look, seconds=60)
    asking = [asyncio.create_task(answer.get()) for _ in range(100)]
    await settle()

    looks.under_way[0].set_result("fine")

    assert await asyncio.gather(*asking) == ["fine"] * 100
    assert await answer.get() == "fine"
    assert len(looks.under_way) == 1


async def test_who_asks_during_an_older_look_gets_what_a_newer_one_sees():
    looks = Looks()
    answer = SharedAnswer(looks.look, seconds=0)
    early = asyncio.create_task(answer.get())
    await settle()
    late = [asyncio.create_task(answer.get()) for _ in range(10)]
    await settle()
    assert len(looks.under_way) == 1, "one look at a time"

    looks.under_way[0].set_result("fine")
    assert await early == "fine"
    await settle()
    looks.under_way[1].set_result("broken since")

    assert await asyncio.gather(*late) == ["broken since"] * 10
    assert len(looks.under_way) == 2


async def test_a_look_that_fails_fails_all_who_share_it():
    looks = Looks()
    answer = SharedAnswer(looks.look, seconds=60)
    asking = [asyncio.create_task(answer.get()) for _ in range(3)]
    await settle()
    looks.under_way[0].set_exception(ConnectionError("away"))

    for each in asking:
        with pytest.raises(ConnectionError):
            await each


async def test_after_a_look_that_failed_comes_another():
    looks = Looks()
    answer = SharedAnswer(looks.look, seconds=0)
    first = asyncio.create_task(answer.get())
    await settle()
    looks.under_way[0].set_exception(ConnectionError("away"))
    with pytest.raises(ConnectionError):
        await first

    again = asyncio.create_task(answer.get())
    await settle()
    looks.under_way[1].set_result("back")
    assert await again == "back"


async def test_who_stops_asking_does_not_end_the_look_of_others():
    looks = Looks()
    answer = SharedAnswer(looks.look, seconds=60)
    impatient, patient = asyncio.create_task(answer.get()), asyncio.create_task(answer.get())
    await settle()

    impatient.cancel()
    await settle()
    looks.under_way[0].set_result("fine")

    assert await patient == "fine"
