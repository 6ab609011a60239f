"""Changes: any day as known at any time against a simple model, what is told of them, races and refusals."""

import asyncio
import json
import random
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from services.hr.employees import queries
from services.hr.employees.queries import Moment
from shared.context.ctx import TenantFacts
from shared.context.sealed_facts import open_fact
from shared.contracts.hr import EmployeeChanged, EmployeeHired
from tests.hr.given import SALARY, given_change, given_employee, shown, terms, verb
from tests.kit.suite import Suite

START = date(2026, 1, 1)
DAYS = [START + timedelta(days=n) for n in range(30)]
FIELDS = ("given_name", "department", "cost_centre", "position", "compensation")
Said = list[tuple[date, dict[str, Any]]]


def pay(amount: str) -> dict[str, Any]:
    return SALARY | {"amount": {"amount": amount, "currency": "GBP"}}


def holds(said: Said, field: str, day: date) -> Any:
    """The model: what was said for the last day not after this one, and of that the last time."""
    fitting = [(on, n) for n, (on, fields) in enumerate(said) if field in fields and on <= day]
    return said[max(fitting)[1]][1][field] if fitting else None


def some_fields(dice: random.Random, step: int) -> dict[str, Any]:
    values: dict[str, Any] = {
        "given_name": f"n{step}",
        "department": f"d{step}",
        "cost_centre": dice.choice([None, f"c{step}"]),
        "position": f"p{step}",
        "compensation": pay(f"{step + 1}.00"),
    }
    return {name: values[name] for name in dice.sample(FIELDS, dice.randrange(1, 4))}


async def random_life(
    hr: httpx.AsyncClient, dice: random.Random
) -> tuple[dict[str, Any], list[tuple[str, Said]]]:
    """An employee with changes in any order of days, and what had been said by each instant."""
    first: dict[str, Any] = {
        "given_name": "Jane", "department": "Sales", "cost_centre": None, "position": "clerk", "compensation": SALARY,
    }  # fmt: skip
    employee = await given_employee(hr)
    said: Said = [(date.min, first)]
    moments = [(employee["created_at"], list(said))]
    for step in range(12):
        fields, on = some_fields(dice, step), dice.choice(DAYS[::5])  # days come again
        change = await given_change(hr, employee, on.isoformat(), **fields)
        said.append((on, fields))
        moments.append((change["applied_at"], list(said)))
    return employee, moments


@pytest.mark.parametrize("seed", range(4))
async def test_any_day_as_known_at_any_time_is_what_had_been_said_by_then(
    suite: Suite, tenant: TenantFacts, hr: httpx.AsyncClient, seed: int
):
    employee, moments = await random_life(hr, random.Random(seed))

    clear = [name for name in FIELDS if name != "compensation"]
    async with suite.work("hr", tenant) as ctx:
        for at, said in moments:
            for day in DAYS:
                moment = Moment(day, datetime.fromisoformat(at))
                (row,) = await queries.find_facts(ctx, [UUID(employee["id"])], moment)
                assert {n: row[n] for n in clear} == {n: holds(said, n, day) for n in clear}, (at, day)


@pytest.mark.parametrize("seed", range(4))
async def test_who_takes_the_facts_in_any_order_knows_what_holds_on_every_day(
    suite: Suite, tenant: TenantFacts, hr: httpx.AsyncClient, seed: int
):
    """Of two facts about a day the one with the higher version holds; pay is in what is sealed."""
    dice = random.Random(seed)
    _, moments = await random_life(hr, dice)
    said = moments[-1][1]
    facts = [json.loads(row["envelope"]) for row in await suite.outbox("hr", tenant.id)]
    assert len({f["id"] for f in facts}) == len(facts) >= 13
    dice.shuffle(facts)

    known: dict[date, tuple[int, dict[str, Any]]] = {}
    for fact in facts:
        data = fact["data"]
        last = date.fromisoformat(data["effective_until"] or "9998-12-31")
        for day in DAYS:
            inside = date.fromisoformat(data["effective_on"]) <= day <= last
            if inside and data["version"] > known.get(day, (0, {}))[0]:
                known[day] = (data["version"], fact)

    async with suite.work("hr", tenant) as ctx:
        for day in DAYS:
            document = known[day][1]
            contract = EmployeeHired if "hired" in document["type"] else EmployeeChanged
            event = contract.model_validate(document["data"])
            private = open_fact(ctx, event, event.employment_id, event.private)
            got = event.model_dump() | private | {"given_name": event.name.split()[0]}
            assert {n: got[n] for n in FIELDS} == {n: holds(said, n, day) for n in FIELDS}, day


async def test_a_change_is_told_once_for_each_stretch_it_falls_into(
    suite: Suite, tenant: TenantFacts, hr: httpx.AsyncClient
):
    employee = await given_employee(hr)
    await given_change(hr, employee, "2026-06-01", department="Support")
    await given_change(hr, employee, "2026-09-01", cost_centre="C9")

    await given_change(hr, employee, "2026-03-01", cost_centre="C3", position="cook")

    facts = [json.loads(row["envelope"]) for row in await suite.outbox("hr", tenant.id)]
    told = [f["data"] for f in facts][-3:]
    assert [(f["effective_on"], f["effective_until"], f["department"], f["cost_centre"]) for f in told] == [
        ("2026-03-01", "2026-05-31", "Sales", "C3"),
        ("2026-06-01", "2026-08-31", "Support", "C3"),
        ("2026-09-01", None, "Support", "C9"),
    ]
    assert len({f["version"] for f in told}) == 1
    assert told[0]["changed_fields"] == ["cost_centre", "position"]
    key = f"employment:{employee['employment_id']}"
    assert {row["ordering_key"] for row in await suite.outbox("hr", tenant.id)} == {key}


async def test_a_persons_change_is_told_for_each_employment(
    suite: Suite, tenant: TenantFacts, hr: httpx.AsyncClient
):
    employee = await given_employee(hr)
    beside = await hr.post(f"/v1/employees/{employee['id']}/employments", json=terms(hire_on="2026-05-01"))

    await given_change(hr, employee, "2026-03-01", family_name="Roe")

    facts = [json.loads(row["envelope"])["data"] for row in await suite.outbox("hr", tenant.id)][-2:]
    assert {(f["employment_id"], f["effective_on"], f["name"]) for f in facts} == {
        (employee["employment_id"], "2026-03-01", "Jane Roe"),
        (beside.json()["id"], "2026-05-01", "Jane Roe"),
    }


async def test_changes_at_once_all_hold(hr: httpx.AsyncClient):
    employee = await given_employee(hr)
    wanted = {"department": "Lab", "position": "cook", "cost_centre": "C1", "given_name": "Joan"}

    await asyncio.gather(
        *(given_change(hr, employee, "2026-03-01", **{name: value}) for name, value in wanted.items())
    )

    found = await shown(hr, employee, as_of="2026-03-01")
    assert {name: found[name] for name in wanted} == wanted
    assert len((await hr.get(f"/v1/employees/{employee['id']}/changes")).json()["items"]) == 4


async def test_an_end_and_a_change_after_it_at_once_are_never_both_taken(hr: httpx.AsyncClient):
    for _ in range(5):
        employee = await given_employee(hr)
        body = {"effective_on": "2026-06-01", "fields": {"department": "Lab"}, "reason": "moved"}

        change, end = await asyncio.gather(
            hr.post(f"/v1/employees/{employee['id']}/changes", json=body),
            verb(hr, employee, "terminate", last_day="2026-05-31"),
        )

        assert end.status_code == 200
        assert change.status_code in (201, 422)
        late = await hr.post(f"/v1/employees/{employee['id']}/changes", json=body)
        assert (late.status_code, late.json()["code"]) == (422, "outside_employment")


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        (
            {"effective_on": "2025-12-31", "fields": {"department": "Lab"}},
            "/effective_on",
            "outside_employment",
        ),
        (
            {"effective_on": "0001-01-01", "fields": {"department": "Lab"}},
            "/effective_on",
            "date_out_of_range",
        ),
        ({"fields": {}}, "/fields", "fields_missing"),
        ({"fields": {"department": None}}, "/fields/department", "string_type"),
        ({"fields": {"hire_on": "2026-01-02"}}, "/fields/hire_on", "extra_forbidden"),
        ({"fields": {"birth_date": "2999-01-01"}}, "/fields/birth_date", "birth_date_in_future"),
        ({"fields": {"tax_ids": {}}}, "/fields/tax_ids", "tax_ids_missing"),
        ({"fields": {"tax_ids": {"nino": "BG123456C"}}}, "/fields/tax_ids/nino", "nino_format"),
        ({"fields": {"tax_ids": {"ssn": "666-12-1234"}}}, "/fields/tax_ids/ssn", "ssn_format"),
        ({"fields": {"tax_ids": {"nino": "****56C"}}}, "/fields/tax_ids/nino", "masked_value"),
        ({"fields": {"compensation": pay("0.00")}}, "/fields/compensation", "compensation_amount"),
        (
            {"fields": {"compensation": pay("1.00") | {"per": "hour"}}},
            "/fields/compensation",
            "compensation_period",
        ),
        ({"fields": {"compensation": pay("1")}}, "/fields/compensation/amount/amount", "money_format"),
        (
            {"fields": {"work_pattern": {"weekly_hours": "169", "days": ["mon"]}}},
            "/fields/work_pattern/weekly_hours",
            "weekly_hours_out_of_range",
        ),
        (
            {"fields": {"work_pattern": {"weekly_hours": "1", "days": ["mon", "mon"]}}},
            "/fields/work_pattern/days",
            "day_twice",
        ),
        ({"fields": {"address": {"line1": "x"}}}, "/fields/address/city", "missing"),
        ({"reason": ""}, "/reason", "string_too_short"),
    ],
)
async def test_a_change_is_refused_by_its_field(
    hr: httpx.AsyncClient, body: dict[str, Any], pointer: str, code: str
):
    employee = await given_employee(hr)
    whole = {"effective_on": "2026-03-01", "fields": {"department": "Lab"}, "reason": "agreed"} | body

    refused = await hr.post(f"/v1/employees/{employee['id']}/changes", json=whole)

    assert refused.status_code == 422
    assert (pointer, code) in {(e["pointer"], e["code"]) for e in refused.json()["errors"]}, refused.text
    assert (await shown(hr, employee, as_of="2026-03-01"))["department"] == "Sales"


async def test_a_field_is_cleared_by_null_and_inherited_until_its_next_statement(
    hr: httpx.AsyncClient, insider: httpx.AsyncClient
):
    employee = await given_employee(hr, cost_centre="C1", gender="woman")
    await given_change(hr, employee, "2026-06-01", cost_centre="C6")

    await given_change(hr, employee, "2026-03-01", cost_centre=None, gender=None)

    days = ("2026-02-28", "2026-03-01", "2026-06-01")
    found = [await shown(insider, employee, as_of=day) for day in days]
    assert [(f["cost_centre"], f["gender"]) for f in found] == [("C1", "woman"), (None, None), ("C6", None)]


async def test_the_list_of_changes_says_who_when_and_what_but_nothing_that_is_sealed(
    hr: httpx.AsyncClient, second: httpx.AsyncClient, stranger: TenantFacts, suite: Suite
):
    employee = await given_employee(hr)
    await given_change(hr, employee, "2026-03-01", department="Lab", birth_date="1987-06-05")
    await given_change(second, employee, "2026-02-01", position="cook", reason="asked for it")

    path = f"/v1/employees/{employee['id']}/changes"
    items = (await hr.get(path)).json()["items"]

    assert [(c["actor_id"], c["fields"], c["values"], c["reason"]) for c in items] == [
        ("another-person", ["position"], {"position": "cook"}, "asked for it"),
        ("client-of-a-test", ["birth_date", "department"], {"department": "Lab"}, "agreed"),
    ]
    assert (await hr.get(f"{path}/{items[0]['id']}")).json() == items[0]
    assert (await suite.client("hr", stranger).get(path)).status_code == 404
