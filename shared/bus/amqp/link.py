"""One connection to RabbitMQ with one channel, and how long to wait before the next try.

aio-pika's robust connection restores channels and consumers by itself, with surprises: a consumer can stay
away for good after a reconnect, and what was in flight is told late or never. Here a connection lives once;
whoever uses it opens the next one in a loop of its own and declares again what it needs. Beneath aio-pika's
channel lies aiormq's, which publishes and acknowledges without building objects per message.
"""

import asyncio
import logging
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import cast

import aio_pika
from aio_pika.connection import make_url
from aiormq import Channel
from aiormq.abc import AbstractConnection
from aiormq.exceptions import AMQPError

HEARTBEAT_SECONDS = (
    10  # the broker gives up on a silent consumer, and lets its successor begin, after twice that
)
CONNECT_SECONDS = 5.0
CLOSE_SECONDS = 5.0
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 2.0
logging.getLogger("aiormq").setLevel(
    logging.CRITICAL
)  # of lost connections we tell ourselves, in a line each
LOST = (AMQPError, OSError, TimeoutError)  # what a broker that goes away looks like


class LinkLost(ConnectionError):  # noqa: N818 - named for what it is
    """The connection, its channel or its consumer has ended."""


@dataclass(frozen=True, slots=True)
class Link:
    """An open connection and its channel."""

    connection: AbstractConnection
    channel: Channel

    @property
    def lost(self) -> bool:
        """Whether nothing can be sent any more."""
        return self.channel.is_closed or self.connection.is_closed

    async def ended(self) -> None:
        """Wait until the connection or the channel has ended."""
        ends = {self.connection.closing, self.channel.closing}
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for end in ends:
                end.cancel()

    async def blocked(self) -> bool:
        """Whether the broker has told us that it takes nothing now (memory or disk alarm)."""
        try:
            async with asyncio.timeout(0):  # answers without waiting unless blocked
                await self.connection.ready()
        except TimeoutError:
            return True
        return False


@asynccontextmanager
async def open_link(url: str, name: str, *, confirms: bool) -> AsyncIterator[Link]:
    """Connect for the length of a block; leaving it disconnects, and the broker takes back what is unacknowledged."""
    address = make_url(url) if "heartbeat=" in url else make_url(url, heartbeat=HEARTBEAT_SECONDS)
    connection = aio_pika.Connection(address, client_properties={"connection_name": name})
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            await connection.connect()
            channel = await connection.channel(publisher_confirms=confirms, on_return_raises=confirms)
            if connection.transport is None:
                raise LinkLost("the connection ended while it was being opened")
            beneath = cast(Channel, await channel.get_underlay_channel())
        yield Link(connection.transport.connection, beneath)
    finally:
        with suppress(
            *LOST
        ):  # also after a connect that failed: until it is closed the object keeps trying to
            async with asyncio.timeout(CLOSE_SECONDS):
                await connection.close()


class Backoff:
    """Pauses between tries: short at first, doubling, jittered, so that a restarted broker is not overrun."""

    def __init__(self) -> None:
        self._next = FIRST_PAUSE

    def reset(self) -> None:
        """The last try went well."""
        self._next = FIRST_PAUSE

    def pause(self) -> float:
        """How many seconds to wait now."""
        seconds, self._next = self._next, min(self._next * 2, LONGEST_PAUSE)
        return seconds * random.uniform(0.5, 1.0)  # noqa: S311 - jitter
