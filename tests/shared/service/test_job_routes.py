"""Jobs over HTTP: one shape, a page after the other, cancelling, a result while it is kept, and nobody else's."""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import httpx

from shared.background.housekeeping import sweep
from shared.context.ctx import TenantFacts
from tests.kit.suite import Suite, eventually
from tests.shared.background.given_jobs import STEPS, given_job, held, in_state, job_of
from tests.shared.blobs.files import states
from tests.shared.given_notes import effects_of, execute

JOBS = "/v1/probe-jobs"


async def ended(probe: httpx.AsyncClient, job_id: str) -> dict[str, Any]:
    async def over() -> dict[str, Any] | None:
        job: dict[str, Any] = (await probe.get(f"{JOBS}/{job_id}")).json()
        return job if job["state"] not in ("pending", "running") else None

    return await eventually(over)


async def test_a_job_shows_how_far_it_is_and_leaves_a_file_to_fetch(kernel: Suite, probe: httpx.AsyncClient):
    job_id = await given_job(probe, verb="walk")

    job = await ended(probe, job_id)
    result = await probe.get(f"{JOBS}/{job_id}/result")

    kept = datetime.fromisoformat(job["result"].pop("kept_until")) - datetime.fromisoformat(
        job["finished_at"]
    )
    times = {name: job.pop(name) for name in ("created_at", "started_at", "finished_at")}
    assert job == {
        "id": job_id, "kind": "walk", "state": "done", "done": 5, "total": 5, "error": None, "allowed_actions": [],
        "result": {"file_name": "way.csv", "media_type": "text/csv", "size": 7},
    }  # fmt: skip
    assert times["created_at"] <= times["started_at"] <= times["finished_at"]
    assert kept.days == 7
    assert result.content == b"5 steps"
    assert result.headers["content-type"] == "text/csv; charset=utf-8"
    assert result.headers["content-disposition"] == 'attachment; filename="way.csv"'


async def test_a_job_that_is_done_once_more_leaves_one_file(
    kernel: Suite, probe: httpx.AsyncClient, owner: TenantFacts
):
    """Killed between its last step and its end, a job is taken up again."""
    job_id = await given_job(probe, verb="walk")
    await ended(probe, job_id)
    again = "update probe.jobs set state = 'running', lease_until = now() where id = $1"
    await execute(kernel.url, again, UUID(job_id))

    await ended(probe, job_id)

    assert await states(kernel, owner) == ["deleted", "kept"]
    assert await effects_of(kernel, job_id) == STEPS


async def test_a_job_that_is_over_for_long_goes_and_its_file_with_it(
    kernel: Suite, probe: httpx.AsyncClient, owner: TenantFacts
):
    old, young = [await given_job(probe, verb="walk") for _ in range(2)]
    for job_id in (old, young):
        await ended(probe, job_id)
    later = "update probe.jobs set finished_at = finished_at - interval '169 hours' where id = $1"
    await execute(kernel.url, later, UUID(old))

    await sweep(kernel["probe"].worker_db, kernel["probe"].settings)

    answers = [
        (await probe.get(f"{JOBS}/{job}{part}")).status_code
        for job in (old, young)
        for part in ("", "/result")
    ]
    assert answers == [404, 404, 200, 200]
    assert await states(kernel, owner) == ["deleted", "kept"]


async def test_jobs_come_newest_first_page_by_page_and_by_state_and_kind(probe: httpx.AsyncClient):
    counts = [await given_job(probe) for _ in range(3)]
    walk = await given_job(probe, verb="walk")
    failing = await given_job(probe, f"always-fails {uuid4().hex}", verb="walk")
    for job_id in (*counts, walk, failing):
        await ended(probe, job_id)

    pages, cursor = [], ""
    while cursor is not None:
        page = (await probe.get(f"{JOBS}?limit=2" + (f"&cursor={cursor}" if cursor else ""))).json()
        pages.append([job["id"] for job in page["items"]])
        cursor = page["next"]
    failed = (await probe.get(f"{JOBS}?state=failed")).json()["items"]
    walks = (await probe.get(f"{JOBS}?kind=walk")).json()["items"]

    assert pages == [[failing, walk], [counts[2], counts[1]], [counts[0]]]
    assert [(job["id"], job["error"]["code"]) for job in failed] == [(failing, "job_failed")]
    assert [job["id"] for job in walks] == [failing, walk]
    assert (await probe.get(f"{JOBS}?kind=unknown")).json() == {"items": [], "next": None}
    assert (await probe.get(f"{JOBS}?state=odd")).status_code == 422


async def test_a_cancelled_job_closes_what_it_works_on_and_cannot_be_cancelled_twice(
    kernel: Suite, probe: httpx.AsyncClient
):
    title, release = held()
    job_id = await given_job(probe, title, verb="walk")
    await eventually(in_state(kernel.url, job_id, "running"))

    cancelled = await probe.post(f"{JOBS}/{job_id}/cancel")
    release.set()
    again = await probe.post(f"{JOBS}/{job_id}/cancel")

    job = cancelled.json()
    assert (cancelled.status_code, job["state"], job["allowed_actions"]) == (200, "cancelled", [])
    assert (again.status_code, again.json()["code"]) == (409, "illegal_transition")
    assert await effects_of(kernel, job_id) == ["cancelled: job_cancelled"]


async def test_what_a_kind_of_job_needs_to_be_seen_is_needed_everywhere(
    kernel: Suite, probe: httpx.AsyncClient, owner: TenantFacts
):
    walk, count = await given_job(probe, verb="walk"), await given_job(probe)
    for job_id in (walk, count):
        await ended(probe, job_id)
    narrow = kernel.client("probe", owner, scopes={"probe:read", "probe:write"})

    listed = (await narrow.get(JOBS)).json()["items"]
    answers = [
        (await narrow.get(f"{JOBS}/{walk}")).status_code,
        (await narrow.get(f"{JOBS}/{walk}/result")).status_code,
        (await narrow.post(f"{JOBS}/{walk}/cancel")).status_code,
        (await narrow.get(f"{JOBS}/{count}")).status_code,
    ]

    assert [job["id"] for job in listed] == [count]
    assert answers == [404, 404, 404, 200]


async def test_another_companys_job_is_not_there(
    kernel: Suite, probe: httpx.AsyncClient, kernel_stranger: TenantFacts
):
    job_id = await given_job(probe, verb="walk")
    await ended(probe, job_id)
    stranger = kernel.client("probe", kernel_stranger)

    paths = (("GET", ""), ("GET", "/result"), ("POST", "/cancel"))
    answers = [await stranger.request(method, f"{JOBS}/{job_id}{path}") for method, path in paths]

    assert [answer.status_code for answer in answers] == [404] * 3
    assert (await stranger.get(JOBS)).json()["items"] == []


async def test_a_job_without_a_result_has_none_to_fetch(probe: httpx.AsyncClient):
    job_id = await given_job(probe)
    job = await ended(probe, job_id)

    answer = await probe.get(f"{JOBS}/{job_id}/result")

    assert job["result"] is None
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_what_an_older_program_has_written_of_a_failure_is_not_shown(
    kernel: Suite, probe: httpx.AsyncClient
):
    job_id = await given_job(probe)
    await ended(probe, job_id)
    older = "update probe.jobs set state = 'failed', error = 'ValueError: IBAN GB33' where id = $1"
    await execute(kernel.url, older, UUID(job_id))

    job = (await probe.get(f"{JOBS}/{job_id}")).json()

    assert (await job_of(kernel.url, job_id))["error_code"] is None
    assert job["error"]["code"] == "job_failed"
    assert "IBAN" not in job["error"]["message"]
