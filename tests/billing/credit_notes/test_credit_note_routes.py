"""Credit notes through the API: open and paid invoices, parts, races, documents."""

import asyncio
from datetime import UTC, datetime
from decimal import Decimal
from uuid import uuid4

import asyncpg
import httpx
import pytest

from shared.context.ctx import TenantFacts
from tests.billing.given import (
    ADDRESS,
    assert_tied_out,
    balances,
    delivered,
    events_of,
    get_invoice,
    given_draft,
    given_invoice,
    given_payment,
    given_seller,
    line,
    money,
    shipment,
)
from tests.kit.suite import Suite


async def credited(billing: httpx.AsyncClient, invoice: dict, *parts: tuple[int, str]) -> httpx.Response:
    body = {"invoice_id": invoice["id"], "reason": "damaged"}
    if parts:
        body["lines"] = [
            {"invoice_line_id": invoice["lines"][n]["id"], "quantity": quantity} for n, quantity in parts
        ]
    return await billing.post("/v1/credit-notes", json=body)


async def test_the_whole_of_an_open_invoice_is_taken_back_and_settles_it(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    invoice = await given_invoice(billing)

    answer = await credited(billing, invoice)

    note = answer.json()
    assert answer.status_code == 201, answer.text
    assert note["number"] == f"CN-{datetime.now(UTC).year}-000001"
    assert note["totals"] == invoice["totals"]
    assert (note["unallocated"], note["allocations"][0]["amount"]) == (money("0.00"), money("12.00"))
    settled = await get_invoice(billing, invoice["id"])
    assert (settled["payment_status"], settled["open"], settled["credited"]) == (
        "credited",
        money("0.00"),
        money("12.00"),
    )
    assert settled["paid"] == money("0.00")
    assert not any((await balances(billing)).values())
    (event,) = await events_of(suite, tenant, "billing.credit_note.finalized.v1")
    assert event["allocations"][0]["payment_status"] == "credited"
    assert await events_of(suite, tenant, "billing.invoice.paid.v1") == []
    again = await credited(billing, invoice)
    assert (again.status_code, again.json()["code"]) == (409, "nothing_to_credit")
    assert (await billing.post(f"/v1/invoices/{invoice['id']}/void")).json()["code"] == "invoice_settled"
    await assert_tied_out(suite, tenant, billing)


async def test_what_was_paid_becomes_the_customers_credit(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    invoice = await given_invoice(billing)
    await given_payment(billing, invoice, "7.00")

    note = (await credited(billing, invoice)).json()

    assert (note["unallocated"], note["allocations"][0]["amount"]) == (money("7.00"), money("5.00"))
    left = (await billing.get(f"/v1/credits?customer_id={invoice['customer_id']}")).json()["items"]
    assert [(c["kind"], c["reference"], c["unallocated"]) for c in left] == [
        ("credit_note", note["number"], money("7.00"))
    ]
    other = await given_invoice(billing, customer_id=invoice["customer_id"])
    share = {"allocations": [{"invoice_id": other["id"], "amount": money("7.00")}]}
    spent = await billing.post(f"/v1/credit-notes/{note['id']}/allocate", json=share)
    assert spent.status_code == 200, spent.text
    assert spent.json()["unallocated"] == money("0.00")
    assert (await get_invoice(billing, other["id"]))["open"] == money("5.00")
    assert (await billing.post(f"/v1/credit-notes/{note['id']}/allocate", json=share)).status_code == 409
    assert len(await events_of(suite, tenant, "billing.credit_note.allocated.v1")) == 1
    await assert_tied_out(suite, tenant, billing)


async def test_thirds_leave_no_cent(suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient):
    invoice = await given_invoice(billing, line("3.33", quantity="3", discount_percent="0.1"), line("0.01"))
    notes = [(await credited(billing, invoice, (0, "1"))).json() for _ in range(3)]

    rest = (await credited(billing, invoice)).json()

    for figure in ("net", "tax", "gross"):
        parts = [Decimal(note["totals"][figure]["amount"]) for note in (*notes, rest)]
        assert sum(parts) == Decimal(invoice["totals"][figure]["amount"]), figure
    beyond = await credited(billing, invoice, (0, "1"))
    assert (beyond.status_code, beyond.json()["code"]) == (409, "over_credited")
    found = await get_invoice(billing, invoice["id"])
    assert (found["open"], found["credited"]) == (money("0.00"), invoice["totals"]["gross"])
    assert found["lines"][0]["credited_quantity"] == "3"
    assert not any((await balances(billing)).values())
    await assert_tied_out(suite, tenant, billing)


async def test_a_shipments_invoice_is_credited_in_parts(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    await delivered(suite, tenant, shipment("0.33", "0.33", "0.33"))
    (invoice,) = (await billing.get("/v1/invoices")).json()["items"]

    notes = [(await credited(billing, invoice, (n, "1"))).json() for n in range(3)]

    # Of 0.33, 0.66 and 0.99 the tax is 0.07, 0.13 and 0.20; each note states what is new in it.
    assert [n["totals"]["tax"]["amount"] for n in notes] == ["0.07", "0.06", "0.07"]
    assert invoice["totals"]["tax"]["amount"] == "0.20"
    assert (await get_invoice(billing, invoice["id"]))["payment_status"] == "credited"
    await assert_tied_out(suite, tenant, billing)


async def test_credit_notes_racing_never_take_back_more_than_was_invoiced(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    invoice = await given_invoice(billing, line("1.00", quantity="10"))

    answers = await asyncio.gather(*(credited(billing, invoice, (0, "3")) for _ in range(8)))

    assert sorted(a.status_code for a in answers) == [201] * 3 + [409] * 5
    numbers = sorted(int(a.json()["number"][-6:]) for a in answers if a.status_code == 201)
    assert numbers == [1, 2, 3]
    await assert_tied_out(suite, tenant, billing)


async def test_crediting_and_paying_at_once_adds_up(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    invoice = await given_invoice(billing, line("1.00", quantity="10"))

    await asyncio.gather(
        *(credited(billing, invoice, (0, "1")) for _ in range(5)),
        *(given_payment(billing, invoice, "1.00") for _ in range(6)),
    )

    found = await get_invoice(billing, invoice["id"])
    stated = found["credited"], found["paid"], found["open"], found["payment_status"]
    assert stated == (money("6.00"), money("6.00"), money("0.00"), "paid")
    assert len(await events_of(suite, tenant, "billing.invoice.paid.v1")) == 1
    await assert_tied_out(suite, tenant, billing)


async def test_only_finalized_invoices_are_credited(
    suite: Suite, tenant: TenantFacts, stranger: TenantFacts, billing: httpx.AsyncClient
):
    draft, invoice = await given_draft(billing), await given_invoice(billing)
    await billing.post(f"/v1/invoices/{invoice['id']}/void")

    for target in (draft, invoice):
        answer = await credited(billing, target)
        assert (answer.status_code, answer.json()["code"]) == (409, "not_creditable")
    bad_line = {"invoice_id": (await given_invoice(billing))["id"], "reason": "x"}
    bad_line["lines"] = [{"invoice_line_id": str(uuid4()), "quantity": 1}]
    refused = await billing.post("/v1/credit-notes", json=bad_line)
    assert refused.json()["errors"][0]["pointer"] == "/lines/0/invoice_line_id"
    assert (await credited(suite.client("billing", stranger), draft)).status_code == 404
    assert [n["cancels"] for n in (await billing.get("/v1/credit-notes")).json()["items"]] == [True]


async def test_a_credit_note_is_listed_shown_and_rendered(billing: httpx.AsyncClient):
    await given_seller(billing)
    buyer = {"name": "Jane", "billing_address": ADDRESS}
    invoice = await given_invoice(billing, line("10.00", quantity="2"), customer=buyer)
    note = (await credited(billing, invoice, (0, "1"))).json()
    path = f"/v1/credit-notes/{note['id']}"

    paper, data = await billing.get(f"{path}/pdf"), await billing.get(f"{path}/xml")

    assert (await billing.get(path)).json() == note
    assert (await billing.get(f"/v1/credit-notes?invoice_id={invoice['id']}")).json()["items"] == [note]
    assert (await billing.get(f"/v1/credit-notes?customer_id={uuid4()}")).json()["items"] == []
    assert paper.content.startswith(b"%PDF-")
    assert ">381<" in data.text
    assert f">{invoice['number']}<" in data.text
    assert (await billing.get(f"{path}/timeline")).json()["items"][0]["why"] == "damaged"


async def test_lines_of_a_credit_note_are_append_only(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    await credited(billing, await given_invoice(billing))

    for sql in ("update credit_note_lines set net_minor = 0", "delete from credit_note_lines"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with suite["billing"].app_db.transaction(tenant.id) as tx:
                await tx.sql.execute(sql)
