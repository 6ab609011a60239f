"""What tests of hr begin with."""

from typing import Any

import httpx

from shared.context.ctx import TenantFacts
from tests.kit.suite import Suite

IBAN = "GB33BUKB20201555555555"
OTHER_IBAN = "DE89370400440532013000"
SALARY = {"kind": "salary", "amount": {"amount": "43217.00", "currency": "GBP"}, "per": "year"}
TERMS: dict[str, Any] = {
    "hire_on": "2026-01-01",
    "kind": "employee",
    "position": "clerk",
    "department": "Sales",
    "work_location": {"country": "GB", "subdivision": "SCT"},
    "work_pattern": {"weekly_hours": "37.5", "days": ["mon", "tue", "wed", "thu", "fri"]},
    "compensation": SALARY,
}
PERSON: dict[str, Any] = {"given_name": "Jane", "family_name": "Doe", "email": "jane.doe@example.org"}
PRIVATE: dict[str, Any] = {
    "birth_date": "1987-06-05",
    "gender": "woman",
    "address": {"line1": "77 Canary Row", "city": "Leeds", "postal_code": "LS1 7ZZ", "country": "GB"},
    "tax_ids": {"nino": "AB123456C"},
    "bank_account": {"holder": "J Canary", "iban": IBAN},
}


def terms(**changes: Any) -> dict[str, Any]:
    return TERMS | changes


def person(**changes: Any) -> dict[str, Any]:
    return PERSON | TERMS | changes


async def given_employee(hr: httpx.AsyncClient, **changes: Any) -> dict[str, Any]:
    answer = await hr.post("/v1/employees", json=person(**changes))
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def given_change(
    hr: httpx.AsyncClient, employee: dict[str, Any], on: str, *, reason: str = "agreed", **fields: Any
) -> dict[str, Any]:
    body = {"effective_on": on, "fields": fields, "reason": reason}
    answer = await hr.post(f"/v1/employees/{employee['id']}/changes", json=body)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def shown(hr: httpx.AsyncClient, employee: dict[str, Any], **moment: str) -> dict[str, Any]:
    answer = await hr.get(f"/v1/employees/{employee['id']}", params=moment)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def verb(hr: httpx.AsyncClient, employee: dict[str, Any], name: str, **body: Any) -> httpx.Response:
    return await hr.post(f"/v1/employees/{employee['id']}/{name}", json={"reason": "agreed", **body})


async def employee(suite: Suite, tenant: TenantFacts) -> str:
    """Of somebody who was hired."""
    return str((await given_employee(suite.client("hr", tenant)))["id"])


async def bank_approval(suite: Suite, tenant: TenantFacts) -> str:
    """Of another bank account."""
    hr = suite.client("hr", tenant)
    change = await given_change(
        hr, await given_employee(hr), "2026-03-01", bank_account={"holder": "J", "iban": IBAN}
    )
    return str(change["approval_id"])
