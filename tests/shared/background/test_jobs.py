"""Long jobs: progress, a lease, resumption at a checkpoint, cancellation, visible failure that its owner learns of."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import structlog

from shared.background import job_queue, jobs
from shared.background.job_runner import JobRunner
from shared.background.jobs import JobCancelled, JobRun
from shared.context.ctx import TenantFacts
from shared.values.faults import Unavailable
from tests.kit.suite import Suite, eventually
from tests.kit.suite import test_settings as settings_for_tests
from tests.shared.background.given_jobs import STEPS, given_job, held, in_state, job_of, queued
from tests.shared.given_notes import effects_of, execute, given_note
from tests.shared.probe.notes import switches
from tests.shared.processes import KILLED, idle_suite, probe_process

NOT_BEGUN = "select tenant_id, id, $2, 'a', 'client', 'r', '' from probe.notes where id = $1"
BEGUN_FIVE_TIMES = """
insert into probe.jobs
  (tenant_id, id, kind, actor_id, actor_kind, request_id, traceparent, state, attempts, lease_until)
select tenant_id, id, $2, 'a', 'client', 'r', '', 'running', 5, now() - interval '1 s' from probe.notes where id = $1
"""


async def test_a_job_reports_its_progress_to_the_end(kernel: Suite, probe: httpx.AsyncClient):
    note_id = await given_job(probe)

    await eventually(in_state(kernel.url, note_id, "done"))

    job = await job_of(kernel.url, note_id)
    assert (job["done"], job["total"], job["attempts"]) == (5, 5, 1)
    assert job["created_at"] <= job["started_at"] <= job["finished_at"]
    assert await effects_of(kernel, note_id) == STEPS


async def test_a_failing_job_tells_a_code_and_a_sentence_and_only_the_log_tells_the_error(
    kernel: Suite, probe: httpx.AsyncClient
):
    with every_line_logged() as logged:
        note_id = await given_job(probe, f"always-fails {uuid4().hex}")
        await eventually(in_state(kernel.url, note_id, "failed"))

    job = await job_of(kernel.url, note_id)
    (line,) = [line for line in logged if line["event"] == "job failed"]
    assert (job["error_code"], line["job_id"]) == ("job_failed", note_id)
    assert "error on our side" in job["error"]
    assert not any("IBAN" in str(value) for value in job.values())


@contextmanager
def every_line_logged() -> Iterator[list[Any]]:
    """The lines of the log, whatever the tests' level is."""
    kept = structlog.get_config()
    structlog.configure(wrapper_class=structlog.BoundLogger)
    with structlog.testing.capture_logs() as entries:
        yield entries
    structlog.configure(**kept)


async def test_a_job_that_is_refused_tells_why(kernel: Suite, probe: httpx.AsyncClient):
    note_id = await given_job(probe, f"refused {uuid4().hex}")

    await eventually(in_state(kernel.url, note_id, "failed"))

    job = await job_of(kernel.url, note_id)
    assert (job["error_code"], job["error"]) == ("note_not_countable", "This note is not for counting.")


async def test_a_job_of_a_kind_that_only_a_newer_release_knows_waits_for_its_worker(
    kernel: Suite, probe: httpx.AsyncClient
):
    unknown, known = str((await given_note(probe, f"later {uuid4().hex}"))["id"]), ""
    await execute(
        kernel.url,
        "insert into probe.jobs (tenant_id, id, kind, actor_id, actor_kind, request_id, traceparent) "
        + NOT_BEGUN,
        UUID(unknown),
        "of a newer release",
    )

    known = await given_job(probe)
    await eventually(in_state(kernel.url, known, "done"))

    assert (await job_of(kernel.url, unknown))["state"] == "pending"
    await execute(kernel.url, "delete from probe.jobs where id = $1", UUID(unknown))


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


async def test_killed_in_the_middle_a_job_goes_on_at_its_checkpoint(fresh_url: str):
    async with idle_suite(fresh_url) as suite:
        walker = suite.client("probe", await suite.new_tenant())
        note_id = await given_job(walker, "dies-at-its-fourth step", verb="walk")
        async with probe_process(fresh_url) as process:
            assert await asyncio.wait_for(process.wait(), 30) == KILLED
        died, done_before = await job_of(fresh_url, note_id), await effects_of(suite, note_id)
        await execute(fresh_url, "update probe.notes set title = 'harmless now'")
        await execute(fresh_url, "update probe.jobs set lease_until = now()")

        async with probe_process(fresh_url):
            await eventually(in_state(fresh_url, note_id, "done"), within=30)

        assert (died["state"], died["checkpoint"], done_before) == ("running", '{"step":3}', STEPS[:3])
        assert await effects_of(suite, note_id) == STEPS


async def test_a_job_that_kills_every_process_fails_in_the_end_and_tells_its_owner(fresh_url: str):
    async with idle_suite(fresh_url) as suite:
        walker = suite.client("probe", await suite.new_tenant())
        note_id = await given_job(walker, "kills-its-process", verb="walk")
        await execute(fresh_url, "update probe.jobs set attempts = 4")  # four have died already
        async with probe_process(fresh_url) as process:
            assert await asyncio.wait_for(process.wait(), 30) == KILLED
        await execute(fresh_url, "update probe.jobs set lease_until = now()")

        async with probe_process(fresh_url):
            await eventually(in_state(fresh_url, note_id, "failed"), within=30)

        job = await job_of(fresh_url, note_id)
        assert (job["error_code"], "5 times" in job["error"]) == ("job_died", True)
        assert await effects_of(suite, note_id) == ["failed: job_died"]


async def test_a_failed_job_closes_what_it_works_on(kernel: Suite, probe: httpx.AsyncClient):
    note_id = await given_job(probe, f"always-fails {uuid4().hex}", verb="walk")

    await eventually(in_state(kernel.url, note_id, "failed"))

    assert await effects_of(kernel, note_id) == ["failed: job_failed"]


async def test_a_job_fails_even_if_what_closes_its_work_fails(kernel: Suite, probe: httpx.AsyncClient):
    note_id = (await given_note(probe, f"cannot be closed {uuid4().hex}"))["id"]
    await execute(kernel.url, BEGUN_FIVE_TIMES, UUID(note_id), "walk")

    await eventually(in_state(kernel.url, note_id, "failed"))

    assert (await job_of(kernel.url, note_id))["error_code"] == "job_died"


async def test_a_cancelled_job_is_interrupted_and_leaves_nothing_of_its_step(
    kernel: Suite, probe: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(jobs, "LEASE_SECONDS", 0.3)
    title, _ = held("never goes on")
    note_id = await given_job(probe, title)
    await eventually(in_state(kernel.url, note_id, "running"))

    await execute(kernel.url, "update probe.jobs set state = 'cancelled' where id = $1", UUID(note_id))
    await eventually(no_job_runs())

    assert await effects_of(kernel, note_id) == []
    assert (await job_of(kernel.url, note_id))["state"] == "cancelled"


async def test_a_run_that_has_outlived_its_lease_can_write_no_more(
    kernel: Suite, probe: httpx.AsyncClient, owner: TenantFacts
):
    note_id = (await given_note(probe, f"of before {uuid4().hex}"))["id"]
    running = kernel["probe"]
    await execute(kernel.url, BEGUN_FIVE_TIMES.replace("5, now", "0, now"), UUID(note_id), "of two processes")
    kinds = ["of two processes"]
    runs = []
    for _ in range(2):
        row = await job_queue.claim(running.worker_db, kinds, but_of=[], seconds=0.0)
        assert row is not None
        runs.append(JobRun(running, row, asyncio.Event()))
    first, second = runs

    with pytest.raises(JobCancelled):
        async with first.transaction() as ctx:  # says nothing, so only the commit's own check is left
            await ctx.sql.execute("update notes set title = 'too late' where tenant_id = $1", owner.id)
    async with first._runtime.app_db.transaction(owner.id) as tx:
        titles = [r["title"] for r in await tx.sql.fetch("select title from notes")]
    async with second.transaction() as ctx:
        await second.progress(ctx, 1, checkpoint=[1])

    assert "too late" not in titles
    job = await job_of(kernel.url, note_id)
    assert (job["attempts"], job["done"], job["checkpoint"]) == (2, 1, "[1]")
    await execute(kernel.url, "delete from probe.jobs where id = $1", UUID(note_id))


async def test_a_checkpoint_names_a_place_and_holds_no_content(kernel: Suite, probe: httpx.AsyncClient):
    note_id = (await given_note(probe, f"large {uuid4().hex}"))["id"]
    await execute(kernel.url, BEGUN_FIVE_TIMES.replace("5, now", "0, now"), UUID(note_id), "large")
    row = await job_queue.claim(kernel["probe"].worker_db, ["large"], but_of=[], seconds=60.0)
    assert row is not None
    run = JobRun(kernel["probe"], row, asyncio.Event())

    with pytest.raises(ValueError, match="8192 bytes"):
        async with run.transaction() as ctx:
            await run.progress(ctx, 1, checkpoint="x" * 9000)

    await execute(kernel.url, "delete from probe.jobs where id = $1", UUID(note_id))


async def test_what_is_away_is_waited_for_and_counts_as_no_try(kernel: Suite, probe: httpx.AsyncClient):
    title = f"away {uuid4().hex}"

    async def away() -> None:
        if switches.TRIES[title] <= 7:  # more than a job may be begun
            raise Unavailable("for a test")

    switches.BEFORE_EFFECT[title] = away
    note_id = await given_job(probe, title)

    async def done() -> bool:
        await execute(
            kernel.url,
            "update probe.jobs set lease_until = now() where id = $1 and given_back > 0 and given_back < 8",
            UUID(note_id),
        )
        return await in_state(kernel.url, note_id, "done")()

    await eventually(done, within=30)

    assert await effects_of(kernel, note_id) == STEPS


async def test_a_long_step_keeps_its_lease_and_a_stop_gives_it_back_uncounted(
    kernel: Suite, probe: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(jobs, "LEASE_SECONDS", 0.3)
    title, release = held("long")
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
    begun_again(kernel, stopped)
    await eventually(in_state(kernel.url, note_id, "done"))

    assert (given_back["state"], given_back["attempts"] - given_back["given_back"]) == ("pending", 0)
    assert await effects_of(kernel, note_id) == STEPS


def begun_again(kernel: Suite, stopped: asyncio.Task[None]) -> None:
    """The loop that takes jobs up, in place of one that was ended."""
    running = kernel["probe"]
    running._tasks.remove(stopped)
    loop = running.jobs.run(running._stopping, 0.05)
    running._tasks.append(asyncio.create_task(loop, name="jobs:probe"))


async def test_a_stopping_process_ends_its_jobs_after_the_step_at_hand(fresh_url: str):
    async with idle_suite(fresh_url) as suite:
        title, release = held("in its first step")
        note_id = await given_job(suite.client("probe", await suite.new_tenant()), title, verb="walk")
        running, stopping = suite["probe"], asyncio.Event()
        runner = JobRunner(running, running.service.jobs())
        at_work = asyncio.create_task(runner.run(stopping, 0.05))
        await eventually(in_state(fresh_url, note_id, "running"))

        stopping.set()
        runner.alarm.ring()
        release.set()
        await asyncio.wait_for(at_work, 10)

        job = await job_of(fresh_url, note_id)
        assert (job["state"], job["checkpoint"], job["attempts"] - job["given_back"]) == (
            "pending",
            '{"step":1}',
            0,
        )
        assert await effects_of(suite, note_id) == STEPS[:1]


def no_job_runs():
    async def asked() -> bool:
        names = {t.get_name() for t in asyncio.all_tasks()}
        return not any(name.startswith("lease of job") for name in names)

    return asked


async def test_the_metrics_tell_what_waits_and_since_when(fresh_url: str):
    from shared.base import telemetry

    async with idle_suite(fresh_url) as suite:
        await queued(suite, await suite.new_tenant(), jobs=2)
        await execute(fresh_url, "update probe.jobs set created_at = now() - interval '1 hour'")
        worker = suite["probe"].worker_db
        row = await job_queue.claim(worker, ["count"], but_of=[], seconds=60.0)
        assert row is not None
        await execute(
            fresh_url, "update probe.jobs set started_at = now() - interval '2 hours' where state = 'running'"
        )

        await job_queue.report(worker, "reported")

    open_jobs = [telemetry.JOBS_OPEN.labels("reported", s)._value.get() for s in ("pending", "running")]
    ages = [
        gauge.labels("reported")._value.get()
        for gauge in (telemetry.JOBS_WAITING_AGE, telemetry.JOBS_RUNNING_AGE)
    ]
    assert open_jobs == [1, 1]
    assert [round(age / 60) for age in ages] == [60, 120]
    assert settings_for_tests().job_places == 2
