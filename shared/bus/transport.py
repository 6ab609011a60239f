"""The transport between outbox and inbox: what carries an event from one service to others.

A transport keeps at-least-once delivery and the order within an ordering key, nothing more: dedupe, retries and dead
letters live above it (`shared.messaging.inbox`), so that every transport behaves alike. `PgTransport` carries events in
a PostgreSQL table; the conformance suite in `tests/shared/bus/` is what a further transport has to pass.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from shared.contracts.event import Envelope


class PublishError(Exception):
    """The transport did not take a message; it stays in the outbox and is tried again."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message handed to a consumer. `redelivered` says that an earlier delivery may have been cut short."""

    ordering_key: str
    text: str
    redelivered: bool


Deliver = Callable[[Delivery], Awaitable[None]]


class Subscription(Protocol):
    """A running consumer of one queue."""

    @property
    def healthy(self) -> bool:
        """Whether messages would reach us now; feeds readiness."""
        ...

    async def stop(self) -> None:
        """Take no more, finish what is in hand, acknowledge it, return."""
        ...


class Transport(Protocol):
    """Carries messages between services."""

    async def start(self) -> None:
        """Connect and make what the transport needs (tables, exchanges)."""
        ...

    async def close(self) -> None:
        """Disconnect; messages not yet acknowledged come again."""
        ...

    async def publish(self, messages: Sequence[Envelope]) -> list[PublishError | None]:
        """Hand messages over durably; answers, in their order, None or why one was not taken.

        Within an ordering key nothing is taken after a message that was refused. A message nobody subscribes to is
        kept aside as unrouted, not lost.
        """
        ...

    async def subscribe(
        self, queue: str, types: Sequence[str], deliver: Deliver, *, concurrency: int
    ) -> Subscription:
        """Bind a durable queue to event types and start delivering its messages.

        One process consumes a queue at a time; messages of one ordering key come one after the other, those of several
        side by side up to the concurrency. When `deliver` returns the message is acknowledged; when it raises or the
        process dies the message comes again.
        """
        ...
