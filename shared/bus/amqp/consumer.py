"""Consuming a RabbitMQ queue: bounded prefetch, ordering keys side by side, acknowledged after `deliver` returned.

The queue has a single active consumer on the broker's side; the others wait. Nothing is ever rejected or
returned: what failed is kept here, unacknowledged, and tried again in its place, so that nothing of its ordering key
overtakes it. If this process dies the broker gives it to the next one, marked as redelivered.
"""

import asyncio
import time
from collections.abc import Sequence

import structlog
from aiormq import Channel
from aiormq.abc import DeliveredMessage
from pamqp.commands import Basic

from shared.base.error_text import error_text
from shared.base.loops import pause
from shared.bus.amqp.link import CONNECT_SECONDS, LOST, Backoff, Link, LinkLost, open_link
from shared.bus.amqp.topology import declare, queue_name
from shared.bus.ordered_queue import OrderedQueue
from shared.bus.transport import Deliver, Delivery
from shared.contracts.event import UnreadableEvent, read_envelope

# Also how far one slow ordering key can run ahead of the others before they have to wait for it, and how many messages
# at most come again, marked, when a process dies.
PREFETCH = 600
ACK_LINGER_SECONDS = 0.005  # gathers acknowledgements under load
WATCH_TIMEOUT_SECONDS = 5.0
# A queue declared anew before the broker has told all its consumers of the old one's end can keep one of them
# in name (seen on 3.10.8): what it is given reaches nobody. So let the broker finish first.
CANCELLED_PAUSE_SECONDS = 1.0

log = structlog.get_logger()
Tagged = tuple[int, Delivery]


class ConsumerCancelled(LinkLost):
    """The broker has ended the consumer: its queue was deleted or moved."""


class AmqpSubscription:
    """The consumer of one queue: connects, consumes, hands out by ordering key, acknowledges, until it is stopped."""

    def __init__(
        self,
        url: str,
        name: str,
        queue: str,
        types: Sequence[str],
        deliver: Deliver,
        *,
        concurrency: int,
        retry_seconds: float,
        watch_seconds: float,
    ) -> None:
        self._url = url
        self._name = name
        self._queue = queue
        self._types = list(types)
        self._deliver = deliver
        self._retry_seconds = retry_seconds
        self._watch_seconds = watch_seconds
        self._ordered: OrderedQueue[Tagged] = OrderedQueue(concurrency, self._handle)
        self._in_hand: dict[int, bool] = {}  # tag, in the order of delivery: is it done?
        self._held: dict[str, list[Tagged]] = {}
        self._wake = asyncio.Event()
        self._stopping = asyncio.Event()
        self._consuming = False
        self._cancelled = False
        self._task = asyncio.create_task(self._run(), name=f"bus:{queue}")

    @property
    def healthy(self) -> bool:
        """Whether the broker knows us as a consumer, as far as we have heard."""
        return self._consuming and not self._task.done()

    async def stop(self) -> None:
        """Take no more, let the ordering keys finish, acknowledge. Cancelling this breaks the ordering keys off.

        The broker is told only by the end of the connection: told earlier, it would let the next consumer begin
        while messages are still in hand here.
        """
        self._stopping.set()
        self._wake.set()
        await self._task

    def break_off(self) -> asyncio.Task[None]:
        """Disconnect without finishing; what is not acknowledged comes again."""
        self._task.cancel()
        return self._task

    async def _run(self) -> None:
        backoff = Backoff()
        while not self._stopping.is_set():
            try:
                await self._consume(backoff)
            except Exception as error:  # nobody would restart the consumer: it must go on
                lost = isinstance(error, LOST)
                log.warning("consumer lost", queue=self._queue, error=error_text(error), exc_info=not lost)
                cancelled = isinstance(error, ConsumerCancelled)
                await pause(self._stopping, CANCELLED_PAUSE_SECONDS if cancelled else backoff.pause())
            finally:
                self._consuming = False

    async def _consume(self, backoff: Backoff) -> None:
        """Connect, declare what may have been deleted, consume until the connection ends or we stop."""
        async with open_link(self._url, self._name, confirms=False) as link:
            channel = link.channel
            self._cancelled = False
            channel.on_consumer_cancel_callbacks.add(self._broker_cancelled)
            async with asyncio.timeout(CONNECT_SECONDS):
                await declare(channel, {self._queue: self._types})
                await channel.basic_qos(prefetch_count=PREFETCH)
                await channel.basic_consume(queue_name(self._queue), self._take)
            self._consuming = True
            backoff.reset()
            ended = asyncio.create_task(link.ended())
            ended.add_done_callback(lambda _: self._wake.set())
            try:
                await self._serve(link)
            finally:
                ended.cancel()

    def _broker_cancelled(self, _: Basic.Cancel) -> None:
        self._cancelled = True
        self._wake.set()

    async def _serve(self, link: Link) -> None:
        """Acknowledge what is done and watch that the broker still knows us."""
        next_watch = time.monotonic() + self._watch_seconds
        try:
            while not self._stopping.is_set():
                self._wake.clear()
                await self._acknowledge(link.channel)
                if link.lost:
                    raise LinkLost("the connection ended")
                if self._cancelled:
                    raise ConsumerCancelled(
                        "the broker cancelled the consumer: its queue was deleted or moved"
                    )
                if time.monotonic() >= next_watch:
                    await self._watch(link.channel)
                    next_watch = time.monotonic() + self._watch_seconds
                await pause(self._wake, max(0.0, next_watch - time.monotonic()), linger=ACK_LINGER_SECONDS)
            await self._ordered.drain()
            await self._acknowledge(link.channel, wait=True)
        except asyncio.CancelledError:
            await self._ordered.cancel()
            raise
        finally:
            self._consuming = False
            self._ordered.drop_all()
            await (
                self._ordered.drain()
            )  # before consuming anew: no two messages of an ordering key at the same time
            self._in_hand.clear()
            self._held.clear()

    async def _watch(self, channel: Channel) -> None:
        """A consumer can be lost without a word; then the queue counts none. Raises when it is so."""
        found = await channel.queue_declare(
            queue_name(self._queue), passive=True, timeout=WATCH_TIMEOUT_SECONDS
        )
        if not found.consumer_count:
            raise LinkLost("the broker no longer knows the consumer")

    async def _take(self, message: DeliveredMessage) -> None:
        """A message has arrived; what comes after we were told to stop stays with the broker."""
        if self._stopping.is_set() or not isinstance(message.delivery, Basic.Deliver):
            return
        tag = message.delivery.delivery_tag or 0
        text = message.body.decode(errors="replace")
        delivery = Delivery(_ordering_key(message, text), text, bool(message.delivery.redelivered))
        self._in_hand[tag] = False
        self._ordered.put(delivery.ordering_key, (tag, delivery))

    async def _handle(self, item: Tagged) -> None:
        tag, delivery = item
        held = self._held.get(delivery.ordering_key)
        if held is not None:  # an earlier one of the ordering key failed: it comes again first
            held.append(item)
            return
        try:
            await self._deliver(delivery)
        except Exception as error:  # noqa: BLE001 - whatever failed, the message must come again
            log.warning("delivery failed; it comes again", queue=self._queue, error=error_text(error))
            await asyncio.sleep(self._retry_seconds)
            self._held[delivery.ordering_key] = [item]
            asyncio.get_running_loop().call_soon(self._release, delivery.ordering_key)
        else:
            self._in_hand[tag] = True
            self._wake.set()

    def _release(self, ordering_key: str) -> None:
        """Queue what failed and what stands behind it again, after the other ordering keys that wait."""
        held = self._held.pop(ordering_key, None)
        if held is None or not self._consuming or self._stopping.is_set():
            return
        for item in (*held, *self._ordered.drop(ordering_key)):
            self._ordered.put(ordering_key, item)

    async def _acknowledge(self, channel: Channel, *, wait: bool = False) -> None:
        """Acknowledge what is done: in one go up to the oldest that is not, one by one beyond it.

        Closing the connection forgets what is not written yet: before it, wait.
        """
        last = None
        for tag, done in self._in_hand.items():
            if not done:
                break
            last = tag
        if last is not None:
            for tag in [tag for tag in self._in_hand if tag <= last]:
                del self._in_hand[tag]
            await channel.basic_ack(last, multiple=True, wait=wait)
        for tag in [tag for tag, done in self._in_hand.items() if done]:
            del self._in_hand[tag]
            await channel.basic_ack(tag, wait=wait)


def _ordering_key(message: DeliveredMessage, text: str) -> str:
    """The ordering key a message says it belongs to; what was put in by hand says it in its envelope at best."""
    ordering_key = (message.header.properties.headers or {}).get("ordering_key")
    if isinstance(ordering_key, str):
        return ordering_key
    try:
        return read_envelope(text)[0].ordering_key
    except UnreadableEvent:
        return ""
