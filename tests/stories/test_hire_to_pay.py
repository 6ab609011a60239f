"""From the first record to the ledger: people are hired, paid by a run that two approve, and found in the books."""

from decimal import Decimal
from typing import Any

import httpx

from shared.context.ctx import Actor, TenantFacts
from tests.kit.suite import Suite, eventually
from tests.stories.ground_of_people import MONTHLY, SALARY, calculated, hired, scheduled
from tests.stories.steps import Document, balances, everything_agrees, listed, made, money, seen

MEANT = ("hr", "payroll", "billing")
SEES = {"hr.private:read", "hr.pay:read", "payroll.private:read", "payroll.bank:read"}
OCTOBER = {"period_start": "2026-10-01"}
LIABILITIES = {"2300", "2310", "2320"}  # net pay, tax withheld, social contributions


class Desk:
    """One person of the back office, whose requests go to the service that has the resource."""

    def __init__(self, suite: Suite, tenant: TenantFacts, name: str) -> None:
        scopes = suite.all_scopes | SEES
        self.of = {s: suite.client(s, tenant, scopes=scopes, actor=Actor(name)) for s in MEANT}
        paths = {s: suite.running[s].app.openapi()["paths"] for s in MEANT}
        self._service = {path.split("/")[2]: s for s in MEANT for path in paths[s]}

    def _client(self, path: str) -> httpx.AsyncClient:
        return self.of[self._service[path.split("/")[2].split("?")[0]]]

    async def get(self, path: str, **options: Any) -> httpx.Response:
        return await self._client(path).get(path, **options)

    async def post(self, path: str, **options: Any) -> httpx.Response:
        return await self._client(path).post(path, **options)

    async def patch(self, path: str, **options: Any) -> httpx.Response:
        return await self._client(path).patch(path, **options)


async def posted(billing: httpx.AsyncClient, run: Document, state: str) -> Document:
    async def there() -> Document | None:
        found = (await seen(billing, "/v1/wage-postings", run_id=run["id"]))["items"]
        return found[0] if found and found[0]["state"] == state else None

    return await eventually(there)


async def approved(clerk: Any, boss: Any, run: Document) -> Document:
    await made(clerk, f"/v1/pay-runs/{run['id']}/submit")
    refused = await clerk.post(f"/v1/pay-runs/{run['id']}/approve", json={"result_hash": run["result_hash"]})
    assert (refused.status_code, refused.json()["code"]) == (403, "four_eyes"), refused.text
    return await made(boss, f"/v1/pay-runs/{run['id']}/approve", {"result_hash": run["result_hash"]})


async def test_people_are_hired_paid_and_found_in_the_books(suite: Suite, tenant: TenantFacts):
    clerk, boss = Desk(suite, tenant, "clerk"), Desk(suite, tenant, "boss")
    billing = clerk.of["billing"]
    schedule = await made(clerk, "/v1/pay-schedules", MONTHLY)
    for n in range(3):
        payee = await hired(clerk, given_name=f"Ada{n}", email=f"ada{n}@example.org", cost_centre=f"S{n % 2}")
        await scheduled(clerk, payee, schedule, tax_code="1257L", ni_category="A")

    run = await calculated(clerk, schedule, **OCTOBER)
    assert run["totals"]["gross"] == money("9000.00")
    await approved(clerk, boss, run)

    wages = await posted(billing, run, "posted")
    assert wages["number"] == run["number"]
    standing = await balances(billing)
    assert standing["6000"] == Decimal("9000.00")
    assert sum(standing.get(account, Decimal(0)) for account in LIABILITIES) == -(
        standing["6000"] + standing["6100"]
    )
    assert -standing["2300"] == Decimal(run["totals"]["net"]["amount"])
    await everything_agrees(suite.client("orders", tenant), billing)

    await made(clerk, f"/v1/pay-runs/{run['id']}/pay", {"paid_on": "2026-10-30"})
    await posted(billing, run, "paid")
    standing = await balances(billing)
    assert "2300" not in standing
    assert standing["1000"] == -Decimal(run["totals"]["net"]["amount"])
    await everything_agrees(suite.client("orders", tenant), billing)


async def test_a_raise_is_paid_from_its_day_and_a_paid_run_is_reversed_without_a_trace(
    suite: Suite, tenant: TenantFacts
):
    clerk, boss = Desk(suite, tenant, "clerk"), Desk(suite, tenant, "boss")
    billing = clerk.of["billing"]
    schedule = await made(clerk, "/v1/pay-schedules", MONTHLY)
    payee = await hired(clerk)
    await scheduled(clerk, payee, schedule, tax_code="1257L", ni_category="A")
    raised = {"compensation": SALARY | {"amount": money("42000.00")}}
    change = {"effective_on": "2026-10-16", "fields": raised, "reason": "promoted"}
    await made(clerk, f"/v1/employees/{payee['employee_id']}/changes", change)

    async def heard() -> bool:
        found = await seen(clerk, f"/v1/payees/{payee['id']}", as_of="2026-10-16")
        return bool(found["compensation"]["amount"] == money("42000.00"))

    await eventually(heard)
    run = await calculated(clerk, schedule, **OCTOBER)
    # 22 weekdays: eleven at 36,000 a year, eleven at 42,000
    assert run["totals"]["gross"] == money("3250.00")
    await approved(clerk, boss, run)
    await made(clerk, f"/v1/pay-runs/{run['id']}/pay", {"paid_on": "2026-10-30"})
    await posted(billing, run, "paid")

    reversal = await made(clerk, f"/v1/pay-runs/{run['id']}/reverse")
    await approved(clerk, boss, reversal)
    await posted(billing, run, "reversed")
    standing = await balances(billing)
    assert set(standing) == {"1000", "2300"}  # the money is back in no account yet: it is owed by who got it
    assert standing["2300"] == -standing["1000"]
    await everything_agrees(suite.client("orders", tenant), billing)
    year = await seen(clerk, f"/v1/payees/{payee['id']}/year-to-date", tax_year=2026)
    assert {each["total"]["amount"] for each in year["measures"]} <= {"0.00"}


async def test_an_american_company_pays_in_dollars(suite: Suite):
    tenant = await suite.new_tenant(country="US", currency="USD", time_zone="America/New_York")
    clerk, boss = Desk(suite, tenant, "clerk"), Desk(suite, tenant, "boss")
    schedule = await made(
        clerk,
        "/v1/pay-schedules",
        {"name": "Biweekly", "pack": "us", "frequency": "biweekly", "anchor": "2026-01-09"},
    )
    pay = {"kind": "salary", "amount": money("78000.00", "USD"), "per": "year"}
    payee = await hired(
        clerk,
        compensation=pay,
        work_location={"country": "US", "subdivision": "CA"},
        tax_ids={"ssn": "536904399"},
        bank_account={
            "holder": "Ada",
            "routing_number": "021000021",
            "account_number": "12345678",
            "kind": "checking",
        },
    )
    await scheduled(clerk, payee, schedule, filing_status="single", state="CA")
    period = next(
        p
        for p in (
            await seen(
                clerk,
                f"/v1/pay-schedules/{schedule['id']}/periods",
                **{"from": "2026-09-01", "to": "2026-10-31"},
            )
        )["items"]
    )

    run = await calculated(clerk, schedule, period_start=period["period_start"])
    await approved(clerk, boss, run)

    (slip,) = await listed(clerk, "/v1/payslips", pay_run_id=run["id"])
    lines = {
        each["code"]: each["amount"]["amount"]
        for each in (await seen(clerk, f"/v1/payslips/{slip['id']}"))["lines"]
    }
    # Pub. 15-T 2026, single: 78,000 a year less 8,600; 5,800 + 22 % over 57,900 is 8,330 (rates 10, 12, 22 %): 320.38
    assert (lines["salary"], lines["us.federal_income_tax"], lines["us.social_security"]) == (
        "3000.00",
        "320.38",
        "186.00",
    )
    await posted(clerk.of["billing"], run, "posted")
    await everything_agrees(suite.client("orders", tenant), clerk.of["billing"], "USD")
