"""What every transport has to do: inherit `TransportConformance` and give it a `transport` and a way to break it."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from uuid import UUID, uuid4

import pytest

from shared.bus.transport import Delivery, Subscription, Transport
from shared.contracts.event import Envelope
from shared.values.ids import new_id
from tests.kit.suite import eventually
from tests.shared.bus.processes import consumed_by_process

TENANT = UUID(int=1)


def message(ordering_key: str, text: str, type_: str = "probe.note.published.v1") -> Envelope:
    """A message whose text tells who it is."""
    return Envelope(id=new_id(), type=type_, tenant_id=TENANT, ordering_key=ordering_key, text=text)


class Received:
    """A consumer that remembers what it got, and can be told to fail or to be slow."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.by_key: dict[str, list[str]] = defaultdict(list)
        self.redelivered: list[str] = []
        self.tries: list[str] = []
        self.running = self.most_at_once = 0
        self.keys_running: list[str] = []
        self.before: Callable[[Delivery], Awaitable[None]] | None = None

    async def __call__(self, delivery: Delivery) -> None:
        assert delivery.ordering_key not in self.keys_running, (
            "two messages of one ordering key at the same time"
        )
        self.keys_running.append(delivery.ordering_key)
        self.running += 1
        self.most_at_once = max(self.most_at_once, self.running)
        self.tries.append(delivery.text)
        try:
            if self.before is not None:
                await self.before(delivery)
            self.texts.append(delivery.text)
            self.by_key[delivery.ordering_key].append(delivery.text)
            if delivery.redelivered:
                self.redelivered.append(delivery.text)
        finally:
            self.running -= 1
            self.keys_running.remove(delivery.ordering_key)

    async def reached(self, count: int, *, within: float = 15.0) -> None:
        async def enough() -> bool:
            return len(self.texts) >= count

        await eventually(enough, within=within)


class TransportConformance:
    """The contract of `shared.bus.Transport`; a subclass brings `transport` and the helpers below."""

    @pytest.fixture
    def queue(self) -> str:
        return f"q-{uuid4().hex}"

    @pytest.fixture
    def type_(self) -> str:
        return f"probe.t{uuid4().hex[:8].translate(str.maketrans('0123456789', 'ghijklmnop'))}.published.v1"

    async def waiting(self, queue: str) -> int:
        """How many messages a queue holds that nobody has acknowledged."""
        raise NotImplementedError

    async def unrouted(self, type_: str) -> list[str]:
        """The texts of messages nobody wanted."""
        raise NotImplementedError

    async def kill(self, subscription: Subscription) -> None:
        """End a consumer as a crash would: no acknowledgement, no goodbye."""
        raise NotImplementedError

    async def cut_connections(self) -> None:
        """Break every connection of the transport from the other side."""
        raise NotImplementedError

    async def want_only(self, queue: str, type_: str) -> None:
        """From now on, as after an upgrade, the queue wants this type and nothing else."""
        raise NotImplementedError

    def address(self) -> list[str]:
        """Kind and address of the transport, for consumers that are processes of their own."""
        raise NotImplementedError

    async def away(self) -> Transport:
        """A transport whose other side is not there."""
        raise NotImplementedError

    @asynccontextmanager
    async def consuming(
        self, transport: Transport, queue: str, type_: str, deliver: Received, *, concurrency: int = 4
    ) -> AsyncIterator[Subscription]:
        subscription = await transport.subscribe(queue, [type_], deliver, concurrency=concurrency)
        try:
            yield subscription
        finally:
            await subscription.stop()

    async def test_what_is_published_is_consumed_and_gone(self, transport: Transport, queue: str, type_: str):
        received = Received()
        async with self.consuming(transport, queue, type_, received):
            outcome = await transport.publish([message("a", "one", type_), message("b", "two", type_)])
            await received.reached(2)

        assert outcome == [None, None]
        assert sorted(received.texts) == ["one", "two"]
        assert received.redelivered == []
        assert await self.waiting(queue) == 0

    async def test_messages_that_wait_for_their_consumer_are_no_redeliveries(
        self, transport: Transport, queue: str, type_: str
    ):
        async with self.consuming(transport, queue, type_, Received()):
            pass
        await transport.publish([message("a", str(n), type_) for n in range(50)])

        received = Received()
        async with self.consuming(transport, queue, type_, received):
            await received.reached(50)

        assert received.texts == [str(n) for n in range(50)]
        assert received.redelivered == []

    async def test_a_ordering_key_keeps_its_order_over_many_batches(
        self, transport: Transport, queue: str, type_: str
    ):
        received = Received()
        async with self.consuming(transport, queue, type_, received):
            for start in range(0, 600, 60):
                await transport.publish(
                    [message(f"key-{n % 3}", str(n), type_) for n in range(start, start + 60)]
                )
            await received.reached(600)

        for ordering_key in range(3):
            assert received.by_key[f"key-{ordering_key}"] == [
                str(n) for n in range(600) if n % 3 == ordering_key
            ]

    async def test_ordering_keys_run_side_by_side_up_to_the_limit(
        self, transport: Transport, queue: str, type_: str
    ):
        received = Received()
        release = asyncio.Event()

        async def wait(_: Delivery) -> None:
            await release.wait()

        received.before = wait
        async with self.consuming(transport, queue, type_, received, concurrency=3):
            await transport.publish([message(f"key-{n}", str(n), type_) for n in range(8)])

            async def full() -> bool:
                return received.running == 3

            await eventually(full)
            release.set()
            await received.reached(8)

        assert received.most_at_once == 3

    async def test_duplicates_pass_through(self, transport: Transport, queue: str, type_: str):
        received = Received()
        twice = message("a", "again", type_)
        async with self.consuming(transport, queue, type_, received):
            await transport.publish([twice])
            await transport.publish([twice])
            await received.reached(2)

        assert received.texts == ["again", "again"]

    async def test_a_failing_message_comes_again_and_holds_its_ordering_key_only(
        self, transport: Transport, queue: str, type_: str
    ):
        received = Received()
        broken = True

        async def fail(delivery: Delivery) -> None:
            if delivery.text == "a0" and broken:
                raise RuntimeError("not now")

        received.before = fail
        async with self.consuming(transport, queue, type_, received):
            await transport.publish(
                [
                    message(ordering_key, f"{ordering_key}{n}", type_)
                    for n in range(40)
                    for ordering_key in "ab"
                ]
            )
            await received.reached(40)

            async def tried_again() -> bool:
                return received.tries.count("a0") >= 3

            await eventually(tried_again)
            await transport.publish([message("a", f"a{n}", type_) for n in range(40, 60)])
            held = list(received.by_key["a"])
            broken = False
            await received.reached(100)

        assert held == []
        assert received.by_key["a"] == [f"a{n}" for n in range(60)]
        assert received.by_key["b"] == [f"b{n}" for n in range(40)]

    async def test_a_slow_ordering_key_with_a_long_queue_does_not_stop_the_others(
        self, transport: Transport, queue: str, type_: str
    ):
        received = Received()
        release = asyncio.Event()

        async def slow(delivery: Delivery) -> None:
            if delivery.ordering_key == "slow":
                await release.wait()

        received.before = slow
        async with self.consuming(transport, queue, type_, received):
            await transport.publish([message("slow", f"s{n}", type_) for n in range(500)])
            await transport.publish([message(f"quick-{n % 5}", f"q{n}", type_) for n in range(100)])
            await received.reached(100)
            quick_first = all(text.startswith("q") for text in received.texts[:100])
            release.set()
            await received.reached(600)

        assert quick_first
        assert received.by_key["slow"] == [f"s{n}" for n in range(500)]

    async def test_a_consumer_killed_between_effect_and_acknowledgement_gets_the_message_again_marked(
        self, transport: Transport, queue: str, type_: str
    ):
        first = Received()
        stuck = asyncio.Event()

        async def die(delivery: Delivery) -> None:
            first.texts.append(delivery.text)
            await stuck.wait()

        first.before = die
        killed = await transport.subscribe(queue, [type_], first, concurrency=1)
        await transport.publish([message("a", "begun", type_)])
        await first.reached(1)
        await self.kill(killed)
        await transport.publish([message("a", "later", type_)])

        second = Received()
        async with self.consuming(transport, queue, type_, second):
            await second.reached(2)

        assert second.texts == ["begun", "later"]
        assert second.redelivered == ["begun"]

    async def test_a_message_nobody_wants_is_kept_aside(self, transport: Transport, type_: str):
        outcome = await transport.publish([message("a", "alone", type_)])

        assert outcome == [None]
        assert await self.unrouted(type_) == ["alone"]

    async def test_a_type_no_longer_wanted_is_unbound(self, transport: Transport, queue: str, type_: str):
        await self.want_only(queue, type_)
        async with self.consuming(transport, queue, type_, Received()):
            pass
        await self.want_only(queue, "probe.other.published.v1")
        async with self.consuming(transport, queue, "probe.other.published.v1", Received()):
            await transport.publish([message("a", "unwanted", type_)])

        assert await self.unrouted(type_) == ["unwanted"]

    async def test_a_process_of_the_release_before_does_not_unbind_what_its_successor_wants(
        self, transport: Transport, queue: str, type_: str
    ):
        async with self.consuming(transport, queue, type_, Received()):
            pass
        async with self.consuming(transport, queue, "probe.other.published.v1", Received()):
            pass

        await transport.publish([message("a", "for the successor", type_)])

        assert await self.waiting(queue) == 1

    async def test_ordering_keys_overtake_each_other_but_no_message_its_own_ordering_key(
        self, transport: Transport, queue: str, type_: str
    ):
        received = Received()
        chance = Random(7)

        async def now_and_then(_: Delivery) -> None:
            if chance.random() < 0.3:
                await asyncio.sleep(chance.random() / 100)

        received.before = now_and_then
        async with self.consuming(transport, queue, type_, received):
            sent = [message(f"key-{n % 12}", str(n), type_) for n in range(240)]
            await transport.publish(sent)
            await received.reached(240)

        assert received.texts != [m.text for m in sent]
        for ordering_key in range(12):
            assert received.by_key[f"key-{ordering_key}"] == [
                str(n) for n in range(240) if n % 12 == ordering_key
            ]

    async def test_a_process_killed_between_effect_and_acknowledgement_loses_nothing(
        self, transport: Transport, queue: str, type_: str, tmp_path: Path
    ):
        await self.want_only(queue, type_)
        await transport.publish([message(f"key-{n % 4}", str(n), type_) for n in range(40)])

        killed = await consumed_by_process(self.address(), queue, type_, tmp_path, die_after="17")
        left = Received()
        async with self.consuming(transport, queue, type_, left):
            await eventually(self._all_of(left, killed, 40), within=20)

        assert "17" in killed
        assert "17" in left.redelivered
        for ordering_key in range(4):
            whole = [t for t in [*killed, *left.texts] if int(t) % 4 == ordering_key]
            assert list(dict.fromkeys(whole)) == [str(n) for n in range(40) if n % 4 == ordering_key]

    async def test_a_message_that_kills_its_process_comes_again_marked_and_its_neighbours_live(
        self, transport: Transport, queue: str, type_: str, tmp_path: Path
    ):
        await self.want_only(queue, type_)
        await transport.publish([message("bad", "poison", type_)])
        for _ in range(2):
            await consumed_by_process(self.address(), queue, type_, tmp_path, die_before="poison")
        await transport.publish([message("good", "neighbour", type_)])

        received = Received()
        async with self.consuming(transport, queue, type_, received):
            await received.reached(2)

        assert sorted(received.texts) == ["neighbour", "poison"]
        # Its neighbour, too, where the broker gave it to the process that was dying.
        assert "poison" in received.redelivered

    async def test_a_message_that_is_no_event_of_ours_is_handed_over_as_it_is(
        self, transport: Transport, queue: str, type_: str
    ):
        received = Received()
        async with self.consuming(transport, queue, type_, received):
            await transport.publish(
                [message("a", '{"half": "an ev', type_), message("a", "ü \U0001f4e6", type_)]
            )
            await received.reached(2)

        assert received.texts == ['{"half": "an ev', "ü \U0001f4e6"]

    async def test_every_queue_gets_its_own_copy(self, transport: Transport, queue: str, type_: str):
        one, other = Received(), Received()
        async with (
            self.consuming(transport, queue, type_, one),
            self.consuming(transport, f"{queue}-2", type_, other),
        ):
            await transport.publish([message("a", "both", type_)])
            await one.reached(1)
            await other.reached(1)

    async def test_one_consumer_is_active_and_the_second_takes_over_when_it_dies(
        self, transport: Transport, queue: str, type_: str
    ):
        first, second = Received(), Received()
        one = await transport.subscribe(queue, [type_], first, concurrency=2)
        await transport.publish([message("a", "0", type_)])
        await first.reached(1)
        async with self.consuming(transport, queue, type_, second):
            await transport.publish([message("a", str(n), type_) for n in range(1, 20)])
            await first.reached(20)
            while_alive = list(second.texts)
            await self.kill(one)
            await transport.publish([message("a", str(n), type_) for n in range(20, 40)])
            await eventually(self._has(second, "39"))

        assert while_alive == []
        assert [t for t in second.texts if int(t) >= 20] == [str(n) for n in range(20, 40)]

    async def test_a_clean_stop_finishes_and_acknowledges_what_is_in_hand(
        self, transport: Transport, queue: str, type_: str
    ):
        received = Received()
        release = asyncio.Event()

        async def wait(_: Delivery) -> None:
            await release.wait()

        received.before = wait
        subscription = await transport.subscribe(queue, [type_], received, concurrency=2)
        await transport.publish([message("a", "a", type_), message("b", "b", type_)])

        async def both() -> bool:
            return received.running == 2

        await eventually(both)
        stopping = asyncio.create_task(subscription.stop())
        await asyncio.sleep(0)
        release.set()
        await stopping

        assert sorted(received.texts) == ["a", "b"]
        assert not subscription.healthy
        assert await self.waiting(queue) == 0

    async def test_broken_connections_lose_nothing_and_keep_the_order(
        self, transport: Transport, queue: str, type_: str
    ):
        received = Received()
        async with self.consuming(transport, queue, type_, received) as subscription:
            for n in range(0, 90, 30):
                await self._published(transport, [message("a", str(i), type_) for i in range(n, n + 30)])
                await self.cut_connections()
            await eventually(self._has(received, "89"), within=20)

            async def healthy() -> bool:
                return subscription.healthy

            await eventually(healthy)

        first_seen = list(dict.fromkeys(received.texts))
        assert first_seen == [str(n) for n in range(90)]

    async def test_publishing_while_the_other_side_is_away_is_refused_not_lost(self, type_: str):
        nowhere = await self.away()
        try:
            outcome = await nowhere.publish([message("a", "1", type_), message("a", "2", type_)])
        finally:
            await nowhere.close()

        assert [str(o) != "" and isinstance(o, Exception) for o in outcome] == [True, True]

    async def _published(self, transport: Transport, messages: list[Envelope]) -> None:
        """Publish as the relay does: again until it is taken."""

        async def taken() -> bool:
            return all(refused is None for refused in await transport.publish(messages))

        await eventually(taken)

    def _all_of(self, received: Received, killed: list[str], count: int) -> Callable[[], Awaitable[bool]]:
        async def all_there() -> bool:
            return len({*killed, *received.texts}) == count

        return all_there

    def _has(self, received: Received, text: str) -> Callable[[], Awaitable[bool]]:
        async def has() -> bool:
            return text in received.texts

        return has
