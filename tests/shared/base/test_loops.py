"""What loops rest by: alarms that ring when somebody asked for it, and reports now and then."""

import asyncio
import time

import asyncpg
import pytest

from shared.base.loops import LoopAlarm, Seldom, in_flight, pause, repeat
from tests.kit.suite import Suite, eventually
from tests.shared.given_notes import execute


async def waited(alarm: LoopAlarm, seconds: float) -> float:
    began = time.monotonic()
    await alarm.wait(seconds)
    return time.monotonic() - began


async def test_an_alarm_rings_at_the_earliest_time_anybody_asked_for():
    alarm = LoopAlarm()
    alarm.ring(30.0)
    alarm.ring(0.1)
    alarm.ring(20.0)

    assert 0.09 < await waited(alarm, 60.0) < 5.0


async def test_an_alarm_that_is_asked_to_ring_sooner_while_somebody_waits_rings_sooner():
    alarm = LoopAlarm()
    alarm.ring(30.0)
    asyncio.get_running_loop().call_later(0.05, alarm.ring, 0.05)

    assert 0.09 < await waited(alarm, 60.0) < 5.0


async def test_a_loop_lingers_as_long_as_something_is_under_way(kernel: Suite):
    rung = asyncio.Event()
    rung.set()

    await asyncio.wait_for(pause(rung, 60.0, linger=60.0), 5.0)  # nothing is: at once
    async with kernel["probe"].worker_db.transaction(None):
        lingering = asyncio.create_task(pause(rung, 60.0, linger=60.0))
        lingering_shortly = pause(rung, 60.0, linger=0.05)
        await asyncio.wait_for(lingering_shortly, 5.0)
        assert not lingering.done()
    await asyncio.wait_for(lingering, 5.0)


async def test_what_has_failed_is_no_longer_under_way(kernel: Suite):
    database = kernel["probe"].worker_db

    async def failing() -> None:
        async with database.transaction(None):
            assert in_flight.count > 0
            raise ZeroDivisionError

    async def nothing() -> bool:
        return in_flight.count == 0

    with pytest.raises(asyncpg.UndefinedTableError):
        await database.repeatable("select * from nowhere")
    with pytest.raises(ZeroDivisionError):
        await failing()

    await eventually(nothing)


async def test_nobody_waits_longer_for_an_alarm_than_they_said():
    assert await waited(LoopAlarm(), 0.05) < 5.0


async def test_what_was_asked_for_while_a_loop_worked_begins_the_next_round_at_once():
    alarm, stopping, rounds = LoopAlarm(), asyncio.Event(), 0

    async def work() -> bool:
        nonlocal rounds
        rounds += 1
        if rounds == 1:
            alarm.ring()
        else:
            stopping.set()
        return False

    await asyncio.wait_for(repeat("test", work, stopping, 60.0, alarm=alarm), 5)

    assert rounds == 2


async def test_a_report_is_due_at_once_and_then_only_now_and_then():
    often, rarely = Seldom(0.0), Seldom(60.0)

    assert [often.due(), often.due()] == [True, True]
    assert [rarely.due(), rarely.due()] == [True, False]


async def test_a_look_replaces_connections_that_a_restart_left_dead(kernel: Suite):
    worker = kernel["probe"].worker_db
    (before,) = await worker.repeatable("select pg_backend_pid() as pid")
    await execute(
        kernel.url,
        "select pg_terminate_backend(pid) from pg_stat_activity where usename = $1 "
        "and datname = current_database()",
        worker.role,
    )

    (after,) = await worker.repeatable("select pg_backend_pid() as pid")

    assert after["pid"] != before["pid"]


async def test_a_look_that_is_wrong_says_why_and_the_pool_stays_whole(kernel: Suite):
    worker = kernel["probe"].worker_db
    for _ in range(10):
        with pytest.raises(asyncpg.UndefinedTableError):
            await worker.repeatable("select * from nowhere")

    assert worker.in_use <= 3
    assert await worker.repeatable("select 1 as one")
