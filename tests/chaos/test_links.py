"""Links: cut, stalled and slowed, and never anything out of order."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from tests.chaos.links import Link


@pytest.fixture
async def link() -> AsyncIterator[Link]:
    """A link to a server that answers with what it is told."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(100):
                writer.write(data)
        except ConnectionError:
            pass
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    link = Link(lambda: [("127.0.0.1", 1), ("127.0.0.1", port)])  # nobody listens at the first place
    await link.open()
    yield link
    link.close()
    server.close()
    await asyncio.sleep(0.01)


async def said(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, text: bytes) -> bytes:
    writer.write(text)
    return await asyncio.wait_for(reader.readexactly(len(text)), 5)


async def test_a_link_leads_to_the_first_place_that_answers(link: Link):
    reader, writer = await asyncio.open_connection("127.0.0.1", link.port)

    assert await said(reader, writer, b"hello") == b"hello"
    writer.close()


async def test_a_cut_link_resets_what_there_is_and_what_comes(link: Link):
    reader, writer = await asyncio.open_connection("127.0.0.1", link.port)
    await said(reader, writer, b"hello")

    link.break_off()

    with pytest.raises(ConnectionResetError):
        await reader.readexactly(1)
    later, other = await asyncio.open_connection("127.0.0.1", link.port)
    with pytest.raises(ConnectionResetError):
        await later.readexactly(1)
    link.mend()
    again, third = await asyncio.open_connection("127.0.0.1", link.port)
    assert await said(again, third, b"back") == b"back"
    for one in (writer, other, third):
        one.close()


async def test_a_stalled_link_is_silent_and_then_delivers_everything(link: Link):
    reader, writer = await asyncio.open_connection("127.0.0.1", link.port)
    await said(reader, writer, b"hello")

    link.stall()
    writer.write(b"late")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(reader.read(1), 0.1)
    link.mend()

    assert await asyncio.wait_for(reader.readexactly(4), 5) == b"late"
    writer.close()


async def test_a_slow_link_keeps_the_order_also_when_it_becomes_fast(link: Link):
    reader, writer = await asyncio.open_connection("127.0.0.1", link.port)
    await said(reader, writer, b"hello")

    link.delay = 0.1
    began = time.monotonic()
    for number in range(5):
        writer.write(b"%d" % number)
        await asyncio.sleep(0.01)
    link.mend()
    writer.write(b"5")

    assert await asyncio.wait_for(reader.readexactly(6), 5) == b"012345"
    assert time.monotonic() - began >= 0.1
    writer.close()
