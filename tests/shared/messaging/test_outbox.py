"""Outbox and relay: facts leave exactly with their effects, in order, whatever dies in between."""

import asyncio
from uuid import UUID

import httpx
import pytest
from prometheus_client import REGISTRY

from shared.bus.pg.transport import PgTransport
from shared.bus.transport import PublishError
from shared.context.ctx import TenantFacts
from shared.database.pool import Database
from shared.database.rls import role_password, worker_role
from shared.messaging.relay import Relay
from tests.kit.suite import ROLE_SECRET, Suite, eventually
from tests.kit.suite import test_settings as settings_for_tests
from tests.shared.given_notes import effects_of, execute, given_note, given_published, rows
from tests.shared.processes import idle_suite, killed_at, probe_process


async def test_effect_and_fact_are_committed_together(
    kernel: Suite, owner: TenantFacts, probe: httpx.AsyncClient
):
    note = await given_published(probe)

    facts = await kernel.outbox("probe", owner.id)
    history = await rows(kernel.url, "probe", "history", aggregate_id=UUID(note["id"]))

    assert [f["type"] for f in facts] == ["probe.note.published.v1"]
    assert [h["to_state"] for h in history] == ["draft", "published"]


async def test_a_rollback_leaves_neither_effect_nor_fact(
    kernel: Suite, owner: TenantFacts, probe: httpx.AsyncClient
):
    note = await given_note(probe)

    answer = await probe.post(f"/v1/notes/{note['id']}/explode")

    assert answer.status_code == 500
    assert await kernel.outbox("probe", owner.id) == []
    assert (await probe.get(f"/v1/notes/{note['id']}")).json()["state"] == "draft"


@pytest.mark.parametrize("point", ["before-publish", "after-publish", "after-effect"])
async def test_a_kill_at_any_point_neither_loses_nor_doubles_the_effect(fresh_url: str, point: str):
    async with idle_suite(fresh_url) as suite:
        tenant = await suite.new_tenant()
        note = await given_published(suite.client("probe", tenant), times=3)
        await killed_at(fresh_url, point)

        async with probe_process(fresh_url):
            await suite.settled(within=30)

        assert await effects_of(suite, note["id"]) == ["published 0", "published 1", "published 2"]
        assert await rows(fresh_url, "bus", "messages") == []


async def test_facts_stay_in_the_outbox_while_the_transport_refuses_and_leave_in_order_after(fresh_url: str):
    async with idle_suite(fresh_url) as suite:
        note = await given_published(suite.client("probe", await suite.new_tenant()), times=5)
        transport = suite.transport
        publish = transport.publish
        refusing = True

        async def refuse(messages):
            if refusing:
                return [PublishError("full") for _ in messages]
            return await publish(messages)

        transport.publish = refuse  # type: ignore[method-assign]
        relay = a_relay(fresh_url, transport)
        relay.start()
        await eventually(owns(relay, 16))
        waiting = [row for row in await rows(fresh_url, "probe", "outbox") if row["published_at"] is None]
        refusing = False
        await eventually(nothing_waits(fresh_url))
        await stop(relay)

        left = [m["body"] for m in await rows(fresh_url, "bus", "unrouted")]
        assert len(waiting) == 5
        assert [f'"number":{n}' in body for n, body in enumerate(left)] == [True] * 5
        assert note["id"] in left[0]


async def test_two_relays_share_the_partitions_and_keep_every_ordering_key_in_order(fresh_url: str):
    async with idle_suite(fresh_url) as suite:
        probe = suite.client("probe", await suite.new_tenant())
        one, two = a_relay(fresh_url, suite.transport), a_relay(fresh_url, suite.transport)
        one.start()
        await eventually(owns(one, 16))
        two.start()
        notes = [await given_published(probe, times=4) for _ in range(12)]
        await eventually(owns(two, 8))
        await asyncio.gather(*(publish_more(probe, note["id"]) for note in notes))
        await eventually(nothing_waits(fresh_url))
        shares = set(one.owned), set(two.owned)
        await stop(two)
        await eventually(owns(one, 16))
        await stop(one)

        bodies = [m["body"] for m in await rows(fresh_url, "bus", "unrouted")]
        assert not shares[0] & shares[1]
        assert len(shares[0] | shares[1]) == 16
        for note in notes:
            of_note = [body for body in bodies if note["id"] in body]
            assert [f'"number":{n}' in body for n, body in enumerate(of_note)] == [True] * 8


async def test_a_relay_goes_on_after_any_failure_of_its_transport(fresh_url: str):
    async with idle_suite(fresh_url) as suite:
        await given_published(suite.client("probe", await suite.new_tenant()))
        publish = suite.transport.publish
        failures = [RuntimeError("a bug of the transport")]

        async def fail_once(messages):
            if failures:
                raise failures.pop()
            return await publish(messages)

        suite.transport.publish = fail_once  # type: ignore[method-assign]
        relay = a_relay(fresh_url, suite.transport)
        relay.start()
        await eventually(nothing_waits(fresh_url))
        alive = relay.healthy
        await stop(relay)

        assert alive


async def test_a_stopping_relay_publishes_what_is_left(fresh_url: str):
    async with idle_suite(fresh_url) as suite:
        relay = a_relay(fresh_url, suite.transport, poll_seconds=60.0)
        relay.start()
        await eventually(owns(relay, 16))
        await given_published(suite.client("probe", await suite.new_tenant()))

        await stop(relay)

        assert await nothing_waits(fresh_url)()


async def test_the_age_of_what_waits_is_a_metric(fresh_url: str):
    async with idle_suite(fresh_url) as suite:
        await given_published(suite.client("probe", await suite.new_tenant()))
        await execute(fresh_url, "update probe.outbox set created_at = now() - interval '1 hour'")
        suite.transport.publish = away  # type: ignore[method-assign]
        relay = a_relay(fresh_url, suite.transport, service="probe_age")
        relay.start()

        async def told() -> bool:
            return (
                REGISTRY.get_sample_value("backoffice_outbox_age_seconds", {"service": "probe_age"}) or 0
            ) > 3500

        await eventually(told)
        waiting = REGISTRY.get_sample_value("backoffice_outbox_waiting", {"service": "probe_age"})
        await stop(relay)

        assert waiting == 1


async def test_relay_and_consumer_recover_by_themselves_when_postgres_drops_every_connection(fresh_url: str):
    async with probe_process(fresh_url) as process, idle_suite(fresh_url) as suite:
        assert process.stdout is not None
        await asyncio.wait_for(process.stdout.readline(), 30)
        probe = suite.client("probe", await suite.new_tenant())
        notes = [await given_published(probe)]
        for _ in range(3):
            await execute(
                fresh_url,
                "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() "
                "and pid <> pg_backend_pid()",
            )
            notes.append(await given_published(probe))
        await suite.settled(within=30)

        assert [await effects_of(suite, n["id"]) for n in notes] == [["published 0"]] * 4
        assert process.returncode is None


async def away(messages):
    return [PublishError("away") for _ in messages]


class _OwnedRelay(Relay):
    """A relay with a pool of its own."""

    pool: Database


def a_relay(url: str, transport: PgTransport, *, service: str = "probe", **settings: object) -> _OwnedRelay:
    role = worker_role("probe")
    pool = Database(
        url, user=role, password=role_password(ROLE_SECRET, role), size=2, application_name=f"relay {service}"
    )
    relay = _OwnedRelay(service, pool, transport, settings_for_tests(**settings))
    relay.pool = pool
    return relay


async def stop(relay: _OwnedRelay) -> None:
    await relay.stop()
    await relay.pool.close()


def owns(relay: Relay, count: int):
    async def asked() -> bool:
        return len(relay.owned) == count and relay.healthy

    return asked


def nothing_waits(url: str):
    async def asked() -> bool:
        return all(row["published_at"] is not None for row in await rows(url, "probe", "outbox"))

    return asked


async def publish_more(probe: httpx.AsyncClient, note_id: str) -> None:
    for number in range(4, 8):
        answer = await probe.post(f"/v1/notes/{note_id}/publish-again", params={"number": number})
        assert answer.status_code == 200, answer.text
