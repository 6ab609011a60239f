"""What a run survives: two at once, changed inputs, people who cannot be paid, days that are none."""

import asyncio
from datetime import date
from typing import Any

import httpx
import pytest

from services.payroll.pay_runs.actions import calculating
from shared.background.jobs import JobRun
from shared.context.ctx import TenantFacts
from shared.contracts.hr import EmployeeChanged
from tests.kit.suite import Suite
from tests.payroll.given import (
    DECLARED,
    SALARY,
    changed,
    delivered,
    given_item,
    given_payee,
    given_schedule,
    given_scheduled,
    money,
    told,
)
from tests.payroll.pay_runs.given_runs import (
    calculated,
    caller,
    given_run,
    given_team,
    payslips_of,
    problems_of,
    settled,
    submitted,
    told_of,
    verb,
)


async def test_of_two_who_approve_at_once_one_posts(suite: Suite, tenant: TenantFacts):
    schedule, _ = await given_team(suite, tenant, 1)
    run = await submitted(caller(suite, tenant, "first"), schedule)
    approvers = [caller(suite, tenant, name) for name in ("second", "third")]
    answers = await asyncio.gather(
        *(verb(each, run, "approve", result_hash=run["result_hash"]) for each in approvers)
    )

    assert sorted(answer.status_code for answer in answers) == [200, 409]
    assert len(await told_of(suite, tenant, "payroll.pay_run.approved")) == 1


async def test_who_submitted_a_run_does_not_approve_it(suite: Suite, tenant: TenantFacts):
    schedule, _ = await given_team(suite, tenant, 1)
    first = caller(suite, tenant, "first")
    run = await submitted(first, schedule)
    own = await verb(first, run, "approve", result_hash=run["result_hash"])
    other = await verb(caller(suite, tenant, "second"), run, "approve", result_hash="0" * 64)
    rejected = await verb(caller(suite, tenant, "second"), run, "reject", reason="too much")

    assert (own.status_code, own.json()["code"]) == (403, "four_eyes")
    assert (other.status_code, other.json()["code"]) == (409, "result_changed")
    assert (rejected.json()["state"], rejected.json()["submitted_by"]) == ("calculated", None)
    assert (await verb(first, run, "submit")).status_code == 200


async def test_a_run_is_approved_through_its_approval_as_well(suite: Suite, tenant: TenantFacts):
    schedule, _ = await given_team(suite, tenant, 1)
    run = await submitted(caller(suite, tenant, "first"), schedule)
    second = caller(suite, tenant, "second")
    (asked,) = (await second.get(f"/v1/payroll-approvals?subject_id={run['id']}")).json()["items"]
    done = await second.post(f"/v1/payroll-approvals/{asked['id']}/approve")

    assert done.status_code == 200, done.text
    assert (await second.get(f"/v1/pay-runs/{run['id']}")).json()["approved_by"] == "second"


async def test_a_run_is_calculated_once_at_a_time(
    suite: Suite, tenant: TenantFacts, payroll: httpx.AsyncClient
):
    schedule, _ = await given_team(suite, tenant, 1)
    run = await given_run(payroll, schedule)
    path = f"/v1/pay-runs/{run['id']}/calculate"
    answers = await asyncio.gather(*(payroll.post(path) for _ in range(3)))
    await settled(payroll, run)

    assert sorted(answer.status_code for answer in answers) == [202, 409, 409]


@pytest.mark.parametrize("moment", ["during", "after"])
async def test_a_fact_of_hr_that_comes_with_the_calculation_voids_the_result(
    suite: Suite,
    tenant: TenantFacts,
    payroll: httpx.AsyncClient,
    monkeypatch: pytest.MonkeyPatch,
    moment: str,
):
    schedule, (payee,) = await given_team(suite, tenant, 1)
    raised = SALARY | {"amount": money("36000.00")}
    change = await told(
        suite, tenant, EmployeeChanged, private={"compensation": raised}, version=2,
        employment_id=payee["employment_id"], employee_id=payee["employee_id"], effective_on=date(2026, 4, 1),
    )  # fmt: skip
    finish = calculating._finish

    async def finish_late(job: JobRun) -> None:
        await delivered(suite, tenant, change)
        await finish(job)

    if moment == "during":
        monkeypatch.setattr(calculating, "_finish", finish_late)
    run = await calculated(payroll, await given_run(payroll, schedule))
    if moment == "after":
        await delivered(suite, tenant, change)
    refused = await verb(payroll, run, "submit")
    monkeypatch.undo()
    again = await calculated(payroll, run)

    assert (refused.status_code, refused.json()["code"]) == (409, "inputs_changed")
    assert again["totals"]["gross"] == money("3000.00")
    assert (await verb(payroll, run, "submit")).status_code == 200


async def test_an_input_that_changes_before_the_approval_refuses_it(
    suite: Suite, tenant: TenantFacts, payroll: httpx.AsyncClient
):
    schedule, (payee,) = await given_team(suite, tenant, 1)
    run = await submitted(caller(suite, tenant, "first"), schedule)
    await given_item(payroll, payee)
    second = caller(suite, tenant, "second")
    refused = await verb(second, run, "approve", result_hash=run["result_hash"])
    (asked,) = (await second.get(f"/v1/payroll-approvals?subject_id={run['id']}")).json()["items"]
    generic = await second.post(f"/v1/payroll-approvals/{asked['id']}/approve")
    again = await calculated(payroll, run)

    assert (refused.status_code, refused.json()["code"]) == (409, "inputs_changed")
    assert (generic.status_code, generic.json()["code"]) == (409, "approval_outdated")
    assert (again["state"], again["totals"]["gross"]) == ("calculated", money("2600.00"))
    assert await told_of(suite, tenant, "payroll.pay_run.") == []


async def test_who_cannot_be_paid_is_named_and_the_others_go_on(
    suite: Suite, tenant: TenantFacts, payroll: httpx.AsyncClient
):
    schedule, (_, taken, ordered) = await given_team(suite, tenant, 3)
    undeclared = await given_payee(suite, tenant, number="E-9", name="Undeclared")
    assert (await changed(payroll, undeclared, pay_schedule_id=schedule["id"])).status_code == 200
    everything = {"kind": "deduction", "code": "car", "treatment": "post_tax", "amount": money("9000.00")}
    await given_item(payroll, taken, **everything)
    order = {"kind": "creditor", "issued_on": "2026-01-01", "reference": "C-1"}
    await given_item(payroll, ordered, kind="garnishment", code="court", garnishment=order)
    run = await calculated(payroll, await given_run(payroll, schedule))

    found = {each["number"]: each for each in await problems_of(payroll, run)}
    assert {number: each["code"] for number, each in found.items()} == {
        "E-1": "negative_net", "E-2": "enum", "E-9": "missing_declarations",
    }  # fmt: skip
    assert "Payee 1: car" in found["E-1"]["message"]
    assert "9000" not in str(found)
    assert [slip["number"] for slip in await payslips_of(payroll, run)] == ["E-0"]
    refused = await verb(payroll, run, "submit")
    assert (refused.status_code, refused.json()["code"], refused.json()["failed"]) == (
        409,
        "payees_failed",
        3,
    )
    left_out = await calculated(payroll, run, exclude=[each["payee_id"] for each in found.values()])
    assert (left_out["payslips"], await problems_of(payroll, left_out)) == (1, [])
    assert (await verb(payroll, run, "submit")).status_code == 200


async def test_dollars_are_never_paid_as_pounds(
    suite: Suite, tenant: TenantFacts, payroll: httpx.AsyncClient
):
    schedule, _ = await given_team(suite, tenant, 1)
    salary = {"compensation": {"kind": "salary", "amount": money("30000.00", "USD"), "per": "year"}}
    await given_scheduled(suite, tenant, schedule, number="E-7", name="In dollars", private=salary)
    early = await given_payee(suite, tenant, number="E-8", name="Bonus in dollars")
    await given_item(payroll, early, amount=money("100.00", "USD"))
    scheduled = await changed(payroll, early, pay_schedule_id=schedule["id"], declarations=DECLARED)

    run = await calculated(payroll, await given_run(payroll, schedule))

    assert scheduled.status_code == 200
    found = await problems_of(payroll, run)
    assert sorted((each["number"], each["code"]) for each in found) == [
        ("E-7", "currency_mismatch"), ("E-8", "currency_mismatch"),
    ]  # fmt: skip
    assert sorted(each["message"].partition(":")[0] for each in found) == [
        "E-7 In dollars",
        "E-8 Bonus in dollars",
    ]
    assert [slip["number"] for slip in await payslips_of(payroll, run)] == ["E-0"]
    assert (await verb(payroll, run, "submit")).json()["code"] == "payees_failed"


async def test_sums_beyond_sense_fail_one_payee_and_not_the_run(
    suite: Suite, tenant: TenantFacts, payroll: httpx.AsyncClient
):
    schedule, _ = await given_team(suite, tenant, 1)
    salary = {"compensation": {"kind": "salary", "amount": money("90000000000000.00"), "per": "month"}}
    await given_scheduled(suite, tenant, schedule, number="E-7", name="Rich", private=salary)

    run = await calculated(payroll, await given_run(payroll, schedule))

    assert run["state"] == "calculated"
    assert [(each["number"], each["code"]) for each in await problems_of(payroll, run)] == [
        ("E-7", "not_calculable")
    ]
    assert [slip["number"] for slip in await payslips_of(payroll, run)] == ["E-0"]


async def test_somebody_without_a_bank_account_is_warned_of(
    suite: Suite, tenant: TenantFacts, payroll: httpx.AsyncClient
):
    schedule, _ = await given_team(suite, tenant, 1, private={"bank_account": None})
    run = await calculated(payroll, await given_run(payroll, schedule))

    assert run["warnings"] == {"missing_bank_account": 1}
    assert await problems_of(payroll, run) == []


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({"pay_on": "2026-04-03"}, "/pay_on", "not_a_working_day"),
        ({"pay_on": "2026-03-31"}, "/pay_on", "before_the_period"),
        ({"pay_on": "2028-03-31"}, "/pay_on", "too_late"),
        ({"kind": "reversal"}, "/kind", "reversal_by_verb"),
        ({"basic_pay": False}, "/basic_pay", "basic_pay_needed"),
        ({"payee_ids": ["00000000-0000-7000-8000-000000000000"]}, "/payee_ids", "payees_needless"),
        ({"schedule_id": "00000000-0000-7000-8000-000000000000"}, "/schedule_id", "unknown_schedule"),
    ],
)
async def test_a_run_that_makes_no_sense_is_refused_by_field(
    payroll: httpx.AsyncClient, body: dict[str, Any], pointer: str, code: str
):
    schedule = await given_schedule(payroll)
    path, wanted = "/v1/pay-runs", {"schedule_id": schedule["id"], "period_start": "2026-04-01"}
    answer = await payroll.post(path, json=wanted | body)
    between = await payroll.post(path, json=wanted | {"period_start": "2026-04-02"})

    assert answer.status_code == 422, answer.text
    assert [(each["pointer"], each["code"]) for each in answer.json()["errors"]] == [(pointer, code)]
    assert (between.status_code, between.json()["code"]) == (422, "no_such_period")


async def test_the_53rd_week_and_the_27th_fortnight_are_paid(
    suite: Suite, tenant: TenantFacts, payroll: httpx.AsyncClient
):
    found = {}
    # 5 April 2024 is a Friday: the last day of a tax year whose Fridays are 53 from 7 April 2023 on.
    for frequency, start in (("weekly", "2024-03-30"), ("biweekly", "2024-03-23")):
        schedule = await given_schedule(payroll, frequency=frequency, anchor="2024-04-05")
        await given_scheduled(suite, tenant, schedule, hire_on=date(2023, 1, 1), number=frequency)
        run = await given_run(payroll, schedule, period_start=start)
        done = await calculated(payroll, run)
        found[frequency] = (run["period_number"], done["payslips"], await problems_of(payroll, done))

    assert {name: each[0] for name, each in found.items()} == {"weekly": 53, "biweekly": 54}
    for _, payslips, problems in found.values():
        assert payslips == 1 or [p["code"] for p in problems] == ["missing_pack"]


async def test_two_runs_for_one_period_pay_it_once(
    suite: Suite, tenant: TenantFacts, payroll: httpx.AsyncClient
):
    schedule, _ = await given_team(suite, tenant, 2)
    runs = [await given_run(payroll, schedule) for _ in range(2)]
    done = await asyncio.gather(*(calculated(payroll, run) for run in runs))

    assert sum(run["payslips"] for run in done) == 2
    problems = [*await problems_of(payroll, done[0]), *await problems_of(payroll, done[1])]
    assert {each["code"] for each in problems} == {"period_taken"}
    assert len(problems) == 2


async def test_a_cancelled_calculation_leaves_nothing_that_counts(
    suite: Suite, tenant: TenantFacts, payroll: httpx.AsyncClient
):
    schedule, _ = await given_team(suite, tenant, 1)
    run = await given_run(payroll, schedule)
    assert (await payroll.post(f"/v1/pay-runs/{run['id']}/calculate")).status_code == 202
    gone = await verb(payroll, run, "cancel")
    other = await calculated(payroll, await given_run(payroll, schedule))

    assert (gone.json()["state"], other["payslips"]) == ("cancelled", 1)
    assert (await payroll.get(f"/v1/pay-runs/{run['id']}")).json()["state"] == "cancelled"


async def test_an_approved_payslip_is_never_altered(
    suite: Suite, tenant: TenantFacts, payroll: httpx.AsyncClient
):
    schedule, _ = await given_team(suite, tenant, 1)
    run = await submitted(caller(suite, tenant, "first"), schedule)
    await verb(caller(suite, tenant, "second"), run, "approve", result_hash=run["result_hash"])
    for statement in (
        "update payslips set net = net + 1, gross = gross + 1",
        "delete from payslip_lines",
        "delete from payslips",
    ):
        with pytest.raises(Exception, match=r"payslip_fixed|foreign key"):
            async with suite["payroll"].app_db.transaction(tenant.id) as tx:
                await tx.sql.execute(statement)
