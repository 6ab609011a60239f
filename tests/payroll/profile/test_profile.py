"""The employer's profile: shown masked, changed by version, refused by its fields; and what is missing of it."""

import asyncio
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import httpx
import pytest

from services.payroll.profile.queries import find_profile_facts
from services.payroll.profile.rules import ProfileFacts, missing_for, unemployment_rate
from shared.context.ctx import TenantFacts
from tests.kit.suite import Suite
from tests.payroll.given import money

PATH = "/v1/payroll-profile"
IBAN = {"holder": "Acme Ltd", "iban": "GB33BUKB20201555555555"}
GB = {
    "paye_reference": "123/AB456",
    "accounts_office_reference": "123PA00012345",
    "employment_allowance": True,
    "apprenticeship_levy_allowance": money("15000.00"),
    "small_employer_relief": False,
}
US = {
    "ein": "12-3456789",
    "state_ids": [{"state": "CA", "id": "123-4567-8"}],
    "unemployment_rates": [
        {"state": "CA", "rate": "3.4", "valid_from": "2025-01-01"},
        {"state": "CA", "rate": "2.9", "valid_from": "2026-01-01"},
    ],
}
NACHA = {
    "immediate_destination": "021000021",
    "immediate_origin": "1123456789",
    "company_id": "1123456789",
    "company_name": "ACME LTD",
}


async def change(client: httpx.AsyncClient, **body: Any) -> httpx.Response:
    version = (await client.get(PATH)).json()["version"]
    return await client.patch(PATH, json=body, headers={"if-match": str(version)})


async def test_a_profile_is_stated_part_by_part_and_shown(payroll: httpx.AsyncClient):
    for body in ({"gb": GB}, {"bacs_service_user_number": "123456"}, {"us": US, "nacha": NACHA}):
        assert (await change(payroll, **body)).status_code == 200

    shown = (await payroll.get(PATH)).json()

    assert {
        name: shown[name] for name in ("gb", "us", "nacha", "bacs_service_user_number", "bank_account")
    } == {
        "gb": GB,
        "us": US,
        "nacha": NACHA,
        "bacs_service_user_number": "123456",
        "bank_account": None,
    }


async def test_references_are_kept_as_they_are_written_officially(payroll: httpx.AsyncClient):
    gb = {"paye_reference": "123/ab456", "accounts_office_reference": "123pa00012345"}

    answer = await change(payroll, gb=gb, us={"ein": "123456789"})

    assert answer.json()["gb"]["paye_reference"] == "123/AB456"
    assert answer.json()["gb"]["accounts_office_reference"] == "123PA00012345"
    assert answer.json()["us"]["ein"] == "12-3456789"


@pytest.mark.parametrize(
    "account",
    [
        IBAN,
        {"holder": "Acme Ltd", "sort_code": "200000", "account_number": "55779911"},
        {"holder": "Acme", "routing_number": "021000021", "account_number": "123456789", "kind": "checking"},
    ],
)
async def test_the_bank_account_is_seen_by_who_may_and_masked_for_others(
    payroll: httpx.AsyncClient, clerk: httpx.AsyncClient, account: dict[str, str]
):
    answer = await change(clerk, bank_account=account)

    full, masked = (await payroll.get(PATH)).json(), (await clerk.get(PATH)).json()

    assert {name: v for name, v in full["bank_account"].items() if v is not None} == account
    assert answer.json()["bank_account"] == masked["bank_account"]
    assert [v for v in account.values() if v in masked["bank_account"].values()] == []


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"bacs_service_user_number": "12345"}, "/bacs_service_user_number"),
        ({"bank_account": {"holder": "A", "iban": "GB33BUKB20201555555556"}}, "/bank_account/iban"),
        ({"gb": {"paye_reference": "AB/123"}}, "/gb/paye_reference"),
        ({"gb": {"accounts_office_reference": "123QA00012345"}}, "/gb/accounts_office_reference"),
        ({"gb": {"employment_allowance": "yes"}}, "/gb/employment_allowance"),
        ({"us": {"ein": "00-0000000"}}, "/us/ein"),
        ({"us": {"state_ids": [{"state": "California", "id": "1"}]}}, "/us/state_ids/0/state"),
        ({"us": {"unemployment_rates": [US["unemployment_rates"][0]] * 2}}, "/us/unemployment_rates/1/valid_from"),
        ({"us": {"unemployment_rates": [{"state": "CA", "rate": 3.4, "valid_from": "2025-01-01"}]}},
         "/us/unemployment_rates/0/rate"),
        ({"nacha": NACHA | {"immediate_destination": "021000022"}}, "/nacha/immediate_destination"),
        ({"nacha": NACHA | {"company_name": "A" * 17}}, "/nacha/company_name"),
        ({"fr": {}}, "/fr"),
    ],
)  # fmt: skip
async def test_a_wrong_profile_is_refused_by_its_field(
    payroll: httpx.AsyncClient, body: dict[str, Any], pointer: str
):
    refused = await change(payroll, **body)

    assert refused.status_code == 422, refused.text
    assert pointer in [each["pointer"] for each in refused.json()["errors"]]


async def test_of_two_changes_at_once_one_goes_through(payroll: httpx.AsyncClient):
    await change(payroll, gb=GB)
    bodies = [{"bacs_service_user_number": f"00000{n}"} for n in range(3)]

    answers = await asyncio.gather(*(payroll.patch(PATH, json=b, headers={"if-match": "2"}) for b in bodies))

    assert sorted(each.status_code for each in answers) == [200, 412, 412]


async def test_a_change_needs_a_version(payroll: httpx.AsyncClient):
    assert (await payroll.patch(PATH, json={"gb": GB})).status_code == 428


async def test_a_company_sees_its_own_profile_only(
    payroll: httpx.AsyncClient, suite: Suite, stranger: TenantFacts
):
    await change(payroll, gb=GB)

    assert (await suite.client("payroll", stranger).get(PATH)).json()["gb"] is None


FULL = ProfileFacts(has_bank_account=True, bacs_service_user_number="123456", nacha=NACHA, gb=GB, us=US)
TODAY = date(2026, 6, 1)


def pointers(profile: ProfileFacts, pack: str, *states: str) -> list[str]:
    return [each.pointer for each in missing_for(profile, pack, on=TODAY, work_states=states)]


def test_nothing_is_missing_of_a_full_profile():
    assert (pointers(FULL, "uk"), pointers(FULL, "us", "CA")) == ([], [])


def test_what_is_missing_is_named_by_the_pack():
    empty = ProfileFacts(False, None, None, None, None)

    assert pointers(empty, "uk") == [
        "/bank_account", "/gb/paye_reference", "/gb/accounts_office_reference", "/bacs_service_user_number",
    ]  # fmt: skip
    assert pointers(empty, "us", "NY") == [
        "/bank_account", "/us/ein", "/nacha", "/us/state_ids", "/us/unemployment_rates",
    ]  # fmt: skip
    assert pointers(replace(FULL, has_bank_account=False), "uk") == ["/bank_account"]


def test_the_unemployment_rate_is_the_one_that_began_last():
    days = (date(2024, 12, 31), date(2025, 12, 31), date(2026, 1, 1))

    rates = [unemployment_rate(FULL, "CA", day) for day in days]

    assert rates == [None, Decimal("3.4"), Decimal("2.9")]
    assert unemployment_rate(FULL, "NY", TODAY) is None


async def test_a_run_reads_the_profile_as_plain_values(
    suite: Suite, tenant: TenantFacts, payroll: httpx.AsyncClient
):
    await change(payroll, gb=GB, bank_account=IBAN)

    async with suite.work("payroll", tenant) as ctx:
        facts = await find_profile_facts(ctx)

    assert (facts.has_bank_account, facts.gb, facts.us) == (True, GB, None)
