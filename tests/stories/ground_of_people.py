"""Of hr and payroll at least one of everything: people, a schedule, a calculated run."""

import httpx

from tests.kit.suite import eventually
from tests.stories.steps import Document, made, seen

SALARY = {"kind": "salary", "amount": {"amount": "36000.00", "currency": "GBP"}, "per": "year"}
PERSON = {
    "given_name": "Ada",
    "family_name": "Clerk",
    "email": "ada@example.org",
    "hire_on": "2026-01-05",
    "kind": "employee",
    "position": "clerk",
    "department": "Sales",
    "cost_centre": "S1",
    "work_location": {"country": "GB", "subdivision": "ENG"},
    "work_pattern": {"weekly_hours": "37.5", "days": ["mon", "tue", "wed", "thu", "fri"]},
    "compensation": SALARY,
    "bank_account": {"holder": "Ada Clerk", "sort_code": "200000", "account_number": "55779911"},
}
MONTHLY = {"name": "Monthly", "pack": "uk", "frequency": "monthly", "anchor": "2026-01-31"}


async def hired(api: httpx.AsyncClient, **facts: object) -> Document:
    """An employee, of whom payroll has heard: the payee."""
    employee = await made(api, "/v1/employees", PERSON | facts)

    async def known() -> Document | None:
        items = (await seen(api, "/v1/payees", employee_id=employee["id"]))["items"]
        return items[0] if items else None

    return await eventually(known)


async def scheduled(api: httpx.AsyncClient, payee: Document, schedule: Document, **declared: object) -> None:
    """Have somebody paid by a schedule, with what they have declared."""
    change = {"pay_schedule_id": schedule["id"], "pack": schedule["pack"], "declarations": declared}
    path = f"/v1/payees/{payee['id']}"
    version = (await seen(api, path))["version"]
    answer = await api.patch(
        path, json=change | {"effective_on": payee["hire_on"]}, headers={"if-match": f'"{version}"'}
    )
    assert answer.status_code == 200, answer.text


async def calculated(api: httpx.AsyncClient, schedule: Document, **facts: object) -> Document:
    """A pay run with its result."""
    run = await made(api, "/v1/pay-runs", {"schedule_id": schedule["id"], **facts})
    await made(api, f"/v1/pay-runs/{run['id']}/calculate")

    async def over() -> Document | None:
        found = await seen(api, f"/v1/pay-runs/{run['id']}")
        return found if found["state"] != "calculating" else None

    found: Document = await eventually(over, within=60)
    assert found["state"] == "calculated", found
    return found


async def furnish_people(api: httpx.AsyncClient) -> None:
    """Two people, one of them paid: a position, a change, a bank account that waits, an item, a run."""
    await made(api, "/v1/positions", {"code": "clerk", "title": "Clerk", "headcount": 3})
    payee = await hired(api)
    await hired(api, given_name="Bob", email="bob@example.org")
    schedule = await made(api, "/v1/pay-schedules", MONTHLY)
    await scheduled(api, payee, schedule, tax_code="1257L", ni_category="A")
    bonus = {
        "payee_id": payee["id"], "kind": "bonus", "code": "bonus", "recurring": False, "from": "2026-05-01",
        "amount": {"amount": "100.00", "currency": "GBP"},
    }  # fmt: skip
    await made(api, "/v1/pay-items", bonus)
    account = {"holder": "Ada Clerk", "iban": "GB33BUKB20201555555555"}
    change = {"effective_on": "2026-06-01", "fields": {"bank_account": account}, "reason": "moved"}
    await made(api, f"/v1/employees/{payee['employee_id']}/changes", change)
    await calculated(api, schedule, period_start="2026-05-01")
