"""What other capabilities ask of employments: their terms on days, and the employment itself."""

from datetime import date
from decimal import Decimal
from uuid import UUID

import httpx
import pytest

from services.hr.employees import queries
from shared.context.ctx import TenantFacts
from shared.values.faults import NotFound
from shared.values.ids import new_id
from tests.hr.given import given_change, given_employee, verb
from tests.kit.suite import Suite


async def test_terms_are_told_stretch_by_stretch_within_the_employment(
    suite: Suite, tenant: TenantFacts, hr: httpx.AsyncClient
):
    employee = await given_employee(hr, hire_on="2026-02-01")
    half = {"weekly_hours": 20, "days": ["wed", "mon"]}
    await given_change(
        hr, employee, "2026-05-01", work_pattern=half, work_location={"country": "US", "subdivision": "CA"}
    )
    await verb(hr, employee, "terminate", last_day="2026-08-31")
    employment = UUID(employee["employment_id"])

    async with suite.work("hr", tenant) as ctx:
        found = await queries.terms_between(ctx, employment, date(2026, 1, 1), date(2026, 12, 31))
        days = [await queries.terms_on(ctx, employment, date(2026, m, 1)) for m in (1, 4, 5, 9)]

    assert [(t.first, t.last, t.country, t.subdivision, t.weekly_hours, t.work_days) for t in found] == [
        (
            date(2026, 2, 1), date(2026, 4, 30), "GB", "SCT", Decimal("37.5"), ("mon", "tue", "wed", "thu", "fri"),
        ),
        (date(2026, 5, 1), date(2026, 8, 31), "US", "CA", Decimal(20), ("mon", "wed")),
    ]  # fmt: skip
    assert [t and t.country for t in days] == [None, "GB", "US", None]


async def test_nobody_works_in_a_cancelled_employment_and_an_unknown_one_is_not_found(
    suite: Suite, tenant: TenantFacts, hr: httpx.AsyncClient
):
    employee = await given_employee(hr, hire_on="2999-02-01")
    await verb(hr, employee, "cancel-start")

    async with suite.work("hr", tenant) as ctx:
        assert await queries.terms_on(ctx, UUID(employee["employment_id"]), date(2999, 3, 1)) is None
        with pytest.raises(NotFound):
            await queries.get_employment(ctx, new_id(), lock=True)


@pytest.mark.parametrize("scopes", [{"hr.private:read", "hr.pay:read"}, {"hr:write"}, {"billing:read"}])
async def test_reading_needs_the_scope(
    suite: Suite, tenant: TenantFacts, hr: httpx.AsyncClient, scopes: set[str]
):
    employee = await given_employee(hr)
    client = suite.client("hr", tenant, scopes=scopes)

    for path in ("", f"/{employee['id']}", f"/{employee['id']}/changes", f"/{employee['id']}/employments"):
        refused = await client.get(f"/v1/employees{path}")
        assert (refused.status_code, refused.json()["code"]) == (403, "missing_scope")
