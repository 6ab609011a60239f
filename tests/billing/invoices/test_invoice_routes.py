"""Invoices through the API: drafts, finalizing, voiding, documents, lists."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import asyncpg
import httpx
import pytest
from lxml import etree

from shared.context.ctx import TenantFacts
from shared.contracts.orders import CustomerChanged
from tests.billing.given import (
    ADDRESS,
    assert_tied_out,
    balances,
    close_month,
    delivered,
    events_of,
    get_invoice,
    given_customer,
    given_draft,
    given_invoice,
    given_payment,
    given_seller,
    line,
    money,
    reopen_month,
)
from tests.kit.suite import Suite, eventually


async def test_a_draft_states_its_figures_and_has_no_number(billing: httpx.AsyncClient):
    draft = await given_draft(
        billing, line("10.00", quantity="3", discount_percent="10"), line("5.00", tax_code="zero")
    )

    assert (draft["state"], draft["number"], draft["payment_status"]) == ("draft", None, "unpaid")
    assert draft["totals"] == {"net": money("32.00"), "tax": money("5.40"), "gross": money("37.40")}
    assert draft["lines"][0]["discount"] == money("3.00")
    assert draft["lines"][0]["quantity"] == "3"
    assert [(r["tax_code"], r["category"], r["rate"]) for r in draft["tax_breakdown"]] == [
        ("standard", "S", "20"),
        ("zero", "Z", "0"),
    ]
    assert draft["allowed_actions"] == ["finalize"]


async def test_the_buyer_is_shown_as_orders_knows_it(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    customer_id = await given_customer(suite, tenant, name="Jane Doe")

    answer = await billing.post("/v1/invoices", json={"customer_id": str(customer_id), "lines": [line()]})

    assert answer.status_code == 201, answer.text
    assert answer.json()["customer"]["name"] == "Jane Doe"
    assert answer.json()["customer"]["billing_address"]["city"] == "Leeds"


async def test_a_customer_made_in_orders_is_soon_known_here(
    orders: httpx.AsyncClient, billing: httpx.AsyncClient
):
    customer = (await orders.post("/v1/customers", json={"name": "Jane Roe"})).json()
    body = {"customer_id": customer["id"], "lines": [line()]}

    async def invoiced() -> dict[str, str] | None:
        answer = await billing.post("/v1/invoices", json=body)
        return answer.json()["customer"] if answer.status_code == 201 else None

    assert (await eventually(invoiced))["name"] == "Jane Roe"


async def test_an_unknown_customer_is_refused(billing: httpx.AsyncClient):
    answer = await billing.post("/v1/invoices", json={"customer_id": str(uuid4()), "lines": [line()]})

    assert (answer.status_code, answer.json()["code"]) == (422, "unknown_customer")
    assert (await billing.get("/v1/invoices")).json()["items"] == []


async def test_an_older_statement_of_a_customer_never_replaces_a_newer(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    customer_id = await given_customer(suite, tenant, name="New name", version=3)
    for version in (2, 3):
        await delivered(
            suite, tenant, CustomerChanged(customer_id=customer_id, name="Old name", version=version)
        )

    made = await billing.post("/v1/invoices", json={"customer_id": str(customer_id), "lines": [line()]})

    assert made.json()["customer"]["name"] == "New name"


async def test_a_draft_is_rewritten_and_priced_anew(billing: httpx.AsyncClient):
    draft = await given_draft(billing)
    path = f"/v1/invoices/{draft['id']}"

    body = {"lines": [line("7.00"), line("8.00")], "notes": "Thanks", "payment_terms_days": 7}
    changed = await billing.patch(path, json=body, headers={"if-match": "1"})

    assert changed.status_code == 200, changed.text
    assert changed.json()["totals"]["gross"] == money("18.00")
    assert [x["position"] for x in changed.json()["lines"]] == [1, 2]
    assert (changed.json()["notes"], changed.json()["payment_terms_days"]) == ("Thanks", 7)
    assert changed.json()["customer"] == draft["customer"]
    assert (await billing.patch(path, json={"lines": []}, headers={"if-match": "2"})).status_code == 422
    assert (await billing.patch(path, json={"lines": None}, headers={"if-match": "2"})).status_code == 422
    assert (await billing.patch(path, json={"notes": "x"}, headers={"if-match": "1"})).status_code == 412


async def test_a_draft_may_be_thrown_away_but_a_finalized_invoice_not(billing: httpx.AsyncClient):
    draft, invoice = await given_draft(billing), await given_invoice(billing)

    assert (await billing.delete(f"/v1/invoices/{draft['id']}")).status_code == 204
    assert (await billing.get(f"/v1/invoices/{draft['id']}")).status_code == 404
    refused = await billing.delete(f"/v1/invoices/{invoice['id']}")
    assert (refused.status_code, refused.json()["code"]) == (409, "not_a_draft")
    assert refused.json()["allowed_actions"] == ["send", "void", "write_off"]
    change = await billing.patch(
        f"/v1/invoices/{invoice['id']}", json={"notes": "x"}, headers={"if-match": "2"}
    )
    assert (change.status_code, change.json()["code"]) == (409, "not_a_draft")


async def test_finalizing_numbers_dates_posts_and_tells(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    order_id = str(uuid4())
    draft = await given_draft(
        billing, line("100.00"), source_refs={"order_id": order_id}, payment_terms_days=14
    )

    answer = await billing.post(f"/v1/invoices/{draft['id']}/finalize")

    invoice = answer.json()
    today = datetime.now(UTC).date()
    assert answer.status_code == 200, answer.text
    assert invoice["number"] == f"INV-{today.year}-000001"
    assert (invoice["state"], invoice["allowed_actions"]) == ("finalized", ["send", "void", "write_off"])
    assert invoice["due_on"] == (today + timedelta(days=14)).isoformat()
    assert (invoice["open"], invoice["paid"]) == (money("120.00"), money("0.00"))
    assert {k: v for k, v in (await balances(billing)).items() if v} == {
        "1100": 120,
        "4000": -100,
        "2200": -20,
    }
    events = await events_of(suite, tenant, "billing.invoice.finalized.v1")
    assert [(t["number"], t["source_refs"]["order_id"]) for t in events] == [(invoice["number"], order_id)]
    again = await billing.post(f"/v1/invoices/{draft['id']}/finalize")
    assert (again.status_code, again.json()["code"]) == (409, "illegal_transition")
    timeline = (await billing.get(f"/v1/invoices/{draft['id']}/timeline")).json()["items"]
    assert [(t["verb"], t["to_state"]) for t in timeline] == [("finalize", "finalized"), ("create", "draft")]
    await assert_tied_out(suite, tenant, billing)


async def test_an_invoice_of_nothing_is_paid_at_once_without_a_posting(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    invoice = await given_invoice(billing, line("0.00"))

    assert (invoice["payment_status"], invoice["journal_entry_id"]) == ("paid", None)
    assert invoice["number"] is not None
    assert len(await events_of(suite, tenant, "billing.invoice.paid.v1")) == 1
    assert (await billing.post(f"/v1/invoices/{invoice['id']}/void")).json()["state"] == "voided"
    await assert_tied_out(suite, tenant, billing)


@pytest.mark.parametrize(
    ("currency", "price", "quantity", "net", "tax", "gross"),
    [
        ("JPY", "101", "3", "303", "61", "364"),
        ("KWD", "0.005", "1.5", "0.008", "0.002", "0.010"),
        ("EUR", "0.33", "1", "0.33", "0.07", "0.40"),
    ],
)
async def test_currencies_keep_their_own_decimals(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient,
    currency: str, price: str, quantity: str, net: str, tax: str, gross: str,
):  # fmt: skip
    invoice = await given_invoice(
        billing, line(price, quantity=quantity, currency=currency), currency=currency
    )

    stated = [invoice["totals"][part]["amount"] for part in ("net", "tax", "gross")]
    assert stated == [net, tax, gross]
    await given_payment(billing, invoice, gross)
    assert (await get_invoice(billing, invoice["id"]))["payment_status"] == "paid"
    await assert_tied_out(suite, tenant, billing)


@pytest.mark.parametrize(
    ("prices", "rounding", "figures"),
    [
        ("net", "document", ("0.99", "0.20", "1.19")),
        ("net", "line", ("0.99", "0.21", "1.20")),
        ("gross", "document", ("0.83", "0.16", "0.99")),
    ],
)
async def test_prices_and_rounding_are_the_tenants_choice_and_credit_mirrors_them(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient,
    prices: str, rounding: str, figures: tuple[str, str, str],
):  # fmt: skip
    invoice = await given_invoice(billing, *[line("0.33")] * 3, prices=prices, rounding=rounding)

    note = await billing.post("/v1/credit-notes", json={"invoice_id": invoice["id"], "reason": "back"})

    assert tuple(invoice["totals"][part]["amount"] for part in ("net", "tax", "gross")) == figures
    assert note.json()["totals"] == invoice["totals"]
    assert note.json()["tax_breakdown"] == invoice["tax_breakdown"]
    await assert_tied_out(suite, tenant, billing)


async def test_voiding_reverses_the_posting_and_keeps_the_number(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    invoice = await given_invoice(billing)

    voided = await billing.post(f"/v1/invoices/{invoice['id']}/void", json={"reason": "wrong buyer"})

    assert voided.status_code == 200, voided.text
    assert (voided.json()["state"], voided.json()["number"]) == ("voided", invoice["number"])
    assert voided.json()["open"] == money("0.00")
    assert not any((await balances(billing)).values())
    query = {"source_id": invoice["id"]}
    undone, made = (await billing.get("/v1/journal-entries", params=query)).json()["items"]
    assert [(e["source"], e["source_number"]) for e in (undone, made)] == [
        ("void", invoice["number"]),
        ("invoice", invoice["number"]),
    ]
    assert (undone["reverses_id"], undone["memo"]) == (made["id"], f"Void of invoice {invoice['number']}")
    assert len(await events_of(suite, tenant, "billing.invoice.voided.v1")) == 1
    timeline = (await billing.get(f"/v1/invoices/{invoice['id']}/timeline")).json()["items"]
    assert (timeline[0]["verb"], timeline[0]["why"]) == ("void", "wrong buyer")
    assert (await billing.post(f"/v1/invoices/{invoice['id']}/void")).status_code == 409
    assert (await given_invoice(billing))["number"].endswith("-000002")
    await assert_tied_out(suite, tenant, billing)


async def test_what_was_paid_in_part_cannot_be_voided(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    invoice = await given_invoice(billing)
    await given_payment(billing, invoice, "1.00")

    refused = await billing.post(f"/v1/invoices/{invoice['id']}/void")

    assert (refused.status_code, refused.json()["code"]) == (409, "invoice_settled")
    assert (refused.json()["open"], refused.json()["paid"]) == (money("11.00"), money("1.00"))
    assert (await get_invoice(billing, invoice["id"]))["state"] == "finalized"
    await assert_tied_out(suite, tenant, billing)


async def test_nothing_goes_into_a_closed_period_and_no_number_is_burnt(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    invoice, draft = await given_invoice(billing), await given_draft(billing)
    period = await close_month(billing)

    refused = await billing.post(f"/v1/invoices/{draft['id']}/finalize")
    unvoided = await billing.post(f"/v1/invoices/{invoice['id']}/void")

    assert (refused.status_code, refused.json()["code"]) == (409, "period_closed")
    assert (unvoided.status_code, unvoided.json()["code"]) == (409, "period_closed")
    await reopen_month(billing, period)
    finalized = await billing.post(f"/v1/invoices/{draft['id']}/finalize")
    assert finalized.json()["number"].endswith("-000002")
    await assert_tied_out(suite, tenant, billing)


async def test_lists_filter_by_order_customer_state_and_lateness(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    order_id = str(uuid4())
    draft = await given_draft(billing, source_refs={"order_id": order_id})
    late = await given_invoice(billing, payment_terms_days=0)
    paid = await given_invoice(billing, payment_terms_days=0)
    await given_payment(billing, paid, "12.00")
    later = suite.client("billing", await suite.advance_clock(tenant, timedelta(days=2)))

    async def ids(query: str) -> list[str]:
        answer = await later.get(f"/v1/invoices?{query}")
        assert answer.status_code == 200, answer.text
        return [x["id"] for x in answer.json()["items"]]

    assert await ids(f"order_id={order_id}") == [draft["id"]]
    assert await ids(f"customer_id={late['customer_id']}") == [late["id"]]
    assert await ids("state=draft") == [draft["id"]]
    assert await ids("overdue=true") == [late["id"]]
    assert await ids("overdue=false") == [paid["id"], draft["id"]]
    assert (await later.get("/v1/invoices?state=nope")).status_code == 422


async def test_lateness_is_told_once_after_the_due_date_is_over(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    late = await given_invoice(billing, payment_terms_days=5)
    paid = await given_invoice(billing, payment_terms_days=5)
    await given_payment(billing, paid, "12.00")
    later = await suite.advance_clock(tenant, timedelta(days=4))
    await suite["billing"].scheduler.run_due()
    assert await events_of(suite, tenant, "billing.invoice.overdue.v1") == []

    await suite.advance_clock(later, timedelta(days=3))

    async def overdue() -> list[dict[str, object]]:
        return await events_of(suite, tenant, "billing.invoice.overdue.v1")

    await eventually(overdue)
    await suite["billing"].scheduler.run_due()
    assert [(t["invoice_id"], t["open"]) for t in await overdue()] == [(late["id"], money("12.00"))]


async def test_the_document_is_rendered_on_paper_and_as_data(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    await given_seller(billing)
    buyer = {"name": "Jane", "billing_address": ADDRESS}
    draft = await given_draft(billing, line("10.00"), line("3.00", tax_code="exempt"), customer=buyer)
    path = f"/v1/invoices/{draft['id']}"

    paper = await billing.get(f"{path}/pdf")
    refused = await billing.get(f"{path}/xml")
    invoice = (await billing.post(f"{path}/finalize")).json()
    data = await billing.get(f"{path}/xml")

    assert (paper.status_code, paper.headers["content-type"]) == (200, "application/pdf")
    assert paper.content.startswith(b"%PDF-")
    assert (refused.status_code, refused.json()["code"]) == (409, "draft")
    assert (data.status_code, data.headers["content-type"]) == (200, "application/xml")
    texts = set(etree.fromstring(data.content).itertext())
    assert {invoice["number"], "GB987654321", "York", "15.00"} <= texts
    assert (await billing.get(f"{path}/pdf")).status_code == 200


async def test_a_numbered_invoice_keeps_the_seller_it_was_issued_by(billing: httpx.AsyncClient):
    await billing.patch("/v1/seller-profile", json={"tax_id": "GB111111111"}, headers={"if-match": "1"})
    invoice = await given_invoice(billing, customer={"name": "Jane", "billing_address": ADDRESS})

    await billing.patch("/v1/seller-profile", json={"tax_id": "GB222222222"}, headers={"if-match": "2"})

    data = (await billing.get(f"/v1/invoices/{invoice['id']}/xml")).text
    assert "GB111111111" in data
    assert "GB222222222" not in data


async def test_bad_lines_name_their_fields_and_nothing_is_stored(billing: httpx.AsyncClient):
    async def refused(**changes: object) -> tuple[int, set[str]]:
        body = {"customer_id": str(uuid4()), "customer": {"name": "J"}, "lines": [line()]} | changes
        answer = await billing.post("/v1/invoices", json=body)
        return answer.status_code, {e["pointer"] for e in answer.json()["errors"]}

    assert await refused(lines=[]) == (422, {"/lines"})
    assert await refused(lines=[line("-1.00")]) == (422, {"/lines/0/unit_price"})
    assert await refused(lines=[line("1.00", currency="EUR")]) == (422, {"/lines/0/unit_price"})
    assert await refused(lines=[line("1.0000000")]) == (422, {"/lines/0/unit_price/amount"})
    assert await refused(lines=[line(quantity="0")]) == (422, {"/lines/0/quantity"})
    assert await refused(payment_terms_days=-1, colour="red") == (422, {"/payment_terms_days", "/colour"})
    huge = await billing.post(
        "/v1/invoices",
        json={
            "customer_id": str(uuid4()),
            "customer": {"name": "J"},
            "lines": [line("90000000000000.00", quantity="1000")],
        },
    )
    assert (huge.status_code, huge.json()["code"]) == (422, "amount_too_large")
    assert (await billing.get("/v1/invoices")).json()["items"] == []


async def test_the_database_keeps_a_finalized_invoice_as_it_is(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    invoice = await given_invoice(billing)
    attempts = [
        "update invoices set gross_minor = gross_minor + 1, net_minor = net_minor + 1",
        "update invoices set number = 'INV-1'",
        "update invoice_lines set description = 'x'",
        "delete from invoice_lines",
        "delete from invoices",
    ]

    for sql in attempts:
        with pytest.raises(asyncpg.PostgresError) as refused:
            async with suite["billing"].app_db.transaction(tenant.id) as tx:
                await tx.sql.execute(sql)
        assert refused.value.sqlstate == "BO001", sql
    assert await get_invoice(billing, invoice["id"]) == invoice


async def test_invoices_are_invisible_to_strangers_and_without_scope(
    suite: Suite, tenant: TenantFacts, stranger: TenantFacts, billing: httpx.AsyncClient
):
    path = f"/v1/invoices/{(await given_invoice(billing))['id']}"
    other = suite.client("billing", stranger)

    for answer in (await other.get(path), await other.post(f"{path}/void"), await other.get(f"{path}/pdf")):
        assert answer.status_code == 404
    assert (await suite.client("billing", tenant, scopes={"orders:read"}).get(path)).status_code == 403
    assert (await suite.anonymous("billing").get(path)).status_code == 401


async def test_of_drafts_for_one_fulfilment_at_once_one_is_made_and_named_by_the_others(
    billing: httpx.AsyncClient,
):
    refs = {"order_id": str(uuid4()), "fulfilment_id": str(uuid4())}
    body = {"customer_id": str(uuid4()), "customer": {"name": "Jane"}, "lines": [line()], "source_refs": refs}

    answers = await asyncio.gather(*(billing.post("/v1/invoices", json=body) for _ in range(5)))

    (made,) = (a.json() for a in answers if a.status_code == 201)
    for refused in (a.json() for a in answers if a.status_code != 201):
        assert (refused["status"], refused["code"]) == (409, "already_exists")
        assert made["id"] in (refused.get("invoice_id"), refused.get("existing", {}).get("id"))
        assert "invoices_" not in refused["detail"]
