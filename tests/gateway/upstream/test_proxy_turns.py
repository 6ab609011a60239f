"""What many share: one alarm for all deadlines, one batch for the writes of a turn."""

import asyncio

from gateway.upstream.alarm import Alarm
from shared.httpserver.write_batch import Batch
from tests.gateway.upstream.proxy_harness import until


class _Appointment:
    def __init__(self, alarm: Alarm, seconds: float) -> None:
        self.alarm = alarm
        self.due = alarm.loop.time() + seconds
        self.late: float | None = None
        alarm.join(self)

    def tick(self, now: float) -> None:
        self.late = now - self.due
        self.alarm.leave(self)


async def test_everyone_is_looked_at_when_due_and_nobody_before() -> None:
    alarm = Alarm(asyncio.get_running_loop())
    late, soon, never = (_Appointment(alarm, seconds) for seconds in (0.06, 0.02, 60.0))
    await until(lambda: soon.late is not None)
    assert late.late is None
    await until(lambda: late.late is not None)
    assert soon.late is not None
    assert soon.late >= 0
    assert never.late is None
    alarm.leave(never)


async def test_an_appointment_moved_forward_is_kept_and_one_left_is_forgotten() -> None:
    alarm = Alarm(asyncio.get_running_loop())
    moved, left = _Appointment(alarm, 60.0), _Appointment(alarm, 0.01)
    alarm.leave(left)
    moved.due = alarm.loop.time() + 0.02
    alarm.join(moved)
    await until(lambda: moved.late is not None)
    assert left.late is None


async def test_very_many_are_looked_at_in_a_small_part_of_the_time() -> None:
    alarm = Alarm(asyncio.get_running_loop())
    many = [_Appointment(alarm, 0.02 + n * 1e-6) for n in range(2000)]
    await until(lambda: all(each.late is not None for each in many))


class _Transport(asyncio.Transport):
    def __init__(self, *, fails: bool = False, closing: bool = False) -> None:
        super().__init__()
        self.fails, self.closing, self.aborted = fails, closing, False
        self.written: list[bytes] = []

    def write(self, data: bytes) -> None:
        if self.fails:
            raise RuntimeError("the handle is closed")
        self.written.append(data)

    def is_closing(self) -> bool:
        return self.closing

    def abort(self) -> None:
        self.aborted = True


async def test_writes_of_a_turn_leave_at_its_end_in_order() -> None:
    batch, one, two = Batch(asyncio.get_running_loop()), _Transport(), _Transport()
    batch.write(one, b"a")
    batch.write(two, b"b")
    batch.write(one, b"c")
    assert one.written == two.written == []
    await asyncio.sleep(0)
    assert (one.written, two.written) == ([b"a", b"c"], [b"b"])
    batch.write(two, b"d")
    batch.flush()
    assert two.written == [b"b", b"d"]
    await asyncio.sleep(0)
    assert two.written == [b"b", b"d"]


async def test_one_connection_that_cannot_be_written_to_costs_the_others_nothing() -> None:
    batch = Batch(asyncio.get_running_loop())
    gone, broken, fine = _Transport(closing=True), _Transport(fails=True), _Transport()
    for transport in (gone, broken, fine):
        batch.write(transport, b"x")
    await asyncio.sleep(0)
    assert (gone.written, broken.aborted, fine.written) == ([], True, [b"x"])
