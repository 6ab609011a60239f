"""Runs of an import: killed after any step, cancelled while they read, or given more than they may cost."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx
import psutil
import pytest

from services.orders.imports.actions import reading
from shared.background.jobs import JobRun
from shared.base import loops
from shared.base.side_process import Limits
from shared.context.ctx import Ctx, TenantFacts
from shared.database.pool import DatabaseAway
from tests.kit.program import cpu_of_children
from tests.kit.suite import Suite, eventually
from tests.orders.given import given_product
from tests.orders.imports.given_imports import HEADER, codes, finished, given_import, imported, row

SHORT = "".join(f"x{n}\n" for n in range(450_000))  # some seconds to read, and minutes to note


@pytest.fixture
async def dying(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Counter[UUID]]:
    """Every run dies before it can commit a second step, as if killed, and is taken up again at once."""
    report, deaths = JobRun.progress, Counter[UUID]()
    farthest: dict[UUID, int] = Counter()
    has_done_something: set[JobRun] = set()
    died = asyncio.Event()

    async def progress(self: JobRun, ctx: Ctx, done: int, total: int | None = None, **more: Any) -> None:
        await report(self, ctx, done, total, **more)
        if done > farthest[self.job_id] and self in has_done_something:
            deaths[self.job_id] += 1
            died.set()
            raise DatabaseAway("killed by a test")
        if done > farthest[self.job_id]:
            farthest[self.job_id] = done
            has_done_something.add(self)

    async def revive() -> None:
        """Let the lease run out, as often as it takes."""
        while True:
            await died.wait()
            died.clear()
            async with suite["orders"].worker_db.transaction(None) as tx:
                await tx.sql.execute(
                    "update jobs set lease_until = now(), given_back = attempts where id = any($1)",
                    list(deaths),
                )
            suite["orders"].jobs.queued()

    monkeypatch.setattr(loops, "AFTER_FAILURE_SECONDS", 0.01)
    monkeypatch.setattr(JobRun, "progress", progress)
    reviver = asyncio.create_task(revive())
    yield deaths
    reviver.cancel()


async def all_rows(orders: httpx.AsyncClient, job: dict[str, Any]) -> list[dict[str, Any]]:
    """The report, without what is new in each run: the ids."""
    found: list[dict[str, Any]] = []
    cursor = {}
    while True:
        page = (
            await orders.get(f"/v1/order-imports/{job['id']}/rows", params={"limit": 200} | cursor)
        ).json()
        found += [{name: r[name] for name in r if name != "order_id"} for r in page["items"]]
        if page["next"] is None:
            return found
        cursor = {"cursor": page["next"]}


def figures(job: dict[str, Any]) -> dict[str, Any]:
    return {name: job[name] for name in job if name.startswith(("rows_", "orders_", "state", "error"))}


async def test_killed_after_each_step_an_import_ends_as_if_it_never_was(
    suite: Suite,
    orders: httpx.AsyncClient,
    stranger: TenantFacts,
    dying: Counter[UUID],
    monkeypatch: pytest.MonkeyPatch,
):
    content = (
        HEADER
        + "".join(row(f"G{n}") for n in range(250))
        + ",x,\n" * 1100
        + "BIG,S1\n" * 1500
        + "".join(row(f"G{n}", quantity=-1) for n in range(240, 300))
    )  # fmt: skip

    killed = await finished(orders, await given_import(orders, content))

    assert dying[UUID(killed["id"])] >= 4
    rows = await all_rows(orders, killed)
    assert [r["row"] for r in rows] == list(range(1, 250 + 1100 + 1500 + 60 + 1))
    monkeypatch.undo()
    other = suite.client("orders", stranger)
    whole = await finished(other, await given_import(other, content))
    assert figures(killed) == figures(whole)
    assert rows == await all_rows(other, whole)
    assert (killed["orders_created"], killed["orders_failed"]) == (240, 10 + 1 + 50)


async def test_a_file_that_was_rejected_stays_so_however_often_the_job_dies(
    orders: httpx.AsyncClient, dying: Counter[UUID]
):
    """The reasons are found in the transaction that is undone, and the stock that was short may be there by then."""
    await given_product(orders, sku="T1", stock=1)
    content = HEADER + "".join(row(f"A{n}") for n in range(450)) + row("LAST", sku="T1", quantity=2)

    job = await given_import(orders, content, on_error="reject_all")
    done = await finished(orders, job)

    assert (done["state"], done["error"]["code"], done["orders_created"]) == ("failed", "rejected", 0)
    assert (done["rows_done"], done["rows_failed"], done["orders_failed"]) == (451, 451, 451)
    found = Counter(r["code"] for r in await all_rows(orders, done))
    assert found == {"order_refused": 450, "insufficient_stock": 1}


def parsers() -> dict[psutil.Process, float]:
    return cpu_of_children(psutil.Process(), "shared.base.side_process_main")


async def test_a_cancelled_import_ends_the_process_that_reads_its_file(orders: httpx.AsyncClient):
    before = parsers()
    job = await given_import(orders, HEADER + SHORT)

    async def reads() -> psutil.Process | None:
        return next((p for p, spent in parsers().items() if spent > before.get(p, 0) + 0.3), None)

    process = await eventually(reads, within=30)
    cancelled = await orders.post(f"/v1/order-imports/{job['id']}/cancel")

    async def ended() -> bool:
        return not process.is_running()

    await eventually(ended, within=30)
    assert (cancelled.json()["state"], cancelled.json()["rows_done"]) == ("cancelled", 0)
    assert (await finished(orders, job))["rows_done"] == 0


async def test_a_file_that_costs_too_much_to_read_ends_with_the_reason(
    orders: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(reading, "LIMITS", Limits(cpu_seconds=1))

    job = await imported(orders, HEADER + SHORT)

    assert (job["state"], job["error"]["code"], job["rows_done"]) == ("failed", "file_too_costly", 0)
    assert (await imported(orders, HEADER + row()))["state"] == "done"


async def test_a_file_of_too_many_rows_to_be_taken_as_a_whole_is_refused_before_anything_is_taken(
    orders: httpx.AsyncClient,
):
    content = HEADER + row("A1") * 20_001

    job = await imported(orders, content, on_error="reject_all")

    assert (job["state"], job["error"]["code"], job["rows_done"]) == ("failed", "file_too_long", 0)
    assert "more than 20,000 rows" in job["error"]["message"]


async def test_an_import_tells_how_far_it_is(orders: httpx.AsyncClient):
    job = await given_import(orders, HEADER + "".join(f"x{n}\n" for n in range(30_000)))

    async def halfway() -> dict[str, Any] | None:
        found = (await orders.get(f"/v1/order-imports/{job['id']}")).json()
        return found if 0 < found["rows_done"] < found["rows_total"] else None

    found = await eventually(halfway, within=30)
    assert (found["state"], found["rows_total"]) == ("running", 30_000)
    assert found["rows_done"] % 1000 == 0
    await orders.post(f"/v1/order-imports/{job['id']}/cancel")


async def test_a_reason_for_each_row_is_there_for_an_order_of_too_many_rows(orders: httpx.AsyncClient):
    job = await imported(orders, HEADER + row("A1") * 1001 + row("A2"))

    assert (job["orders_created"], job["orders_failed"], job["rows_failed"]) == (1, 1, 1001)
    assert (await codes(orders, job))[1] == "too_many_rows"
