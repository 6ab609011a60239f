"""Writes of one turn of the event loop leave together."""

import asyncio

from shared.httpserver.write_batch import WriteBatch


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
    batch, one, two = WriteBatch(asyncio.get_running_loop()), _Transport(), _Transport()
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
    batch = WriteBatch(asyncio.get_running_loop())
    gone, broken, fine = _Transport(closing=True), _Transport(fails=True), _Transport()
    for transport in (gone, broken, fine):
        batch.write(transport, b"x")
    await asyncio.sleep(0)
    assert (gone.written, broken.aborted, fine.written) == ([], True, [b"x"])
