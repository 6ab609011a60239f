"""Payees: what hr tells of each day, in whatever order, and what payroll states besides."""

import asyncio
from datetime import date
from typing import Any
from uuid import UUID

import httpx
import pytest

from services.payroll.payees.queries import find_bank_accounts
from shared.context.ctx import TenantFacts
from shared.contracts.hr import (
    EmployeeChanged,
    EmployeeTerminated,
    StartCancelled,
    TerminationCancelled,
)
from shared.values.ids import new_id
from tests.kit.suite import Suite
from tests.payroll.given import (
    ACCOUNT,
    DECLARED,
    HIRED,
    PRIVATE,
    SALARY,
    changed,
    delivered,
    given_payee,
    given_schedule,
    money,
    payee_of,
    told,
)

STARS = "********"


async def test_a_hired_employee_is_a_payee_with_hrs_facts(
    suite: Suite, tenant: TenantFacts, payroll: httpx.AsyncClient
):
    made = await given_payee(suite, tenant)

    payee = (await payroll.get(f"/v1/payees/{made['id']}")).json()

    shown = {name: payee[name] for name in ("number", "name", "kind", "status", "hire_on", "cost_centre")}
    assert shown == {
        "number": "E-1",
        "name": "Jane Payee",
        "kind": "employee",
        "status": "active",
        "hire_on": "2026-01-05",
        "cost_centre": "S1",
    }
    assert payee["work_location"] == {"country": "GB", "subdivision": "ENG"}
    assert (payee["weekly_hours"], payee["pay_schedule_id"], payee["declarations"]) == ("37.5", None, None)


async def test_what_is_private_is_masked_but_for_who_may_read_it(
    suite: Suite, tenant: TenantFacts, payroll: httpx.AsyncClient, clerk: httpx.AsyncClient
):
    payee = await given_payee(suite, tenant)
    await changed(clerk, payee, pack="uk", declarations=DECLARED)
    path = f"/v1/payees/{payee['id']}"

    masked, full = (await clerk.get(path)).json(), (await payroll.get(path)).json()

    assert (full["compensation"], full["declarations"]) == (SALARY, DECLARED)
    assert {name: v for name, v in full["bank_account"].items() if v is not None} == ACCOUNT
    assert (full["tax_ids"], full["birth_date"]) == (PRIVATE["tax_ids"], PRIVATE["birth_date"])
    assert masked["compensation"] == {"kind": STARS, "amount": None, "per": STARS}
    assert masked["declarations"] == {"tax_code": STARS, "ni_category": STARS}
    assert (masked["tax_ids"], masked["birth_date"]) == ({"nino": STARS}, STARS)
    assert masked["bank_account"]["sort_code"] == STARS
    assert masked["bank_account"]["account_number"] in (STARS, "****911")


async def test_a_list_and_a_change_never_reveal(
    suite: Suite, tenant: TenantFacts, payroll: httpx.AsyncClient
):
    payee = await given_payee(suite, tenant)

    listed = (await payroll.get("/v1/payees")).json()["items"]
    answer = (await changed(payroll, payee, pack="uk", declarations=DECLARED)).json()

    assert [each["birth_date"] for each in listed] == [STARS]
    assert (answer["birth_date"], answer["declarations"]["tax_code"]) == (STARS, STARS)


async def test_on_each_day_the_fact_with_the_highest_version_holds_whatever_the_order(
    suite: Suite, tenant: TenantFacts, payroll: httpx.AsyncClient
):
    ids = {"employee_id": new_id(), "employment_id": new_id()}
    hired = await told(suite, tenant, **ids)
    raised = await told(
        suite, tenant, EmployeeChanged, version=2, effective_on=date(2026, 3, 1), position="Head", **ids,
        private={"compensation": SALARY | {"amount": money("36000.00")}},
    )  # fmt: skip
    corrected = await told(
        suite, tenant, EmployeeChanged, version=3, effective_on=date(2026, 2, 1),
        effective_until=date(2026, 2, 28), position="Acting head", **ids,
    )  # fmt: skip

    await delivered(suite, tenant, corrected, raised, hired, raised, corrected)

    payee = await payee_of(payroll, hired.employment_id)
    days = {
        "2026-01-31": "Clerk",
        "2026-02-01": "Acting head",
        "2026-02-28": "Acting head",
        "2026-03-01": "Head",
    }
    shown = {day: await as_of(payroll, payee, day) for day in days}
    assert {day: each["position"] for day, each in shown.items()} == days
    assert shown["2026-03-01"]["compensation"]["amount"] == money("36000.00")
    assert payee["version"] == 4


async def as_of(payroll: httpx.AsyncClient, payee: dict[str, Any], day: str) -> dict[str, Any]:
    found: dict[str, Any] = (await payroll.get(f"/v1/payees/{payee['id']}?as_of={day}")).json()
    return found


async def test_somebody_who_begins_later_is_pending_with_the_first_days_facts(
    suite: Suite, tenant: TenantFacts
):
    payee = await given_payee(suite, tenant, hire_on=date(2099, 1, 1))

    assert (payee["status"], payee["position"]) == ("pending", "Clerk")


async def test_an_employment_ends_goes_on_after_all_and_never_begins_by_the_highest_version(
    suite: Suite, tenant: TenantFacts, payroll: httpx.AsyncClient
):
    hired = await told(suite, tenant)
    ids = {"employee_id": hired.employee_id, "employment_id": hired.employment_id}
    ended = EmployeeTerminated(
        **ids,
        last_day=date(2026, 2, 27),
        access_end_at="2026-02-27T18:00:00Z",
        unused_leave_hours="12.5",
        version=2,
    )
    again = TerminationCancelled(**ids, version=3)

    await delivered(suite, tenant, ended)
    early = (await payroll.get(f"/v1/payees?employment_id={hired.employment_id}")).json()["items"]
    await delivered(suite, tenant, hired)
    left = await payee_of(payroll, hired.employment_id)
    await delivered(suite, tenant, again, ended)
    stays = await payee_of(payroll, hired.employment_id)
    await delivered(suite, tenant, StartCancelled(**ids, version=4), again)
    never = await payee_of(payroll, hired.employment_id)

    assert early == []
    assert (left["status"], left["last_day"], left["unused_leave_hours"]) == ("ended", "2026-02-27", "12.5")
    assert (stays["status"], stays["last_day"]) == ("active", None)
    assert never["status"] == "cancelled"


async def test_a_payment_file_is_told_the_accounts_of_its_day(
    suite: Suite, tenant: TenantFacts, payroll: httpx.AsyncClient
):
    hired = await told(suite, tenant)
    other = ACCOUNT | {"account_number": "12345678"}
    moved = await told(
        suite, tenant, EmployeeChanged, version=2, effective_on=date(2026, 3, 1), private={"bank_account": other},
        employee_id=hired.employee_id, employment_id=hired.employment_id,
    )  # fmt: skip
    await delivered(suite, tenant, hired, moved)
    none = await given_payee(suite, tenant, private={"bank_account": None})
    payee_id = UUID((await payee_of(payroll, hired.employment_id))["id"])

    async with suite.work("payroll", tenant) as ctx:
        found = [
            await find_bank_accounts(ctx, [payee_id, UUID(none["id"])], on=day)
            for day in (date(2026, 2, 28), date(2026, 3, 1))
        ]

    assert found == [{payee_id: ACCOUNT}, {payee_id: other}]


async def test_two_engagements_of_one_person_are_two_payees(
    suite: Suite, tenant: TenantFacts, payroll: httpx.AsyncClient
):
    employee = new_id()
    for number in ("E-1", "E-2"):
        await given_payee(suite, tenant, employee_id=employee, number=number)

    found = (await payroll.get(f"/v1/payees?employee_id={employee}")).json()["items"]

    assert sorted(each["number"] for each in found) == ["E-1", "E-2"]


async def test_payees_are_found_by_number_ids_and_schedule(
    suite: Suite, tenant: TenantFacts, payroll: httpx.AsyncClient
):
    one, other = await given_payee(suite, tenant), await given_payee(suite, tenant, number="E-2")
    first, second = await given_schedule(payroll), await given_schedule(payroll)
    await changed(payroll, one, pay_schedule_id=first["id"])
    await changed(payroll, other, pay_schedule_id=first["id"])
    await changed(payroll, other, pay_schedule_id=second["id"], effective_on="2026-06-01")

    async def listed(query: str) -> list[str]:
        return [each["id"] for each in (await payroll.get(f"/v1/payees?{query}")).json()["items"]]

    assert await listed("number=E-2") == [other["id"]]
    assert await listed(f"ids={one['id']}") == [one["id"]]
    assert await listed(f"pay_schedule_id={first['id']}") == [one["id"]]
    assert await listed(f"pay_schedule_id={second['id']}") == [other["id"]]


async def test_what_hr_owns_is_not_changed_here(
    suite: Suite, tenant: TenantFacts, payroll: httpx.AsyncClient
):
    payee = await given_payee(suite, tenant)

    refused = await changed(payroll, payee, name="Other", bank_account=ACCOUNT, pack="uk")

    errors = {(e["pointer"], e["code"]) for e in refused.json()["errors"]}
    assert (refused.status_code, errors) == (
        422,
        {("/name", "owned_by_hr"), ("/bank_account", "owned_by_hr")},
    )


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"pack": "uk", "declarations": {"tax_code": "WRONG!"}}, "/declarations/tax_code"),
        ({"pack": "uk", "declarations": DECLARED | {"shoe_size": 43}}, "/declarations/shoe_size"),
        ({"pack": "us", "declarations": {"state": "CA", "state_declaration": {"x": 1}}},
         "/declarations/state_declaration/x"),
        ({"pack": "fr", "declarations": {}}, "/pack"),
        ({"declarations": DECLARED}, "/pack"),
        ({"pay_schedule_id": str(new_id())}, "/pay_schedule_id"),
        ({"nickname": "J"}, "/nickname"),
        ({"year_to_date": {"gross": money("1.00")}}, "/pack"),
        ({"pack": "uk", "declarations": DECLARED, "year_to_date": {"gross": money("1.00", "USD")}},
         "/year_to_date/gross"),
        ({"pack": "uk", "declarations": {"a/b~c" * 300: 1, "tax_code": "1257L"}}, None),
    ],
)  # fmt: skip
async def test_a_wrong_change_is_refused_by_its_field(
    suite: Suite, tenant: TenantFacts, payroll: httpx.AsyncClient, change: dict[str, Any], pointer: str | None
):
    payee = await given_payee(suite, tenant)

    refused = await changed(payroll, payee, **change)

    assert refused.status_code == 422, refused.text
    pointers = [e["pointer"] for e in refused.json()["errors"]]
    assert pointer in pointers if pointer else len(pointers[0]) < 500
    after = (await payroll.get(f"/v1/payees/{payee['id']}")).json()
    assert (after["version"], after["pack"], after["declarations"]) == (payee["version"], None, None)


async def test_a_change_needs_the_version_it_is_based_on(
    suite: Suite, tenant: TenantFacts, payroll: httpx.AsyncClient
):
    payee = await given_payee(suite, tenant)
    path, body = f"/v1/payees/{payee['id']}", {"pack": "uk", "declarations": DECLARED}

    missing = await payroll.patch(path, json=body)
    wrong = await payroll.patch(path, json=body, headers={"if-match": "77"})

    assert (missing.status_code, wrong.status_code) == (428, 412)


async def test_of_two_changes_at_once_one_goes_through(
    suite: Suite, tenant: TenantFacts, payroll: httpx.AsyncClient
):
    payee = await given_payee(suite, tenant)
    headers = {"if-match": str(payee["version"])}
    bodies = [{"pack": "uk", "declarations": {"tax_code": code}} for code in ("1257L", "BR", "D0")]

    answers = await asyncio.gather(
        *(payroll.patch(f"/v1/payees/{payee['id']}", json=body, headers=headers) for body in bodies)
    )

    assert sorted(a.status_code for a in answers) == [200, 412, 412]


async def test_facts_that_come_at_once_leave_what_they_leave_one_after_the_other(
    suite: Suite, tenant: TenantFacts, payroll: httpx.AsyncClient
):
    ids = {"employee_id": new_id(), "employment_id": new_id()}
    events = [
        await told(
            suite, tenant, EmployeeChanged, version=n, effective_on=date(2026, n, 1), position=f"P{n}", **ids
        )
        for n in range(1, 7)
    ]

    await asyncio.gather(*(delivered(suite, tenant, event) for event in reversed(events)))

    payee = await payee_of(payroll, ids["employment_id"])
    shown = [(await as_of(payroll, payee, f"2026-0{n}-15"))["position"] for n in range(1, 7)]
    assert shown == [f"P{n}" for n in range(1, 7)]


async def test_what_was_never_known_holds_from_the_hiring_on_and_later_changes_from_today(
    suite: Suite, tenant: TenantFacts, payroll: httpx.AsyncClient
):
    payee, schedule = await given_payee(suite, tenant), await given_schedule(payroll)
    await changed(payroll, payee, pay_schedule_id=schedule["id"], declarations=DECLARED)
    await changed(payroll, payee, declarations={"tax_code": "BR"})
    await changed(payroll, payee, declarations={"tax_code": "D0"}, effective_on="2026-02-01")

    at_first, then, now = [
        await as_of(payroll, payee, day) for day in (str(HIRED), "2026-02-01", "2098-01-01")
    ]

    assert (at_first["pay_schedule_id"], at_first["pack"]) == (schedule["id"], "uk")
    codes = [each["declarations"]["tax_code"] for each in (at_first, then, now)]
    assert codes == ["1257L", "D0", "BR"]


async def test_stated_again_for_the_same_day_it_is_replaced_as_a_whole(
    suite: Suite, tenant: TenantFacts, payroll: httpx.AsyncClient
):
    payee = await given_payee(suite, tenant)
    for declared in (DECLARED, {"tax_code": "BR"}):
        await changed(payroll, payee, pack="uk", declarations=declared, effective_on="2026-02-01")

    assert (await as_of(payroll, payee, "2026-02-01"))["declarations"] == {"tax_code": "BR"}


async def test_a_schedule_and_declarations_of_two_countries_do_not_go_together(
    suite: Suite, tenant: TenantFacts, payroll: httpx.AsyncClient
):
    payee, schedule = await given_payee(suite, tenant), await given_schedule(payroll)

    refused = await changed(payroll, payee, pay_schedule_id=schedule["id"], pack="us", declarations={})
    first = await changed(payroll, payee, pack="us", declarations={})
    other = await changed(payroll, payee, pack="uk")

    assert (refused.status_code, refused.json()["code"]) == (409, "pack_mismatch")
    assert first.status_code == 200
    assert (other.status_code, other.json()["errors"][0]["pointer"]) == (422, "/declarations")


async def test_somebody_can_be_taken_off_a_schedule(
    suite: Suite, tenant: TenantFacts, payroll: httpx.AsyncClient
):
    payee, schedule = await given_payee(suite, tenant), await given_schedule(payroll)
    await changed(payroll, payee, pay_schedule_id=schedule["id"])

    answer = await changed(payroll, payee, pay_schedule_id=None)

    assert answer.json()["pay_schedule_id"] is None
    assert (await as_of(payroll, payee, str(HIRED)))["pay_schedule_id"] == schedule["id"]


async def test_another_companys_payee_is_nowhere(suite: Suite, tenant: TenantFacts, stranger: TenantFacts):
    payee = await given_payee(suite, tenant)

    theirs = suite.client("payroll", stranger)

    assert (await theirs.get(f"/v1/payees/{payee['id']}")).status_code == 404
    assert (await theirs.get("/v1/payees")).json()["items"] == []
