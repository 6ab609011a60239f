"""Whatever the order, and however often each event comes, and at once: the books end the same."""

import asyncio
import random
from collections.abc import Callable, Sequence
from itertools import permutations
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.billing.wages import actions
from shared.context.ctx import TenantFacts
from shared.contracts.event import Event
from shared.contracts.payroll import LiabilityRemitted
from shared.values.ids import new_id
from tests.billing.given import assert_tied_out
from tests.billing.wages.given import (
    approved,
    exceptions,
    ordering_key,
    paid,
    posting_of,
    remitted,
    reversed_run,
    told,
    trial_balance,
)
from tests.kit.suite import Suite, eventually

# The accrual is undone; net pay and what was paid over are owed back.
END = {"1000": "-4250.00", "2300": "3350.00", "2310": "900.00"}


def told_of_a_run() -> list[Event]:
    run = approved()
    return [run, paid(run), reversed_run(run), remitted()]


async def assert_ended(suite: Suite, tenant: TenantFacts, run: Event) -> None:
    billing = suite.client("billing", tenant)
    assert await trial_balance(billing) == END
    found = await posting_of(billing, run)  # type: ignore[arg-type]
    assert (found["state"], found["received"]) == ("reversed", ["approved", "paid", "reversed"])
    assert (found["number"], found["paid_on"], found["reversed_on"]) == (
        "PR-2026-000001",
        "2026-02-05",
        "2026-01-31",
    )
    assert await exceptions(billing) == []
    assert len((await billing.get("/v1/journal-entries")).json()["items"]) == 4
    await assert_tied_out(suite, tenant, billing)


@pytest.mark.parametrize("order", list(permutations(range(4))), ids=lambda order: "".join(map(str, order)))
async def test_in_any_order_the_books_end_the_same(suite: Suite, tenant: TenantFacts, order: Sequence[int]):
    events = told_of_a_run()

    for n in order:
        await told(suite, tenant, events[n])

    await assert_ended(suite, tenant, events[0])


again = st.tuples(st.integers(0, 3), st.booleans())  # which event, and whether payroll told it anew


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    order=st.lists(again, max_size=8).flatmap(
        lambda more: st.permutations([*((n, True) for n in range(4)), *more])
    )
)
async def test_in_any_order_and_however_often_the_books_end_the_same(
    suite: Suite, order: list[tuple[int, bool]]
):
    tenant, events = await suite.new_tenant(), told_of_a_run()
    ids: dict[int, UUID] = {}

    for n, anew in order:
        event_id = new_id() if anew else ids.setdefault(n, new_id())
        await told(suite, tenant, events[n], event_id=event_id)

    await assert_ended(suite, tenant, events[0])


@pytest.mark.parametrize("seed", range(5))
async def test_told_many_times_at_once_each_has_its_effect_once(suite: Suite, tenant: TenantFacts, seed: int):
    """Under keys and ids of their own, so that nothing but the books themselves puts them in order."""
    events = told_of_a_run()
    deliveries = [event for event in events for _ in range(4)]
    random.Random(seed).shuffle(deliveries)

    await asyncio.gather(*(told(suite, tenant, event, key=f"test:{new_id()}") for event in deliveries))

    await suite.settled()
    await assert_ended(suite, tenant, events[0])


async def somebody_waits(suite: Suite) -> bool:
    sql = await asyncpg.connect(suite.url)
    try:
        return bool(
            await sql.fetchval(
                "select exists (select from pg_stat_activity where datname = current_database() "
                "and wait_event_type = 'Lock')"
            )
        )
    finally:
        await sql.close()


@pytest.mark.parametrize("make", [approved, remitted])
async def test_one_that_comes_while_another_is_being_posted_waits_for_it_and_changes_nothing(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient, make: Callable[[], Any]
):
    event = make()
    take = actions.take_remittance if isinstance(event, LiabilityRemitted) else actions.take_run
    async with suite.work("billing", tenant) as ctx:
        await take(ctx, event)
        await ctx.tx.flush()
        other = asyncio.create_task(told(suite, tenant, event))
        await eventually(lambda: somebody_waits(suite))
    await other

    assert await exceptions(billing) == []
    assert len((await billing.get("/v1/journal-entries")).json()["items"]) == 1
    await assert_tied_out(suite, tenant, billing)


async def test_the_same_delivery_twice_at_once_counts_once(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    run, event_id = approved(), new_id()

    await asyncio.gather(*(told(suite, tenant, run, event_id=event_id) for _ in range(6)))

    await suite.settled()
    assert len((await billing.get("/v1/journal-entries")).json()["items"]) == 1


async def test_what_comes_before_the_approval_waits_visibly_and_posts_nothing(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    run = approved()
    await told(suite, tenant, reversed_run(run))
    first = await posting_of(billing, run)
    await told(suite, tenant, paid(run))
    second = await posting_of(billing, run)

    assert (first["state"], first["number"], first["received"]) == ("waiting", None, ["reversed"])
    assert (second["state"], second["number"], second["received"]) == (
        "waiting",
        "PR-2026-000001",
        ["paid", "reversed"],
    )
    assert (second["lines"], second["effective_on"], second["journal_entry_id"]) == ([], None, None)
    assert await trial_balance(billing) == {}
    assert (await billing.get("/v1/journal-entries")).json()["items"] == []
    await assert_tied_out(suite, tenant, billing)


async def test_a_remittance_that_comes_first_is_posted_at_once(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    """It names no run; the bank account is right, and the liability is once the run comes."""
    event = remitted()
    await told(suite, tenant, event)

    assert ordering_key(event).startswith("liability:")
    assert await trial_balance(billing) == {"1000": "-900.00", "2310": "900.00"}
    await assert_tied_out(suite, tenant, billing)
    await told(suite, tenant, approved())
    assert "2310" not in await trial_balance(billing)
