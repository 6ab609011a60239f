"""Asking and deciding through the API, as the archiving of the probe's notes."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest

from shared.approvals.rules import Step
from shared.context.ctx import Actor, TenantFacts
from shared.values.ids import new_id
from tests.kit.suite import Suite, eventually
from tests.shared.given_notes import given_published, rows
from tests.shared.probe.notes import switches

A = "/v1/probe-approvals"
D = "/v1/probe-approval-delegations"
ONE, TWO = [Step("probe:approve")], [Step("probe:approve", 2)]
NAMED = [Step("probe:approve", 2, ("ben", "cleo", "dora"))]
As = Callable[..., httpx.AsyncClient]


@pytest.fixture
def acting(kernel: Suite, owner: TenantFacts) -> As:
    """Callers by name."""

    def client(name: str, **facts: Any) -> httpx.AsyncClient:
        scopes = facts.pop("scopes", None)
        return kernel.client("probe", owner, actor=Actor(name, **facts), scopes=scopes)

    return client


async def given_asked(
    acting: As, steps: list[Step], *, by: str = "ann", reason: str = "old"
) -> dict[str, Any]:
    """An approval that ann asked for."""
    note = await given_published(acting("author"))
    switches.STEPS[note["title"]] = steps
    return await ask(acting(by), note["id"], reason=reason)


async def ask(client: httpx.AsyncClient, note_id: str, *, reason: str = "old") -> dict[str, Any]:
    answer = await client.post(f"/v1/notes/{note_id}/archive", params={"reason": reason})
    assert answer.status_code == 202, answer.text
    asked: dict[str, Any] = answer.json()
    assert answer.headers["location"] == f"{A}/{asked['id']}"
    return asked


async def approve(client: httpx.AsyncClient, asked: dict[str, Any], **body: str) -> tuple[int, str]:
    """Status, and the state or the code of the refusal."""
    answer = await client.post(f"{A}/{asked['id']}/approve", json=body)
    found = answer.json()
    return answer.status_code, found["state"] if answer.status_code == 200 else found["code"]


async def note_of(acting: As, asked: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = (await acting("author").get(f"/v1/notes/{asked['subject_id']}")).json()
    return found


async def archived(kernel: Suite, asked: dict[str, Any]) -> list[tuple[str, str]]:
    """Each time the note was archived: by whom, and why."""
    moves = await rows(kernel.url, "probe", "history", aggregate_id=UUID(asked["subject_id"]), verb="archive")
    return [(move["actor_id"], move["why"]) for move in moves]


async def test_somebody_else_approves_and_it_is_done(kernel: Suite, acting: As):
    asked = await given_asked(acting, ONE)

    assert asked["state"] == "pending"
    assert asked["allowed_actions"] == ["withdraw"]
    assert (await acting("ben").get(f"{A}/{asked['id']}")).json()["allowed_actions"] == ["approve", "reject"]
    assert await archived(kernel, asked) == []
    assert await approve(acting("ben"), asked, comment="fine") == (200, "approved")

    assert (await note_of(acting, asked))["state"] == "archived"
    assert await archived(kernel, asked) == [("ben", "old")]
    shown = (await acting("ann").get(f"{A}/{asked['id']}")).json()
    (decision,) = shown["decisions"]
    assert (decision["decided_by"], decision["in_place_of"], decision["comment"]) == ("ben", "ben", "fine")
    timeline = (await acting("ann").get(f"{A}/{asked['id']}/timeline")).json()["items"]
    assert [(t["verb"], t["actor_id"], t["why"]) for t in timeline] == [
        ("approve", "ben", "fine"),
        ("ask", "ann", "old"),
    ]
    audit = await rows(kernel.url, "probe", "audit", action="probe_note.archive approved")
    assert [a["subject"] for a in audit if asked["subject"] in a["subject"]] == [
        f"{asked['subject']}, asked for by ann"
    ]


async def test_who_asked_decides_under_no_name(kernel: Suite, acting: As):
    asked = await given_asked(acting, ONE)

    for who in (acting("ann"), acting("agency", on_behalf_of="ann"), acting("system", kind="system")):
        assert await approve(who, asked) == (403, "four_eyes")
        rejected = await who.post(f"{A}/{asked['id']}/reject", json={"reason": "no"})
        assert (rejected.status_code, rejected.json()["code"]) == (403, "four_eyes")
    assert await archived(kernel, asked) == []


async def test_the_database_refuses_a_self_approval_that_the_program_let_through(kernel: Suite, acting: As):
    asked = await given_asked(acting, ONE)
    sql = await asyncpg.connect(kernel.url)
    insert = (
        "insert into probe.approval_decisions select tenant_id, $2, id, $3, 0, 'approved', $4, 'client', $5, $6, "
        "null, now() from probe.approvals where id = $1"
    )
    try:
        for requester, by, behalf, place in (
            ("ann", "ann", None, "ann"),
            ("ann", "ben", "ann", "ben"),
            ("ann", "ben", None, "ann"),
            ("nobody", "ann", None, "ann"),
        ):
            with pytest.raises(asyncpg.IntegrityConstraintViolationError):
                await sql.execute(insert, UUID(asked["id"]), new_id(), requester, by, behalf, place)
    finally:
        await sql.close()


async def test_two_are_two_different_people(kernel: Suite, acting: As):
    asked = await given_asked(acting, TWO)

    assert await approve(acting("ben"), asked) == (200, "pending")
    assert await approve(acting("ben"), asked) == (409, "already_decided")
    assert await approve(acting("agency", on_behalf_of="ben"), asked) == (409, "already_decided")
    assert await archived(kernel, asked) == []
    assert await approve(acting("cleo"), asked) == (200, "approved")
    assert await approve(acting("dora"), asked) == (409, "illegal_transition")
    assert len(await archived(kernel, asked)) == 1


async def test_steps_follow_each_other_each_with_its_own_scope_and_people(kernel: Suite, acting: As):
    asked = await given_asked(
        acting, [Step("probe:approve"), Step("probe.chief:approve", None, ("eve", "fay"))]
    )
    chief = {"probe:approve", "probe.chief:approve", "probe:read"}

    assert await approve(acting("ben"), asked) == (200, "pending")
    assert await approve(acting("cleo"), asked) == (403, "missing_scope")
    assert await approve(acting("ben", scopes=chief), asked) == (409, "already_decided")
    assert await approve(acting("gus", scopes=chief), asked) == (403, "not_an_approver")
    assert await approve(acting("eve", scopes=chief), asked) == (200, "pending")
    assert await approve(acting("fay", scopes=chief), asked) == (200, "approved")
    assert len(await archived(kernel, asked)) == 1


async def test_what_has_changed_since_is_not_approved_and_earlier_approvals_do_not_count(
    kernel: Suite, acting: As
):
    asked = await given_asked(acting, TWO)
    assert await approve(acting("ben"), asked) == (200, "pending")
    title = f"changed {new_id()}"
    switches.STEPS[title] = TWO
    path = f"/v1/notes/{asked['subject_id']}"
    changed = await acting("ann").patch(path, json={"title": title}, headers={"if-match": "2"})
    assert changed.status_code == 200, changed.text

    assert await approve(acting("cleo"), asked) == (409, "approval_outdated")

    anew = await ask(acting("ann"), asked["subject_id"])
    assert anew["id"] != asked["id"]
    assert anew["decisions"] == []
    assert (await acting("ann").get(f"{A}/{asked['id']}")).json()["state"] == "superseded"
    assert await approve(acting("cleo"), anew) == (200, "pending")
    assert await archived(kernel, asked) == []
    assert await approve(acting("ben"), anew) == (200, "approved")


async def test_asking_again_gives_the_same_approval_and_another_command_a_new_one(acting: As):
    asked = await given_asked(acting, TWO, reason="old")

    same = await ask(acting("ann"), asked["subject_id"], reason="old")
    by_another = await ask(acting("zoe"), asked["subject_id"], reason="old")
    other = await ask(acting("ann"), asked["subject_id"], reason="wrong")

    assert same["id"] == by_another["id"] == asked["id"] != other["id"]
    pending = (
        await acting("ann").get(A, params={"state": "pending", "subject_id": asked["subject_id"]})
    ).json()
    assert [each["id"] for each in pending["items"]] == [other["id"]]


async def test_a_rejection_needs_a_reason_and_ends_it(kernel: Suite, acting: As):
    asked = await given_asked(acting, TWO)
    path = f"{A}/{asked['id']}/reject"

    assert (await acting("ben").post(path, json={})).status_code == 422
    rejected = (await acting("ben").post(path, json={"reason": "still needed"})).json()

    assert (rejected["state"], rejected["decisions"][0]["comment"]) == ("rejected", "still needed")
    assert await approve(acting("cleo"), asked) == (409, "illegal_transition")
    assert (await ask(acting("ann"), asked["subject_id"]))["id"] != asked["id"]


async def test_only_who_asked_withdraws(acting: As):
    asked = await given_asked(acting, ONE)
    path = f"{A}/{asked['id']}/withdraw"

    other = await acting("ben").post(path)
    own = await acting("ann").post(path, json={"reason": "not now"})

    assert (other.status_code, other.json()["code"]) == (403, "four_eyes")
    assert own.json()["state"] == "withdrawn"
    assert await approve(acting("ben"), asked) == (409, "illegal_transition")


async def test_what_is_refused_in_the_end_leaves_the_approval_as_it_was(kernel: Suite, acting: As):
    """The note is archived another way meanwhile: the archiving refuses, and so the approval is not counted."""
    asked = await given_asked(acting, ONE)
    sql = await asyncpg.connect(kernel.url)
    await sql.execute("update probe.notes set state = 'archived' where id = $1", UUID(asked["subject_id"]))
    await sql.close()

    assert await approve(acting("ben"), asked) == (409, "illegal_transition")

    found = (await acting("ann").get(f"{A}/{asked['id']}")).json()
    assert (found["state"], found["decisions"], found["version"]) == ("pending", [], 1)


async def test_an_approval_that_nobody_decides_on_expires(kernel: Suite, owner: TenantFacts, acting: As):
    asked = await given_asked(acting, ONE)
    later = await kernel.advance_clock(owner, timedelta(days=15))
    ben = kernel.client("probe", later, actor=Actor("ben"))

    status, code = await approve(ben, asked)
    assert (status, code) in {(409, "approval_expired"), (409, "illegal_transition")}

    async def is_expired() -> bool:
        return (await ben.get(f"{A}/{asked['id']}")).json()["state"] == "expired"

    await eventually(is_expired)
    assert await archived(kernel, asked) == []


async def test_an_answer_under_a_key_is_given_again(kernel: Suite, acting: As):
    asked = await given_asked(acting, ONE)
    path, key = f"{A}/{asked['id']}/approve", {"idempotency-key": f"k-{new_id()}"}

    first = await acting("ben").post(path, headers=key)
    again = await acting("ben").post(path, headers=key)

    assert first.status_code == again.status_code == 200
    assert again.headers["idempotency-replayed"] == "true"
    assert len(await archived(kernel, asked)) == 1


async def test_of_two_who_approve_the_last_step_at_once_one_does_it(kernel: Suite, acting: As):
    for _ in range(4):
        asked = await given_asked(acting, ONE)

        answers = await asyncio.gather(*(approve(acting(f"approver {n}"), asked) for n in range(5)))

        assert sorted(answers) == [(200, "approved"), *[(409, "illegal_transition")] * 4]
        assert len(await archived(kernel, asked)) == 1


async def test_of_more_who_approve_at_once_than_are_needed_only_those_count(kernel: Suite, acting: As):
    asked = await given_asked(acting, NAMED)

    answers = await asyncio.gather(*(approve(acting(name), asked) for name in ("ben", "cleo", "dora")))

    assert sorted(answers) == [(200, "approved"), (200, "pending"), (409, "illegal_transition")]
    assert len(await archived(kernel, asked)) == 1


async def test_withdrawn_or_approved_but_never_both(kernel: Suite, acting: As):
    for _ in range(6):
        asked = await given_asked(acting, ONE)

        (status, _), withdrawn = await asyncio.gather(
            approve(acting("ben"), asked), acting("ann").post(f"{A}/{asked['id']}/withdraw")
        )

        assert sorted([status, withdrawn.status_code]) == [200, 409]
        assert len(await archived(kernel, asked)) == (status == 200)


async def test_a_change_that_comes_at_once_is_before_the_approval_or_after_it(kernel: Suite, acting: As):
    for _ in range(6):
        asked = await given_asked(acting, ONE)
        path, title = f"/v1/notes/{asked['subject_id']}", f"changed {new_id()}"

        (status, said), changed = await asyncio.gather(
            approve(acting("ben"), asked),
            acting("ann").patch(path, json={"title": title}, headers={"if-match": "2"}),
        )

        outcome = (status, said, changed.status_code, len(await archived(kernel, asked)))
        assert outcome in {(409, "approval_outdated", 200, 0), (200, "approved", 412, 1)}


async def test_who_ask_at_once_get_one_approval(acting: As):
    note = await given_published(acting("author"))
    switches.STEPS[note["title"]] = ONE

    found = await asyncio.gather(*(ask(acting(f"asker {n}"), note["id"]) for n in range(6)))

    assert len({each["id"] for each in found}) == 1


def delegation(to: str, *, days: int = 7, **facts: str) -> dict[str, str]:
    now = datetime.now(UTC)
    times = {"starts_at": now - timedelta(hours=1), "ends_at": now + timedelta(days=days)}
    return {"delegate": to, **{name: at.isoformat() for name, at in times.items()}, **facts}


async def test_a_delegate_decides_in_a_named_approvers_place_which_counts_once(kernel: Suite, acting: As):
    asked = await given_asked(acting, NAMED)
    assert await approve(acting("zoe"), asked) == (403, "not_an_approver")
    made = await acting("ben").post(D, json=delegation("zoe"))
    assert made.status_code == 201, made.text

    assert await approve(acting("zoe"), asked) == (200, "pending")
    assert await approve(acting("ben"), asked) == (409, "already_decided")

    decision = (await acting("ann").get(f"{A}/{asked['id']}")).json()["decisions"][0]
    assert (decision["decided_by"], decision["in_place_of"]) == ("zoe", "ben")
    assert await approve(acting("cleo"), asked) == (200, "approved")


async def test_a_requester_gains_nothing_by_being_a_delegate_or_having_one(acting: As):
    asked = await given_asked(acting, [Step("probe:approve", 1, ("ann", "ben"))])
    await acting("ben").post(D, json=delegation("ann"))
    await acting("ann").post(D, json=delegation("zoe"))

    assert await approve(acting("ann"), asked) == (403, "four_eyes")
    assert await approve(acting("zoe"), asked) == (403, "not_an_approver")


async def test_a_delegation_has_an_end_and_is_not_passed_on(kernel: Suite, owner: TenantFacts, acting: As):
    asked = await given_asked(acting, NAMED)
    made = (await acting("ben").post(D, json=delegation("zoe"))).json()
    await acting("zoe").post(D, json=delegation("yan"))
    future = datetime.now(UTC) + timedelta(days=1)
    await acting("cleo").post(D, json=delegation("wim") | {"starts_at": future.isoformat()})

    assert await approve(acting("yan"), asked) == (403, "not_an_approver")
    assert await approve(acting("wim"), asked) == (403, "not_an_approver")
    revoked = await acting("ben").post(f"{D}/{made['id']}/revoke")
    assert revoked.status_code == 200
    assert await approve(acting("zoe"), asked) == (403, "not_an_approver")
    again = await acting("ben").post(f"{D}/{made['id']}/revoke")
    assert (again.status_code, again.json()["code"]) == (409, "already_revoked")

    later = await kernel.advance_clock(owner, timedelta(days=8))  # cleo's has begun and ended by then
    wim = kernel.client("probe", later, actor=Actor("wim"))
    assert await approve(wim, asked) == (403, "not_an_approver")


async def test_nobody_takes_a_place_that_is_not_given(acting: As):
    async def refusal(client: httpx.AsyncClient, **facts: Any) -> tuple[int, str]:
        body = delegation("zoe") | facts
        answer = await client.post(D, json=body)
        return answer.status_code, answer.json().get("code", "made")

    assert await refusal(acting("zoe"), delegator="ben") == (403, "not_your_place")
    assert await refusal(acting("yan"), delegator="ben") == (403, "not_your_place")
    assert await refusal(acting("zoe", kind="operator"), delegator="ben") == (403, "not_your_place")
    assert await refusal(acting("op", kind="operator"), delegator="ben") == (201, "made")
    assert await refusal(acting("ben"), delegate="ben") == (422, "same_person")
    assert await refusal(acting("ben"), ends_at="2020-01-01T00:00:00Z") == (422, "ends_too_early")
    assert await refusal(acting("ben", scopes={"probe:write"})) == (403, "missing_scope")
    found = (await acting("ann").get(D, params={"delegator": "ben"})).json()["items"]
    assert [(d["delegate"], d["created_by"]) for d in found] == [("zoe", "op")]
