"""Managers: nobody is above themselves on any day, also when two changes come at once."""

import asyncio
from typing import Any

import httpx
import pytest

from shared.context.ctx import TenantFacts
from shared.values.ids import new_id
from tests.hr.given import given_change, given_employee, person, terms, verb
from tests.kit.suite import Suite


async def under(
    hr: httpx.AsyncClient, employee: dict[str, Any], manager: dict[str, Any], on: str
) -> httpx.Response:
    body = {"effective_on": on, "fields": {"manager_id": manager["id"]}, "reason": "reorganised"}
    return await hr.post(f"/v1/employees/{employee['id']}/changes", json=body)


async def test_a_manager_below_the_employee_is_refused_by_the_day(hr: httpx.AsyncClient):
    boss = await given_employee(hr)
    middle = await given_employee(hr, manager_id=boss["id"])
    clerk = await given_employee(hr, manager_id=middle["id"], hire_on="2026-05-01")

    refused = await under(hr, boss, clerk, "2026-02-01")

    assert (refused.status_code, refused.json()["code"]) == (409, "manager_cycle")
    assert refused.json()["on"] == "2026-05-01"
    assert refused.json()["errors"][0]["pointer"] == "/fields/manager_id"
    itself = await under(hr, boss, boss, "2026-02-01")
    assert (itself.status_code, itself.json()["on"]) == (409, "2026-02-01")


async def test_who_was_above_may_be_below_on_other_days(hr: httpx.AsyncClient):
    first = await given_employee(hr)
    second = await given_employee(hr, manager_id=first["id"])
    await given_change(hr, second, "2026-06-01", manager_id=None)

    early, late = await under(hr, first, second, "2026-05-31"), await under(hr, first, second, "2026-06-01")

    assert (early.status_code, early.json()["on"]) == (409, "2026-05-31")
    assert late.status_code == 201
    back = await under(hr, second, first, "2026-05-01")
    assert back.status_code == 201, "the later statement that second has no manager holds on"


async def test_an_employment_that_goes_on_after_all_brings_its_manager_back(hr: httpx.AsyncClient):
    first = await given_employee(hr)
    second = await given_employee(hr, manager_id=first["id"])
    await verb(hr, second, "terminate", last_day="2026-02-28")
    again = await hr.post(f"/v1/employees/{second['id']}/employments", json=terms(hire_on="2026-03-01"))
    assert again.status_code == 201
    assert (await under(hr, first, second, "2026-03-01")).status_code == 201

    refused = await verb(hr, second, "cancel-termination", employment_id=second["employment_id"])
    moved = await verb(hr, second, "terminate", employment_id=second["employment_id"], last_day="2026-04-01")

    assert (refused.status_code, refused.json()["code"]) == (409, "manager_cycle")
    assert moved.status_code == 409


@pytest.mark.parametrize("where", ["hire", "change"])
async def test_a_manager_who_is_not_there_is_refused(
    suite: Suite, hr: httpx.AsyncClient, stranger: TenantFacts, where: str
):
    theirs = await given_employee(suite.client("hr", stranger))
    employee = await given_employee(hr)
    for manager_id in (theirs["id"], str(new_id())):
        if where == "hire":
            refused = await hr.post("/v1/employees", json=person(manager_id=manager_id))
        else:
            refused = await under(hr, employee, {"id": manager_id}, "2026-03-01")
        assert (refused.status_code, refused.json()["code"]) == (422, "unknown_manager")
        pointer = "/manager_id" if where == "hire" else "/fields/manager_id"
        assert refused.json()["errors"][0]["pointer"] == pointer


async def test_two_changes_at_once_never_make_a_circle(hr: httpx.AsyncClient):
    for _ in range(6):
        ring = [await given_employee(hr) for _ in range(3)]

        answers = await asyncio.gather(
            *(under(hr, ring[n], ring[(n + 1) % 3], "2026-03-01") for n in range(3))
        )

        codes = sorted(a.status_code for a in answers)
        assert codes == [201, 201, 409], [a.text for a in answers]
