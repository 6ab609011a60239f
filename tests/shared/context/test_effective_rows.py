"""Rows that hold for a time: one of a key on any day, by what was known when; as the probe's wages."""

import asyncio
import random
from contextlib import AbstractAsyncContextManager
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import asyncpg
import pytest

from shared.context.ctx import Actor, Ctx, TenantFacts
from shared.context.effective_rows import Overlapping, refusing_overlaps, restate
from shared.context.unit_of_work import unit_of_work
from shared.database.effective_dates import as_known, as_of
from shared.http.problems import database_fault
from shared.values.ids import new_id
from tests.kit.suite import Suite
from tests.shared.probe.notes.models import Wage

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
KEY = ("person_id",)


def acting(kernel: Suite, tenant: TenantFacts, now: datetime = NOON) -> AbstractAsyncContextManager[Ctx]:
    """A transaction of the probe at an instant."""
    return unit_of_work(kernel["probe"], tenant, Actor("a-test"), request_id="a-test", now=now)


def wage(tenant: TenantFacts, person: UUID, grade: str, first: date, last: date | None = None) -> Wage:
    return Wage(
        tenant_id=tenant.id, person_id=person, grade=grade, valid_from=first, valid_to=last, recorded_at=NOON
    )


async def grade_on(ctx: Ctx, person: UUID, day: date, *, known_at: datetime | None = None) -> str | None:
    known = as_known("$4::timestamptz" if known_at else None)
    values = (ctx.tenant.id, person, day, *([known_at] if known_at else []))
    statement = (
        f"select grade from wages where tenant_id = $1 and person_id = $2 and {as_of('$3')} and {known}"
    )
    found = await ctx.sql.fetch(statement, *values)
    assert len(found) <= 1
    return found[0]["grade"] if found else None


async def test_a_correction_of_the_past_keeps_what_was_known_before_it(kernel: Suite, owner: TenantFacts):
    person = new_id()
    async with acting(kernel, owner) as ctx:
        await restate(ctx, wage(owner, person, "junior", date(2026, 1, 1)), key=KEY)

    later = NOON + timedelta(days=30)
    async with acting(kernel, owner, later) as ctx:
        await restate(ctx, wage(owner, person, "senior", date(2026, 2, 1)), key=KEY)

    async with acting(kernel, owner) as ctx:
        assert await grade_on(ctx, person, date(2026, 1, 31)) == "junior"
        assert await grade_on(ctx, person, date(2026, 2, 1)) == "senior"
        before = later - timedelta(microseconds=1)
        assert await grade_on(ctx, person, date(2026, 2, 1), known_at=before) == "junior"
        assert await grade_on(ctx, person, date(2026, 2, 1), known_at=later) == "senior"
        assert await grade_on(ctx, person, date(2026, 1, 1), known_at=NOON - timedelta(days=1)) is None


async def test_a_statement_in_the_middle_leaves_both_ends(kernel: Suite, owner: TenantFacts):
    person = new_id()
    async with acting(kernel, owner) as ctx:
        await restate(ctx, wage(owner, person, "junior", date(2026, 1, 1)), key=KEY)
        await restate(
            ctx, wage(owner, person, "acting", date(2026, 5, 1), date(2026, 5, 31)), key=KEY
        )  # in the same instant, too

        found = [
            await grade_on(ctx, person, date(2026, month, day))
            for month, day in ((4, 30), (5, 1), (5, 31), (6, 1))
        ]

    assert found == ["junior", "acting", "acting", "junior"]


@pytest.mark.parametrize("seed", range(3))
async def test_any_day_as_known_at_any_time_is_what_was_said_last_by_then(
    kernel: Suite, owner: TenantFacts, seed: int
):
    """Against a model that remembers every day of every moment."""
    dice = random.Random(seed)
    person, start = new_id(), date(2026, 1, 1)
    days = [start + timedelta(days=n) for n in range(40)]
    model: dict[date, str] = {}
    moments: list[tuple[datetime, dict[date, str]]] = []
    for step in range(25):
        now = NOON + timedelta(hours=step)
        first = dice.choice(days)
        last = None if dice.random() < 0.3 else first + timedelta(days=dice.randrange(12))
        async with acting(kernel, owner, now) as ctx:
            await restate(ctx, wage(owner, person, f"g{step}", first, last), key=KEY)
        model |= {day: f"g{step}" for day in days if first <= day and (last is None or day <= last)}
        moments.append((now, dict(model)))

    async with acting(kernel, owner) as ctx:
        for at, said in dice.sample(moments, 8):
            known = {day: await grade_on(ctx, person, day, known_at=at) for day in days}
            assert {day: grade for day, grade in known.items() if grade} == said
        assert {day: await grade_on(ctx, person, day) for day in model} == model


async def test_the_database_refuses_two_rows_on_one_day_and_only_those(
    kernel: Suite, owner: TenantFacts, kernel_stranger: TenantFacts
):
    person = new_id()
    async with acting(kernel, owner) as ctx:
        ctx.session.add(wage(owner, person, "junior", date(2026, 1, 1), date(2026, 1, 31)))
        ctx.session.add(wage(owner, person, "senior", date(2026, 2, 1)))  # the day after the last
        ctx.session.add(wage(owner, new_id(), "junior", date(2026, 1, 1)))
    async with acting(kernel, kernel_stranger) as ctx:
        ctx.session.add(wage(kernel_stranger, person, "junior", date(2026, 1, 1)))

    with pytest.raises(asyncpg.ExclusionViolationError) as refused:
        async with acting(kernel, owner) as ctx:
            ctx.session.add(wage(owner, person, "again", date(2026, 1, 31), date(2026, 1, 31)))
    fault = database_fault(refused.value)  # where nobody has said more about it
    assert fault is not None
    assert (fault.status, fault.code) == (409, "validity_overlaps")


async def test_the_refusal_names_the_field_and_the_row_in_the_way(kernel: Suite, owner: TenantFacts):
    person = new_id()
    there = wage(owner, person, "junior", date(2026, 1, 10), date(2026, 1, 20))
    async with acting(kernel, owner) as ctx:
        ctx.session.add(there)

    async def refusal(first: date, last: date | None) -> Overlapping:
        try:
            async with acting(kernel, owner) as ctx:
                row = wage(owner, person, "new", first, last)
                async with refusing_overlaps(ctx, row, key=KEY):
                    ctx.session.add(row)
        except Overlapping as fault:
            return fault
        raise AssertionError("not refused")

    into, over = await refusal(date(2026, 1, 20), None), await refusal(date(2026, 1, 1), date(2026, 1, 10))
    same = await refusal(date(2026, 1, 10), None)

    assert [(f.code, f.errors[0].pointer) for f in (into, over, same)] == [
        ("validity_overlaps", "/valid_from"),
        ("validity_overlaps", "/valid_to"),
        ("already_exists", "/valid_from"),
    ]
    assert into.facts["overlaps"]["id"] == there.id
    assert "2026-01-10 until 2026-01-20" in into.detail


async def test_statements_that_come_at_once_without_a_lock_leave_one_on_any_day(
    kernel: Suite, owner: TenantFacts
):
    person = new_id()

    async def state(n: int) -> bool:
        try:
            async with acting(kernel, owner) as ctx:
                await restate(ctx, wage(owner, person, f"g{n}", date(2026, 1, 1 + n)), key=KEY)
        except (
            Overlapping,
            asyncpg.DeadlockDetectedError,
        ):  # as PostgreSQL finds them; a request would be tried again
            return False
        return True

    went_through = await asyncio.gather(*(state(n) for n in range(6)))

    assert any(went_through)
    async with acting(kernel, owner) as ctx:
        last = [await grade_on(ctx, person, date(2026, 1, day)) for day in range(1, 32)][-1]
    assert went_through[int((last or "")[1:])]
