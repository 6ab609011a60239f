"""Bodies on their way to a service: kept until they are whole, within bounds, and nothing stays behind."""

import asyncio
import hashlib
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.upstream import spool
from gateway.upstream.errors import BodyShareUsed, BodyTooSlow, ClientDisconnected, NoRoomForBody
from gateway.upstream.spool import HELD, IN_MEMORY, Body, BodyRoom
from shared.httpserver.asgi import LATE
from tests.gateway.upstream.proxy_harness import Client, until

MIB = 1024 * 1024


@pytest.fixture
def room(tmp_path: Path) -> Iterator[BodyRoom]:
    """A room that holds 4 MiB, 2 MiB of one key."""
    made = BodyRoom(tmp_path / "bodies", of_one=2 * MIB, in_all=4 * MIB)
    made.prepare()
    yield made
    made.stop()
    assert held() == 0
    assert made._reserved == {}
    assert list(made.folder.iterdir()) == []
    assert not open_files(made)


def held() -> float:
    return sum(sample.value for sample in next(iter(HELD.collect())).samples)


def open_files(room: BodyRoom) -> int:
    """How many files of the room are open; none of them has a name in it."""
    found = [_path(descriptor) for descriptor in Path("/proc/self/fd").iterdir()]
    return sum(path.startswith(str(room.folder)) for path in found)


def _path(descriptor: Path) -> str:
    try:
        return str(descriptor.readlink())
    except OSError:
        return ""


def pieces(size: int, piece: int = 60_000) -> list[bytes]:
    """A body whose every byte has its place."""
    whole = b"".join(hashlib.sha256(b"%d" % n).digest() for n in range(size // 32 + 1))[:size]
    return [whole[at : at + piece] for at in range(0, size, piece)]


def said(size: int) -> list[tuple[bytes, bytes]]:
    """The headers that announce a body; 0: none does."""
    return [(b"content-length", b"%d" % size)] if size else []


async def drained(body: Body) -> list[bytes]:
    found, more = [], True
    while more:
        message = await body.receive()
        found.append(message["body"])
        more = message["more_body"]
    return found


async def test_what_came_in_one_piece_passes_untouched(room: BodyRoom) -> None:
    client = Client([b"abc"])
    body = await room.whole("a", client.receive, said(3))

    assert held() == 0
    assert await body.receive() == {"type": "http.request", "body": b"abc", "more_body": False}
    client.gone.set()
    assert (await body.receive())["type"] == "http.disconnect"
    body.close()


@pytest.mark.parametrize("sent", [[b"ab", b"", b"cd"], [b"", b"abcd"], [b"abcd", b""]])
async def test_a_small_body_in_pieces_becomes_one(room: BodyRoom, sent: list[bytes]) -> None:
    client = Client(sent)
    body = await room.whole("a", client.receive, said(0))

    assert held() == 4
    assert await drained(body) == [b"abcd"]
    assert held() == 0
    client.gone.set()
    assert (await body.receive())["type"] == "http.disconnect"
    body.close()


async def test_a_large_body_lies_in_a_file_that_has_no_name(room: BodyRoom) -> None:
    sent = pieces(MIB + 17)
    body = await room.whole("a", Client(sent).receive, said(MIB + 17))

    assert held() == MIB + 17
    assert list(room.folder.iterdir()) == []
    assert open_files(room) >= 1
    assert b"".join(await drained(body)) == b"".join(sent)
    assert held() == 0
    await until(lambda: open_files(room) == 0)


async def test_where_memory_is_short_a_body_goes_to_a_file_at_once(
    room: BodyRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool, "MEMORY_IN_ALL", 10)
    body = await room.whole("a", Client([b"0123456789", b"abc", b"def"]).receive, said(0))

    assert HELD.labels("memory")._value.get() == 0
    assert b"".join(await drained(body)) == b"0123456789abcdef"
    await until(lambda: open_files(room) == 0)


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("size", [1000, 3 * IN_MEMORY])
async def test_a_sender_that_leaves_or_is_too_slow_leaves_nothing_behind(
    room: BodyRoom, size: int, late: bool
) -> None:
    sent = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces(size)]
    sent.append({"type": "http.disconnect", LATE: late})

    async def receive() -> dict[str, object]:
        return sent.pop(0)

    with pytest.raises(ClientDisconnected) as raised:
        await room.whole("a", receive, said(0))
    assert isinstance(raised.value, BodyTooSlow) == late
    await until(lambda: open_files(room) == 0)


async def test_a_request_that_ends_while_its_file_is_written_leaves_nothing_behind(
    room: BodyRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go = threading.Event(), threading.Event()
    made = spool.tempfile.TemporaryFile

    def slow(**given: object) -> object:
        begun.set()
        go.wait(10)
        return made(**given)

    monkeypatch.setattr(spool.tempfile, "TemporaryFile", slow)
    task = asyncio.create_task(room.whole("a", Client([*pieces(2 * IN_MEMORY), b"x"]).receive, said(0)))
    await until(begun.is_set)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert held() == 0
    go.set()
    await until(lambda: open_files(room) == 0)


async def test_a_key_has_a_share_that_announced_bytes_count_against(room: BodyRoom) -> None:
    stuck = asyncio.create_task(room.whole("a", _Stuck([b"a"]).receive, said(MIB)))
    await until(lambda: room._reserved == {"a": MIB})

    with pytest.raises(BodyShareUsed):
        await room.whole("a", Client([b"a", b"b"]).receive, said(MIB + 1))
    with pytest.raises(BodyShareUsed):
        await room.whole("a", Client([*pieces(MIB + 1)]).receive, said(0))
    for key in ("a", "b"):
        body = await room.whole(key, Client([b"a", b"b"]).receive, said(MIB))
        body.close()
    stuck.cancel()
    await asyncio.wait([stuck])
    await until(lambda: open_files(room) == 0)


class _Stuck(Client):
    """Sends a byte, and then nothing."""

    async def receive(self) -> dict[str, object]:
        return {**await super().receive(), "more_body": True}


async def test_a_body_that_is_alone_may_be_larger_than_the_share(room: BodyRoom) -> None:
    sent = pieces(5 * MIB, MIB)
    body = await room.whole("a", Client(sent).receive, said(5 * MIB))

    assert b"".join(await drained(body)) == b"".join(sent)
    await until(lambda: open_files(room) == 0)


async def test_all_keys_together_have_a_bound_of_bytes_that_have_come(room: BodyRoom) -> None:
    kept = [await room.whole(key, Client(pieces(3 * MIB // 2)).receive, said(0)) for key in ("a", "b")]
    kept.append(await room.whole("d", Client(pieces(MIB // 2)).receive, said(100 * MIB)))

    with pytest.raises(NoRoomForBody):
        await room.whole("c", Client(pieces(3 * MIB // 2)).receive, said(0))
    for body in kept:
        body.close()
    await until(lambda: open_files(room) == 0)


async def test_a_folder_that_cannot_be_used_is_no_fault_of_the_sender(room: BodyRoom) -> None:
    room.folder.rmdir()
    with pytest.raises(NoRoomForBody):
        await room.whole("a", Client(pieces(2 * IN_MEMORY)).receive, said(0))
    room.prepare()


async def test_a_folder_that_cannot_be_made_is_told_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="BACKOFFICE_SPOOL_DIR"):
        BodyRoom(tmp_path / "file" / "bodies", of_one=1, in_all=1).prepare()
