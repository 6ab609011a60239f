"""What RabbitMQ and the wire to it can do to a transport: nothing is lost, order is kept, health tells."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest

from shared.bus.amqp.topology import queue_name
from shared.bus.amqp.transport import AmqpTransport, migrate
from shared.contracts.event import Envelope
from tests.kit.rabbit import Broker
from tests.kit.suite import eventually
from tests.shared.bus.conformance import Received, message
from tests.shared.bus.processes import consumer_process
from tests.shared.bus.wire import Wire

# One worker for all of them: brokers of two workers at once are too much for two cores.
pytestmark = [pytest.mark.timeout(300), pytest.mark.xdist_group("rabbit")]
QUEUE, TYPE = "faulty", "probe.note.published.v1"


@pytest.fixture
async def transport(wire: Wire) -> AsyncIterator[AmqpTransport]:
    transport = AmqpTransport(
        wire.url, name="test", confirm_seconds=3.0, retry_seconds=0.02, watch_seconds=1.0
    )
    await transport.start()
    yield transport
    await transport.close()


def is_healthy(subscription: object) -> Callable[[], Awaitable[bool]]:
    async def healthy() -> bool:
        return bool(subscription.healthy)  # type: ignore[attr-defined]

    return healthy


def is_ill(subscription: object) -> Callable[[], Awaitable[bool]]:
    async def ill() -> bool:
        return not subscription.healthy  # type: ignore[attr-defined]

    return ill


def queue_path(vhost: str) -> str:
    return f"queues/{vhost.rsplit('/', 1)[1]}/{queue_name(QUEUE)}"


async def exists(broker: Broker, vhost: str) -> bool:
    """Asked of the broker: a subscription is ill too briefly to be caught at it."""
    try:
        await broker.call("GET", queue_path(vhost))
    except httpx.HTTPStatusError as refused:
        if refused.response.status_code != httpx.codes.NOT_FOUND:
            raise
        return False
    return True


def numbered(ordering_keys: int, start: int, end: int) -> list[Envelope]:
    return [message(f"key-{n % ordering_keys}", str(n), TYPE) for n in range(start, end)]


async def published(transport: AmqpTransport, messages: list[Envelope], *, within: float = 120.0) -> None:
    """Publish as the relay does: what was refused, again, until all are taken."""
    left = list(messages)

    async def all_taken() -> bool:
        outcomes = await transport.publish(left)
        left[:] = [m for m, refused in zip(left, outcomes, strict=True) if refused is not None]
        return not left

    await eventually(all_taken, within=within)


def assert_whole_and_in_order(texts: list[str], *, ordering_keys: int, count: int) -> None:
    for ordering_key in range(ordering_keys):
        seen = dict.fromkeys(text for text in texts if int(text) % ordering_keys == ordering_key)
        assert list(seen) == [str(n) for n in range(count) if n % ordering_keys == ordering_key]


async def test_a_broker_killed_under_load_loses_nothing_and_keeps_the_order(
    transport: AmqpTransport, broker: Broker, vhost: str
):
    await migrate(vhost, {QUEUE: [TYPE]})
    await asyncio.sleep(1)  # RabbitMQ writes the name of a new quorum queue half a second late; see ADR 0012
    received = Received()
    subscription = await transport.subscribe(QUEUE, [TYPE], received, concurrency=4)

    async def load() -> None:
        for start in range(0, 2000, 100):
            await published(transport, numbered(7, start, start + 100))

    loading = asyncio.create_task(load())
    await received.reached(150)
    await broker.crash()
    await loading
    await eventually(lambda: has_all(received, 2000), within=60)
    await eventually(is_healthy(subscription), within=20)
    await subscription.stop()

    assert_whole_and_in_order(received.texts, ordering_keys=7, count=2000)


async def has_all(received: Received, count: int) -> bool:
    return len(set(received.texts)) == count


async def test_a_broker_that_stops_and_starts_again_finds_its_consumer_back(
    transport: AmqpTransport, broker: Broker
):
    received = Received()
    subscription = await transport.subscribe(QUEUE, [TYPE], received, concurrency=4)
    await published(transport, numbered(3, 0, 30))
    await broker.ctl("stop_app")
    await eventually(is_ill(subscription))
    refused = await transport.publish(numbered(3, 30, 33))
    await broker.ctl("start_app")
    await published(transport, numbered(3, 30, 60))
    await eventually(lambda: has_all(received, 60), within=60)
    await subscription.stop()

    assert None not in refused
    assert_whole_and_in_order(received.texts, ordering_keys=3, count=60)


async def test_a_wire_that_lets_nothing_through_is_noticed_and_replaced(transport: AmqpTransport, wire: Wire):
    received = Received()
    subscription = await transport.subscribe(QUEUE, [TYPE], received, concurrency=4)
    await published(transport, numbered(3, 0, 30))
    await received.reached(30)

    wire.hold()
    refused = await transport.publish(numbered(3, 30, 60))
    await eventually(is_ill(subscription), within=20)
    wire.cut()
    wire.let_go()
    await published(transport, numbered(3, 30, 60))
    await eventually(lambda: has_all(received, 60), within=60)
    await eventually(is_healthy(subscription), within=20)
    await subscription.stop()

    assert None not in refused
    assert_whole_and_in_order(received.texts, ordering_keys=3, count=60)


@pytest.mark.parametrize("replicas", [1, 4])
async def test_a_deleted_queue_is_made_again_and_its_consumers_go_on(
    wire: Wire, transport: AmqpTransport, broker: Broker, vhost: str, replicas: int
):
    received = Received()
    async with AsyncExitStack() as stack:
        transports = [transport]
        for number in range(1, replicas):
            transports.append(AmqpTransport(wire.url, name=f"replica-{number}", watch_seconds=1.0))
            await transports[-1].start()
            stack.push_async_callback(transports[-1].close)
        consumers = [await each.subscribe(QUEUE, [TYPE], received, concurrency=2) for each in transports]
        await published(transport, numbered(1, 0, 1))
        await received.reached(1)
        for consumer in consumers:
            await eventually(is_healthy(consumer))

        await broker.call("DELETE", queue_path(vhost))
        await eventually(lambda: exists(broker, vhost))
        for consumer in consumers:
            await eventually(is_healthy(consumer))
        await published(transport, numbered(1, 1, 3))
        await received.reached(3)
        for consumer in consumers:
            await consumer.stop()

    assert received.texts == ["0", "1", "2"]


async def test_a_consumer_that_was_cancelled_waits_before_it_connects_again_and_still_stops_at_once(
    transport: AmqpTransport, broker: Broker, vhost: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("shared.bus.amqp.consumer.CANCELLED_PAUSE_SECONDS", 300.0)
    subscription = await transport.subscribe(QUEUE, [TYPE], Received(), concurrency=2)
    await eventually(is_healthy(subscription))

    await broker.call("DELETE", queue_path(vhost))
    await eventually(is_ill(subscription))
    await asyncio.sleep(1)
    still_ill = not subscription.healthy
    await asyncio.wait_for(subscription.stop(), 20)

    assert still_ill


async def test_a_consumer_lost_without_a_word_is_missed(
    transport: AmqpTransport, broker: Broker, vhost: str, monkeypatch: pytest.MonkeyPatch
):
    unheard = asyncio.Event()
    monkeypatch.setattr(
        "shared.bus.amqp.consumer.AmqpSubscription._broker_cancelled", lambda *_: unheard.set()
    )
    received = Received()
    subscription = await transport.subscribe(QUEUE, [TYPE], received, concurrency=2)
    await eventually(is_healthy(subscription))

    await broker.call("DELETE", queue_path(vhost))
    await asyncio.wait_for(unheard.wait(), 20)
    await migrate(vhost, {QUEUE: [TYPE]})
    await published(transport, numbered(1, 0, 2))
    await received.reached(2)
    await subscription.stop()

    assert received.texts == ["0", "1"]


async def test_a_full_disk_refuses_what_is_published_and_later_takes_it(
    transport: AmqpTransport, broker: Broker
):
    received = Received()
    subscription = await transport.subscribe(QUEUE, [TYPE], received, concurrency=4)
    await published(transport, numbered(3, 0, 30))
    left: list[Envelope] = []
    end = 30

    async def takes_nothing() -> bool:  # the broker's alarm reaches a publisher some moments after it is set
        nonlocal end
        if not left:
            left.extend(numbered(3, end, end + 30))
            end += 30
        outcomes = await asyncio.wait_for(transport.publish(left), 20)
        left[:] = [m for m, refused in zip(left, outcomes, strict=True) if refused is not None]
        return len(left) == len(outcomes)

    await broker.ctl("set_disk_free_limit", "90000GB")
    try:
        await eventually(takes_nothing, within=60)
        started = asyncio.get_running_loop().time()
        second = await transport.publish(left)
        at_once = asyncio.get_running_loop().time() - started
        consuming = subscription.healthy
    finally:
        await broker.ctl("set_disk_free_limit", "50MB")
    await published(transport, left)
    await eventually(lambda: has_all(received, end), within=60)
    await subscription.stop()

    assert {str(refused) for refused in second} == {
        "the broker takes nothing now: it has a memory or disk alarm"
    }
    assert at_once < 1
    assert consuming
    assert_whole_and_in_order(received.texts, ordering_keys=3, count=end)


async def test_a_full_queue_refuses_and_nothing_of_the_ordering_key_passes_what_was_refused(
    transport: AmqpTransport, broker: Broker, vhost: str
):
    other = "probe.other.published.v1"
    await migrate(vhost, {QUEUE: [TYPE], "roomy": [other]})
    await broker.call(
        "PUT",
        f"policies/{vhost.rsplit('/', 1)[1]}/small",
        {
            "pattern": f"^{queue_name(QUEUE)}$",
            "apply-to": "queues",
            "definition": {"max-length": 1, "overflow": "reject-publish"},
        },
    )

    async def full() -> bool:
        [outcome] = await transport.publish([message("filler", "f", TYPE)])
        return outcome is not None

    await eventually(full)
    outcomes = await transport.publish(
        [
            message("a", "a1", other),
            message("a", "a2", TYPE),
            message("b", "b1", other),
            message("a", "a3", other),
        ]
    )

    assert [outcome is None for outcome in outcomes] == [True, False, True, False]


async def test_a_process_that_starts_before_its_broker_begins_when_it_comes(wire: Wire):
    await wire.close()
    transport = AmqpTransport(wire.url, name="early", retry_seconds=0.02)
    await transport.start()
    received = Received()
    subscription = await transport.subscribe(QUEUE, [TYPE], received, concurrency=2)
    too_early = (subscription.healthy, await transport.publish(numbered(1, 0, 1)))

    await wire.open()
    await eventually(is_healthy(subscription))
    await published(transport, numbered(1, 0, 3))
    await received.reached(3)
    await subscription.stop()
    await transport.close()

    assert too_early[0] is False
    assert None not in too_early[1]
    assert received.texts == ["0", "1", "2"]


async def test_of_two_processes_one_consumes_and_the_other_takes_over_when_it_is_killed(
    transport: AmqpTransport, vhost: str, tmp_path: Path
):
    await migrate(vhost, {QUEUE: [TYPE]})
    async with consumer_process(["amqp", vhost], QUEUE, TYPE, tmp_path, slow="0.002") as one:
        await published(transport, numbered(5, 0, 10))
        await eventually(lambda: handled(one, 10), within=30)
        async with consumer_process(["amqp", vhost], QUEUE, TYPE, tmp_path, slow="0.002") as two:
            assert two.process.stdout is not None
            await asyncio.wait_for(two.process.stdout.readline(), 30)
            await published(transport, numbered(5, 10, 300))
            await eventually(lambda: handled(one, 60), within=30)
            while_alive = two.done
            one.process.kill()
            await one.process.wait()
            await published(transport, numbered(5, 300, 400))

            async def all_done() -> bool:
                return len({*one.done, *two.done}) == 400

            await eventually(all_done, within=30)
            texts = [*one.done, *two.done]

    assert while_alive == []
    assert_whole_and_in_order(texts, ordering_keys=5, count=400)


async def handled(consumer: object, count: int) -> bool:
    return len(consumer.done) >= count  # type: ignore[attr-defined]
