"""Scheduled work: at its time, in order, once, by whoever is free; what fails is tried again and then shown."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import httpx
import pytest

from shared.background import scheduler
from shared.background.scheduler import Scheduler
from shared.context.ctx import TenantFacts
from shared.values import clock
from tests.kit.suite import Suite, eventually
from tests.shared.given_notes import effects_of, execute, given_note, rows
from tests.shared.probe.notes import switches

DAY = timedelta(days=1)


async def plan(suite: Suite, tenant: TenantFacts, *calls: tuple[str, str, datetime | None]) -> None:
    """Schedule (or, without an instant, unschedule) in one transaction."""
    async with suite.work("probe", tenant) as ctx:
        for kind, note_id, at in calls:
            if at is None:
                ctx.unschedule(kind, UUID(note_id))
            else:
                ctx.schedule(kind, UUID(note_id), at)


def done(suite: Suite, note_id: str, count: int):
    async def asked() -> bool:
        return len(await effects_of(suite, note_id)) >= count

    return asked


async def test_a_test_clock_makes_months_of_work_happen_in_order_and_at_their_times(
    kernel: Suite, owner: TenantFacts, probe: httpx.AsyncClient
):
    chain, single = await given_note(probe), await given_note(probe)
    start = clock.utc_now()
    await plan(
        kernel, owner, ("remind", chain["id"], start + 30 * DAY), ("once", single["id"], start + 75 * DAY)
    )

    await kernel.advance_clock(owner, 100 * DAY)
    await eventually(done(kernel, chain["id"], 3))
    await eventually(done(kernel, single["id"], 1))

    happened = await rows(kernel.url, "probe", "effects", tenant_id=owner.id)
    assert [(r["what"], r["at"]) for r in happened] == [
        ("reminded", start + 30 * DAY), ("reminded", start + 60 * DAY), ("once", start + 75 * DAY),
        ("reminded", start + 90 * DAY),
    ]  # fmt: skip
    (next_one,) = await rows(kernel.url, "probe", "due_times", tenant_id=owner.id)
    assert next_one["due_at"] == start + 120 * DAY


async def test_work_that_is_stuck_does_not_hold_up_that_of_another_tenant(
    kernel: Suite,
    owner: TenantFacts,
    probe: httpx.AsyncClient,
    kernel_stranger: TenantFacts,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(scheduler, "PATIENCE_SECONDS", 0.1)
    title, release = f"stuck {uuid4()}", asyncio.Event()
    switches.BEFORE_EFFECT[title] = release.wait
    stuck = await given_note(probe, title)
    await plan(kernel, owner, ("once", stuck["id"], clock.utc_now()))
    await eventually(lambda: _tried(title))
    other = await given_note(kernel.client("probe", kernel_stranger))

    await plan(kernel, kernel_stranger, ("once", other["id"], clock.utc_now()))
    await eventually(done(kernel, other["id"], 1))

    assert await effects_of(kernel, stuck["id"]) == []
    release.set()
    await eventually(done(kernel, stuck["id"], 1))


async def _tried(title: str) -> bool:
    return title in switches.TRIES


async def test_nothing_happens_before_its_time(kernel: Suite, owner: TenantFacts, probe: httpx.AsyncClient):
    note = await given_note(probe)
    await plan(kernel, owner, ("once", note["id"], clock.utc_now() + DAY))

    await kernel["probe"].scheduler.run_due()

    assert await effects_of(kernel, note["id"]) == []


async def test_of_several_calls_in_one_transaction_the_last_counts(
    kernel: Suite, owner: TenantFacts, probe: httpx.AsyncClient
):
    notes = [(await given_note(probe))["id"] for _ in range(3)]
    early, late = datetime(2099, 1, 1, tzinfo=UTC), datetime(2099, 2, 1, tzinfo=UTC)
    await plan(kernel, owner, ("once", notes[2], early))

    await plan(
        kernel, owner,
        ("once", notes[0], early), ("once", notes[0], None),
        ("once", notes[1], None), ("once", notes[1], early), ("once", notes[1], late),
        ("once", notes[2], None), ("once", notes[2], late),
    )  # fmt: skip

    left = await rows(kernel.url, "probe", "due_times", tenant_id=owner.id)
    assert {str(r["subject_id"]): r["due_at"] for r in left} == {notes[1]: late, notes[2]: late}


async def test_failing_work_is_tried_again_and_then_shown_as_failed_while_other_work_goes_on(
    kernel: Suite, owner: TenantFacts, probe: httpx.AsyncClient
):
    poison = await given_note(probe, f"always-fails {uuid4().hex}")
    healthy = await given_note(probe)
    now = clock.utc_now()
    await plan(
        kernel, owner, ("once", poison["id"], now - DAY), ("once", healthy["id"], now - timedelta(hours=1))
    )

    async def failed() -> bool:
        await execute(
            kernel.url, "update probe.due_times set next_try_at = now() where tenant_id = $1", owner.id
        )
        left = await rows(kernel.url, "probe", "due_times", tenant_id=owner.id)
        return [r["state"] for r in left] == ["failed"]

    await eventually(failed)
    (row,) = await rows(kernel.url, "probe", "due_times", tenant_id=owner.id)

    assert row["attempts"] == 4
    assert "cannot be handled" in row["error"]
    assert row["next_try_at"] is not None
    assert await effects_of(kernel, healthy["id"]) == ["once"]
    assert await effects_of(kernel, poison["id"]) == []


async def test_two_schedulers_do_each_piece_once_and_none_waits_for_the_other(
    kernel: Suite, owner: TenantFacts, probe: httpx.AsyncClient
):
    title = f"slow {uuid4().hex}"
    release = asyncio.Event()
    switches.BEFORE_EFFECT[title] = release.wait
    slow = await given_note(probe, title)
    quick = [await given_note(probe) for _ in range(10)]
    past = clock.utc_now() - DAY
    await plan(kernel, owner, ("once", slow["id"], past))
    await eventually(being_tried(title))
    await plan(kernel, owner, *(("once", n["id"], past) for n in quick))

    one, other = second_scheduler(kernel), second_scheduler(kernel)
    taken = await asyncio.gather(one.run_due(), other.run_due())
    idle = await one.run_due()
    release.set()
    await eventually(done(kernel, slow["id"], 1))

    assert sum(taken) == 10
    assert idle == 0  # a piece in another's hands is no work: the loop pauses instead of spinning
    assert [await effects_of(kernel, n["id"]) for n in [slow, *quick]] == [["once"]] * 11


def second_scheduler(kernel: Suite) -> Scheduler:
    running = kernel["probe"]
    return Scheduler(running, running.service.due_functions())


def being_tried(title: str):
    async def asked() -> bool:
        return switches.TRIES.get(title, 0) > 0

    return asked


async def test_a_due_time_of_a_kind_that_only_a_newer_release_knows_waits_for_its_worker(
    kernel: Suite, owner: TenantFacts, probe: httpx.AsyncClient
):
    note = await given_note(probe)
    past = clock.utc_now() - DAY
    await plan(kernel, owner, ("of a newer release", note["id"], past), ("once", note["id"], past))

    await eventually(done(kernel, note["id"], 1))

    (left,) = await rows(kernel.url, "probe", "due_times", subject_id=UUID(note["id"]))
    assert (left["kind"], left["state"], left["attempts"]) == ("of a newer release", "due", 0)
