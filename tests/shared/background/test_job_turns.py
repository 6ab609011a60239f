"""Turns: nobody waits behind another company's queue, in one process or in several, and no job is taken up twice."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import pytest

from shared.background import job_queue
from shared.background.job_runner import JobRunner
from shared.background.jobs import Job, JobRun
from shared.service.runtime import ServiceRuntime
from tests.kit.suite import Suite, eventually
from tests.shared.background.given_jobs import queued
from tests.shared.given_notes import execute, rows
from tests.shared.processes import idle_suite

KINDS = ["count"]


@pytest.fixture
async def idle(fresh_url: str) -> AsyncIterator[Suite]:
    """The probe with nobody who takes jobs up."""
    async with idle_suite(fresh_url) as suite:
        yield suite


async def claimed(suite: Suite, *, but_of: list[UUID] | None = None) -> UUID | None:
    row = await job_queue.claim(suite["probe"].worker_db, KINDS, but_of=but_of or [], seconds=60.0)
    return None if row is None else row["id"]


async def finish(suite: Suite, job_id: UUID) -> None:
    await execute(
        suite.url, "update probe.jobs set state = 'done', finished_at = now() where id = $1", job_id
    )


async def test_the_company_with_fewest_jobs_at_work_is_next_then_its_oldest_job(idle: Suite):
    crowd, one, another = [await idle.new_tenant() for _ in range(3)]
    many = await queued(idle, crowd, jobs=4)
    (first,) = await queued(idle, one, jobs=1)
    (second,) = await queued(idle, another, jobs=1)

    order = [await claimed(idle) for _ in range(7)]

    assert order == [many[0], first, second, *many[1:], None]


async def test_among_equals_the_company_that_was_served_longest_ago_is_next(idle: Suite):
    one, another = [await idle.new_tenant() for _ in range(2)]
    ones = await queued(idle, one, jobs=3)
    others = await queued(idle, another, jobs=3)

    order = []
    for _ in range(6):
        job_id = await claimed(idle)
        assert job_id is not None
        order.append(job_id)
        await finish(idle, job_id)

    assert order == [ones[0], others[0], ones[1], others[1], ones[2], others[2]]


async def test_a_company_that_has_its_share_here_is_passed_over(idle: Suite):
    crowd, one = [await idle.new_tenant() for _ in range(2)]
    await queued(idle, crowd, jobs=3)
    (mine,) = await queued(idle, one, jobs=1)

    assert [await claimed(idle, but_of=[crowd.id]) for _ in range(2)] == [mine, None]


async def test_a_job_whose_lease_has_run_out_is_taken_up_unless_a_step_still_holds_it(idle: Suite):
    tenant = await idle.new_tenant()
    (job_id,) = await queued(idle, tenant, jobs=1)
    await claimed(idle)
    await execute(idle.url, "update probe.jobs set lease_until = now() - interval '1 s'")

    async with idle["probe"].app_db.transaction(tenant.id) as tx:
        await tx.sql.execute("update jobs set done = 1 where tenant_id = $1", tenant.id)
        while_held = await claimed(idle)
    afterwards = await claimed(idle)

    assert (while_held, afterwards) == (None, job_id)


async def test_many_who_claim_at_once_take_each_job_once(idle: Suite):
    tenants = [await idle.new_tenant() for _ in range(3)]
    wanted = [job for tenant in tenants for job in await queued(idle, tenant, jobs=5)]

    async def claims() -> list[UUID]:
        found = []
        while (job_id := await claimed(idle)) is not None:
            found.append(job_id)
        return found

    taken = [job for found in await asyncio.gather(*(claims() for _ in range(3))) for job in found]

    assert sorted(taken) == sorted(wanted)


@asynccontextmanager
async def at_work(running: ServiceRuntime, walk: Any, *, processes: int) -> AsyncIterator[None]:
    """Runners of as many processes, as far as this one can be several; `walk` is what a job does."""
    stopping = asyncio.Event()
    runners = [JobRunner(running, {"count": Job("count", walk)}) for _ in range(processes)]
    tasks = [asyncio.create_task(runner.run(stopping, 0.05)) for runner in runners]
    try:
        yield
    finally:
        stopping.set()
        for runner in runners:
            runner.alarm.ring()
        await asyncio.gather(*tasks)


@pytest.mark.parametrize("processes", [1, 3])
async def test_a_company_with_a_long_queue_has_half_of_each_process_and_others_end_meanwhile(
    idle: Suite, processes: int
):
    crowd, bystander = [await idle.new_tenant() for _ in range(2)]
    await queued(idle, crowd, jobs=20)
    most: Counter[UUID] = Counter()
    now: Counter[UUID] = Counter()
    release = asyncio.Event()

    async def walk(run: JobRun) -> None:
        now[run.tenant_id] += 1
        most[run.tenant_id] = max(most[run.tenant_id], now[run.tenant_id])
        if run.tenant_id == crowd.id:
            await release.wait()
        now[run.tenant_id] -= 1

    async with at_work(idle["probe"], walk, processes=processes):
        await eventually(lambda: running_of(idle, crowd.id, processes))
        mine = await queued(idle, bystander, jobs=3)
        await eventually(lambda: done(idle, mine))
        waiting = [
            r for r in await rows(idle.url, "probe", "jobs", tenant_id=crowd.id) if r["state"] == "pending"
        ]
        release.set()

    assert len(waiting) == 20 - processes
    assert most[crowd.id] == processes


async def running_of(suite: Suite, tenant_id: UUID, wanted: int) -> bool:
    found = await rows(suite.url, "probe", "jobs", tenant_id=tenant_id, state="running")
    return len(found) == wanted


async def done(suite: Suite, job_ids: list[UUID]) -> bool:
    found = [(await rows(suite.url, "probe", "jobs", id=job_id))[0]["state"] for job_id in job_ids]
    return set(found) == {"done"}


async def test_neither_a_long_queue_nor_jobs_that_are_over_make_a_claim_read_more(idle: Suite):
    tenant = await idle.new_tenant()
    insert = (
        "insert into probe.jobs "
        "(tenant_id, id, kind, state, started_at, actor_id, actor_kind, request_id, traceparent) "
        "select $1, gen_random_uuid(), 'count', $2, now(), 'a', 'client', 'r', '' from generate_series(1, $3)"
    )
    await execute(idle.url, insert, tenant.id, "pending", 20)
    await execute(idle.url, "analyze probe.jobs")
    before = await rows_read(idle)

    await execute(idle.url, insert, tenant.id, "pending", 3000)
    await execute(idle.url, insert, tenant.id, "done", 3000)
    await execute(idle.url, "analyze probe.jobs")

    assert await rows_read(idle) <= before + 5


async def rows_read(suite: Suite) -> int:
    """How many rows the plan of a claim has touched, under the settings and the role that claims run with."""
    async with suite["probe"].worker_db.transaction(None) as tx:
        values = "1::float8, array['count'], array[]::uuid[]"
        await tx.sql.execute(f"prepare claiming (float8, text[], uuid[]) as {job_queue.CLAIM}")
        lines = await tx.sql.fetch(f"explain (analyze, format text) execute claiming({values})")
        await tx.sql.execute("deallocate claiming")
        found = sum(touched(line[0]) for line in lines)
        await tx.sql.execute("update jobs set state = 'pending', started_at = null where state = 'running'")
    return found


def touched(line: str) -> int:
    """Rows of a scan of the table, those that it threw away included."""
    if "Rows Removed by" in line:
        return int(line.rsplit(":", 1)[1])
    if "on jobs" not in line or "(actual" not in line:
        return 0
    actual = line.split("(actual", 1)[1]
    of_each = float(actual.split("rows=", 1)[1].split()[0])
    return round(of_each * int(actual.split("loops=", 1)[1].split(")")[0]))
