"""What lies on the broker: exchanges, queues and bindings (docs/adr/0012-rabbitmq-topology.md).

    backoffice.events (topic, key = event type) ─┬─> backoffice.orders, backoffice.billing, …
                                                 └─> backoffice.unrouted (nobody bound that type)
    a queue's delivery limit, where the broker has one ──> backoffice.dead

Queues are declared with what can never change: kind, single active consumer, where dead letters go. Limits are
an operator's and belong in a policy (`deploy/rabbitmq/`).
"""

from collections.abc import Mapping, Sequence

import orjson
from aiormq import Channel
from aiormq.abc import ArgumentsType
from pamqp.commands import Basic

from shared.bus.amqp.link import open_link

EVENTS = "backoffice.events"
UNROUTED = "backoffice.unrouted"
DEAD = "backoffice.dead"
BOUND = "backoffice.bindings"  # one message in it notes every type that was ever bound to a queue
QUORUM: ArgumentsType = {"x-queue-type": "quorum"}
CONSUMED: ArgumentsType = {**QUORUM, "x-single-active-consumer": True, "x-dead-letter-exchange": DEAD}


def queue_name(queue: str) -> str:
    """The broker's name of a service's queue."""
    return f"backoffice.{queue}"


async def declare(channel: Channel, bindings: Mapping[str, Sequence[str]]) -> None:
    """Declare everything, and queues with the types they want; what is there already stays as it is."""
    for aside in (UNROUTED, DEAD):
        await channel.exchange_declare(aside, exchange_type="fanout", durable=True)
        await channel.queue_declare(aside, durable=True, arguments=QUORUM)
        await channel.queue_bind(aside, aside)
    await channel.exchange_declare(
        EVENTS, exchange_type="topic", durable=True, arguments={"alternate-exchange": UNROUTED}
    )
    for queue, types in bindings.items():
        await channel.queue_declare(queue_name(queue), durable=True, arguments=CONSUMED)
        for type_ in types:
            await channel.queue_bind(queue_name(queue), EVENTS, routing_key=type_)


async def migrate(url: str, bindings: Mapping[str, Sequence[str]]) -> None:
    """Declare exchanges, the consumers' queues and their bindings; unbind what a queue no longer wants.

    Run it before the processes of a release start, so that no fact is unrouted because its consumer has not
    started yet. Safe to run again. Only this unbinds: a process of the release before, restarted in the middle
    of an upgrade, must not unbind what its successor waits for.
    """
    async with open_link(url, "backoffice-migrate", confirms=True) as link:
        await link.channel.queue_declare(BOUND, durable=True, arguments=QUORUM)
        noted, last = await _read_notes(link.channel)
        known = {queue: noted.get(queue, set()) | set(types) for queue, types in bindings.items()}
        # Noted before it is bound: a binding that nobody knows of would stay for ever.
        await _write_note(link.channel, noted | known)
        await declare(link.channel, bindings)
        for queue, types in bindings.items():
            for type_ in sorted(known[queue] - set(types)):
                await link.channel.queue_unbind(queue_name(queue), EVENTS, routing_key=type_)
        if last is not None:
            await link.channel.basic_ack(last, multiple=True)


async def _read_notes(channel: Channel) -> tuple[dict[str, set[str]], int | None]:
    """What was ever bound, and the tag up to which the notes can be acknowledged once there is a newer one."""
    noted: dict[str, set[str]] = {}
    last = None
    while True:
        found = await channel.basic_get(BOUND)
        if not isinstance(found.delivery, Basic.GetOk):
            return noted, last
        last = found.delivery.delivery_tag
        for queue, types in orjson.loads(found.body).items():
            noted.setdefault(queue, set()).update(types)


async def _write_note(channel: Channel, noted: Mapping[str, set[str]]) -> None:
    body = orjson.dumps({queue: sorted(types) for queue, types in noted.items()})
    properties = Basic.Properties(content_type="application/json", delivery_mode=2)
    await channel.basic_publish(body, routing_key=BOUND, properties=properties, mandatory=True)
