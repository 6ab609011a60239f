"""Lists of employees: by what holds on a day, found by their words, page by page, at the cost of a page."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest

from services.hr.employees.queries import Moment, Wanted
from services.hr.employees.queries.facts import FACTS
from services.hr.employees.queries.lists import walking
from shared.context.ctx import TenantFacts
from shared.http.paging import PageQuery
from tests.hr.given import given_change, given_employee, person, verb
from tests.kit.suite import Suite


async def listed(hr: httpx.AsyncClient, **query: Any) -> list[str]:
    answer = await hr.get("/v1/employees", params=query)
    assert answer.status_code == 200, answer.text
    return [item["id"] for item in answer.json()["items"]]


async def test_filters_are_those_of_the_day(hr: httpx.AsyncClient):
    boss = await given_employee(hr, department="Board")
    clerk = await given_employee(hr, manager_id=boss["id"], hire_on="2026-02-01")
    await given_change(hr, clerk, "2026-06-01", department="Support", manager_id=None)
    await verb(hr, boss, "terminate", last_day="2026-08-31")
    late = "2026-09-01"

    assert await listed(hr) == [clerk["id"], boss["id"]]
    assert await listed(hr, department="Sales", as_of="2026-05-31") == [clerk["id"]]
    assert await listed(hr, department="Sales", as_of="2026-06-01") == []
    assert await listed(hr, department="Sales", as_of="2026-06-01", known_at=clerk["created_at"]) == [
        clerk["id"]
    ]
    assert await listed(hr, manager_id=boss["id"], as_of="2026-05-31") == [clerk["id"]]
    assert await listed(hr, manager_id=boss["id"], as_of="2026-06-01") == []
    assert await listed(hr, state="pending", as_of="2026-01-31") == [clerk["id"]]
    assert await listed(hr, state="terminated", as_of=late) == [boss["id"]]
    assert await listed(hr, state=["active", "terminated"], as_of=late) == [clerk["id"], boss["id"]]
    assert await listed(hr, state="active", department="Board", as_of=late) == []
    assert await listed(hr, ids=[boss["id"]]) == [boss["id"]]
    assert await listed(hr, number=clerk["number"]) == [clerk["id"]]


async def test_an_employee_is_found_by_number_name_and_address_also_former_ones(hr: httpx.AsyncClient):
    employee = await given_employee(
        hr, number="P-77", given_name="Zoë", family_name="O'Hara", email="zo@x.example"
    )
    await given_employee(hr)
    await given_change(hr, employee, "2026-06-01", family_name="Quist")

    for q in ("p-77", "zoe", "hara", "quist", "zoe qui", "zo@x"):
        assert await listed(hr, q=q) == [employee["id"]], q
    assert await listed(hr, q="zoe", department="Lab") == []
    assert await listed(hr, q="zoe", department="Sales", state="active") == [employee["id"]]


async def test_pages_follow_each_other_and_a_summary_is_lean(hr: httpx.AsyncClient):
    made = [(await given_employee(hr, department="Sales"))["id"] for _ in range(5)]

    for query in ({}, {"department": "Sales"}, {"state": "active"}, {"q": "jane"}):
        found: list[str] = []
        cursor: dict[str, str] = {}
        while True:
            page = (await hr.get("/v1/employees", params={**query, "limit": "2", **cursor})).json()
            found += [item["id"] for item in page["items"]]
            if page["next"] is None:
                break
            cursor = {"cursor": page["next"]}
        assert found == made[::-1], query
    (lean, *_) = (await hr.get("/v1/employees", params={"view": "summary"})).json()["items"]
    assert set(lean) == {"id", "number", "name", "state", "position", "department"}


async def test_numbers_are_a_series_that_steps_over_those_given_by_hand(hr: httpx.AsyncClient):
    year = datetime.now(UTC).year
    await given_employee(hr, number=f"EMP-{year}-000002")

    numbers = [(await given_employee(hr))["number"] for _ in range(2)]

    assert numbers == [f"EMP-{year}-000001", f"EMP-{year}-000003"]
    again = await hr.post("/v1/employees", json=person(number=numbers[0]))
    assert (again.status_code, again.json()["existing"]["number"]) == (409, numbers[0])


SEED = """
insert into hr.employees (tenant_id, id, number)
  select $1, lpad(to_hex(n), 32, '0')::uuid, 'S' || n from generate_series(1, $2::int) n;
insert into hr.employments (tenant_id, id, employee_id, kind, state, hire_on)
  select tenant_id, id, id, 'employee', 'active', '2026-01-01' from hr.employees where tenant_id = $1;
insert into hr.employee_private (tenant_id, id, employee_id)
  select tenant_id, id, id from hr.employees where tenant_id = $1;
insert into hr.person_facts
  (tenant_id, id, employee_id, given_name, family_name, email, valid_from, recorded_at, stated)
  select tenant_id, id, id, 'Jane', number, 'j@x.example', '0002-01-01', now(), '{}'
  from hr.employees where tenant_id = $1;
insert into hr.employment_terms (tenant_id, id, employment_id, employee_id, position, department, country,
  weekly_hours, work_days, compensation_id, valid_from, valid_to, recorded_at, superseded_at, stated, manager_id)
  select e.tenant_id, gen_random_uuid(), e.id, e.id, 'clerk', 'D' || (abs(hashtext(e.number)) % 5 + k), 'GB', 40,
    '{mon}', e.id, date '2026-01-01' + 60 * k, case when k < 2 then date '2026-01-01' + 60 * k + 59 end, now(), null,
    '{}',
    case when e.number <> 'S1' then lpad('1', 32, '0')::uuid end
  from hr.employees e, generate_series(0, 2) k where e.tenant_id = $1;
insert into hr.employment_stages (tenant_id, id, employment_id, employee_id, state, valid_from, valid_to, recorded_at)
  select tenant_id, gen_random_uuid(), id, id, s.state, s.first, s.last, now() from hr.employees,
    (values ('pending', date '0002-01-01', date '2025-12-31'), ('active', '2026-01-01', null))
      s(state, first, last)
  where tenant_id = $1;
"""
TABLES = "hr.employees, hr.employments, hr.person_facts, hr.employment_terms, hr.employment_stages"


async def seed(sql: asyncpg.Connection, tenant: UUID, people: int) -> None:
    """Many people, written without looking for overlaps, which would take minutes; there are none."""
    await sql.execute("set session_replication_role = replica")
    for statement in SEED.split(";\n"):
        if statement.strip():
            arguments = (tenant, people) if "$2" in statement else (tenant,)
            await sql.execute(statement, *arguments)
    await sql.execute("set session_replication_role = origin")


@pytest.fixture
async def database(suite: Suite) -> AsyncIterator[asyncpg.Connection]:
    sql = await asyncpg.connect(suite.url)
    yield sql
    await sql.close()


async def rows_read(suite: Suite, tenant: TenantFacts, wanted: Wanted) -> int:
    """How many rows the statements of a page look at, all nodes of their plans together."""
    day = date(2026, 4, 1)
    async with suite.work("hr", tenant) as ctx:
        page = PageQuery(50, None, b"")
        statement, values = walking(ctx, page, Moment(day), wanted)
        ids = [row["id"] for row in await ctx.sql.fetch(statement, *values)]
        assert len(ids) == 51
        plans = [
            await ctx.sql.fetchval(f"explain (analyze, format json) {text}", *arguments)
            for text, arguments in ((statement, values), (FACTS, (ctx.tenant.id, ids, day)))
        ]
    return sum(read_by(plan[0]["Plan"]) for plan in plans)


def read_by(node: dict[str, Any]) -> int:
    own = (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]
    return int(own) + sum(read_by(child) for child in node.get("Plans", ()))


WANTED = {
    "all": Wanted(),
    "department": Wanted(department="D1"),
    "manager": Wanted(manager_id=UUID(int=1)),
    "state": Wanted(states=["active"]),
    "states of a department": Wanted(states=["active", "on_leave"], department="D1"),
}


async def test_a_page_reads_as_many_rows_among_many_people_as_among_few(
    suite: Suite, database: asyncpg.Connection
):
    read = []
    for people in (300, 3_000):
        tenant = await suite.new_tenant()
        await seed(database, tenant.id, people)
        await database.execute(f"analyze {TABLES}")
        read.append({name: await rows_read(suite, tenant, wanted) for name, wanted in WANTED.items()})

    few, many = read
    assert {name: (few[name], many[name]) for name in WANTED if many[name] > 1.3 * few[name]} == {}
