"""Pay schedules over HTTP."""

import asyncio
from typing import Any

import httpx
import pytest

from shared.context.ctx import TenantFacts
from tests.kit.suite import Suite
from tests.payroll.given import changed, given_payee, given_schedule


async def test_a_schedule_and_its_periods(payroll: httpx.AsyncClient):
    made = await given_schedule(payroll, name="Monthly", cut_off_days=5)

    answer = await payroll.get(f"/v1/pay-schedules/{made['id']}/periods?from=2026-03-20&to=2026-05-01")

    assert [each["period_start"] for each in answer.json()["items"]] == [
        "2026-03-01",
        "2026-04-01",
        "2026-05-01",
    ]
    assert answer.json()["items"][2] == {
        "number": 2,
        "tax_year": 2026,
        "period_start": "2026-05-01",
        "period_end": "2026-05-31",
        "pay_day": "2026-05-31",
        "pay_on": "2026-05-29",
        "tax_on": "2026-05-31",
        "cut_off_on": "2026-05-24",
    }
    assert (await payroll.get(f"/v1/pay-schedules/{made['id']}")).json() == made
    assert (made["pay_day_rule"], made["workweek_starts"]) == ("before", "mon")


async def test_without_days_the_periods_of_a_year_from_today_are_shown(payroll: httpx.AsyncClient):
    made = await given_schedule(payroll)

    assert len((await payroll.get(f"/v1/pay-schedules/{made['id']}/periods")).json()["items"]) in (12, 13)


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("from=2026-05-01&to=2026-04-01", "/query/from"),
        ("from=2026-05-01&to=2036-04-01", "/query/to"),
        ("from=0001-01-01&to=0001-02-01", "/query/from"),
        ("from=9999-01-01", "/query/from"),
        ("since=2026-01-01", "/query/since"),
    ],
)
async def test_a_wrong_range_of_periods_is_refused(payroll: httpx.AsyncClient, query: str, pointer: str):
    made = await given_schedule(payroll)

    refused = await payroll.get(f"/v1/pay-schedules/{made['id']}/periods?{query}")

    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, pointer)


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"frequency": "daily"}, "/frequency"),
        ({"frequency": "semimonthly"}, "/frequency"),
        ({"pack": "fr"}, "/pack"),
        ({"anchor": "2026-02-30"}, "/anchor"),
        ({"second_anchor": "2026-02-10"}, "/second_anchor"),
        ({"cut_off_days": 99}, "/cut_off_days"),
        ({"cut_off_days": 1.5}, "/cut_off_days"),
        ({"name": ""}, "/name"),
        ({"workweek_starts": "monday"}, "/workweek_starts"),
        ({"colour": "red"}, "/colour"),
    ],
)
async def test_a_wrong_schedule_is_refused_by_its_field(
    payroll: httpx.AsyncClient, change: dict[str, Any], pointer: str
):
    body = {"name": "Monthly", "pack": "uk", "frequency": "monthly", "anchor": "2026-01-31"}

    refused = await payroll.post("/v1/pay-schedules", json=body | change)

    assert refused.status_code == 422, refused.text
    assert pointer in [each["pointer"] for each in refused.json()["errors"]]


async def test_a_name_is_given_once(payroll: httpx.AsyncClient):
    made = await given_schedule(payroll, name="Café")
    body = {"name": "Cafe\u0301", "pack": "us", "frequency": "weekly", "anchor": "2026-01-02"}

    refused = await payroll.post("/v1/pay-schedules", json=body)

    assert (refused.status_code, refused.json()["existing"]["id"]) == (409, made["id"])


async def change(payroll: httpx.AsyncClient, schedule: dict[str, Any], **body: Any) -> httpx.Response:
    path = f"/v1/pay-schedules/{schedule['id']}"
    version = (await payroll.get(path)).json()["version"]
    return await payroll.patch(path, json=body, headers={"if-match": str(version)})


async def test_what_periods_follow_from_changes_until_somebody_is_paid_by_it(
    suite: Suite, tenant: TenantFacts, payroll: httpx.AsyncClient
):
    schedule = await given_schedule(payroll)
    before = await change(payroll, schedule, frequency="weekly", anchor="2026-01-02", pay_day_rule="after")
    payee = await given_payee(suite, tenant)
    await changed(payroll, payee, pay_schedule_id=schedule["id"])

    refused = await change(payroll, schedule, anchor="2026-01-01")
    same = await change(payroll, schedule, anchor="2026-01-02", name="Weekly", cut_off_days=3)

    assert (before.status_code, before.json()["frequency"]) == (200, "weekly")
    assert (refused.status_code, refused.json()["code"]) == (409, "schedule_in_use")
    assert (same.status_code, same.json()["name"], same.json()["cut_off_days"]) == (200, "Weekly", 3)


async def test_a_change_that_makes_no_schedule_is_refused(payroll: httpx.AsyncClient):
    schedule = await given_schedule(payroll)

    refused = await change(payroll, schedule, pack="us", frequency="semimonthly")

    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/second_anchor")


async def test_a_schedule_that_changes_while_somebody_is_put_on_it_either_changes_before_or_not_at_all(
    suite: Suite, tenant: TenantFacts, payroll: httpx.AsyncClient
):
    for _ in range(5):
        schedule, payee = await given_schedule(payroll), await given_payee(suite, tenant, number="E-9")
        paths = [f"/v1/pay-schedules/{schedule['id']}", f"/v1/payees/{payee['id']}"]
        bodies: list[dict[str, Any]] = [
            {"pack": "us"},
            {"pay_schedule_id": schedule["id"], "pack": "uk", "declarations": {"tax_code": "1257L"}},
        ]
        versions = [schedule["version"], payee["version"]]

        moved, put = await asyncio.gather(
            *(
                payroll.patch(path, json=body, headers={"if-match": str(version)})
                for path, body, version in zip(paths, bodies, versions, strict=True)
            )
        )

        assert (moved.status_code, put.status_code) in {(200, 409), (409, 200)}, (moved.text, put.text)


async def test_schedules_are_listed_by_pack(payroll: httpx.AsyncClient):
    uk = await given_schedule(payroll)
    us = await given_schedule(payroll, pack="us", frequency="weekly")

    listed = (await payroll.get("/v1/pay-schedules")).json()["items"]
    by_pack = (await payroll.get("/v1/pay-schedules?pack=us")).json()["items"]

    assert ([each["id"] for each in listed], by_pack) == ([us["id"], uk["id"]], [us])
