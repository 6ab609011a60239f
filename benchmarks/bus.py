"""The bus over RabbitMQ: our publishing and the whole relay against bare aio-pika, and what consumers take in.

The bare publisher sends the same messages to the same exchange and quorum queue with confirms, as many at once
as ours. Everything runs against one broker and one PostgreSQL that wait for the disk as in production.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence

import aio_pika
import asyncpg

from benchmarks.bus_ground import CONSUMER, PUBLISHER, Ground, consumer, fact, facts, ground, pool
from benchmarks.report import Section, spread, table
from shared.base.settings import KernelSettings
from shared.bus.amqp.publisher import CONTENT_TYPE, WINDOW
from shared.bus.amqp.topology import EVENTS, queue_name
from shared.bus.amqp.transport import AmqpTransport
from shared.bus.transport import Delivery
from shared.context.closing_statement import part_of
from shared.context.ctx import Ctx
from shared.contracts.billing import InvoiceFinalized
from shared.contracts.event import Envelope
from shared.database.rls import worker_role
from shared.messaging.inbox import Inbox
from shared.messaging.relay import Relay
from shared.service.subscriptions import on
from shared.values.ids import new_id
from tests.kit.suite import ROLE_SECRET

ROUNDS = 3
PUBLISHED = 10_000
CONSUMED = 3_000
BATCH = 500  # facts the relay takes at once
WANTED = 0.6


async def publish_bare(url: str, messages: Sequence[Envelope]) -> float:
    """Seconds for aio-pika alone, as many messages in flight as ours."""
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
        exchange = await channel.get_exchange(EVENTS)
        waiting = iter(messages)

        async def send() -> None:
            for message in waiting:
                await exchange.publish(
                    aio_pika.Message(
                        message.text.encode(),
                        content_type=CONTENT_TYPE,
                        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
                        message_id=str(message.id),
                        headers={"ordering_key": message.ordering_key},
                    ),
                    message.type,
                )

        started = time.perf_counter()
        await asyncio.gather(*(send() for _ in range(WINDOW)))
        return time.perf_counter() - started


async def publish_ours(url: str, messages: Sequence[Envelope]) -> float:
    """Seconds for `AmqpTransport.publish`, in batches as the relay makes them."""
    transport = AmqpTransport(url, name="bench")
    await transport.start()
    try:
        started = time.perf_counter()
        for start in range(0, len(messages), BATCH):
            outcomes = await transport.publish(messages[start : start + BATCH])
            if refused := [o for o in outcomes if o is not None]:
                raise refused[0]
        return time.perf_counter() - started
    finally:
        await transport.close()


async def publish_by_relay(found: Ground, messages: Sequence[Envelope]) -> float:
    """Seconds for the relay: read from the outbox, published, marked."""
    sql = await asyncpg.connect(found.database)
    await sql.copy_records_to_table(
        "outbox",
        schema_name=PUBLISHER,
        columns=["tenant_id", "id", "part", "ordering_key", "type", "envelope"],
        records=[
            (m.tenant_id, m.id, part_of(m.ordering_key), m.ordering_key, m.type, m.text) for m in messages
        ],
    )
    await sql.execute(f"analyze {PUBLISHER}.outbox")
    worker = pool(found, worker_role(PUBLISHER), 3)
    transport = AmqpTransport(found.broker, name="bench")
    await transport.start()
    relay = Relay(PUBLISHER, worker, transport, KernelSettings(role_secret=ROLE_SECRET, relay_batch=BATCH))
    started = time.perf_counter()
    relay.start()
    left = f"select exists (select from {PUBLISHER}.outbox where published_at is null)"
    while await sql.fetchval(left):  # noqa: ASYNC110 - the database has no event for it
        await asyncio.sleep(0.01)
    taken = time.perf_counter() - started
    await relay.stop()
    await transport.close()
    await worker.close()
    await sql.execute(f"truncate {PUBLISHER}.outbox")
    await sql.close()
    return taken


async def consume_bare(url: str, count: int) -> float:
    """Seconds for aio-pika alone to take and acknowledge so many messages, one by one."""
    done = asyncio.Event()
    seen = 0

    async def take(message: aio_pika.abc.AbstractIncomingMessage) -> None:
        nonlocal seen
        await message.ack()
        seen += 1
        if seen == count:
            done.set()

    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        await channel.set_qos(prefetch_count=100)
        queue = await channel.get_queue(queue_name(CONSUMER))
        started = time.perf_counter()
        await queue.consume(take)
        await done.wait()
        return time.perf_counter() - started


async def consume_ours(
    url: str, count: int, deliver: Callable[[Delivery], Awaitable[None]], concurrency: int
) -> float:
    """Seconds for our subscription to hand over and acknowledge so many messages."""
    done = asyncio.Event()
    seen = 0

    async def counting(delivery: Delivery) -> None:
        nonlocal seen
        await deliver(delivery)
        seen += 1
        if seen == count:
            done.set()

    transport = AmqpTransport(url, name="bench")
    await transport.start()
    started = time.perf_counter()
    subscription = await transport.subscribe(
        CONSUMER, [InvoiceFinalized.type], counting, concurrency=concurrency
    )
    await done.wait()
    taken = time.perf_counter() - started
    await subscription.stop()
    await transport.close()
    return taken


@on(InvoiceFinalized)
async def _do_nothing(ctx: Ctx, event: InvoiceFinalized) -> None:
    """The cheapest handler there can be: what is left is the inbox."""


async def consume_with_inbox(found: Ground, count: int) -> float:
    """Seconds for the inbox over our subscription: row, a handler that does nothing, commit, acknowledge."""
    runtime = consumer(found)
    inbox = Inbox(runtime, {InvoiceFinalized: [_do_nothing]})
    try:
        return await consume_ours(found.broker, count, inbox.deliver, runtime.settings.consumer_concurrency)
    finally:
        await runtime.stop()


async def _empty(url: str) -> None:
    async with await aio_pika.connect(url) as connection:
        await (await (await connection.channel()).get_queue(queue_name(CONSUMER))).purge()


async def measure() -> Section:
    """All of it, in rounds one after the other, so that each ratio is of one moment."""
    names = ("bare", "ours", "relay", "take bare", "take ours", "inbox")
    rates: dict[str, list[float]] = {name: [] for name in names}
    async with ground() as found:

        async def nothing(_: Delivery) -> None:
            return

        for _ in range(ROUNDS):
            bare = await publish_bare(found.broker, facts(found.tenant_id, PUBLISHED))
            ours = await publish_ours(found.broker, facts(found.tenant_id, PUBLISHED))
            relay = await publish_by_relay(found, facts(found.tenant_id, PUBLISHED))
            for name, seconds in (("bare", bare), ("ours", ours), ("relay", relay)):
                rates[name].append(PUBLISHED / seconds)
            # The inbox first: what the others have begun would come to it marked, and be taken more carefully.
            rates["inbox"].append(CONSUMED / await consume_with_inbox(found, CONSUMED))
            rates["take bare"].append(PUBLISHED / await consume_bare(found.broker, PUBLISHED))
            rates["take ours"].append(PUBLISHED / await consume_ours(found.broker, PUBLISHED, nothing, 6))
            await _empty(found.broker)
    return Section("Bus over RabbitMQ", _text(rates))


def _text(rates: dict[str, list[float]]) -> str:
    def against(name: str, ceiling: str) -> str:
        return spread([a / b for a, b in zip(rates[name], rates[ceiling], strict=True)], 2)

    size = len(fact(new_id(), 1, ordering_key="invoice:1").text)
    rows = [
        ["aio-pika alone, confirms pipelined", spread(rates["bare"]), ""],
        ["`AmqpTransport.publish`", spread(rates["ours"]), against("ours", "bare")],
        [
            "relay: outbox → RabbitMQ → marked",
            spread(rates["relay"]),
            f"{against('relay', 'bare')} (wanted: {WANTED})",
        ],
        ["aio-pika alone, taken and acknowledged one by one", spread(rates["take bare"]), ""],
        [
            "our subscription, ordering keys in order",
            spread(rates["take ours"]),
            against("take ours", "take bare"),
        ],
        [
            "inbox over it, a handler that does nothing",
            spread(rates["inbox"]),
            against("inbox", "take bare"),
        ],
    ]
    head = [f"messages of {size} bytes, quorum queue, {WINDOW} in flight", "per second", "ratio"]
    return table(head, rows)
