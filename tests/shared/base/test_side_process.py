"""Work beside the event loop: its results, its limits, its end."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from uuid import uuid4

import psutil
import pytest

from shared.base.side_process import (
    Limits,
    SideProcesses,
    SideProcessFailed,
    TookTooLong,
    TookTooMuchMemory,
)
from tests.kit.program import cpu_of_children
from tests.kit.suite import eventually
from tests.shared.base import aside as work

TENANT, OTHER = uuid4(), uuid4()


others: list[psutil.Process] = []  # that a service has beside it which was started before


@pytest.fixture
async def aside() -> AsyncIterator[SideProcesses]:
    others[:] = _processes()
    found = SideProcesses(places=2)
    yield found
    await found.close()
    others.clear()


async def test_a_function_is_called_in_another_process_that_is_kept_for_the_next_call(aside: SideProcesses):
    first = await aside.call(TENANT, work.process_id)
    second = await aside.call(OTHER, work.process_id)

    assert first == second != os.getpid()
    assert await aside.call(TENANT, work.add, 2, 3) == 5


async def test_what_it_raises_is_raised_here_and_the_process_goes_on(aside: SideProcesses):
    first = await aside.call(TENANT, work.process_id)

    with pytest.raises(ValueError, match="no good"):
        await aside.call(TENANT, work.fail, "no good")
    with pytest.raises(SideProcessFailed, match="OddError: one two"):
        await aside.call(TENANT, work.fail_oddly)

    assert await aside.call(TENANT, work.process_id) == first


async def test_a_call_that_uses_up_its_cpu_time_dies_and_the_next_one_has_a_new_process(aside: SideProcesses):
    first = await aside.call(TENANT, work.process_id)

    with pytest.raises(TookTooLong):
        await aside.call(TENANT, work.spin, limits=Limits(cpu_seconds=1))

    assert await aside.call(TENANT, work.process_id) != first


async def test_a_call_that_uses_up_its_memory_says_so(aside: SideProcesses):
    with pytest.raises(TookTooMuchMemory):
        await aside.call(TENANT, work.hoard, limits=Limits(memory_mb=300))

    assert await aside.call(TENANT, work.add, 1, 1) == 2


async def test_a_stream_runs_no_further_ahead_than_the_pipe_holds_and_ends_when_it_is_left(
    aside: SideProcesses, tmp_path: Path
):
    mark = tmp_path / "mark"
    async with aclosing(aside.stream(TENANT, work.pages, 1000, str(mark))) as pages:
        taken = [(await anext(pages))[0] for _ in range(3)]
        process = _processes()[0]
        await eventually(lambda: _rests(process))

    assert taken == [0, 1, 2]
    assert int(mark.read_text()) < 100
    assert not process.is_running()


async def test_a_stream_that_is_left_with_results_on_their_way_leaves_no_pipe_open(
    aside: SideProcesses, tmp_path: Path
):
    before = psutil.Process().num_fds()
    for _ in range(3):
        async with aclosing(aside.stream(TENANT, work.pages, 1000, str(tmp_path / "mark"))) as pages:
            await anext(pages)
            process = _processes()[0]
            await eventually(lambda: _rests(process))  # noqa: B023 - called in this round

    assert psutil.Process().num_fds() <= before + 2  # the event loop's own may come with the first process


async def _rests(process: psutil.Process) -> bool:
    return process.status() == psutil.STATUS_SLEEPING


async def test_a_whole_stream_is_yielded_in_order(aside: SideProcesses, tmp_path: Path):
    stream = aside.stream(TENANT, work.pages, 100, str(tmp_path / "mark"))
    assert [number async for number, _ in stream] == list(range(100))


async def test_a_cancelled_call_ends_its_process(aside: SideProcesses):
    task = asyncio.create_task(aside.call(TENANT, work.spin))
    await eventually(_one)
    (process,) = _processes()

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert not process.is_running()
    assert aside.share.in_use(TENANT) == 0


def _processes() -> list[psutil.Process]:
    found = cpu_of_children(psutil.Process(), "shared.base.side_process_main")
    return [process for process in found if process not in others]


async def _one() -> bool:
    return len(_processes()) == 1


async def test_it_has_none_of_our_secrets_and_what_it_prints_does_no_harm(
    aside: SideProcesses, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("BACKOFFICE_ROLE_SECRET", "hidden")

    assert await aside.call(TENANT, work.secret, "BACKOFFICE_ROLE_SECRET") is None
    assert await aside.call(TENANT, work.chatter) == "heard"


async def test_one_tenant_with_many_calls_leaves_room_for_another(aside: SideProcesses, tmp_path: Path):
    gate = tmp_path / "gate"
    many = [asyncio.create_task(aside.call(TENANT, work.wait_for_file, str(gate))) for _ in range(5)]
    await eventually(lambda: _waiting(aside, 4))

    assert await aside.call(OTHER, work.add, 1, 2) == 3
    assert not any(task.done() for task in many)

    gate.touch()
    assert await asyncio.gather(*many) == [str(gate)] * 5


async def _waiting(aside: SideProcesses, count: int) -> bool:
    return aside.share.waiting == count
