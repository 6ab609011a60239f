"""Another bank account is paid to only after somebody else has approved it; the old one holds until then."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import httpx
import pytest

from shared.context.ctx import Actor, TenantFacts
from shared.context.sealed_facts import open_fact
from shared.contracts.hr import EmployeeChanged
from tests.hr.given import IBAN, OTHER_IBAN, given_change, given_employee, shown
from tests.kit.suite import Suite, eventually

OLD = {"holder": "J Doe", "iban": IBAN}
NEW = {"holder": "J Doe", "iban": OTHER_IBAN}


async def decided(
    client: httpx.AsyncClient, change: dict[str, Any], how: str = "approve", **body: Any
) -> httpx.Response:
    path = f"/v1/employees/{change['employee_id']}/changes/{change['id']}/{how}"
    return await client.post(path, json=body)


async def account(insider: httpx.AsyncClient, employee: dict[str, Any]) -> str:
    found: str = (await shown(insider, employee))["bank_account"]["iban"]
    return found


async def paid_to(suite: Suite, tenant: TenantFacts) -> list[str]:
    """The accounts that payroll was told with changes, in their order."""
    found = []
    async with suite.work("hr", tenant) as ctx:
        for row in await suite.outbox("hr", tenant.id):
            document = json.loads(row["envelope"])
            if document["type"] == EmployeeChanged.type:
                event = EmployeeChanged.model_validate(document["data"])
                private = open_fact(ctx, event, event.employment_id, event.private)
                found.append(private["bank_account"]["iban"])
    return found


async def test_the_old_account_is_paid_to_until_somebody_else_approves(
    suite: Suite,
    tenant: TenantFacts,
    hr: httpx.AsyncClient,
    second: httpx.AsyncClient,
    insider: httpx.AsyncClient,
):
    employee = await given_employee(hr, bank_account=OLD)
    change = await given_change(hr, employee, "2026-03-01", bank_account=NEW, department="Lab")
    assert (change["state"], change["applied_at"]) == ("pending", None)
    await given_change(hr, employee, "2026-03-01", position="cook")
    assert await account(insider, employee) == IBAN

    own = await decided(hr, change)
    approved = await decided(second, change, comment="called them")

    assert (own.status_code, own.json()["code"]) == (403, "four_eyes")
    assert (approved.status_code, approved.json()["state"]) == (200, "applied"), approved.text
    assert await account(insider, employee) == OTHER_IBAN
    assert (await shown(insider, employee))["department"] == "Lab"
    before = await shown(insider, employee, known_at=change["created_at"])
    assert before["bank_account"]["iban"] == IBAN
    assert await paid_to(suite, tenant) == [IBAN, OTHER_IBAN]


async def test_a_party_the_requester_acted_for_does_not_approve_nor_who_lacks_the_scope(
    suite: Suite, tenant: TenantFacts
):
    partner = suite.client("hr", tenant, actor=Actor("a-partner", on_behalf_of="client-of-a-test"))
    employee = await given_employee(partner, bank_account=OLD)
    change = await given_change(partner, employee, "2026-03-01", bank_account=NEW)

    party = await decided(suite.client("hr", tenant), change)
    clerk = await decided(
        suite.client("hr", tenant, actor=Actor("x"), scopes={"hr:read", "hr:write"}), change
    )

    assert [party.json()["code"], clerk.json()["code"]] == ["four_eyes", "missing_scope"]


async def test_a_rejected_account_never_holds(
    hr: httpx.AsyncClient, second: httpx.AsyncClient, insider: httpx.AsyncClient
):
    employee = await given_employee(hr, bank_account=OLD)
    change = await given_change(hr, employee, "2026-03-01", bank_account=NEW)

    rejected = await decided(second, change, "reject", reason="not their hand")
    late = await decided(second, change)

    assert rejected.json()["state"] == "rejected"
    assert (late.status_code, late.json()["code"]) == (409, "illegal_transition")
    assert await account(insider, employee) == IBAN


async def test_what_is_asked_for_in_the_approvals_list_shows_the_account_masked_and_works_there_too(
    hr: httpx.AsyncClient, second: httpx.AsyncClient, insider: httpx.AsyncClient
):
    employee = await given_employee(hr)
    change = await given_change(hr, employee, "2026-03-01", bank_account=NEW)

    (asked,) = (await second.get("/v1/hr-approvals", params={"state": "pending"})).json()["items"]
    done = await second.post(f"/v1/hr-approvals/{asked['id']}/approve")

    assert asked["id"] == change["approval_id"]
    assert asked["facts"]["bank_account"] == {"holder": "********", "iban": "DE** **** **** 3000"}
    assert done.status_code == 200
    assert await account(insider, employee) == OTHER_IBAN


async def test_an_account_that_was_replaced_meanwhile_has_to_be_asked_for_anew(
    hr: httpx.AsyncClient, second: httpx.AsyncClient, insider: httpx.AsyncClient
):
    employee = await given_employee(hr)
    first, other = [await given_change(hr, employee, "2026-03-01", bank_account=each) for each in (OLD, NEW)]
    assert (await decided(second, other)).status_code == 200

    outdated = await decided(second, first)

    assert (outdated.status_code, outdated.json()["code"]) == (409, "approval_outdated")
    assert await account(insider, employee) == OTHER_IBAN


async def test_two_approvals_at_once_take_effect_once(
    suite: Suite, tenant: TenantFacts, hr: httpx.AsyncClient
):
    employee = await given_employee(hr, bank_account=OLD)
    change = await given_change(hr, employee, "2026-03-01", bank_account=NEW)
    people = [suite.client("hr", tenant, actor=Actor(f"person-{n}")) for n in range(4)]

    answers = await asyncio.gather(*(decided(each, change) for each in people))

    assert sorted(a.status_code for a in answers) == [200, 409, 409, 409]
    assert await paid_to(suite, tenant) == [OTHER_IBAN]


async def test_a_change_that_nobody_decides_on_expires(suite: Suite, tenant: TenantFacts):
    hr = suite.client("hr", tenant)
    employee = await given_employee(hr, bank_account=OLD)
    change = await given_change(hr, employee, "2026-03-01", bank_account=NEW)

    await suite.advance_clock(tenant, timedelta(days=15))

    async def expired() -> bool:
        path = f"/v1/employees/{employee['id']}/changes/{change['id']}"
        return bool((await hr.get(path)).json()["state"] == "expired")

    await eventually(expired)


async def test_a_change_that_needs_no_approval_is_not_decided_on(
    hr: httpx.AsyncClient, second: httpx.AsyncClient
):
    change = await given_change(hr, await given_employee(hr), "2026-03-01", department="Lab")

    refused = await decided(second, change)

    assert (refused.status_code, refused.json()["code"]) == (409, "not_pending")


@pytest.mark.parametrize(
    ("given", "masked"),
    [
        (
            {"sort_code": "20-15-55", "account_number": "55555555", "roll_number": "ab/12"},
            {"sort_code": "********", "account_number": "****555", "roll_number": "********"},
        ),
        (
            {"routing_number": "021000021", "account_number": "123456789", "kind": "checking"},
            {"routing_number": "********", "account_number": "****789", "kind": "********"},
        ),
    ],
)
async def test_accounts_of_the_uk_and_the_us_are_kept_and_masked(
    hr: httpx.AsyncClient, insider: httpx.AsyncClient, given: dict[str, str], masked: dict[str, str]
):
    employee = await given_employee(hr, bank_account={"holder": "J Doe", **given})

    def only(found: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in found["bank_account"].items() if value is not None}

    kept = {**given, "holder": "J Doe"}
    kept |= {"sort_code": "201555", "roll_number": "AB/12"} if "sort_code" in given else {}
    assert only(employee) == {**masked, "holder": "********"}
    assert only(await shown(insider, employee)) == kept
