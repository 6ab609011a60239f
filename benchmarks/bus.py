"""The bus over RabbitMQ: our publishing and the whole relay against bare aio-pika, and what consumers take in.

The bare publisher sends the same messages to the same exchange and quorum queue with confirms, as many at once
as ours. Everything runs against one broker and one PostgreSQL that wait for the disk as in production.
"""

import asyncio
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import aio_pika
import asyncpg

from benchmarks.report import Section, spread, table
from services.all import SERVICES
from shared import embedded
from shared.bus import Delivery
from shared.bus.amqp import AmqpTransport, migrate
from shared.bus.amqp_publisher import CONTENT_TYPE, WINDOW
from shared.bus.amqp_topology import EVENTS, queue_name
from shared.contracts.billing import InvoiceFinalized
from shared.db import Database
from shared.events import Envelope, envelope
from shared.ids import new_id
from shared.inbox import Inbox
from shared.relay import Relay
from shared.settings import KernelSettings
from shared.tenancy import app_role, role_password, worker_role
from shared.tenants import UPSERT, Tenants
from shared.testing import rabbit
from shared.testing.suite import ROLE_SECRET, migrate_all
from shared.work import part_of

ROUNDS = 3
PUBLISHED = 10_000
CONSUMED = 3_000
BATCH = 500  # facts the relay takes at once
PUBLISHER, CONSUMER = "billing", "orders"
WANTED = 0.6


@dataclass(frozen=True)
class Ground:
    """A broker with our topology, and a database with the services' schemas."""

    broker: str
    database: str
    tenant_id: UUID


@asynccontextmanager
async def ground() -> AsyncIterator[Ground]:
    """Everything that is needed, made for this run and thrown away."""
    kinds = rabbit.kinds()
    if not kinds:
        raise rabbit.NoBroker(rabbit.MISSING)
    folder = Path(tempfile.mkdtemp(prefix="bo-bench-bus-"))
    try:
        with rabbit.running(kinds[0]) as broker:
            url = await broker.new_vhost()
            await migrate(url, {CONSUMER: [InvoiceFinalized.type]})
            server = embedded.start(folder / "postgres")
            await migrate_all(server.url, SERVICES)
            tenant_id = new_id()
            await _execute(
                server.url,
                f"set search_path = {CONSUMER}; " + _literal_tenant(tenant_id),
            )
            yield Ground(url, server.url, tenant_id)
    finally:
        embedded.destroy(folder / "postgres")
        shutil.rmtree(folder, ignore_errors=True)


def _literal_tenant(tenant_id: UUID) -> str:
    values = [tenant_id, 1, "Bench", "Bench Ltd", "GB", "GBP", "Europe/London", "live", "active", "0"]
    statement = UPSERT
    for n, value in reversed(list(enumerate(values, 1))):
        statement = statement.replace(f"${n}", f"'{value}'")
    return statement


async def _execute(url: str, statement: str) -> None:
    sql = await asyncpg.connect(url)
    try:
        await sql.execute(statement)
    finally:
        await sql.close()


def facts(tenant_id: UUID, count: int) -> list[Envelope]:
    """Events as billing publishes them; one lane in ten has a second one."""
    return [_fact(tenant_id, n, lane=f"invoice:{n % (count * 9 // 10)}") for n in range(count)]


def _fact(tenant_id: UUID, number: int, *, lane: str) -> Envelope:
    amount = {"amount": "120.00", "currency": "GBP"}
    event = InvoiceFinalized.model_validate(
        {
            "invoice_id": new_id(), "number": f"INV-2026-{number}", "customer_id": new_id(), "currency": "GBP",
            "net": {"amount": "100.00", "currency": "GBP"}, "tax": {"amount": "20.00", "currency": "GBP"},
            "gross": amount, "issued_on": "2026-01-02", "due_on": "2026-02-01",
            "source_refs": {"order_id": new_id(), "fulfilment_id": new_id()},
        }
    )  # fmt: skip
    return envelope(
        event, id=new_id(), source=PUBLISHER, subject=f"invoice/{number}", time=datetime.now(UTC),
        tenant_id=tenant_id, version=1, lane=lane, actor_id="bench", causation_id=str(new_id()),
        correlation_id=str(new_id()), traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    )  # fmt: skip


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
                        headers={"lane": message.lane},
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
        columns=["tenant_id", "id", "part", "lane", "type", "envelope"],
        records=[(m.tenant_id, m.id, part_of(m.lane), m.lane, m.type, m.text) for m in messages],
    )
    await sql.execute(f"analyze {PUBLISHER}.outbox")
    worker = _pool(found, worker_role(PUBLISHER), 3)
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


def _pool(found: Ground, role: str, size: int) -> Database:
    password = role_password(ROLE_SECRET, role)
    return Database(found.database, user=role, password=password, size=size, application_name="bench")


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


async def consume_with_inbox(found: Ground, count: int) -> float:
    """Seconds for the inbox over our subscription: row, a handler that does nothing, commit, acknowledge."""
    settings = KernelSettings(role_secret=ROLE_SECRET)
    app = _pool(found, app_role(CONSUMER), settings.app_pool_size)
    worker = _pool(found, worker_role(CONSUMER), settings.worker_pool_size)

    async def nothing(*_: object) -> None:
        return

    inbox = Inbox(
        CONSUMER, app, worker, {InvoiceFinalized: [nothing]}, Tenants(), settings, wake_relay=lambda: None
    )
    try:
        return await consume_ours(found.broker, count, inbox.deliver, settings.consumer_concurrency)
    finally:
        await app.close()
        await worker.close()


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
            for name, publish in (
                ("bare", lambda m: publish_bare(found.broker, m)),
                ("ours", lambda m: publish_ours(found.broker, m)),
                ("relay", lambda m: publish_by_relay(found, m)),
            ):
                rates[name].append(PUBLISHED / await publish(facts(found.tenant_id, PUBLISHED)))
            # The inbox first: what the others have begun would come to it marked, and be taken more carefully.
            rates["inbox"].append(CONSUMED / await consume_with_inbox(found, CONSUMED))
            rates["take bare"].append(PUBLISHED / await consume_bare(found.broker, PUBLISHED))
            rates["take ours"].append(PUBLISHED / await consume_ours(found.broker, PUBLISHED, nothing, 6))
            await _empty(found.broker)
    return Section("Bus over RabbitMQ", _text(rates))


def _text(rates: dict[str, list[float]]) -> str:
    def against(name: str, ceiling: str) -> str:
        return spread([a / b for a, b in zip(rates[name], rates[ceiling], strict=True)], 2)

    size = len(_fact(new_id(), 1, lane="invoice:1").text)
    rows = [
        ["aio-pika alone, confirms pipelined", spread(rates["bare"]), ""],
        ["`AmqpTransport.publish`", spread(rates["ours"]), against("ours", "bare")],
        [
            "relay: outbox → RabbitMQ → marked",
            spread(rates["relay"]),
            f"{against('relay', 'bare')} (wanted: {WANTED})",
        ],
        ["aio-pika alone, taken and acknowledged one by one", spread(rates["take bare"]), ""],
        ["our subscription, lanes in order", spread(rates["take ours"]), against("take ours", "take bare")],
        [
            "inbox over it, a handler that does nothing",
            spread(rates["inbox"]),
            against("inbox", "take bare"),
        ],
    ]
    head = [f"messages of {size} bytes, quorum queue, {WINDOW} in flight", "per second", "ratio"]
    return table(head, rows)
