"""Publishing to RabbitMQ: confirms pipelined over ordering keys, one message in flight per ordering key."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

import structlog
from aiormq import Channel
from aiormq.exceptions import AMQPError
from pamqp.commands import Basic

from shared.base.error_text import error_text
from shared.bus.amqp.link import CONNECT_SECONDS, Backoff, Link, LinkLost, open_link
from shared.bus.amqp.topology import EVENTS
from shared.bus.transport import PublishError
from shared.contracts.event import Envelope

WINDOW = 100  # ordering keys in flight; more gains nothing, less leaves the broker waiting for us
MAX_BYTES = (
    16 * 1024 * 1024
)  # RabbitMQ 4 closes the channel over a larger one, and so would fail its neighbours
CONTENT_TYPE = "application/cloudevents+json"

log = structlog.get_logger()


class Publisher:
    """Keeps one connection with publisher confirms; whatever is not confirmed in time is refused."""

    def __init__(
        self,
        url: str,
        name: str,
        declare: Callable[[Channel], Awaitable[None]],
        confirm_seconds: float,
    ) -> None:
        self._url = url
        self._name = name
        self._declare = declare
        self._confirm_seconds = confirm_seconds
        self._link: Link | None = None
        self._declaring = asyncio.Lock()
        self._why_not = "not started"
        self._tried = asyncio.Event()
        self._suspect = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def connected(self) -> bool:
        """Whether there is a connection that has not ended."""
        return self._link is not None and not self._link.lost

    async def start(self) -> None:
        """Begin to connect and wait for the first try; a broker that is not there yet is tried again."""
        self._task = asyncio.create_task(self._run(), name="amqp:publisher")
        with suppress(TimeoutError):
            async with asyncio.timeout(2 * CONNECT_SECONDS):
                await self._tried.wait()

    async def close(self) -> None:
        """Disconnect; what is in flight is refused."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._why_not = "closed"

    async def declare(self) -> None:
        """Declare again on the connection that stands; without one the next connection does it."""
        async with self._declaring, asyncio.timeout(CONNECT_SECONDS):
            if self._link is not None:
                await self._declare(self._link.channel)

    async def _run(self) -> None:
        backoff = Backoff()
        while True:
            try:
                await self._connected(backoff)
            except Exception as error:  # nobody would restart the publisher: it must go on
                self._why_not = f"no connection to publish on: {str(error) or repr(error)}"
                known = isinstance(error, (AMQPError, OSError))
                log.warning("publishing connection lost", error=error_text(error), exc_info=not known)
            finally:
                self._link = None
                self._tried.set()
            await asyncio.sleep(backoff.pause())

    async def _connected(self, backoff: Backoff) -> None:
        """Connect, declare, and stay until the connection ends or is suspected to be dead."""
        async with open_link(self._url, self._name, confirms=True) as link:
            async with self._declaring, asyncio.timeout(CONNECT_SECONDS):
                await self._declare(link.channel)
                self._link = link
            self._suspect.clear()
            self._tried.set()
            backoff.reset()
            ends = [asyncio.create_task(link.ended()), asyncio.create_task(self._suspect.wait())]
            try:
                await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            finally:
                self._link = None
                for end in ends:
                    end.cancel()
            raise LinkLost("no confirm came in time" if self._suspect.is_set() else "the connection ended")

    async def publish(self, messages: Sequence[Envelope]) -> list[PublishError | None]:
        """Publish; one in flight per ordering key, and nothing of an ordering key after what was refused."""
        refused = await self._refusal()
        if refused is not None:
            return [refused for _ in messages]
        outcomes: list[PublishError | None] = [None] * len(messages)
        ordering_keys: dict[str, list[int]] = {}
        for index, message in enumerate(messages):
            ordering_keys.setdefault(message.ordering_key, []).append(index)
        waiting = iter(ordering_keys.values())

        async def take_keys() -> None:
            for ordering_key in waiting:
                for place, index in enumerate(ordering_key):
                    refused = await self._publish(messages[index])
                    if refused is not None:
                        for later in ordering_key[place:]:
                            outcomes[later] = refused
                        break

        await asyncio.gather(*(take_keys() for _ in range(min(WINDOW, len(ordering_keys)))))
        return outcomes

    async def _refusal(self) -> PublishError | None:
        """Why nothing at all can be published now."""
        if self._link is None:
            return PublishError(self._why_not)
        if await self._link.blocked():
            return PublishError("the broker takes nothing now: it has a memory or disk alarm")
        return None

    async def _publish(self, message: Envelope) -> PublishError | None:
        link = self._link
        if link is None:
            return PublishError(self._why_not)
        body = message.text.encode()
        if len(body) > MAX_BYTES:
            return PublishError(f"event {message.id} has {len(body)} bytes; the broker takes {MAX_BYTES}")
        properties = Basic.Properties(
            content_type=CONTENT_TYPE,
            delivery_mode=2,
            headers={"ordering_key": message.ordering_key},
            message_id=str(message.id),
            message_type=message.type,
        )
        try:
            await link.channel.basic_publish(
                body, exchange=EVENTS, routing_key=message.type, properties=properties,
                mandatory=True, timeout=self._confirm_seconds, wait=False,
            )  # fmt: skip
        except TimeoutError:
            return await self._late(link)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            return PublishError("the connection was closed")  # aiormq tells so, too, with a CancelledError
        except Exception as error:  # noqa: BLE001 - whatever was raised, the message was not confirmed
            return PublishError(f"the broker did not take it: {str(error) or repr(error)}")
        return None

    async def _late(self, link: Link) -> PublishError:
        """A confirm did not come: the broker is blocked, which it says, or the connection is dead."""
        if await link.blocked():
            return PublishError("the broker takes nothing now: it has a memory or disk alarm")
        if link is self._link:
            self._suspect.set()
        return PublishError(f"no confirm within {self._confirm_seconds} s")
