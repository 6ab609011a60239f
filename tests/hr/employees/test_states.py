"""States of employments: by the clock, by verbs, by leave; and what other services are told of it."""

import json
import random
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from services.hr.employees import actions
from shared.context.ctx import TenantFacts
from tests.hr.given import given_change, given_employee, shown, terms, verb
from tests.kit.suite import Suite, eventually

TODAY = datetime.now(UTC).date()


def day(offset: int) -> str:
    return (TODAY + timedelta(days=offset)).isoformat()


async def told(suite: Suite, tenant: TenantFacts, *types: str) -> list[dict[str, Any]]:
    """Facts of these types, in their order; of all types without any."""
    found = []
    for row in await suite.outbox("hr", tenant.id):
        document = json.loads(row["envelope"])
        if not types or document["type"] in {f"hr.employee.{name}.v1" for name in types}:
            found.append(document["data"] | {"type": document["type"].split(".")[2]})
    return found


async def becomes(suite: Suite, tenant: TenantFacts, employee: dict[str, Any], state: str) -> dict[str, Any]:
    hr = suite.client("hr", tenant)

    async def there() -> Any:
        found = await shown(hr, employee)
        return found if found["state"] == state else None

    return await eventually(there)


async def test_an_employment_begins_and_ends_with_its_days(suite: Suite, tenant: TenantFacts):
    hr = suite.client("hr", tenant)
    employee = await given_employee(hr, hire_on=day(3))
    assert (employee["state"], employee["allowed_actions"]) == ("pending", ["cancel-start", "terminate"])
    ending = await verb(hr, employee, "terminate", last_day=day(10), final_pay_on=day(15))
    assert (ending.status_code, ending.json()["state"]) == (200, "pending"), ending.text

    later = await suite.advance_clock(tenant, timedelta(days=3))
    active = await becomes(suite, later, employee, "active")
    assert active["allowed_actions"] == ["suspend", "terminate", "cancel-termination"]
    last = await suite.advance_clock(later, timedelta(days=8))
    over = await becomes(suite, last, employee, "terminated")

    assert over["last_day"] == day(10)
    states = [(await shown(hr, employee, as_of=day(n)))["state"] for n in (0, 2, 3, 10, 11)]
    assert states == ["pending", "pending", "active", "active", "terminated"]
    kinds = [fact["type"] for fact in await told(suite, tenant)]
    assert kinds == ["hired", "terminated"]
    (end,) = await told(suite, tenant, "terminated")
    assert (end["last_day"], end["final_pay_on"]) == (day(10), day(15))
    assert "reason" not in end

    async def moved() -> bool:
        moves = (await hr.get(f"/v1/employees/{employee['id']}/timeline")).json()["items"]
        return [m["verb"] for m in moves] == ["end", "begin", "terminate", "hire"]

    await eventually(moved)


async def test_access_ends_with_the_last_day_of_the_company(suite: Suite):
    tenant = await suite.new_tenant(time_zone="America/New_York")
    hr = suite.client("hr", tenant)
    employee = await given_employee(hr)

    await verb(hr, employee, "terminate", last_day="2027-01-31")

    (end,) = await told(suite, tenant, "terminated")
    assert end["access_end_at"] == "2027-02-01T05:00:00Z"


async def test_a_suspended_employment_is_resumed_and_leave_that_goes_on_shows_again(
    suite: Suite, tenant: TenantFacts, hr: httpx.AsyncClient
):
    employee = await given_employee(hr)
    employment = UUID(employee["employment_id"])
    async with suite.work("hr", tenant) as ctx:
        await actions.leave_begins(ctx, employment)
    assert (await shown(hr, employee))["state"] == "on_leave"

    suspended = await verb(hr, employee, "suspend")
    resumed = await verb(hr, employee, "resume")
    again = await verb(hr, employee, "resume")
    async with suite.work("hr", tenant) as ctx:
        await actions.leave_ends(ctx, employment)

    assert [suspended.json()["state"], resumed.json()["state"]] == ["suspended", "on_leave"]
    assert (again.status_code, again.json()["code"]) == (409, "illegal_transition")
    assert again.json()["allowed_actions"] == ["suspend", "terminate", "cancel-termination"]
    assert (await shown(hr, employee))["state"] == "active"


async def test_leave_of_a_suspended_or_pending_employment_shows_when_it_goes_on(
    suite: Suite, tenant: TenantFacts
):
    hr = suite.client("hr", tenant)
    suspended = await given_employee(hr)
    await verb(hr, suspended, "suspend")
    pending = await given_employee(hr, hire_on=day(2))
    for each in (suspended, pending):
        async with suite.work("hr", tenant) as ctx:
            await actions.leave_begins(ctx, UUID(each["employment_id"]))
    assert [(await shown(hr, each))["state"] for each in (suspended, pending)] == ["suspended", "pending"]

    later = await suite.advance_clock(tenant, timedelta(days=2))
    await becomes(suite, later, pending, "on_leave")
    assert (await verb(hr, suspended, "resume")).json()["state"] == "on_leave"


async def test_a_start_is_cancelled_once_and_only_before_it(
    suite: Suite, tenant: TenantFacts, hr: httpx.AsyncClient
):
    employee = await given_employee(hr, hire_on=day(5))
    begun = await given_employee(hr)

    cancelled = await verb(hr, employee, "cancel-start")
    again = await verb(hr, employee, "cancel-start")
    late = await verb(hr, begun, "cancel-start")

    assert (cancelled.json()["state"], cancelled.json()["allowed_actions"]) == ("cancelled", [])
    assert [again.status_code, late.status_code] == [409, 409]
    assert [f["type"] for f in await told(suite, tenant)] == ["hired", "hired", "start_cancelled"]


async def test_a_termination_is_moved_and_taken_back(
    suite: Suite, tenant: TenantFacts, hr: httpx.AsyncClient
):
    employee = await given_employee(hr)
    await verb(hr, employee, "suspend")
    await verb(hr, employee, "resume")

    first = await verb(hr, employee, "terminate", last_day=day(-2))
    assert first.json()["state"] == "terminated"
    refused = await verb(hr, employee, "terminate", last_day=day(9))
    back = await verb(hr, employee, "cancel-termination")
    moved = [await verb(hr, employee, "terminate", last_day=day(n)) for n in (5, 9, 7)]
    nothing = await verb(hr, await given_employee(hr), "cancel-termination")

    assert refused.status_code == 409
    assert (back.json()["state"], back.json()["last_day"]) == ("active", None)
    assert [m.json()["last_day"] for m in moved] == [day(5), day(9), day(7)]
    assert [(await shown(hr, employee, as_of=day(n)))["state"] for n in (-1, 7, 8, 9, 10)] == [
        "active", "active", "terminated", "terminated", "terminated",
    ]  # fmt: skip
    assert (nothing.status_code, nothing.json()["code"]) == (409, "not_terminated")
    facts = await told(suite, tenant, "terminated", "termination_cancelled")
    assert [f["type"] for f in facts] == ["terminated", "termination_cancelled"] + ["terminated"] * 3
    assert [f["version"] for f in facts] == sorted({f["version"] for f in facts})


async def test_what_was_believed_of_an_end_is_kept(hr: httpx.AsyncClient):
    employee = await given_employee(hr)
    ended = (await verb(hr, employee, "terminate", last_day=day(5))).json()
    await verb(hr, employee, "cancel-termination")

    now = await shown(hr, employee, as_of=day(6))
    then = await shown(hr, employee, as_of=day(6), known_at=ended["updated_at"])
    before = await shown(hr, employee, as_of=day(6), known_at=employee["created_at"])

    assert [(f["state"], f["last_day"]) for f in (now, then, before)] == [
        ("active", None), ("terminated", day(5)), ("active", None),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"last_day": "2025-12-31"}, "/last_day"),
        ({"last_day": "2026-12-31", "final_pay_on": "2025-01-01"}, "/final_pay_on"),
        ({"last_day": "2026-12-31", "access_end_at": "2025-01-01T00:00:00Z"}, "/access_end_at"),
    ],
)
async def test_an_employment_does_not_end_before_it_begins(
    hr: httpx.AsyncClient, body: dict[str, str], pointer: str
):
    employee = await given_employee(hr)

    refused = await verb(hr, employee, "terminate", **body)

    assert (refused.status_code, refused.json()["code"]) == (422, "ends_before_it_begins")
    assert [e["pointer"] for e in refused.json()["errors"]] == [pointer]


async def test_days_at_either_end_of_the_calendar(hr: httpx.AsyncClient):
    first = await given_employee(hr, hire_on="0002-01-01")
    last = await given_employee(hr, hire_on="9998-12-31")
    await given_change(hr, first, "9998-12-31", department="Far")

    ended = await verb(hr, last, "terminate", last_day="9998-12-31")

    assert ended.status_code == 200, ended.text
    assert (await shown(hr, first, as_of="0002-01-01"))["department"] == "Sales"
    assert (await shown(hr, first, as_of="9998-12-31"))["department"] == "Far"
    assert [first["state"], ended.json()["state"]] == ["active", "pending"]


async def test_somebody_is_hired_again_and_engaged_twice(
    suite: Suite, tenant: TenantFacts, hr: httpx.AsyncClient
):
    employee = await given_employee(hr, kind="contractor")
    await verb(hr, employee, "terminate", last_day="2026-02-28")
    path = f"/v1/employees/{employee['id']}/employments"

    again = await hr.post(path, json=terms(hire_on="2026-04-01", department="Support"))
    beside = await hr.post(path, json=terms(hire_on="2026-05-01", kind="contractor"))

    assert (again.status_code, again.headers["location"]) == (201, f"{path}/{again.json()['id']}")
    assert (await hr.get(again.headers["location"])).json() == again.json()
    listed = (await hr.get(path)).json()["items"]
    assert [each["state"] for each in listed] == ["active", "active", "terminated"]
    kinds = [(await shown(hr, employee, as_of=d))["kind"] for d in ("2026-02-01", "2026-04-15", "2026-05-01")]
    assert kinds == ["contractor", "employee", "contractor"]
    which = await verb(hr, employee, "suspend")
    assert (which.status_code, which.json()["errors"][0]["pointer"]) == (422, "/employment_id")
    unknown = await verb(hr, employee, "suspend", employment_id=employee["id"])
    assert unknown.json()["errors"][0]["code"] == "unknown_employment"
    one = await verb(hr, employee, "suspend", employment_id=again.json()["id"])
    assert one.status_code == 200
    change = {"effective_on": "2026-06-01", "fields": {"department": "Lab"}, "reason": "moved"}
    changes = f"/v1/employees/{employee['id']}/changes"
    assert (await hr.post(changes, json=change)).json()["errors"][0]["pointer"] == "/employment_id"
    named = await hr.post(changes, json=change | {"employment_id": beside.json()["id"]})
    assert named.status_code == 201
    hired = await told(suite, tenant, "hired")
    assert [f["hire_on"] for f in hired] == ["2026-01-01", "2026-04-01", "2026-05-01"]


@pytest.mark.parametrize("seed", range(6))
async def test_the_state_of_the_day_is_that_of_the_employment_whatever_happens(suite: Suite, seed: int):
    """Verbs, leave and days in any order; other days' states follow from what is stated of the end."""
    dice, tenant = random.Random(seed), await suite.new_tenant()
    employee = await given_employee(suite.client("hr", tenant), hire_on=day(dice.randrange(-3, 3)))
    passed, taken = 0, 0
    for _ in range(25):
        hr = suite.client("hr", tenant)
        name = dice.choice(
            ["suspend", "resume", "terminate", "terminate", "cancel-termination", "leave", "return", "pass"]
        )
        if name == "pass":
            passed += 1
            tenant = await suite.advance_clock(tenant, timedelta(days=1))
        elif name in ("leave", "return"):
            async with suite.work("hr", tenant) as ctx:
                move = actions.leave_begins if name == "leave" else actions.leave_ends
                await move(ctx, UUID(employee["employment_id"]))
        else:
            body = {"last_day": day(passed + dice.randrange(0, 6))} if name == "terminate" else {}
            answer = await verb(hr, employee, name, **body)
            assert answer.status_code in (200, 409, 422), answer.text
            taken += answer.status_code == 200
        await agree(suite, tenant, employee, passed)
    assert taken > 3


async def agree(suite: Suite, tenant: TenantFacts, employee: dict[str, Any], passed: int) -> None:
    hr = suite.client("hr", tenant)

    async def same() -> Any:
        (row,) = (await hr.get(f"/v1/employees/{employee['id']}/employments")).json()["items"]
        found = await shown(hr, employee)
        facts = [(each["state"], each["last_day"], each["allowed_actions"]) for each in (row, found)]
        return row if facts[0] == facts[1] else None

    row = await eventually(same)
    last = row["last_day"]
    for n in range(passed, passed + 8):
        state = (await shown(hr, employee, as_of=day(n)))["state"]
        assert (state == "terminated") == (last is not None and day(n) > last), (day(n), last)
        if row["state"] not in ("pending", "terminated") and state != "terminated":
            assert state == row["state"]


async def test_a_suspension_goes_on_when_an_end_is_taken_back(suite: Suite, tenant: TenantFacts):
    hr = suite.client("hr", tenant)
    employee = await given_employee(hr, hire_on=day(-30))
    await verb(hr, employee, "suspend")
    ended = await verb(hr, employee, "terminate", last_day=day(-3))
    assert ended.json()["state"] == "terminated", ended.text

    back = await verb(hr, employee, "cancel-termination")

    assert (back.status_code, back.json()["state"]) == (200, "suspended"), back.text
    states = [(await shown(hr, employee, as_of=day(n)))["state"] for n in (-10, 0, 10)]
    assert states == ["active", "suspended", "suspended"]
    assert (await verb(hr, employee, "resume")).json()["state"] == "active"


async def test_an_employment_that_never_begins_has_no_terms_to_change(suite: Suite, tenant: TenantFacts):
    hr = suite.client("hr", tenant)
    employee = await given_employee(hr, hire_on=day(10))
    await verb(hr, employee, "cancel-start")

    body = {"effective_on": day(12), "fields": {"department": "C"}, "reason": "agreed"}
    answer = await hr.post(f"/v1/employees/{employee['id']}/changes", json=body)

    assert (answer.status_code, answer.json()["code"]) == (409, "employment_cancelled"), answer.text
