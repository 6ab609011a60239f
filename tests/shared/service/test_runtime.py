"""A running service: it tells the truth about its health, recovers by itself, keeps house, stops cleanly."""

import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from urllib.parse import urlsplit
from uuid import UUID

import asyncpg
import httpx
import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind

from shared.background.housekeeping import sweep
from shared.base import telemetry
from shared.base.loops import repeat
from tests.kit.suite import Suite, eventually, running_suite
from tests.kit.suite import test_settings as settings_for_tests
from tests.shared.given_notes import effects_of, execute, given_note, given_published, rows
from tests.shared.probe.service import PROBE
from tests.shared.processes import probe_process


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    telemetry.record_spans(SimpleSpanProcessor(exporter), 1.0)
    yield exporter
    telemetry._provider = telemetry._tracer = None


async def test_a_trace_runs_from_the_request_to_the_outbox_and_the_consumer_links_to_it(
    kernel: Suite, probe: httpx.AsyncClient, spans: InMemorySpanExporter
):
    note = await given_note(probe)
    caller = "00-0123456789abcdef0123456789abcdef-0123456789abcdef-01"

    answer = await probe.post(f"/v1/notes/{note['id']}/publish", headers={"traceparent": caller})
    await kernel.settled()

    found = spans.get_finished_spans()
    server = next(s for s in found if s.kind is SpanKind.SERVER and s.name.endswith("/publish"))
    consumer = next(s for s in found if s.kind is SpanKind.CONSUMER)
    (fact,) = [r for r in await rows(kernel.url, "probe", "outbox") if note["id"] in r["envelope"]]
    envelope = json.loads(fact["envelope"])
    assert answer.status_code == 200
    assert f"{server.context.trace_id:032x}" == "0123456789abcdef0123456789abcdef"
    assert envelope["traceparent"] == f"00-{server.context.trace_id:032x}-{server.context.span_id:016x}-01"
    assert [link.context.span_id for link in consumer.links] == [server.context.span_id]
    assert consumer.context.trace_id != server.context.trace_id


async def test_facts_carry_who_caused_them(kernel: Suite, probe: httpx.AsyncClient):
    note = await given_note(probe)

    answer = await probe.post(f"/v1/notes/{note['id']}/publish", headers={"x-request-id": "req-1"})

    (fact,) = [r for r in await rows(kernel.url, "probe", "outbox") if note["id"] in r["envelope"]]
    envelope = json.loads(fact["envelope"])
    assert answer.headers["x-request-id"] == "req-1"
    assert (envelope["specversion"], envelope["correlationid"], envelope["actorid"], envelope["partitionkey"]) == (
        "1.0", "req-1", "client-of-a-test", f"note:{note['id']}",
    )  # fmt: skip
    assert envelope["aggregateversion"] == 2


async def test_metrics_are_exposed(kernel: Suite, probe: httpx.AsyncClient):
    await given_published(probe)
    await kernel.settled()

    text = (await kernel.anonymous("probe").get("/metrics")).text

    for name in ("request_seconds", "outbox_age_seconds", "inbox_held", "events_published_total", "event_lag_seconds",
                 "due_age_seconds", "jobs_open"):  # fmt: skip
        assert f"backoffice_{name}" in text, name
    assert 'backoffice_events_consumed_total{outcome="done",service="probe"}' in text


async def test_metrics_are_no_business_of_other_networks_nor_of_proxies(kernel: Suite):
    app = kernel["probe"].app
    answers = {}
    for peer, headers in (
        ("10.0.0.7", {}),
        ("203.0.113.9", {}),
        ("10.0.0.7", {"x-forwarded-for": "203.0.113.9"}),
    ):
        transport = httpx.ASGITransport(app=app, client=(peer, 1234))
        async with httpx.AsyncClient(transport=transport, base_url="http://probe") as client:
            answers[peer, *headers] = (await client.get("/metrics", headers=headers)).status_code
            unknown = await client.get("/nothing/here")

    assert answers == {("10.0.0.7",): 200, ("203.0.113.9",): 404, ("10.0.0.7", "x-forwarded-for"): 404}
    assert unknown.status_code == 404


async def test_readiness_tells_the_truth_while_the_database_is_away_and_after(fresh_url: str, admin_url: str):
    async with running_suite(fresh_url, [PROBE], settings=settings_for_tests(shutdown_seconds=5)) as suite:
        nobody = suite.anonymous("probe")
        name = urlsplit(fresh_url).path[1:]

        async def ready(status: int) -> bool:
            return (await nobody.get("/readyz")).status_code == status

        async def database_missed() -> bool:
            answer = await nobody.get("/readyz")
            return answer.status_code == 503 and "database does not answer" in answer.text

        await eventually(lambda: ready(200))
        await _connections(admin_url, name, allowed=False)
        try:
            alive = await nobody.get("/livez")
            await eventually(database_missed)
            refused = await suite.client("probe", _facts()).get("/v1/notes")
        finally:
            await _connections(admin_url, name, allowed=True)
        await eventually(lambda: ready(200), within=15)
        note = await given_published(suite.client("probe", await suite.new_tenant()))
        await suite.settled()

        assert alive.status_code == 200
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
        assert await effects_of(suite, note["id"]) == ["published 0"]


async def _connections(admin_url: str, name: str, *, allowed: bool) -> None:
    admin = await asyncpg.connect(admin_url)
    await admin.execute(f'alter database "{name}" allow_connections {str(allowed).lower()}')
    if not allowed:
        await admin.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = $1 and pid <> pg_backend_pid()",
            name,
        )
    await admin.close()


def _facts():
    from shared.context.ctx import TenantFacts
    from shared.values.ids import new_id

    return TenantFacts(new_id(), "Acme", "Acme Ltd", "GB", "GBP", "Europe/London")


async def test_a_stopping_process_finishes_what_is_in_hand(fresh_url: str):
    async with probe_process(fresh_url) as process:
        assert process.stdout is not None
        await asyncio.wait_for(process.stdout.readline(), 30)
        process.terminate()

        assert await asyncio.wait_for(process.wait(), 15) == 0


async def test_a_stopped_service_leaves_no_task_and_no_connection(fresh_url: str, admin_url: str):
    before = named_tasks()
    async with running_suite(fresh_url, [PROBE]) as suite:
        await given_published(suite.client("probe", await suite.new_tenant()))
        await suite.settled()

    admin = await asyncpg.connect(fresh_url)

    async def alone() -> bool:
        return (
            await admin.fetchval("select count(*) from pg_stat_activity where datname = current_database()")
            == 1
        )

    await eventually(alone)
    await admin.close()
    assert named_tasks() == before


def named_tasks() -> Counter[str]:
    """What runs in the background, by name; passing tasks of the event loop's own have none."""
    names = (task.get_name() for task in asyncio.all_tasks())
    return Counter(name for name in names if not name.startswith("Task-"))


async def test_a_loop_goes_on_after_any_failure(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("shared.base.loops.AFTER_FAILURE_SECONDS", 0.01)
    stopping = asyncio.Event()
    failures: list[Exception] = [RuntimeError("a bug"), asyncpg.InternalClientError("away"), OSError("away")]

    async def work() -> bool:
        if failures:
            raise failures.pop()
        stopping.set()
        return False

    await asyncio.wait_for(repeat("test", work, stopping, 60.0), 5)

    assert failures == []


async def test_housekeeping_removes_what_is_old_and_nothing_else(kernel: Suite, probe: httpx.AsyncClient):
    notes = [await given_published(probe) for _ in range(2)]
    await probe.post("/v1/notes", json={"title": "kept answer"}, headers={"idempotency-key": "new"})
    await kernel.settled()
    old, new = (UUID(n["id"]) for n in notes)
    ordering_key = f"note:{old}"
    for statement in (
        "update probe.outbox set published_at = now() - interval '80 hours' where ordering_key = $1",
        "update probe.inbox set done_at = now() - interval '300 hours' where ordering_key = $1",
    ):
        await execute(kernel.url, statement, ordering_key)

    await sweep(kernel["probe"].worker_db, kernel["probe"].settings)

    left = {r["ordering_key"] for r in await rows(kernel.url, "probe", "outbox")}
    remembered = {r["ordering_key"] for r in await rows(kernel.url, "probe", "inbox")}
    assert ordering_key not in left | remembered
    assert f"note:{new}" in left & remembered
    assert await rows(kernel.url, "probe", "idempotency_keys", key="new")


@pytest.mark.parametrize(
    "change",
    [{"kind": "enum"}, {"time_zone": "Mars/Base"}, {"clock_offset_seconds": -1}, {"extra": 1}, {"id": "x"}],
)
async def test_a_tenant_that_cannot_be_is_refused(kernel: Suite, owner, change: dict[str, object]):
    from shared.context.ctx import SYSTEM
    from shared.service.provisioning import PATH, SCOPE, TenantWanted

    body = TenantWanted.of(owner).model_dump(mode="json") | change

    answer = await kernel.client("probe", owner, scopes={SCOPE}, actor=SYSTEM).put(PATH, json=body)

    assert answer.status_code == 400
