"""Long jobs: progress, a lease, resumption after a death, cancellation, visible failure."""

import asyncio
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest

from shared.background import jobs
from shared.background.jobs import JobRunner
from tests.kit.suite import Suite, eventually
from tests.shared.given_notes import effects_of, execute, given_note, rows
from tests.shared.probe.notes import switches
from tests.shared.processes import idle_suite, probe_process

STEPS = [f"step {n}" for n in range(5)]


async def job_of(url: str, note_id: str) -> asyncpg.Record:
    (row,) = await rows(url, "probe", "jobs", id=UUID(note_id))
    return row


def in_state(url: str, note_id: str, state: str):
    async def asked() -> bool:
        return (await job_of(url, note_id))["state"] == state

    return asked


async def given_job(probe: httpx.AsyncClient, title: str = "") -> str:
    note_id: str = (await given_note(probe, title or f"job {uuid4().hex}"))["id"]
    answer = await probe.post(f"/v1/notes/{note_id}/count")
    assert answer.status_code == 200, answer.text
    return note_id


async def test_a_job_reports_its_progress_to_the_end(kernel: Suite, probe: httpx.AsyncClient):
    note_id = await given_job(probe)

    await eventually(in_state(kernel.url, note_id, "done"))

    job = await job_of(kernel.url, note_id)
    assert (job["done"], job["total"], job["attempts"]) == (5, 5, 1)
    assert await effects_of(kernel, note_id) == STEPS


async def test_a_failing_job_is_shown_with_its_reason(kernel: Suite, probe: httpx.AsyncClient):
    note_id = await given_job(probe, f"always-fails {uuid4().hex}")

    await eventually(in_state(kernel.url, note_id, "failed"))

    assert (await job_of(kernel.url, note_id))["error"] == "RuntimeError: this note cannot be handled"


async def test_a_job_of_a_kind_that_only_a_newer_release_knows_waits_for_its_worker(
    kernel: Suite, probe: httpx.AsyncClient
):
    unknown, known = str((await given_note(probe, f"later {uuid4().hex}"))["id"]), ""
    await execute(
        kernel.url,
        "insert into probe.jobs (tenant_id, id, kind, actor_id, actor_kind, request_id, traceparent) "
        "select tenant_id, id, 'of a newer release', 'a-test', 'client', 'r', '' from probe.notes where id = $1",
        UUID(unknown),
    )

    known = await given_job(probe)
    await eventually(in_state(kernel.url, known, "done"))

    assert (await job_of(kernel.url, unknown))["state"] == "pending"


async def test_a_job_whose_process_is_killed_is_resumed_when_its_lease_runs_out(fresh_url: str):
    async with idle_suite(fresh_url) as suite:
        note_id = await given_job(suite.client("probe", await suite.new_tenant()), "kills-its-process")
        async with probe_process(fresh_url) as process:
            await asyncio.wait_for(process.wait(), 30)
        died = await job_of(fresh_url, note_id)
        await execute(fresh_url, "update probe.notes set title = 'harmless now'")
        await execute(fresh_url, "update probe.jobs set lease_until = now()")

        async with probe_process(fresh_url):
            await eventually(in_state(fresh_url, note_id, "done"), within=30)

        assert (died["state"], died["attempts"]) == ("running", 1)
        assert await effects_of(suite, note_id) == STEPS


async def test_a_job_that_kills_every_process_fails_in_the_end(kernel: Suite, probe: httpx.AsyncClient):
    title = f"held {uuid4().hex}"
    switches.BEFORE_EFFECT[title] = asyncio.Event().wait
    note_id = (await given_note(probe, title))["id"]
    await execute(
        kernel.url,
        "insert into probe.jobs (tenant_id, id, kind, state, attempts, lease_until, actor_id, actor_kind, request_id, "
        "traceparent) select tenant_id, id, 'count', 'running', 5, now() - interval '1 s', 'a', 'client', 'r', '' "
        "from probe.notes where id = $1",
        UUID(note_id),
    )

    await eventually(in_state(kernel.url, note_id, "failed"))

    assert "died 5 times" in (await job_of(kernel.url, note_id))["error"]


async def test_a_cancelled_job_stops_at_its_next_report(kernel: Suite, probe: httpx.AsyncClient):
    title = f"waits {uuid4().hex}"
    release = asyncio.Event()
    switches.BEFORE_EFFECT[title] = release.wait
    note_id = await given_job(probe, title)
    await eventually(in_state(kernel.url, note_id, "running"))

    await execute(kernel.url, "update probe.jobs set state = 'cancelled' where id = $1", UUID(note_id))
    release.set()
    await eventually(no_job_runs(kernel))

    assert await effects_of(kernel, note_id) == []
    assert (await job_of(kernel.url, note_id))["state"] == "cancelled"


async def test_a_long_step_keeps_its_lease_and_a_stop_gives_it_back_uncounted(
    kernel: Suite, probe: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(jobs, "LEASE_SECONDS", 0.3)
    title = f"long {uuid4().hex}"
    release = asyncio.Event()
    switches.BEFORE_EFFECT[title] = release.wait
    note_id = await given_job(probe, title)
    await eventually(in_state(kernel.url, note_id, "running"))
    first = (await job_of(kernel.url, note_id))["lease_until"]

    async def renewed() -> bool:
        return (await job_of(kernel.url, note_id))["lease_until"] > first

    await eventually(renewed)
    stopped = next(t for t in kernel["probe"]._tasks if t.get_name() == "jobs:probe")
    stopped.cancel()
    await asyncio.gather(stopped, return_exceptions=True)
    given_back = await job_of(kernel.url, note_id)
    release.set()
    running = kernel["probe"]
    runner = JobRunner(running, running.service.job_functions())
    running._tasks.remove(stopped)
    running._tasks.append(
        asyncio.create_task(jobs.run_jobs(runner, running._stopping, 0.05), name="jobs:probe")
    )
    await eventually(in_state(kernel.url, note_id, "done"))

    assert (given_back["state"], given_back["attempts"]) == ("pending", 0)
    assert await effects_of(kernel, note_id) == STEPS


def no_job_runs(kernel: Suite):
    async def asked() -> bool:
        names = {t.get_name() for t in asyncio.all_tasks()}
        return not any(name.startswith("lease of job") for name in names)

    return asked
