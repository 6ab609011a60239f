"""What lies on the broker: bindings made before their consumer, dead letters kept, foreign messages handed over."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import aio_pika
import pytest

from shared.bus.amqp.publisher import MAX_BYTES
from shared.bus.amqp.topology import DEAD, EVENTS, UNROUTED, queue_name
from shared.bus.amqp.transport import AmqpTransport, migrate
from shared.values.ids import new_id
from tests.kit.rabbit import Broker
from tests.kit.suite import eventually
from tests.shared.bus.conformance import TENANT, Received, message

# One worker for all of them: brokers of two workers at once are too much for two cores.
pytestmark = [pytest.mark.timeout(300), pytest.mark.xdist_group("rabbit")]
QUEUE, TYPE, OTHER = "probe", "probe.note.published.v1", "probe.other.published.v1"
POLICIES = Path(__file__).parents[3] / "deploy" / "rabbitmq" / "policies.json"


@pytest.fixture
async def transport(vhost: str) -> AsyncIterator[AmqpTransport]:
    transport = AmqpTransport(vhost, name="test", retry_seconds=0.02)
    await transport.start()
    yield transport
    await transport.close()


async def ready_in(url: str, name: str) -> int:
    async with await aio_pika.connect(url) as connection:
        found = await (await connection.channel()).get_queue(name)
        return found.declaration_result.message_count or 0


async def test_what_is_published_before_its_consumer_ever_started_waits_for_it(
    transport: AmqpTransport, vhost: str
):
    await migrate(vhost, {QUEUE: [TYPE]})
    await transport.publish([message("a", "early", TYPE)])
    received = Received()
    subscription = await transport.subscribe(QUEUE, [TYPE], received, concurrency=1)
    await received.reached(1)
    await subscription.stop()

    assert received.texts == ["early"]
    assert await ready_in(vhost, UNROUTED) == 0


async def test_migrating_again_unbinds_only_what_is_wanted_no_more(transport: AmqpTransport, vhost: str):
    await migrate(vhost, {QUEUE: [TYPE, OTHER], "bystander": [TYPE]})
    await migrate(vhost, {QUEUE: [TYPE, OTHER]})
    await migrate(vhost, {QUEUE: [OTHER]})
    await transport.publish([message("a", "1", TYPE), message("a", "2", OTHER)])

    assert await ready_in(vhost, queue_name(QUEUE)) == 1
    assert await ready_in(vhost, queue_name("bystander")) == 1


async def test_a_message_over_the_brokers_delivery_limit_is_kept_as_a_dead_letter(
    transport: AmqpTransport, vhost: str, broker: Broker
):
    await broker.call(
        "PUT",
        f"policies/{vhost.rsplit('/', 1)[1]}/limit",
        {
            "pattern": "^backoffice",
            "apply-to": "queues",
            "definition": {"delivery-limit": 2, "overflow": "reject-publish"},
        },
    )
    await migrate(vhost, {QUEUE: [TYPE]})
    await transport.publish([message("a", "unlucky", TYPE)])
    begun = asyncio.Event()

    async def stuck(_: object) -> None:
        begun.set()
        await asyncio.Event().wait()

    for _ in range(3):
        begun.clear()
        connection = AmqpTransport(vhost, name="dies")
        await connection.start()
        await connection.subscribe(QUEUE, [TYPE], stuck, concurrency=1)
        await asyncio.wait_for(begun.wait(), 10)
        await connection.close()

    async def kept() -> bool:
        return await ready_in(vhost, DEAD) == 1

    await eventually(kept)
    assert await ready_in(vhost, queue_name(QUEUE)) == 0


async def test_a_message_put_in_by_hand_is_handed_over_with_the_ordering_key_of_its_envelope_if_it_has_one(
    transport: AmqpTransport, vhost: str
):
    event = json.dumps({"id": str(new_id()), "type": TYPE, "tenantid": str(TENANT), "partitionkey": "note:1"})
    received = Received()
    subscription = await transport.subscribe(QUEUE, [TYPE], received, concurrency=1)
    async with await aio_pika.connect(vhost) as connection:
        exchange = await (await connection.channel()).get_exchange(EVENTS)
        for body in (event.encode(), b"\xff\xfe no event"):
            await exchange.publish(aio_pika.Message(body), TYPE)
    await received.reached(2)
    await subscription.stop()

    assert received.by_key == {"note:1": [event], "": ["�� no event"]}


async def test_an_event_too_large_for_the_broker_is_refused_alone(transport: AmqpTransport, vhost: str):
    await migrate(vhost, {QUEUE: [TYPE]})
    outcomes = await transport.publish(
        [
            message("a", "x" * (MAX_BYTES + 1), TYPE),
            message("a", "behind", TYPE),
            message("b", "beside", TYPE),
        ]
    )

    assert [outcome is None for outcome in outcomes] == [False, False, True]


async def test_the_policies_that_we_ship_are_taken_by_the_broker(broker: Broker, vhost: str):
    name = vhost.rsplit("/", 1)[1]
    policies = json.loads(POLICIES.read_text())["policies"]
    version = (await broker.call("GET", "overview")).json()["rabbitmq_version"]
    for policy in policies:
        if version.startswith("3."):  # has no limit by default, and no value that says so
            del policy["definition"]["delivery-limit"]
        await broker.call("PUT", f"policies/{name}/{policy['name']}", policy)
    await migrate(vhost, {QUEUE: [TYPE]})

    async def applied() -> bool:
        queues = {q["name"]: q.get("policy") for q in (await broker.call("GET", f"queues/{name}")).json()}
        return queues == {
            queue_name(QUEUE): "backoffice-queues",
            DEAD: "backoffice-queues",
            "backoffice.bindings": "backoffice-queues",
            UNROUTED: "backoffice-unrouted",
        }

    await eventually(applied)
