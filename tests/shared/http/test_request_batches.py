"""Under load requests of one operation and tenant share a transaction; none of them can tell."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest

from shared.context.ctx import Actor, TenantFacts
from shared.context.unit_of_work import UnitOfWork
from shared.http.fast import request_batches
from tests.kit.suite import Suite
from tests.shared.given_notes import given_note, rows
from tests.shared.probe.notes import switches

COUNT = 12


@pytest.fixture(autouse=True)
def nothing_before_effects() -> Iterator[None]:
    yield
    switches.BEFORE_EFFECT.clear()


def title() -> str:
    return f"note {uuid4().hex}"


async def sent(probe: httpx.AsyncClient, *bodies: Any, **options: Any) -> list[httpx.Response]:
    """All at once; the first goes alone, the others meet while it is at work."""
    return list(await asyncio.gather(*(probe.post("/v1/notes", json=body, **options) for body in bodies)))


async def transactions(kernel: Suite, owner: TenantFacts) -> list[int]:
    """How many notes of a tenant were made in each transaction, most first."""
    sql = await asyncpg.connect(kernel.url)
    try:
        found = await sql.fetch(
            "select xmin::text as made_in from probe.notes where tenant_id = $1", owner.id
        )
    finally:
        await sql.close()
    return sorted(Counter(row["made_in"] for row in found).values(), reverse=True)


async def test_requests_that_come_at_once_share_transactions_and_each_gets_its_own_answer(
    kernel: Suite, owner: TenantFacts, probe: httpx.AsyncClient
):
    titles = [title() for _ in range(COUNT)]

    answers = await sent(probe, *({"title": each} for each in titles))

    assert [(a.status_code, a.json()["title"]) for a in answers] == [(201, each) for each in titles]
    assert [a.headers["location"] for a in answers] == [f"/v1/notes/{a.json()['id']}" for a in answers]
    assert (await transactions(kernel, owner))[0] > COUNT / 2


async def test_a_request_that_comes_alone_waits_for_no_company(
    kernel: Suite, owner: TenantFacts, probe: httpx.AsyncClient
):
    for _ in range(3):
        await given_note(probe)

    assert await transactions(kernel, owner) == [1, 1, 1]


async def test_what_is_refused_is_told_why_and_the_others_are_done(probe: httpx.AsyncClient):
    taken = (await given_note(probe))["title"]
    bodies = [
        *({"title": title()} for _ in range(COUNT)),
        {"title": taken},
        {"title": title(), "link_to": str(uuid4())},
        {"title": 7},
        [],
        {"title": title()},
    ]

    answers = await sent(probe, *bodies)

    assert [a.status_code for a in answers] == [201] * COUNT + [409, 409, 422, 422, 201]
    assert [a.json()["code"] for a in answers[COUNT : COUNT + 2]] == ["already_exists", "reference_violated"]
    assert answers[COUNT + 2].json()["errors"][0]["pointer"] == "/title"


async def test_what_is_heavy_together_is_done_in_several_and_what_is_light_still_in_one(
    kernel: Suite, owner: TenantFacts, probe: httpx.AsyncClient
):
    heavy = "x" * (request_batches.BATCH_BYTES // 2)

    answers = await sent(probe, *({"title": title(), "nested": heavy} for _ in range(COUNT)))
    separate = await transactions(kernel, owner)
    more = await sent(probe, *({"title": title(), "nested": "x"} for _ in range(COUNT)))

    assert {a.status_code for a in answers + more} == {201}
    assert separate == [1] * COUNT
    assert (await transactions(kernel, owner))[0] > COUNT / 2


async def test_bodies_that_do_not_fit_do_not_part_those_that_do(
    kernel: Suite, owner: TenantFacts, probe: httpx.AsyncClient
):
    answers = await sent(probe, *({"title": title()} if n % 2 else {"title": n} for n in range(COUNT)))

    assert Counter(a.status_code for a in answers) == {201: COUNT // 2, 422: COUNT // 2}
    assert (await transactions(kernel, owner))[0] > COUNT / 4


async def test_a_key_among_others_takes_effect_once_and_is_replayed_ever_after(
    kernel: Suite, owner: TenantFacts, probe: httpx.AsyncClient
):
    titles = [title() for _ in range(COUNT)]

    async def post(each: str) -> httpx.Response:
        return await probe.post("/v1/notes", json={"title": each}, headers={"idempotency-key": each})

    answers = await asyncio.gather(*(post(each) for each in titles for _ in range(3)))
    later = await asyncio.gather(*(post(each) for each in titles))
    other = await asyncio.gather(
        *(
            probe.post("/v1/notes", json={"title": title()}, headers={"idempotency-key": each})
            for each in titles
        )
    )

    made = await rows(kernel.url, "probe", "notes", tenant_id=owner.id)
    assert sorted(row["title"] for row in made) == sorted(titles)
    assert {a.status_code for a in answers} <= {201, 409}
    assert {(a.status_code, a.headers["idempotency-replayed"]) for a in later} == {(201, "true")}
    assert {a.json()["id"] for a in later} == {str(row["id"]) for row in made}
    assert {a.json()["code"] for a in other} == {"idempotency_mismatch"}


async def test_keys_that_were_used_or_come_twice_do_not_part_those_that_are_new(
    kernel: Suite, owner: TenantFacts, probe: httpx.AsyncClient
):
    used = title()
    first = await probe.post("/v1/notes", json={"title": used}, headers={"idempotency-key": used})
    titles = [title() for _ in range(COUNT)]

    answers = await asyncio.gather(
        *(
            probe.post("/v1/notes", json={"title": each}, headers={"idempotency-key": each})
            for each in [*titles, used, titles[-1]]
        )
    )

    assert {a.status_code for a in answers[:COUNT]} == {201}
    assert answers[COUNT].json() == first.json()
    twice = answers[COUNT + 1].json()  # the second of a key may also come while the first is at work
    assert twice == answers[COUNT - 1].json() or twice["code"] == "in_progress"
    assert (await transactions(kernel, owner))[0] > COUNT / 2


async def test_each_leaves_its_own_timeline_and_audit_row(kernel: Suite, owner: TenantFacts):
    clients = [kernel.client("probe", owner, actor=Actor(f"client {n}")) for n in range(COUNT)]

    answers = await asyncio.gather(
        *(
            c.post("/v1/notes", json={"title": title()}, headers={"x-request-id": f"r{n}"})
            for n, c in enumerate(clients)
        )
    )

    history = {
        str(row["aggregate_id"]): row["actor_id"]
        for row in await rows(kernel.url, "probe", "history", tenant_id=owner.id)
    }
    audit = {
        row["request_id"]: row["actor_id"]
        for row in await rows(kernel.url, "probe", "audit", tenant_id=owner.id)
    }
    assert [history[a.json()["id"]] for a in answers] == [f"client {n}" for n in range(COUNT)]
    assert audit == {f"r{n}": f"client {n}" for n in range(COUNT)}


async def test_a_connection_that_breaks_under_several_costs_none_of_them(
    kernel: Suite, owner: TenantFacts, probe: httpx.AsyncClient
):
    broken = title()

    async def break_it() -> None:
        sql = await asyncpg.connect(kernel.url)
        try:
            await sql.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity "
                "where state = 'idle in transaction' and datname = current_database()"
            )
        finally:
            await sql.close()

    switches.BEFORE_EFFECT[broken] = break_it

    answers = await sent(probe, *({"title": title()} for _ in range(COUNT)), {"title": broken})

    assert [a.status_code for a in answers] == [201] * (COUNT + 1)
    assert len(await rows(kernel.url, "probe", "notes", tenant_id=owner.id)) == COUNT + 1


async def test_a_commit_that_is_not_answered_is_not_tried_again(
    kernel: Suite, owner: TenantFacts, probe: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
):
    write = UnitOfWork.write

    async def commit_and_lose_the_answer(unit: UnitOfWork) -> None:
        several = len(unit.contexts) > 1
        await write(unit)
        if several:
            await unit.tx.sql.execute("commit")
            unit.tx.sql.terminate()

    monkeypatch.setattr(UnitOfWork, "write", commit_and_lose_the_answer)
    titles = [title() for _ in range(COUNT)]

    answers = await sent(probe, *({"title": each} for each in titles))

    came = Counter(a.status_code for a in answers)
    assert (came[201] + came[503], came[503] > 1) == (COUNT, True)
    made = await rows(kernel.url, "probe", "notes", tenant_id=owner.id)
    assert sorted(row["title"] for row in made) == sorted(titles)


async def test_a_round_that_takes_too_long_is_given_up_and_each_goes_alone(
    kernel: Suite, owner: TenantFacts, probe: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(request_batches, "BATCH_SECONDS", 0.05)
    stuck = title()
    switches.BEFORE_EFFECT[stuck] = lambda: asyncio.sleep(60)

    async with asyncio.timeout(20):
        answers = await sent(probe, *({"title": title()} for _ in range(COUNT)), {"title": stuck})

    assert [a.status_code for a in answers] == [201] * (COUNT + 1)
    assert await transactions(kernel, owner) == [1] * (COUNT + 1)


async def test_requests_of_different_tenants_share_nothing(kernel: Suite):
    owners = [await kernel.new_tenant() for _ in range(COUNT)]
    clients = [kernel.client("probe", owner) for owner in owners for _ in range(2)]

    answers = await asyncio.gather(*(c.post("/v1/notes", json={"title": title()}) for c in clients))

    assert {a.status_code for a in answers} == {201}
    assert [len(await rows(kernel.url, "probe", "notes", tenant_id=owner.id)) for owner in owners] == [
        2
    ] * COUNT
