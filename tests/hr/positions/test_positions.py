"""Positions and the org chart."""

import asyncio
from typing import Any

import httpx

from tests.hr.given import given_change, given_employee, verb


async def given_position(hr: httpx.AsyncClient, code: str, **facts: Any) -> dict[str, Any]:
    answer = await hr.post("/v1/positions", json={"code": code, "title": code.title(), **facts})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def chart(hr: httpx.AsyncClient, **query: str) -> dict[str, Any]:
    answer = await hr.get("/v1/org-chart", params=query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_a_position_shows_how_many_of_its_places_are_filled_on_a_day(hr: httpx.AsyncClient):
    position = await given_position(hr, "clerk", headcount=3)
    employee = await given_employee(hr)
    await given_employee(hr, hire_on="2026-06-01")
    await given_change(hr, employee, "2026-09-01", position="cook")

    async def counted(day: str) -> tuple[int, int]:
        found = (await hr.get(f"/v1/positions/{position['id']}", params={"as_of": day})).json()
        return found["filled"], found["vacant"]

    assert [await counted(day) for day in ("2025-12-31", "2026-01-01", "2026-06-01", "2026-09-01")] == [
        (0, 3), (1, 2), (2, 1), (1, 2),
    ]  # fmt: skip


async def test_a_code_is_that_of_one_position(hr: httpx.AsyncClient):
    first = await given_position(hr, "clerk")

    again = await hr.post("/v1/positions", json={"code": "clerk", "title": "Again"})

    assert (again.status_code, again.json()["existing"]["id"]) == (409, first["id"])


async def test_a_position_is_never_above_itself_also_when_two_changes_come_at_once(hr: httpx.AsyncClient):
    for n in range(4):
        pair = [await given_position(hr, f"p{n}{m}") for m in range(2)]

        answers = await asyncio.gather(
            *(
                hr.patch(
                    f"/v1/positions/{pair[m]['id']}",
                    json={"reports_to": pair[1 - m]["id"]},
                    headers={"if-match": "1"},
                )
                for m in range(2)
            )
        )

        assert sorted(a.status_code for a in answers) == [200, 409]
    unknown = await hr.post(
        "/v1/positions",
        json={"code": "x", "title": "X", "reports_to": "01a22317-fc46-76ca-bab8-02de68d5faab"},
    )
    assert (unknown.status_code, unknown.json()["errors"][0]["pointer"]) == (422, "/reports_to")


async def test_the_org_chart_is_read_level_by_level_and_page_by_page_as_of_a_day(hr: httpx.AsyncClient):
    head = await given_position(hr, "head")
    await given_position(hr, "clerk", reports_to=head["id"], headcount=5)
    await given_position(hr, "driver", reports_to=head["id"], headcount=1)
    boss = await given_employee(hr, position="head")
    staff = [await given_employee(hr, manager_id=boss["id"]) for _ in range(3)]
    await given_change(hr, staff[0], "2026-06-01", manager_id=None)
    await verb(hr, staff[1], "terminate", last_day="2026-07-31")

    top = await chart(hr, as_of="2026-02-01")
    below = await chart(hr, as_of="2026-02-01", manager_id=boss["id"], limit="2")
    rest = await chart(hr, as_of="2026-02-01", manager_id=boss["id"], limit="2", cursor=below["next"])
    later = await chart(hr, as_of="2026-08-01")

    assert [(n["employee_id"], n["reports"]) for n in top["items"]] == [(boss["id"], 3)]
    assert top["vacancies"] == []
    assert [n["employee_id"] for n in below["items"] + rest["items"]] == [s["id"] for s in reversed(staff)]
    assert {v["code"]: v["vacant"] for v in below["vacancies"]} == {"clerk": 2, "driver": 1}
    assert (rest["vacancies"], rest["next"]) == ([], None)
    assert [(n["employee_id"], n["reports"]) for n in later["items"]] == [
        (staff[0]["id"], 0),
        (boss["id"], 1),
    ]
    assert (await chart(hr, as_of="2025-12-31"))["items"] == []
