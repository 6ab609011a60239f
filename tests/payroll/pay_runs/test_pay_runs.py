"""A run from its draft to its payment and back."""

from decimal import Decimal
from typing import Any

import httpx

from shared.context.ctx import TenantFacts
from tests.kit.suite import Suite, eventually
from tests.payroll.given import given_item, money
from tests.payroll.pay_runs.given_runs import (
    approved,
    calculated,
    caller,
    given_run,
    given_team,
    payslips_of,
    problems_of,
    submitted,
    told_of,
    verb,
)

MAY = "2026-05-01"


async def measures_of(payroll: httpx.AsyncClient, payee: dict[str, Any]) -> dict[str, Decimal]:
    """The totals of a payee's tax year that are not zero."""
    found = (await payroll.get(f"/v1/payees/{payee['id']}/year-to-date?tax_year=2026")).json()["measures"]
    totals = {each["measure"]: Decimal(each["total"]["amount"]) for each in found}
    return {name: amount for name, amount in totals.items() if amount}


def sides_of(event: dict[str, Any]) -> dict[tuple[str, str | None], Decimal]:
    """The lines of an event by role and cost centre, debits above zero."""
    found: dict[tuple[str, str | None], Decimal] = {}
    for line in event["data"]["lines"]:
        amount = Decimal((line["debit"] or line["credit"])["amount"])
        found[line["role"], line["cost_centre"]] = amount if line["debit"] else -amount
    return found


async def test_a_run_is_calculated_and_the_same_inputs_give_the_same_result(
    suite: Suite, tenant: TenantFacts, payroll: httpx.AsyncClient
):
    schedule, _ = await given_team(suite, tenant, 2)
    run = await calculated(payroll, await given_run(payroll, schedule))

    assert (run["state"], run["payslips"], run["error"]) == ("calculated", 2, None), run
    assert run["totals"]["gross"] == money("5000.00")
    assert "/gb/paye_reference" in {each["pointer"] for each in run["missing"]}
    assert set(run["totals"]["taxes"]) == {"uk.paye", "uk.ni_employee"}
    assert run["allowed_actions"] == ["calculate", "submit", "cancel"]
    first, second = await payslips_of(payroll, run)
    assert (first["net"], first["lines"][0]["amount"]) == (second["net"], money("2500.00"))
    again = await calculated(payroll, run)
    assert (again["result_hash"], again["input_hash"]) == (run["result_hash"], run["input_hash"])
    assert await problems_of(payroll, run) == []


async def test_an_approved_run_is_told_in_balance_and_counts_in_the_year(
    suite: Suite, tenant: TenantFacts, payroll: httpx.AsyncClient
):
    schedule, payees = await given_team(suite, tenant, 2)
    await given_item(payroll, payees[0])
    await given_item(payroll, payees[1], kind="expense", code="travel", amount=money("40.00"))
    run = await approved(suite, tenant, schedule)

    assert run["state"] == "approved"
    (event,) = await told_of(suite, tenant, "payroll.pay_run.approved")
    sides = sides_of(event)
    assert sum(sides.values()) == 0
    assert (sides["wages", "S1"], sides["expense", "S1"]) == (Decimal("5100.00"), Decimal("40.00"))
    assert sides["net_pay", None] == -Decimal(run["totals"]["net"]["amount"])
    assert {role for role, _ in sides} == {
        "wages", "expense", "employer_contribution", "withholding", "social", "net_pay",
    }  # fmt: skip
    assert "Payee" not in str(event)
    year = await measures_of(payroll, payees[0])
    assert (year["gross"], year["taxable"]) == (Decimal("2600.00"), Decimal("2600.00"))
    items = (await payroll.get(f"/v1/pay-items?payee_id={payees[0]['id']}")).json()["items"]
    assert [(item["state"], item["settled_by"]) for item in items] == [("settled", run["id"])]


async def test_each_payslip_of_an_approved_run_is_issued_once(suite: Suite, tenant: TenantFacts):
    schedule, payees = await given_team(suite, tenant, 3)
    run = await approved(suite, tenant, schedule)

    async def issued() -> list[dict[str, Any]] | None:
        found = await told_of(suite, tenant, "payroll.payslip.issued")
        return found if len(found) >= 3 else None

    events = await eventually(issued)
    told = {(e["data"]["employment_id"], e["data"]["run_id"]) for e in events}
    assert told == {(payee["employment_id"], run["id"]) for payee in payees}
    assert len(events) == 3


async def test_the_next_period_sees_what_came_before(
    suite: Suite, tenant: TenantFacts, payroll: httpx.AsyncClient
):
    schedule, _ = await given_team(suite, tenant, 1)
    await approved(suite, tenant, schedule)
    run = await calculated(payroll, await given_run(payroll, schedule, period_start=MAY))

    (slip,) = await payslips_of(payroll, run)
    paye = next(line for line in slip["lines"] if line["code"] == "uk.paye")
    assert slip["lines"][0]["year_to_date"] == money("5000.00")
    assert Decimal(paye["year_to_date"]["amount"]) > Decimal(paye["amount"]["amount"])
    explained = (await payroll.get(f"/v1/payslips/{slip['id']}/explain")).json()
    steps = next(line for line in explained["lines"] if line["code"] == "uk.paye")["steps"]
    assert steps[0]["inputs"]["before"] == "2500.00"


async def test_a_paid_run_is_told_closed_and_reversed_exactly(
    suite: Suite, tenant: TenantFacts, payroll: httpx.AsyncClient
):
    schedule, payees = await given_team(suite, tenant, 2)
    await given_item(payroll, payees[0])
    run = await approved(suite, tenant, schedule)
    later = (await verb(payroll, run, "pay", paid_on="2999-01-01")).json()
    paid = await verb(payroll, run, "pay", paid_on="2026-04-30")
    closed = await verb(payroll, run, "close")
    reversal = (await verb(caller(suite, tenant, "first"), run, "reverse")).json()
    twice = await verb(payroll, run, "reverse")

    assert later["errors"][0]["pointer"] == "/paid_on"
    assert (paid.json()["state"], closed.json()["state"]) == ("paid", "closed")
    (told,) = await told_of(suite, tenant, "payroll.pay_run.paid")
    assert told["data"]["amount"] == run["totals"]["net"]
    assert (reversal["kind"], reversal["state"], reversal["reverses"]) == (
        "reversal",
        "calculated",
        run["id"],
    )
    assert reversal["totals"]["net"]["amount"] == f"-{run['totals']['net']['amount']}"
    assert (twice.status_code, twice.json()["number"]) == (409, reversal["number"])
    await _reverse(suite, tenant, run, reversal)
    for payee in payees:
        assert await measures_of(payroll, payee) == {}
    items = (await payroll.get(f"/v1/pay-items?payee_id={payees[0]['id']}")).json()["items"]
    assert [item["state"] for item in items] == ["active"]
    again = await calculated(payroll, await given_run(payroll, schedule))
    assert (again["payslips"], again["result_hash"]) == (2, run["result_hash"])


async def _reverse(suite: Suite, tenant: TenantFacts, run: dict[str, Any], reversal: dict[str, Any]) -> None:
    assert (await verb(caller(suite, tenant, "first"), reversal, "submit")).status_code == 200
    done = await verb(
        caller(suite, tenant, "second"), reversal, "approve", result_hash=reversal["result_hash"]
    )
    assert done.json()["state"] == "approved", done.text
    assert done.json()["allowed_actions"] == []
    kept = await verb(caller(suite, tenant, "second"), reversal, "cancel")
    assert (kept.status_code, kept.json()["code"]) == (409, "not_of_this_kind")
    reader = caller(suite, tenant, "reader")
    assert (await reader.get(f"/v1/pay-runs/{run['id']}")).json()["state"] == "reversed"
    (before,) = await told_of(suite, tenant, "payroll.pay_run.approved")
    (after,) = await told_of(suite, tenant, "payroll.pay_run.reversed")
    assert after["data"]["reverses"] == run["id"]
    assert sides_of(after) == {key: -amount for key, amount in sides_of(before).items()}
    slips, negated = await payslips_of(reader, run), await payslips_of(reader, reversal)
    for slip, mirror in zip(slips, negated, strict=True):
        amounts = [Decimal(line["amount"]["amount"]) for line in slip["lines"]]
        assert [-Decimal(line["amount"]["amount"]) for line in mirror["lines"]] == amounts
        assert mirror["reverses"] == slip["id"]
        explained = (await reader.get(f"/v1/payslips/{mirror['id']}/explain")).json()
        assert explained["explains"] == slip["id"]


async def test_an_approved_run_is_cancelled_by_its_mirror_image(
    suite: Suite, tenant: TenantFacts, payroll: httpx.AsyncClient
):
    schedule, payees = await given_team(suite, tenant, 1)
    run = await approved(suite, tenant, schedule)
    clerk = caller(suite, tenant, "clerk", "payroll:read", "payroll:write")
    refused = await verb(clerk, run, "cancel")
    cancelled = await verb(payroll, run, "cancel", reason="wrong account")

    assert (refused.status_code, refused.json()["code"]) == (403, "missing_scope")
    assert cancelled.json()["state"] == "cancelled"
    (before,) = await told_of(suite, tenant, "payroll.pay_run.approved")
    (after,) = await told_of(suite, tenant, "payroll.pay_run.reversed")
    assert sides_of(after) == {key: -amount for key, amount in sides_of(before).items()}
    assert await measures_of(payroll, payees[0]) == {}
    assert (await calculated(payroll, await given_run(payroll, schedule)))["payslips"] == 1


async def test_variances_and_register_tell_what_each_payee_gets(
    suite: Suite, tenant: TenantFacts, payroll: httpx.AsyncClient
):
    schedule, payees = await given_team(suite, tenant, 2)
    april = await approved(suite, tenant, schedule)
    await given_item(payroll, payees[1], **{"from": MAY})
    may = await calculated(payroll, await given_run(payroll, schedule, period_start=MAY))

    path = f"/v1/pay-runs/{may['id']}/variances?against={april['id']}&limit=1"
    first = (await payroll.get(path)).json()
    unsaid = (await payroll.get(f"/v1/pay-runs/{may['id']}/variances?limit=1")).json()
    assert unsaid["items"] == first["items"]
    rest = (await payroll.get(f"{path}&cursor={first['next']}")).json()
    found = {(each["number"], each["code"]): each["difference"] for each in first["items"] + rest["items"]}
    assert found.keys() <= {
        ("E-1", code) for code in ("bonus", "uk.ni_employee", "uk.ni_employer", "uk.paye")
    } | {("E-0", "uk.paye")}
    assert (first["items"][0]["number"], len(first["items"])) == (found and min(found)[0], 1)
    register = (await payroll.get(f"/v1/pay-runs/{may['id']}/register?limit=1")).json()
    second = (
        await payroll.get(f"/v1/pay-runs/{may['id']}/register?limit=1&cursor={register['next']}")
    ).json()
    rows = register["items"] + second["items"]
    assert sorted(row["gross"]["amount"] for row in rows) == ["2500.00", "2600.00"]
    assert second["next"] is None


async def test_off_cycle_pays_what_is_due_once_and_salary_only_where_it_is_asked_for(
    suite: Suite, tenant: TenantFacts, payroll: httpx.AsyncClient
):
    schedule, payees = await given_team(suite, tenant, 2)
    await given_item(payroll, payees[0])
    await given_item(payroll, payees[0], kind="deduction", code="gym", recurring=True, treatment="post_tax")
    off = {"kind": "off_cycle", "payee_ids": [payees[0]["id"]], "pay_on": "2026-04-15"}
    run = await calculated(payroll, await given_run(payroll, schedule, **off))
    (slip,) = await payslips_of(payroll, run)
    assert [(line["code"], line["amount"]["amount"]) for line in slip["lines"][:1]] == [("bonus", "100.00")]
    assert "gym" not in {line["code"] for line in slip["lines"]}

    everybody = {"kind": "off_cycle", "pay_on": "2026-04-15"}
    due = await calculated(payroll, await given_run(payroll, schedule, **everybody))
    assert ([each["number"] for each in await payslips_of(payroll, due)], due["warnings"].keys()) == (
        ["E-0"], {"earnings_period_apart", "period_differs"} & due["warnings"].keys(),
    )  # fmt: skip
    named = everybody | {"payee_ids": [payees[1]["id"]]}
    nobody = await calculated(payroll, await given_run(payroll, schedule, **named))
    assert (nobody["payslips"], nobody["warnings"]) == (0, {"nothing_due": 1})
    assert (await verb(payroll, nobody, "submit")).json()["code"] == "nobody_to_pay"
    regular = await calculated(payroll, await given_run(payroll, schedule), exclude=[payees[1]["id"]])
    assert (regular["payslips"], regular["excluded"]) == (1, [payees[1]["id"]])
    left_out = off | {"payee_ids": [each["id"] for each in payees], "basic_pay": True}
    rest = await calculated(payroll, await given_run(payroll, schedule, **left_out))
    assert rest["payslips"] == 1
    (taken,) = await problems_of(payroll, rest)
    assert (taken["code"], taken["payee_id"]) == ("period_taken", payees[0]["id"])
    assert regular["number"] in taken["message"]


async def test_a_contractor_gets_what_was_agreed_and_nothing_is_withheld(
    suite: Suite, tenant: TenantFacts, payroll: httpx.AsyncClient
):
    schedule, _ = await given_team(suite, tenant, 1, kind="contractor")
    run = await approved(suite, tenant, schedule)
    (slip,) = await payslips_of(payroll, run)
    (event,) = await told_of(suite, tenant, "payroll.pay_run.approved")

    assert slip["net"] == slip["gross"] == money("2500.00")
    assert sides_of(event) == {
        ("contractor", "S1"): Decimal("2500.00"),
        ("net_pay", None): Decimal("-2500.00"),
    }


async def test_submitting_needs_a_result(suite: Suite, tenant: TenantFacts, payroll: httpx.AsyncClient):
    schedule, _ = await given_team(suite, tenant, 1)
    refused = await verb(payroll, await given_run(payroll, schedule), "submit")
    run = await submitted(payroll, schedule)

    assert (refused.status_code, refused.json()["code"]) == (409, "illegal_transition")
    assert run["submitted_by"] == "client-of-a-test"
