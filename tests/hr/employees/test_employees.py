"""Employees through the API: hired, read back, masked, found."""

import httpx

from shared.context.ctx import TenantFacts
from tests.hr.given import PRIVATE, SALARY, given_change, given_employee, person, shown
from tests.kit.suite import Suite


async def test_an_employee_is_hired_and_read_back(hr: httpx.AsyncClient):
    created = await hr.post("/v1/employees", json=person(**PRIVATE))

    assert created.status_code == 201, created.text
    assert created.headers["location"] == f"/v1/employees/{created.json()['id']}"
    read = await hr.get(created.headers["location"])
    assert read.json() == created.json()
    found = read.json()
    assert (found["name"], found["position"], found["work_pattern"]["weekly_hours"]) == (
        "Jane Doe",
        "clerk",
        "37.5",
    )
    assert found["birth_date"] == found["gender"] == "********"
    assert found["address"]["line1"] == "********"
    assert found["tax_ids"]["nino"] == "****56C"
    assert found["bank_account"]["iban"] == "GB** **** **** 5555"
    assert found["compensation"] == {"kind": "********", "amount": None, "per": "********"}


async def test_who_has_the_scope_sees_what_is_sealed(
    hr: httpx.AsyncClient, insider: httpx.AsyncClient, suite: Suite, tenant: TenantFacts
):
    employee = await given_employee(hr, **PRIVATE)

    full = await shown(insider, employee)

    assert (full["birth_date"], full["gender"], full["compensation"]) == ("1987-06-05", "woman", SALARY)
    assert full["tax_ids"]["nino"] == "AB123456C"
    assert full["bank_account"]["iban"] == PRIVATE["bank_account"]["iban"]
    assert full["address"]["line1"] == "77 Canary Row"
    payer = suite.client("hr", tenant, scopes={"hr:read", "hr.pay:read"})
    assert (await shown(payer, employee))["birth_date"] == "********"


async def test_a_change_holds_from_its_day_on_and_what_was_believed_before_stays(hr: httpx.AsyncClient):
    employee = await given_employee(hr)

    change = await given_change(hr, employee, "2026-03-01", department="Support", family_name="Roe")

    assert change["state"] == "applied"
    assert (await shown(hr, employee, as_of="2026-02-28"))["department"] == "Sales"
    later = await shown(hr, employee, as_of="2026-03-01")
    assert (later["department"], later["name"]) == ("Support", "Jane Roe")
    before = await shown(hr, employee, as_of="2026-03-01", known_at=employee["created_at"])
    assert (before["department"], before["name"]) == ("Sales", "Jane Doe")
    (listed,) = (await hr.get(f"/v1/employees/{employee['id']}/changes")).json()["items"]
    assert listed == change
