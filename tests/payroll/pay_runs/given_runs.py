"""What tests of pay runs begin with: payees of a schedule, runs, and the people who work on them."""

from typing import Any

import httpx
import orjson

from shared.context.ctx import Actor, TenantFacts
from tests.kit.suite import Suite, eventually
from tests.payroll.given import given_schedule, given_scheduled

SEES = {"payroll.private:read", "payroll.bank:read"}
APRIL = "2026-04-01"
PAID = "2026-04-30"


def caller(suite: Suite, tenant: TenantFacts, name: str, *scopes: str) -> httpx.AsyncClient:
    """Somebody by name, with these scopes or all."""
    held = set(scopes) if scopes else suite.all_scopes | SEES
    return suite.client("payroll", tenant, scopes=held, actor=Actor(name))


async def given_team(
    suite: Suite, tenant: TenantFacts, count: int = 2, *, schedule: dict[str, Any] | None = None, **facts: Any
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A monthly schedule, and some people whom it pays."""
    schedule = schedule or await given_schedule(suite.client("payroll", tenant))
    payees = [
        await given_scheduled(suite, tenant, schedule, number=f"E-{n}", name=f"Payee {n}", **facts)
        for n in range(count)
    ]
    return schedule, payees


async def given_run(payroll: httpx.AsyncClient, schedule: dict[str, Any], **facts: Any) -> dict[str, Any]:
    """A draft of April's run."""
    answer = await payroll.post(
        "/v1/pay-runs", json={"schedule_id": schedule["id"], "period_start": APRIL} | facts
    )
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def settled(payroll: httpx.AsyncClient, run: dict[str, Any]) -> dict[str, Any]:
    """The run once it is no longer calculated."""

    async def over() -> dict[str, Any] | None:
        found = (await payroll.get(f"/v1/pay-runs/{run['id']}")).json()
        return found if found["state"] != "calculating" else None

    return await eventually(over, within=60)


async def calculated(payroll: httpx.AsyncClient, run: dict[str, Any], **body: Any) -> dict[str, Any]:
    """The run with its result."""
    answer = await payroll.post(f"/v1/pay-runs/{run['id']}/calculate", json=body)
    assert answer.status_code == 202, answer.text
    return await settled(payroll, run)


async def verb(payroll: httpx.AsyncClient, run: dict[str, Any], name: str, **body: Any) -> httpx.Response:
    """A verb of a run."""
    return await payroll.post(f"/v1/pay-runs/{run['id']}/{name}", json=body or None)


async def submitted(payroll: httpx.AsyncClient, schedule: dict[str, Any], **facts: Any) -> dict[str, Any]:
    """A run that waits for its approval."""
    run = await calculated(payroll, await given_run(payroll, schedule, **facts))
    answer = await verb(payroll, run, "submit")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def approved(
    suite: Suite, tenant: TenantFacts, schedule: dict[str, Any], **facts: Any
) -> dict[str, Any]:
    """A run that a second person has approved."""
    run = await submitted(caller(suite, tenant, "first"), schedule, **facts)
    answer = await verb(caller(suite, tenant, "second"), run, "approve", result_hash=run["result_hash"])
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def payslips_of(payroll: httpx.AsyncClient, run: dict[str, Any]) -> list[dict[str, Any]]:
    """The payslips of a run in full, by the payee's number."""
    listed = (await payroll.get(f"/v1/payslips?pay_run_id={run['id']}&limit=200")).json()["items"]
    found = [(await payroll.get(f"/v1/payslips/{each['id']}")).json() for each in listed]
    return sorted(found, key=lambda each: each["number"])


async def problems_of(
    payroll: httpx.AsyncClient, run: dict[str, Any], severity: str = "blocker"
) -> list[Any]:
    """The problems of a run."""
    path = f"/v1/pay-runs/{run['id']}/problems?severity={severity}&limit=200"
    found: list[Any] = (await payroll.get(path)).json()["items"]
    return found


async def told_of(suite: Suite, tenant: TenantFacts, prefix: str) -> list[dict[str, Any]]:
    """The facts of a kind that payroll has told."""
    rows = await suite.outbox("payroll", tenant.id)
    return [orjson.loads(row["envelope"]) for row in rows if row["type"].startswith(prefix)]
