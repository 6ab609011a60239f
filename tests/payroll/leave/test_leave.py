"""Days away, told by hr in whatever order and however often."""

import asyncio
from datetime import date
from typing import Any
from uuid import UUID

import httpx
import pytest

from services.payroll.leave.queries import find_days_away
from services.payroll.leave.rules import DayAway
from shared.context.ctx import TenantFacts
from shared.contracts.hr import LeaveApproved, LeaveCancelled, LeaveDay
from shared.values.ids import new_id
from tests.kit.suite import Suite
from tests.payroll.given import delivered, payee_of, told

FACTS: dict[str, Any] = {
    "pay_code": "sick",
    "days": [LeaveDay(date=date(2026, 3, day), hours="7.5") for day in (30, 31)]
    + [LeaveDay(date=date(2026, 4, 1), hours="4")],
    "first_day_sick": date(2026, 3, 30),
    "qualifying_days": [1, 2, 3, 4, 5],
}


async def request_of(suite: Suite, tenant: TenantFacts) -> dict[str, Any]:
    event = await told(suite, tenant)
    await delivered(suite, tenant, event)
    return {
        "leave_request_id": new_id(),
        "employee_id": event.employee_id,
        "employment_id": event.employment_id,
    }


async def days_of(
    suite: Suite, tenant: TenantFacts, payroll: httpx.AsyncClient, request: dict[str, Any]
) -> list[DayAway]:
    payee_id = UUID((await payee_of(payroll, request["employment_id"]))["id"])
    async with suite.work("payroll", tenant) as ctx:
        found = await find_days_away(ctx, [payee_id], first=date(2026, 3, 31), last=date(2026, 4, 30))
    return found.get(payee_id, [])


async def test_days_away_in_a_period_come_with_what_statutory_pay_needs(
    suite: Suite, tenant: TenantFacts, payroll: httpx.AsyncClient
):
    request = await request_of(suite, tenant)

    await delivered(suite, tenant, LeaveApproved(**request, **FACTS, version=1))

    days = await days_of(suite, tenant, payroll, request)
    assert [(each.day, str(each.hours)) for each in days] == [
        (date(2026, 3, 31), "7.5"),
        (date(2026, 4, 1), "4"),
    ]
    assert {(each.pay_code, each.first_day_sick, each.qualifying_days) for each in days} == {
        ("sick", date(2026, 3, 30), (1, 2, 3, 4, 5))
    }


@pytest.mark.parametrize("order", [(0, 1), (1, 0), (1, 0, 1, 0), (0, 1, 0)])
async def test_cancelled_leave_has_no_days_in_whatever_order_it_is_told(
    suite: Suite, tenant: TenantFacts, payroll: httpx.AsyncClient, order: tuple[int, ...]
):
    request = await request_of(suite, tenant)
    facts = (LeaveApproved(**request, **FACTS, version=1), LeaveCancelled(**request, **FACTS, version=2))

    await delivered(suite, tenant, *(facts[place] for place in order))

    assert await days_of(suite, tenant, payroll, request) == []


async def test_leave_approved_anew_has_its_new_days(
    suite: Suite, tenant: TenantFacts, payroll: httpx.AsyncClient
):
    request = await request_of(suite, tenant)
    newer = FACTS | {"days": [LeaveDay(date=date(2026, 4, 7), hours="7.5")], "pay_code": "unpaid"}

    await delivered(
        suite,
        tenant,
        LeaveApproved(**request, **newer, version=3),
        LeaveApproved(**request, **FACTS, version=1),
    )

    assert [(each.day, each.pay_code) for each in await days_of(suite, tenant, payroll, request)] == [
        (date(2026, 4, 7), "unpaid")
    ]


async def test_leave_told_before_its_employee_is_there_when_the_employee_is(
    suite: Suite, tenant: TenantFacts, payroll: httpx.AsyncClient
):
    event = await told(suite, tenant)
    request = {
        "leave_request_id": new_id(), "employee_id": event.employee_id, "employment_id": event.employment_id,
    }  # fmt: skip

    await delivered(suite, tenant, LeaveApproved(**request, **FACTS, version=1), event)

    assert len(await days_of(suite, tenant, payroll, request)) == 2


async def test_approval_and_cancellation_at_once_leave_no_days(
    suite: Suite, tenant: TenantFacts, payroll: httpx.AsyncClient
):
    for _ in range(4):
        request = await request_of(suite, tenant)
        facts = [LeaveApproved(**request, **FACTS, version=1), LeaveCancelled(**request, **FACTS, version=2)]

        await asyncio.gather(*(delivered(suite, tenant, fact) for fact in facts))

        assert await days_of(suite, tenant, payroll, request) == []
