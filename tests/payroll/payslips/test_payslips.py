"""Payslips over HTTP: who sees what, how lines are explained, and that each can be calculated again."""

import asyncio
import io
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import psutil
import pytest
import structlog

from services.payroll.pay_runs.actions import calculating
from services.payroll.payslips.queries import read_record
from services.payroll.payslips.rules.calculating import calculate
from services.payroll.payslips.rules.snapshots import canonical, hash_of
from shared.background.jobs import JobRun
from shared.base import loops, telemetry
from shared.context.ctx import Ctx, TenantFacts
from shared.database.pool import DatabaseAway
from tests.kit.suite import Suite, eventually
from tests.kit.suite import test_settings as settings_of_tests
from tests.payroll.given import SALARY, given_item, money
from tests.payroll.pay_runs.given_runs import (
    approved,
    calculated,
    caller,
    given_run,
    given_team,
    payslips_of,
    told_of,
)


async def test_every_payslip_of_a_run_is_calculated_again_from_its_record_to_the_same_bytes(
    suite: Suite, tenant: TenantFacts, payroll: httpx.AsyncClient
):
    schedule, payees = await given_team(suite, tenant, 3)
    await approved(suite, tenant, schedule)
    await given_item(payroll, payees[0], **{"from": "2026-05-01"})
    pension = {"kind": "deduction", "treatment": "net_pay_arrangement", "recurring": True}
    await given_item(payroll, payees[1], code="scheme", amount=None, percent="5", **pension)
    run = await calculated(payroll, await given_run(payroll, schedule, period_start="2026-05-01"))

    for slip in await payslips_of(payroll, run):
        async with suite.work("payroll", tenant) as ctx:
            record = await read_record(ctx, UUID(slip["id"]))
        assert canonical(calculate(record["snapshot"])) == canonical(record["payslip"])
        assert hash_of(record["snapshot"]) == slip["input_hash"]
        assert hash_of(record["payslip"]) == slip["result_hash"]
        assert record["snapshot"]["year_to_date"]["gross"] == "2500.00"
        assert record["snapshot"]["declarations"]["tax_code"] == "1257L"


async def test_each_line_is_explained_by_its_rule_source_and_steps(
    suite: Suite, tenant: TenantFacts, payroll: httpx.AsyncClient
):
    schedule, _ = await given_team(suite, tenant, 1)
    run = await calculated(payroll, await given_run(payroll, schedule))
    (slip,) = await payslips_of(payroll, run)
    explained = (await payroll.get(f"/v1/payslips/{slip['id']}/explain")).json()

    lines = {line["code"]: line for line in explained["lines"]}
    assert lines.keys() == {line["code"] for line in slip["lines"]}
    assert lines["salary"]["steps"][0]["inputs"] == {"annual": "30000.00", "periods": "12"}
    paye = lines["uk.paye"]
    assert paye["rule"] == "uk.paye.cumulative"
    assert {"publication", "table", "year"} <= paye["source"].keys()
    assert all(step["inputs"] for step in paye["steps"])
    assert {"up_cent", "floor_unit"} <= {step["rounding"] for step in paye["steps"]}


async def test_amounts_are_read_with_the_private_scope_only_and_each_read_is_audited(
    suite: Suite, tenant: TenantFacts, payroll: httpx.AsyncClient
):
    schedule, _ = await given_team(suite, tenant, 1)
    run = await calculated(payroll, await given_run(payroll, schedule))
    clerk = caller(suite, tenant, "clerk", "payroll:read", "payroll:write", "payroll:approve")
    (listed,) = (await clerk.get(f"/v1/payslips?pay_run_id={run['id']}")).json()["items"]
    assert not {"net", "gross", "lines"} & listed.keys()
    private = [
        f"/v1/payslips/{listed['id']}",
        f"/v1/payslips/{listed['id']}/explain",
        f"/v1/pay-runs/{run['id']}/register",
        f"/v1/pay-runs/{run['id']}/variances?against={run['id']}",
    ]
    for path in private:
        assert (await clerk.get(path)).status_code == 403
        assert (await payroll.get(path)).status_code == 200
    async with suite["payroll"].app_db.transaction(tenant.id) as tx:
        rows = await tx.sql.fetch(
            "select subject from audit where action = 'read_sealed' and subject like 'pay\\_runs/%' "
            "or subject like 'payslips/%'"
        )
    assert {row["subject"] for row in rows} == {
        f"payslips/{listed['id']}", f"payslips/{listed['id']}#record", f"pay_runs/{run['id']}#register",
        f"pay_runs/{run['id']}#variances",
    }  # fmt: skip


async def test_no_private_fact_is_in_events_logs_jobs_stored_replies_or_problems(
    suite: Suite, tenant: TenantFacts, payroll: httpx.AsyncClient, logged: io.StringIO
):
    """Two are paid, so that no total is somebody's own."""
    private = {
        "compensation": SALARY | {"amount": money("47110.15")},
        "bank_account": {"holder": "Jane", "sort_code": "200000", "account_number": "55779911"},
        "tax_ids": {"nino": "AB471147C"},
    }
    schedule, payees = await given_team(suite, tenant, 2, private=private)
    await given_item(payroll, payees[0], amount=money("77.13"))
    run = await calculated(payroll, await given_run(payroll, schedule))
    first, second = caller(suite, tenant, "first"), caller(suite, tenant, "second")
    keyed = {"idempotency-key": "a-key"}
    assert (await first.post(f"/v1/pay-runs/{run['id']}/submit", headers=keyed)).status_code == 200
    approve = {"result_hash": run["result_hash"]}
    done = await second.post(f"/v1/pay-runs/{run['id']}/approve", json=approve, headers=keyed)
    assert done.status_code == 200, done.text

    async def issued() -> bool:
        return len(await told_of(suite, tenant, "payroll.payslip.issued")) == 2

    await eventually(issued)
    tables = (
        "outbox",
        "jobs",
        "idempotency_keys",
        "audit",
        "history",
        "pay_run_problems",
        "approvals",
        "pay_runs",
    )
    slips = await payslips_of(payroll, run)
    nets = [each["net"]["amount"] for each in slips]
    canaries = ["47110.15", "3925.85", "55779911", "AB471147C", "1257L", *nets]
    sql = await asyncpg.connect(suite.url)
    try:
        for table in tables:
            rows = await sql.fetch(f"select t::text from payroll.{table} t where tenant_id = $1", tenant.id)
            text = "\n".join(row[0] for row in rows)
            assert [c for c in canaries if c in text or c.encode().hex() in text] == [], table
        held = await sql.fetch("select record::text from payroll.payslips where tenant_id = $1", tenant.id)
    finally:
        await sql.close()
    assert len(held) == 2
    structlog.get_logger().info("a line that shows that lines are caught")
    assert "lines are caught" in logged.getvalue()
    assert [c for c in canaries if c in logged.getvalue()] == []
    assert not any(c.encode().hex() in row[0] for c in canaries for row in held)


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """Everything that is logged, at every level."""
    stream = io.StringIO()
    with monkeypatch.context() as patch:
        patch.setattr("sys.stderr", stream)
        telemetry.configure_logs(settings_of_tests(log_level="DEBUG"))
    yield stream
    telemetry.configure_logs(settings_of_tests())


@pytest.fixture
async def dying(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Counter[UUID]]:
    """Every run of a job ends before it can commit a second step, as if killed, and is taken up again at once."""
    report, deaths = JobRun.progress, Counter[UUID]()
    farthest: dict[UUID, int] = Counter()
    died, has_done_something = asyncio.Event(), set[JobRun]()

    async def progress(self: JobRun, ctx: Ctx, done: int, total: int | None = None, **more: Any) -> None:
        await report(self, ctx, done, total, **more)
        if done > farthest[self.job_id] and self in has_done_something:
            deaths[self.job_id] += 1
            died.set()
            raise DatabaseAway("killed by a test")
        if done > farthest[self.job_id]:
            farthest[self.job_id] = done
            has_done_something.add(self)

    async def revive() -> None:
        while True:
            await died.wait()
            died.clear()
            async with suite["payroll"].worker_db.transaction(None) as tx:
                await tx.sql.execute(
                    "update jobs set lease_until = now(), given_back = attempts where id = any($1)",
                    list(deaths),
                )
            suite["payroll"].jobs.queued()

    monkeypatch.setattr(loops, "AFTER_FAILURE_SECONDS", 0.01)
    monkeypatch.setattr(calculating, "AT_ONCE", 2)
    monkeypatch.setattr(JobRun, "progress", progress)
    reviver = asyncio.create_task(revive())
    yield deaths
    reviver.cancel()


async def test_killed_after_each_step_a_run_ends_with_the_same_bytes(
    suite: Suite,
    tenant: TenantFacts,
    payroll: httpx.AsyncClient,
    dying: Counter[UUID],
    monkeypatch: pytest.MonkeyPatch,
):
    schedule, _ = await given_team(suite, tenant, 9)
    run = await calculated(payroll, await given_run(payroll, schedule))
    assert dying[UUID(run["job_id"])] >= 3
    killed = await payslips_of(payroll, run)
    monkeypatch.undo()
    whole = await calculated(payroll, run)

    assert (run["payslips"], run["result_hash"]) == (9, whole["result_hash"])
    assert run["input_hash"] == whole["input_hash"]
    after = await payslips_of(payroll, whole)
    assert [each["result_hash"] for each in killed] == [each["result_hash"] for each in after]


async def test_a_run_outlives_the_process_that_calculates_it(
    suite: Suite, tenant: TenantFacts, payroll: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
):
    """The process beside the worker is killed in a call: the job fails, and the next calculation is as any other."""
    schedule, _ = await given_team(suite, tenant, 2)
    run = await calculated(payroll, await given_run(payroll, schedule))
    monkeypatch.setattr(calculating, "calculate_chunk", _kill_own_process)
    failed = await calculated(payroll, run)
    monkeypatch.undo()
    again = await calculated(payroll, run)

    assert (failed["state"], failed["error"]["code"]) == ("failed", "job_failed")
    assert failed["allowed_actions"] == ["calculate", "cancel"]
    assert (again["state"], again["result_hash"]) == ("calculated", run["result_hash"])


def _kill_own_process(_: object) -> None:
    psutil.Process().kill()
