"""What a test of payroll begins with: facts as hr tells them, payees, schedules."""

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import httpx

from shared.base.telemetry import new_traceparent
from shared.bus.transport import Delivery
from shared.context.ctx import TenantFacts
from shared.context.sealed_facts import seal_fact
from shared.contracts.event import Event, envelope
from shared.contracts.hr import EmployeeChanged, EmployeeHired, WorkLocation
from shared.values.ids import new_id
from tests.kit.suite import Suite

ACCOUNT = {"holder": "Canary Jane", "sort_code": "200000", "account_number": "55779911"}
SALARY = {"kind": "salary", "amount": {"amount": "30000.00", "currency": "GBP"}, "per": "year"}
PRIVATE: dict[str, Any] = {
    "compensation": SALARY,
    "bank_account": ACCOUNT,
    "tax_ids": {"nino": "QQ123456C"},
    "birth_date": "1987-06-05",
    "gender": "female",
    "address": {"line1": "1 High Street"},
}
HIRED = date(2026, 1, 5)
DECLARED = {"tax_code": "1257L", "ni_category": "A"}


def money(amount: str, currency: str = "GBP") -> dict[str, str]:
    """Money as the wire has it."""
    return {"amount": amount, "currency": currency}


async def delivered(suite: Suite, tenant: TenantFacts, *events: Event, event_id: UUID | None = None) -> None:
    """Hand payroll facts of hr, one after the other, as the transport does."""
    for event in events:
        made = envelope(
            event,
            id=event_id or new_id(),
            source="hr",
            subject=str(new_id()),
            time=datetime.now(UTC),
            tenant_id=tenant.id,
            version=1,
            ordering_key=f"test:{new_id()}",
            actor_id="test",
            causation_id=None,
            correlation_id=None,
            traceparent=new_traceparent(),
        )
        await suite["payroll"].inbox.deliver(Delivery(made.ordering_key, made.text, False))


async def told(
    suite: Suite,
    tenant: TenantFacts,
    contract: type[EmployeeHired] | type[EmployeeChanged] = EmployeeHired,
    *,
    private: dict[str, Any] | None = None,
    **facts: Any,
) -> EmployeeHired | EmployeeChanged:
    """A fact as hr publishes it, what is private sealed."""
    values: dict[str, Any] = {
        "employee_id": new_id(),
        "employment_id": new_id(),
        "number": "E-1",
        "name": "Jane Payee",
        "kind": "employee",
        "hire_on": HIRED,
        "effective_on": facts.get("hire_on", HIRED),
        "position": "Clerk",
        "department": "Sales",
        "cost_centre": "S1",
        "work_location": WorkLocation(country="GB", subdivision="ENG"),
        "weekly_hours": "37.5",
        "version": 1,
    } | facts
    async with suite.work("payroll", tenant) as ctx:
        sealed = await seal_fact(ctx, contract, values["employment_id"], PRIVATE | (private or {}))
    return contract(**values, private=sealed)


async def payee_of(payroll: httpx.AsyncClient, employment_id: UUID) -> dict[str, Any]:
    """The payee of an employment."""
    (found,) = (await payroll.get(f"/v1/payees?employment_id={employment_id}")).json()["items"]
    made: dict[str, Any] = found
    return made


async def given_payee(
    suite: Suite, tenant: TenantFacts, *, private: dict[str, Any] | None = None, **facts: Any
) -> dict[str, Any]:
    """Somebody of whom hr has told."""
    event = await told(suite, tenant, private=private, **facts)
    await delivered(suite, tenant, event)
    return await payee_of(suite.client("payroll", tenant), event.employment_id)


async def given_schedule(payroll: httpx.AsyncClient, **facts: Any) -> dict[str, Any]:
    """A monthly schedule of the UK, unless said otherwise."""
    body = {"name": f"Monthly {new_id()}", "pack": "uk", "frequency": "monthly", "anchor": "2026-01-31"}
    answer = await payroll.post("/v1/pay-schedules", json=body | facts)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def changed(payroll: httpx.AsyncClient, payee: dict[str, Any], **change: Any) -> httpx.Response:
    """A change of a payee on its newest version."""
    path = f"/v1/payees/{payee['id']}"
    version = (await payroll.get(path)).json()["version"]
    return await payroll.patch(path, json=change, headers={"if-match": str(version)})


async def given_scheduled(
    suite: Suite, tenant: TenantFacts, schedule: dict[str, Any], **facts: Any
) -> dict[str, Any]:
    """Somebody who is paid by a schedule, with declarations."""
    payroll = suite.client("payroll", tenant)
    payee = await given_payee(suite, tenant, **facts)
    answer = await changed(payroll, payee, pay_schedule_id=schedule["id"], declarations=DECLARED)
    assert answer.status_code == 200, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def given_item(payroll: httpx.AsyncClient, payee: dict[str, Any], **facts: Any) -> dict[str, Any]:
    """A bonus of one hundred pounds, unless said otherwise."""
    body = {"payee_id": payee["id"], "kind": "bonus", "code": "bonus", "from": "2026-04-01"}
    answer = await payroll.post("/v1/pay-items", json=body | {"amount": money("100.00")} | facts)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made
