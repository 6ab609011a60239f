"""For each resource with ids: a function that makes one for a tenant and answers its id.

A new resource needs an entry here; a test asserts that.
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx

from shared.context.ctx import TenantFacts
from shared.values.ids import new_id
from tests.billing import given as billing_given
from tests.billing.wages import given as wages_given
from tests.hr import given as hr_given
from tests.kit.suite import Suite, eventually
from tests.orders import given as orders_given
from tests.payroll import given as payroll_given
from tests.payroll.pay_runs import given_runs as runs_given

Build = Callable[[Suite, TenantFacts], Awaitable[str]]


def made(service: str, path: str, body: Callable[[], dict[str, Any]]) -> Build:
    """Made by one POST."""

    async def build(suite: Suite, tenant: TenantFacts) -> str:
        answer = await suite.client(service, tenant).post(path, json=body())
        assert answer.status_code in (201, 202), answer.text
        return str(answer.json()["id"])

    return build


def first(service: str, path: str) -> Build:
    """One of those that every tenant has."""

    async def build(suite: Suite, tenant: TenantFacts) -> str:
        client = suite.client(service, tenant)

        async def listed() -> list[dict[str, Any]]:
            items: list[dict[str, Any]] = (await client.get(path)).json()["items"]
            return items

        return str((await eventually(listed))[0]["id"])

    return build


async def order(suite: Suite, tenant: TenantFacts) -> str:
    return str((await orders_given.given_order(suite.client("orders", tenant)))["id"])


async def fulfilment(suite: Suite, tenant: TenantFacts) -> str:
    orders = suite.client("orders", tenant)
    confirmed = await orders_given.given_confirmed(orders)
    return str((await orders_given.fulfilments_of(orders, confirmed))[0]["id"])


async def order_import(suite: Suite, tenant: TenantFacts) -> str:
    answer = await suite.client("orders", tenant).post(
        "/v1/order-imports", files={"file": ("orders.csv", b"order_ref,sku\n", "text/csv")},
        data={"options": '{"format": "csv"}'},
    )  # fmt: skip
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


async def product(suite: Suite, tenant: TenantFacts) -> str:
    return str((await orders_given.given_product(suite.client("orders", tenant)))["id"])


async def customer(suite: Suite, tenant: TenantFacts) -> str:
    return str((await orders_given.given_customer(suite.client("orders", tenant)))["id"])


async def adjustment(suite: Suite, tenant: TenantFacts) -> str:
    orders = suite.client("orders", tenant)
    some = await orders_given.given_product(orders)
    await orders_given.given_stock(orders, some["sku"], "5")
    return str((await orders.get("/v1/stock-adjustments")).json()["items"][0]["id"])


async def _billed(suite: Suite, tenant: TenantFacts) -> tuple[httpx.AsyncClient, dict[str, Any]]:
    billing = suite.client("billing", tenant)
    buyer = await billing_given.given_customer(suite, tenant)
    return billing, await billing_given.given_invoice(billing, billing_given.line(), customer_id=str(buyer))


async def invoice(suite: Suite, tenant: TenantFacts) -> str:
    return str((await _billed(suite, tenant))[1]["id"])


async def payment(suite: Suite, tenant: TenantFacts) -> str:
    billing, bill = await _billed(suite, tenant)
    body = {"customer_id": bill["customer_id"], "amount": billing_given.money("1.00", tenant.currency)}
    answer = await billing.post("/v1/payments", json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def credit_note(suite: Suite, tenant: TenantFacts) -> str:
    billing, bill = await _billed(suite, tenant)
    answer = await billing.post("/v1/credit-notes", json={"invoice_id": bill["id"], "reason": "taken back"})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def refund(suite: Suite, tenant: TenantFacts) -> str:
    """Of a payment that settles nothing."""
    billing = suite.client("billing", tenant)
    body = {
        "payment_id": await payment(suite, tenant),
        "amount": billing_given.money("1.00", tenant.currency),
    }
    answer = await billing.post("/v1/refunds", json=body | {"reason": "not wanted"})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def write_off(suite: Suite, tenant: TenantFacts) -> str:
    billing, bill = await _billed(suite, tenant)
    body = {
        "invoice_id": bill["id"],
        "amount": billing_given.money("1.00", tenant.currency),
        "reason": "lost",
    }
    answer = await billing.post("/v1/write-offs", json=body | {"kind": "bank_fee"})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def journal_entry(suite: Suite, tenant: TenantFacts) -> str:
    await invoice(suite, tenant)
    return await first("billing", "/v1/journal-entries")(suite, tenant)


async def posting_exception(suite: Suite, tenant: TenantFacts) -> str:
    """A shipment into a month whose books are closed."""
    billing = suite.client("billing", tenant)
    await billing_given.close_month(billing)
    await billing_given.delivered(suite, tenant, billing_given.shipment())
    (found,) = (await billing.get("/v1/posting-exceptions")).json()["items"]
    assert found["code"] == "period_closed"
    return str(found["id"])


async def wage_posting(suite: Suite, tenant: TenantFacts) -> str:
    """A pay run that payroll has approved."""
    run = wages_given.approved()
    await wages_given.told(suite, tenant, run)
    return str(run.run_id)


async def approval(suite: Suite, tenant: TenantFacts) -> str:
    """The void of an invoice above the limit."""
    billing, bill = await _billed(suite, tenant)
    body = {"void_approval_limit": billing_given.money("0.00", tenant.currency)}
    settings = await billing.patch("/v1/invoice-settings", json=body, headers={"if-match": "1"})
    assert settings.status_code in (200, 412), settings.text  # 412: set before
    asked = await billing.post(f"/v1/invoices/{bill['id']}/void")
    assert asked.status_code == 202, asked.text
    return str(asked.json()["id"])


async def pay_schedule(suite: Suite, tenant: TenantFacts) -> str:
    return str((await payroll_given.given_schedule(suite.client("payroll", tenant)))["id"])


async def payee(suite: Suite, tenant: TenantFacts) -> str:
    return str((await payroll_given.given_payee(suite, tenant))["id"])


async def pay_item(suite: Suite, tenant: TenantFacts) -> str:
    someone = await payroll_given.given_payee(suite, tenant)
    return str((await payroll_given.given_item(suite.client("payroll", tenant), someone))["id"])


async def _submitted_run(suite: Suite, tenant: TenantFacts) -> dict[str, Any]:
    schedule, _ = await runs_given.given_team(suite, tenant, 1)
    return await runs_given.submitted(runs_given.caller(suite, tenant, "first"), schedule)


async def pay_run(suite: Suite, tenant: TenantFacts) -> str:
    """A draft."""
    payroll = suite.client("payroll", tenant)
    return str((await runs_given.given_run(payroll, await payroll_given.given_schedule(payroll)))["id"])


async def payslip(suite: Suite, tenant: TenantFacts) -> str:
    """Of a run that is submitted."""
    run = await _submitted_run(suite, tenant)
    listed = await suite.client("payroll", tenant).get(f"/v1/payslips?pay_run_id={run['id']}")
    return str(listed.json()["items"][0]["id"])


async def payroll_approval(suite: Suite, tenant: TenantFacts) -> str:
    """Of a pay run."""
    run = await _submitted_run(suite, tenant)
    asked = await suite.client("payroll", tenant).get(f"/v1/payroll-approvals?subject_id={run['id']}")
    return str(asked.json()["items"][0]["id"])


def delegation(service: str) -> Build:
    """Of whoever may approve in a service."""
    body = {"delegate": "somebody", "starts_at": "2026-01-01T00:00:00Z", "ends_at": "2100-01-01T00:00:00Z"}
    return made(service, f"/v1/{service}-approval-delegations", lambda: body)


def dead_letter(service: str) -> Build:
    """An event the service gave up on, put there as its inbox would."""

    async def build(suite: Suite, tenant: TenantFacts) -> str:
        event_id = new_id()
        async with suite[service].app_db.transaction(tenant.id) as tx:
            await tx.sql.execute(
                "insert into inbox (tenant_id, consumer, event_id, ordering_key, type, state, attempts, error, "
                "received_at) values ($1, $2, $3, $4, 'x.y.z.v1', 'dead', 8, 'for a test', $5)",
                tenant.id, service, event_id, f"x:{event_id}", datetime.now(UTC),
            )  # fmt: skip
        return str(event_id)

    return build


def job(service: str) -> Build:
    """A job that is over, put there as its runner would leave it."""

    async def build(suite: Suite, tenant: TenantFacts) -> str:
        job_id, kind = new_id(), next(iter(suite[service].service.jobs()))
        async with suite[service].app_db.transaction(tenant.id) as tx:
            await tx.sql.execute(
                "insert into jobs (tenant_id, id, kind, state, actor_id, actor_kind, request_id, traceparent, "
                "finished_at) values ($1, $2, $3, 'done', 'a-test', 'client', 'a-test', '', now())",
                tenant.id, job_id, kind,
            )  # fmt: skip
        return str(job_id)

    return build


def mail(service: str) -> Build:
    """A mail that bounced, put there as a worker would leave it."""

    async def build(suite: Suite, tenant: TenantFacts) -> str:
        mail_id = new_id()
        async with suite[service].app_db.transaction(tenant.id) as tx:
            await tx.sql.execute(
                "insert into mails (tenant_id, id, kind, aggregate, aggregate_id, recipient, state, reason_code, "
                "reason, finished_at) values ($1, $2, 'none', 'none', $2, 'j@x.example', 'bounced', 'x', 'x', now())",
                tenant.id, mail_id,
            )  # fmt: skip
        return str(mail_id)

    return build


BUILDERS: dict[str, Build] = {
    "products": product,
    "customers": customer,
    "warehouses": made(
        "orders", "/v1/warehouses", lambda: {"code": f"W-{uuid4().hex[:6]}", "name": "A warehouse"}
    ),
    "stock-adjustments": adjustment,
    "orders": order,
    "fulfilments": fulfilment,
    "order-imports": order_import,
    "orders-dead-letters": dead_letter("orders"),
    "orders-jobs": job("orders"),
    "orders-mails": mail("orders"),
    "accounts": first("billing", "/v1/accounts"),
    "journal-entries": journal_entry,
    "periods": first("billing", "/v1/periods"),
    "tax-codes": first("billing", "/v1/tax-codes"),
    "posting-exceptions": posting_exception,
    "invoices": invoice,
    "payments": payment,
    "credit-notes": credit_note,
    "refunds": refund,
    "write-offs": write_off,
    "wage-postings": wage_posting,
    "billing-approvals": approval,
    "billing-approval-delegations": delegation("billing"),
    "billing-dead-letters": dead_letter("billing"),
    "billing-mails": mail("billing"),
    "pay-schedules": pay_schedule,
    "payroll-dead-letters": dead_letter("payroll"),
    "payees": payee,
    "pay-items": pay_item,
    "pay-runs": pay_run,
    "payslips": payslip,
    "payroll-approvals": payroll_approval,
    "payroll-approval-delegations": delegation("payroll"),
    "payroll-jobs": job("payroll"),
    "employees": hr_given.employee,
    "positions": made("hr", "/v1/positions", lambda: {"code": f"P-{uuid4().hex[:6]}", "title": "A position"}),
    "hr-approvals": hr_given.bank_approval,
    "hr-approval-delegations": delegation("hr"),
    "hr-dead-letters": dead_letter("hr"),
}
