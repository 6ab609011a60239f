"""An import learns how its job ended: failed for whatever reason, begun too often, or cancelled as a job."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import httpx

from shared.blobs.refs import BlobRef
from shared.blobs.store import Blobs, StoreAway
from shared.context.ctx import TenantFacts
from tests.kit.suite import Suite, eventually
from tests.orders.imports.given_imports import HEADER, finished, given_import, row
from tests.orders.imports.test_order_imports import blob_state

JOB = "select * from jobs where id = $1"


@contextmanager
def store_raises(suite: Suite, error: Exception) -> Iterator[None]:
    """Whoever reads a file meets this error."""
    blobs = suite["orders"].ports.get(Blobs)
    given = blobs.open

    async def fails(_: BlobRef) -> AsyncIterator[bytes]:
        raise error

    blobs.open = fails  # type: ignore[method-assign]
    try:
        yield
    finally:
        blobs.open = given  # type: ignore[method-assign]


async def job_row(suite: Suite, job: dict[str, Any]) -> dict[str, Any]:
    async with suite["orders"].worker_db.transaction(None) as tx:
        return dict(await tx.sql.fetchrow(JOB, UUID(job["id"])))


async def given_put_off(suite: Suite, orders: httpx.AsyncClient) -> dict[str, Any]:
    """An import that was begun once and waits for its file."""
    job = await given_import(orders, HEADER + row())

    async def put_off() -> bool:
        return bool((await job_row(suite, job))["given_back"] > 0)

    await eventually(put_off)
    return job


async def test_an_import_whose_job_fails_is_failed_and_tells_nothing_of_the_error(
    suite: Suite, tenant: TenantFacts
):
    orders = suite.client("orders", tenant)
    with store_raises(suite, RuntimeError("row 7: Jane Doe, GB33BUKB20201555555555")):
        job = await given_import(orders, HEADER + row())
        done = await finished(orders, job)

    shown = (await orders.get(f"/v1/orders-jobs/{job['id']}")).json()
    assert (done["state"], done["error"]["code"], done["allowed_actions"]) == ("failed", "job_failed", [])
    assert (shown["state"], shown["error"]) == ("failed", done["error"])
    assert "Jane" not in str(done) + str(await job_row(suite, job))
    assert await blob_state(suite, tenant) == "deleted"


async def test_an_import_whose_process_died_five_times_is_failed(suite: Suite, tenant: TenantFacts):
    orders = suite.client("orders", tenant)
    with store_raises(suite, StoreAway("for a test")):
        job = await given_put_off(suite, orders)
        async with suite["orders"].worker_db.transaction(None) as tx:  # what five killed processes leave
            await tx.sql.execute(
                "update jobs set attempts = 5, given_back = 0, lease_until = now() where id = $1",
                UUID(job["id"]),
            )
        suite["orders"].jobs.queued()
        done = await finished(orders, job)

    assert (done["state"], done["error"]["code"]) == ("failed", "job_died")
    timeline = (await orders.get(f"/v1/order-imports/{job['id']}/timeline")).json()["items"]
    assert [move["verb"] for move in timeline] == ["fail", "start", "create"]


async def test_an_import_that_never_said_that_it_began_is_failed_too(suite: Suite, tenant: TenantFacts):
    orders = suite.client("orders", tenant)
    with store_raises(suite, StoreAway("for a test")):
        job = await given_put_off(suite, orders)
        async with suite["orders"].app_db.transaction(tenant.id) as tx:
            await tx.sql.execute("update order_imports set state = 'pending'")
            await tx.sql.execute("update jobs set attempts = 5, given_back = 0, lease_until = now()")
        suite["orders"].jobs.queued()
        done = await finished(orders, job)

    assert (done["state"], done["error"]["code"]) == ("failed", "job_died")


async def test_an_import_that_is_cancelled_as_a_job_is_cancelled(suite: Suite, tenant: TenantFacts):
    orders = suite.client("orders", tenant)
    with store_raises(suite, StoreAway("for a test")):
        job = await given_put_off(suite, orders)

        answer = await orders.post(f"/v1/orders-jobs/{job['id']}/cancel")

    assert (answer.status_code, answer.json()["state"]) == (200, "cancelled")
    assert (await finished(orders, job))["state"] == "cancelled"
    assert await blob_state(suite, tenant) == "deleted"


async def test_a_cancelled_import_is_a_cancelled_job(suite: Suite, tenant: TenantFacts):
    orders = suite.client("orders", tenant)
    with store_raises(suite, StoreAway("for a test")):
        job = await given_put_off(suite, orders)

        await orders.post(f"/v1/order-imports/{job['id']}/cancel")

    assert (await orders.get(f"/v1/orders-jobs/{job['id']}")).json()["state"] == "cancelled"
