"""AmqpTransport: events through RabbitMQ, for services as processes of their own.

One connection publishes, each subscription has one of its own: the broker may block a connection that
publishes, and a blocked one would not take acknowledgements either. The exchanges, queues and the reasons are
in docs/adr/0012-rabbitmq-topology.md.
"""

import asyncio
from collections.abc import Sequence

import structlog
from aiormq import Channel

from shared.base.error_text import error_text
from shared.bus.amqp.consumer import AmqpSubscription
from shared.bus.amqp.link import LOST
from shared.bus.amqp.publisher import Publisher
from shared.bus.amqp.topology import declare, migrate
from shared.bus.transport import Deliver, PublishError, Subscription
from shared.contracts.event import Envelope

__all__ = ["AmqpTransport", "migrate"]
log = structlog.get_logger()


class AmqpTransport:
    """Carries events through RabbitMQ.

    A broker that is not there, or goes away, is tried again for as long as it takes: the process comes up, its
    readiness says that the consumer does not reach its queue, and facts wait in the outbox.
    """

    def __init__(
        self,
        url: str,
        *,
        name: str,
        confirm_seconds: float = 10.0,
        retry_seconds: float = 0.25,
        watch_seconds: float = 5.0,
    ) -> None:
        self._url = url
        self._name = name
        self._retry_seconds = retry_seconds
        self._watch_seconds = watch_seconds
        self._wanted: dict[str, list[str]] = {}
        self._subscriptions: list[AmqpSubscription] = []
        self._publisher = Publisher(url, f"{name} publisher", self._declare, confirm_seconds)

    @property
    def connected(self) -> bool:
        """Whether there is a connection to publish on."""
        return self._publisher.connected

    async def start(self) -> None:
        """Connect; without a broker go on trying in the background."""
        await self._publisher.start()

    async def close(self) -> None:
        """Disconnect; messages not yet acknowledged come again."""
        await asyncio.gather(*(s.break_off() for s in self._subscriptions), return_exceptions=True)
        await self._publisher.close()

    async def publish(self, messages: Sequence[Envelope]) -> list[PublishError | None]:
        """Publish and wait for the broker's confirms; one message in flight per ordering key, keys side by side."""
        return await self._publisher.publish(messages)

    async def subscribe(
        self, queue: str, types: Sequence[str], deliver: Deliver, *, concurrency: int
    ) -> Subscription:
        """Bind the queue and start its consumer, now or once the broker is there.

        Binding comes before publishing on every connection, so that nothing this process publishes is unrouted
        for want of its own queue. Types are only added; what is no longer wanted `migrate` unbinds.
        """
        self._wanted[queue] = list(types)
        try:
            await self._publisher.declare()
        except LOST as error:  # the connection ended meanwhile: the next one declares
            log.warning("queue not bound yet", queue=queue, error=error_text(error))
        subscription = AmqpSubscription(
            self._url,
            f"{self._name} {queue}",
            queue,
            types,
            deliver,
            concurrency=concurrency,
            retry_seconds=self._retry_seconds,
            watch_seconds=self._watch_seconds,
        )
        self._subscriptions.append(subscription)
        return subscription

    async def _declare(self, channel: Channel) -> None:
        await declare(channel, dict(self._wanted))
