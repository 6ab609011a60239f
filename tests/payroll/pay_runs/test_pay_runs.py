"""A run from its draft to its payment and back."""

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


async def test_a_run_is_calculated_with_totals_and_hashes(
    suite: Suite, tenant: TenantFacts, payroll: httpx.AsyncClient
):
    schedule, _ = await given_team(suite, tenant, 2)
    run = await calculated(payroll, await given_run(payroll, schedule))

    assert (run["state"], run["payslips"], run["error"]) == ("calculated", 2, None), run
    assert run["totals"]["gross"] == money("5000.00")
    assert set(run["totals"]["taxes"]) == {"uk.paye", "uk.ni_employee"}
    assert len(run["result_hash"]) == len(run["input_hash"]) == 64
    assert run["allowed_actions"] == ["calculate", "submit", "cancel"]
    first, second = await payslips_of(payroll, run)
    assert (first["net"], first["lines"][0]["amount"]) == (second["net"], money("2500.00"))
    again = await calculated(payroll, run)
    assert (again["result_hash"], again["input_hash"]) == (run["result_hash"], run["input_hash"])
    assert await problems_of(payroll, run) == []
