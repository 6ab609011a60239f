"""Tenants take their turns before the pool: each has its share, and a queue of its own that has an end."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from shared.base.fair_share import FairShare
from shared.database import rls
from shared.database.pool import Database, DatabaseAway, PoolExhausted, ShareUsedUp
from shared.values.ids import new_id
from tests.kit.suite import ROLE_SECRET, Suite, eventually, running_suite
from tests.kit.suite import test_settings as settings
from tests.shared.given_notes import effects_of, given_published
from tests.shared.probe.service import PROBE

TENANT, OTHER = new_id(), new_id()


@pytest.fixture
async def four(kernel: Suite) -> AsyncIterator[Database]:
    """A pool of four connections, two for one tenant at most."""
    role = rls.app_role("probe")
    database = Database(
        kernel.url,
        user=role,
        password=rls.role_password(ROLE_SECRET, role),
        size=4,
        application_name="shares",
        shared_out=True,
    )
    yield database
    await database.close()


@pytest.fixture
async def attack(four: Database) -> AsyncIterator[AsyncExitStack]:
    """One tenant holds as many transactions as it may."""
    async with AsyncExitStack() as stack:
        for _ in range(2):
            await stack.enter_async_context(four.transaction(TENANT))
        yield stack


async def works(database: Database, tenant_id: object, **how: bool) -> int:
    async with database.transaction(tenant_id, **how) as tx:  # type: ignore[arg-type]
        return int(await tx.sql.fetchval("select 1"))


@pytest.mark.usefixtures("attack")
async def test_a_tenant_with_many_transactions_leaves_connections_for_another(four: Database):
    waits = [asyncio.create_task(works(four, TENANT)) for _ in range(20)]
    await eventually(lambda: _waiting(four, 20))

    assert [await works(four, OTHER) for _ in range(3)] == [1, 1, 1]
    assert not any(task.done() for task in waits)

    for task in waits:
        task.cancel()
    await asyncio.gather(*waits, return_exceptions=True)
    assert (four.places.waiting, four.in_use) == (0, 2)


async def _waiting(database: Database, count: int) -> bool:
    return database.places.waiting == count


@pytest.mark.usefixtures("attack")
async def test_the_wait_for_the_own_share_has_an_end_that_says_so(
    four: Database, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("shared.database.pool.WAIT_SECONDS", 0.05)

    with pytest.raises(ShareUsedUp):
        await works(four, TENANT)
    async with four.transaction(OTHER), four.transaction(OTHER):
        with pytest.raises(PoolExhausted) as everybodys:
            await works(four, new_id())

    assert not isinstance(everybodys.value, ShareUsedUp)
    assert isinstance(everybodys.value, DatabaseAway)


async def test_work_that_nobody_waits_for_has_its_turn_behind_a_full_queue(
    four: Database, attack: AsyncExitStack, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("shared.database.pool.WAIT_SECONDS", 0.05)
    monkeypatch.setattr(four, "places", _full(four.places))
    patient = asyncio.create_task(works(four, TENANT, patient=True))
    with pytest.raises(ShareUsedUp):
        await works(four, TENANT)

    await attack.aclose()

    assert await asyncio.wait_for(patient, 5) == 1


def _full(places: FairShare) -> FairShare:
    """Nobody may wait any more."""
    places._waiting_of_one = 0
    return places


async def test_no_work_of_a_service_opens_a_second_transaction_within_one(fresh_url: str):
    """Else a tenant would wait for itself: with a single connection requests, events and jobs still go through."""
    async with running_suite(fresh_url, [PROBE], settings=settings(app_pool_size=1)) as suite:
        probe = suite.client("probe", await suite.new_tenant())
        note = await given_published(probe, times=3)
        refused = await probe.post(f"/v1/notes/{note['id']}/publish", headers={"idempotency-key": "again"})
        counted = await probe.post(f"/v1/notes/{note['id']}/count")
        file = await probe.post(f"/v1/notes/{note['id']}/upload/{note['id']}", files={"file": b"content"})
        # Longer than a lease: a step that a busy machine has put off goes on when that is over.
        await eventually(lambda: _counted(suite, note["id"]), within=30)

    assert [answer.status_code for answer in (refused, counted, file)] == [409, 200, 200]


async def _counted(suite: Suite, note_id: str) -> bool:
    return "step 4" in await effects_of(suite, note_id)
