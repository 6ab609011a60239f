"""AmqpTransport against the contract of transports, over a real RabbitMQ."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from urllib.parse import urlsplit

import aio_pika
import pytest

from shared.bus.amqp.topology import UNROUTED, queue_name
from shared.bus.amqp.transport import AmqpTransport, migrate
from shared.bus.transport import Subscription
from tests.kit.rabbit import Broker
from tests.shared.bus.conformance import TransportConformance
from tests.shared.bus.wire import Wire

# One worker for all of them: brokers of two workers at once are too much for two cores.
pytestmark = [pytest.mark.timeout(300), pytest.mark.xdist_group("rabbit")]


async def messages_in(url: str, name: str) -> list[aio_pika.abc.AbstractIncomingMessage]:
    """What a queue holds; it keeps it."""
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        queue = await channel.get_queue(name)
        found = []
        while (one := await queue.get(fail=False)) is not None:
            found.append(one)
        return found


class TestAmqpTransport(TransportConformance):
    """The transport over RabbitMQ."""

    @pytest.fixture(autouse=True)
    def _places(self, broker: Broker, vhost: str, wire: Wire) -> None:
        self.broker, self.vhost, self.wire = broker, vhost, wire

    @pytest.fixture
    async def transport(self, wire: Wire) -> AsyncIterator[AmqpTransport]:
        transport = AmqpTransport(wire.url, name="test", retry_seconds=0.02)
        await transport.start()
        yield transport
        await transport.close()

    async def waiting(self, queue: str) -> int:
        async with await aio_pika.connect(self.vhost) as connection:
            found = await (await connection.channel()).get_queue(queue_name(queue))
            return found.declaration_result.message_count or 0

    async def unrouted(self, type_: str) -> list[str]:
        found = await messages_in(self.vhost, UNROUTED)
        return [message.body.decode() for message in found if message.routing_key == type_]

    async def kill(self, subscription: Subscription) -> None:
        task: asyncio.Task[None] = subscription._task  # type: ignore[attr-defined]  # as a crash would
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    async def cut_connections(self) -> None:
        self.wire.cut()

    async def want_only(self, queue: str, type_: str) -> None:
        await migrate(self.vhost, {queue: [type_]})

    def address(self) -> list[str]:
        return ["amqp", self.vhost]

    async def away(self) -> AmqpTransport:
        parts = urlsplit(self.vhost)
        transport = AmqpTransport(f"amqp://{parts.username}:{parts.password}@127.0.0.1:9/none", name="test")
        await transport.start()
        return transport
