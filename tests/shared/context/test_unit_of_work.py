"""A unit of work leaves all or nothing, and tells who waits for its commit only when it stands."""

from collections.abc import Awaitable, Callable
from uuid import UUID

import pytest

from shared.context.ctx import Actor, Ctx, TenantFacts
from shared.context.unit_of_work import open_work, unit_of_work
from shared.values.ids import new_id
from tests.kit.suite import Suite
from tests.shared.given_notes import rows
from tests.shared.probe.notes.schemas import NotePublished

SOMEBODY = Actor("somebody")


def noting(seen: list[str], what: str) -> Callable[[], Awaitable[None]]:
    async def note() -> None:
        seen.append(what)

    return note


async def test_what_waits_for_the_commit_happens_after_it_and_not_without_it(
    kernel: Suite, owner: TenantFacts
):
    seen: list[str] = []

    async with unit_of_work(kernel["probe"], owner, SOMEBODY, request_id="r") as ctx:
        ctx.after_commit.append(noting(seen, "kept"))
        assert seen == []

    async def change_my_mind() -> None:
        async with unit_of_work(kernel["probe"], owner, SOMEBODY, request_id="r") as ctx:
            ctx.after_commit.append(noting(seen, "undone"))
            raise RuntimeError("changed my mind")

    with pytest.raises(RuntimeError, match="changed my mind"):
        await change_my_mind()

    assert seen == ["kept"]


async def test_a_part_that_fails_takes_its_steps_after_the_commit_along(kernel: Suite, owner: TenantFacts):
    seen: list[str] = []

    async def fail_in_part(ctx: Ctx) -> None:
        async with ctx.savepoint():
            ctx.after_commit.append(noting(seen, "the part"))
            raise RuntimeError("only this part")

    async with unit_of_work(kernel["probe"], owner, SOMEBODY, request_id="r") as ctx:
        ctx.after_commit.append(noting(seen, "the whole"))
        with pytest.raises(RuntimeError, match="only this part"):
            await fail_in_part(ctx)

    assert seen == ["the whole"]


async def test_a_step_that_fails_keeps_no_other_from_happening(kernel: Suite, owner: TenantFacts):
    seen: list[str] = []

    async def fails() -> None:
        raise RuntimeError("after the commit nothing can be undone")

    async with unit_of_work(kernel["probe"], owner, SOMEBODY, request_id="r") as ctx:
        ctx.after_commit += [fails, noting(seen, "the next")]

    assert seen == ["the next"]


async def test_a_tenant_given_by_its_id_is_the_one_the_service_knows(kernel: Suite, owner: TenantFacts):
    async with unit_of_work(kernel["probe"], owner.id, SOMEBODY, request_id="r") as ctx:
        assert ctx.tenant == owner


async def test_ctxs_that_share_a_unit_leave_what_each_has_gathered_under_its_own_name(
    kernel: Suite, owner: TenantFacts
):
    ids = [new_id(), new_id()]

    async with open_work(kernel["probe"], owner.id) as unit:
        for number, note_id in enumerate(ids):
            ctx = unit.context(owner, Actor(f"client {number}"), request_id=f"r{number}", traceparent="")
            ctx.audit("touch", str(note_id))
            ctx.emit(
                NotePublished(note_id=note_id, title="shared", number=number), subject=note_id, version=1
            )

    audit = await rows(kernel.url, "probe", "audit", tenant_id=owner.id)
    touched = {
        row["subject"]: (row["actor_id"], row["request_id"]) for row in audit if row["action"] == "touch"
    }
    assert touched == {str(ids[0]): ("client 0", "r0"), str(ids[1]): ("client 1", "r1")}
    facts = {UUID(fact["ordering_key"].split(":")[1]) for fact in await kernel.outbox("probe", owner.id)}
    assert facts >= set(ids)


async def test_reads_over_many_rows_are_planned_by_what_the_tables_hold_and_nothing_else_is(
    kernel: Suite, owner: TenantFacts
):
    async def settings(ctx: Ctx) -> tuple[str, str]:
        row = await ctx.sql.fetchrow(
            "select current_setting('plan_cache_mode') as plans, current_setting('enable_seqscan') as scans"
        )
        return row["plans"], row["scans"]

    async with unit_of_work(kernel["probe"], owner, SOMEBODY, request_id="r") as ctx:
        before = await settings(ctx)
        async with ctx.reporting():
            during = await settings(ctx)
        after = await settings(ctx)

    assert before == after == ("force_generic_plan", "off")
    assert during == ("auto", "on")


async def test_a_port_that_the_manifest_does_not_name_is_named_in_the_error(
    kernel: Suite, owner: TenantFacts
):
    class Fax:
        """Nobody has one."""

    async with unit_of_work(kernel["probe"], owner, SOMEBODY, request_id="r") as ctx:
        with pytest.raises(LookupError, match="Fax"):
            ctx.port(Fax)
