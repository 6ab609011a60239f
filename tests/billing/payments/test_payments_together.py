"""Payments that come at once share a transaction: each settles its own, and no invoice is settled twice."""

import asyncio
from collections import Counter

import httpx

from shared.context.ctx import Actor, TenantFacts
from tests.billing.given import (
    assert_tied_out,
    events_of,
    get_invoice,
    given_customer,
    given_invoice,
    money,
    pay,
)
from tests.kit.suite import Suite

COUNT = 12


async def test_each_payment_settles_its_own_invoice_and_says_who_recorded_it(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    invoices = [await given_invoice(billing) for _ in range(COUNT)]
    clerks = [suite.client("billing", tenant, actor=Actor(f"clerk {n}")) for n in range(COUNT)]

    answers = await asyncio.gather(
        *(pay(clerk, invoice, "12.00") for clerk, invoice in zip(clerks, invoices, strict=True))
    )

    assert [(a.status_code, a.json()["allocations"][0]["invoice_id"]) for a in answers] == [
        (201, invoice["id"]) for invoice in invoices
    ]
    shown = [(await billing.get(f"/v1/payments/{a.json()['id']}")).json() for a in answers]
    assert shown == [a.json() for a in answers]
    assert {(await get_invoice(billing, i["id"]))["payment_status"] for i in invoices} == {"paid"}
    recorded = await events_of(suite, tenant, "billing.payment.recorded.v1")
    assert {(e["payment_id"], e["allocations"][0]["invoice_id"]) for e in recorded} == {
        (a.json()["id"], invoice["id"]) for a, invoice in zip(answers, invoices, strict=True)
    }
    async with suite["billing"].app_db.transaction(tenant.id) as tx:
        rows = await tx.sql.fetch("select to_item, actor_id from allocations where tenant_id = $1", tenant.id)
        entries = await tx.sql.fetch(
            "select source_id, actor_id from journal_entries where tenant_id = $1 and source = 'payment'",
            tenant.id,
        )
    assert {(str(r["to_item"]), r["actor_id"]) for r in rows} == {
        (invoice["id"], f"clerk {n}") for n, invoice in enumerate(invoices)
    }
    assert {(str(r["source_id"]), r["actor_id"]) for r in entries} == {
        (a.json()["id"], f"clerk {n}") for n, a in enumerate(answers)
    }
    await assert_tied_out(suite, tenant, billing)


async def test_parts_of_one_invoice_paid_at_once_settle_it_exactly(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    invoice, other = await given_invoice(billing), await given_invoice(billing)

    answers = await asyncio.gather(
        *(pay(billing, each, "1.00") for _ in range(15) for each in (invoice, other))
    )

    assert Counter(a.status_code for a in answers) == {201: 24, 409: 6}
    assert {a.json()["code"] for a in answers if a.status_code == 409} <= {
        "over_allocated",
        "invoice_mismatch",
    }
    for each in (invoice, other):
        now = await get_invoice(billing, each["id"])
        assert (now["payment_status"], now["open"], now["paid"]) == ("paid", money("0.00"), money("12.00"))
    paid = [e["invoice_id"] for e in await events_of(suite, tenant, "billing.invoice.paid.v1")]
    assert sorted(paid) == sorted([invoice["id"], other["id"]])
    facts = await events_of(suite, tenant, "billing.payment.recorded.v1")
    left = [
        e["allocations"][0]["open"]["amount"]
        for e in facts
        if e["allocations"][0]["invoice_id"] == invoice["id"]
    ]
    assert sorted(left, key=float) == [f"{n}.00" for n in range(12)]
    await assert_tied_out(suite, tenant, billing)


async def test_what_is_refused_among_others_is_told_why_and_the_others_stand(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    invoices = [await given_invoice(billing) for _ in range(COUNT)]
    stranger = invoices[0] | {"customer_id": invoices[1]["customer_id"]}
    customer_id = await given_customer(suite, tenant)
    good = [pay(billing, invoice, "12.00") for invoice in invoices]

    answers = await asyncio.gather(
        *good,
        pay(billing, stranger, "1.00"),
        pay(billing, invoices[0], "1.00", of="2.00"),
        pay(billing, {"id": "", "currency": "GBP", "customer_id": str(customer_id)}, "5.00", of=""),
        pay(billing, {"id": "", "currency": "GBP", "customer_id": invoices[0]["id"]}, "5.00", of=""),
    )

    assert [a.status_code for a in answers] == [201] * COUNT + [409, 409, 201, 422]
    assert answers[COUNT].json()["code"] == "invoice_mismatch"
    assert answers[COUNT + 1].json()["code"] == "over_allocated"
    assert answers[COUNT + 3].json()["errors"][0]["pointer"] == "/customer_id"
    await assert_tied_out(suite, tenant, billing)
