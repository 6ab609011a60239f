"""Invoices, credit notes and payments are found by number, order, reference and whoever they are made out to."""

from datetime import date, timedelta
from typing import Any

import httpx
import pytest

from shared.context import search_terms
from shared.context.ctx import TenantFacts
from shared.contracts.orders import CustomerChanged
from shared.http import finding
from tests.billing.given import (
    delivered,
    given_customer,
    given_draft,
    given_invoice,
    line,
    pay,
    shipment,
)
from tests.kit.suite import Suite

WAYS = {
    "by index": {},
    "walking": {"MOST_READ": 0, "WALKED": 2},
    "walking, with nothing that can be put in order": {"MOST_READ": 0, "WALKED": 3, "MOST_SORTED": 0},
}


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    for name, value in WAYS[request.param].items():
        for module in (finding, search_terms):
            monkeypatch.setattr(module, name, value, raising=False)
    return str(request.param)


async def found(billing: httpx.AsyncClient, path: str, **query: Any) -> set[str]:
    """The ids of all pages of a list, which has no row twice."""
    ids: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        answer = await billing.get(path, params={"limit": 2} | query | cursor)
        assert answer.status_code == 200, answer.text
        ids += [row["id"] for row in answer.json()["items"]]
        if answer.json()["next"] is None:
            assert ids == sorted(set(ids), reverse=True)
            return set(ids)
        cursor = {"cursor": answer.json()["next"]}


async def test_invoices_are_found_by_number_order_and_buyer(
    way: str, suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    known = await given_customer(suite, tenant, name="The Acme Ltd")
    draft = await given_draft(billing, customer={"name": "Müller & Söhne", "email": "office@acme.example"})
    of_acme = await given_invoice(billing, customer_id=str(known), customer=None)
    of_order = shipment("5.00")
    await delivered(suite, tenant, of_order)
    (shipped,) = (await billing.get("/v1/invoices", params={"order_id": str(of_order.order_id)})).json()[
        "items"
    ]

    async def of(q: str, **query: Any) -> set[str]:
        both = [await found(billing, "/v1/invoices", q=q, view=view, **query) for view in ("full", "summary")]
        assert both[0] == both[1]
        return both[0]

    assert await of("acme") == {draft["id"], of_acme["id"]}
    assert await of("acme ltd") == await of("jane@exam") == {of_acme["id"]}
    assert await of("MULLER") == {draft["id"]}
    assert await of(of_acme["number"].lower()) == await found(
        billing, "/v1/invoices", number=of_acme["number"]
    )
    assert await of("inv-") == {of_acme["id"], shipped["id"]}
    assert await of(of_order.order_number[:-1]) == {shipped["id"]}
    assert await of("acme", state=["draft", "voided"]) == {draft["id"]}
    assert await of("acme", state="finalized", overdue=True) == set()
    assert await of("nobody") == set()


async def test_documents_of_a_buyer_who_is_called_otherwise_now_are_found_by_both_names(
    way: str, suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    customer_id = await given_customer(suite, tenant, name="Old Name Ltd")
    invoice = await given_invoice(billing, customer_id=str(customer_id), customer=None)
    stated = {"customer_id": customer_id, "name": "New Name Ltd", "version": 2}
    await delivered(suite, tenant, CustomerChanged(**stated))
    await delivered(suite, tenant, CustomerChanged(**stated | {"name": "Stale", "version": 1}))

    for q in ("old name", "new", "name ltd"):
        assert await found(billing, "/v1/invoices", q=q) == {invoice["id"]}
    assert await found(billing, "/v1/invoices", q="stale") == set()


async def test_the_buyer_of_a_draft_that_is_rewritten_is_found(way: str, billing: httpx.AsyncClient):
    draft = await given_draft(billing)
    changed = await billing.patch(
        f"/v1/invoices/{draft['id']}", json={"customer": {"name": "Zephyr"}}, headers={"if-match": "1"}
    )

    assert changed.status_code == 200
    assert await found(billing, "/v1/invoices", q="zeph") == {draft["id"]}


async def test_payments_and_credit_notes_are_found_by_reference_number_buyer_and_days(
    way: str, suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    known = await given_customer(suite, tenant, name="The Acme Ltd")
    invoice = await given_invoice(billing, line("50.00"), customer_id=str(known), customer=None)
    today = date.fromisoformat(invoice["issued_on"])
    days = [today - timedelta(days=n) for n in (0, 1, 2)]
    payments = [
        (
            await pay(billing, invoice, "5.00", reference=f"Überweisung {n}", received_on=day.isoformat())
        ).json()["id"]
        for n, day in enumerate(days)
    ]
    body = {"invoice_id": invoice["id"], "reason": "late"}
    note = (await billing.post("/v1/credit-notes", json=body)).json()

    assert await found(billing, "/v1/payments", q="uberweisung 1") == {payments[1]}
    assert (
        await found(billing, "/v1/payments", q="UBER")
        == await found(billing, "/v1/payments", q="acme")
        == set(payments)
    )
    assert await found(
        billing, "/v1/payments", **{"from": days[1].isoformat(), "to": days[1].isoformat()}
    ) == {payments[1]}
    assert await found(billing, "/v1/payments", q="acme", to=days[1].isoformat()) == set(payments[1:])
    assert await found(billing, "/v1/payments", ids=payments[:2]) == set(payments[:2])
    assert await found(billing, "/v1/payments", method="cash") == set()
    for query in (
        {"q": note["number"][:6].lower()},
        {"q": "acme l"},
        {"number": note["number"]},
        {"from": today.isoformat()},
    ):
        assert await found(billing, "/v1/credit-notes", **query) == {note["id"]}
    assert await found(billing, "/v1/credit-notes", to=days[1].isoformat()) == set()


async def test_open_and_overdue_invoices_are_listed_apart(
    way: str, suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    draft = await given_draft(billing)
    invoices = [await given_invoice(billing, payment_terms_days=days) for days in (0, 0, 30)]
    await pay(billing, invoices[1], "12.00")
    later = suite.client("billing", await suite.advance_clock(tenant, timedelta(days=2)))
    late, paid, due = [invoice["id"] for invoice in invoices]

    async def of(**query: Any) -> set[str]:
        return await found(later, "/v1/invoices", **query)

    assert await of(open=True) == await of(open=True, q="jane") == {late, due}
    assert await of(open=False) == {paid, draft["id"]}
    assert await of(overdue=True) == await of(overdue=True, open=True) == {late}
    assert await of(overdue=False) == {paid, due, draft["id"]}
    assert await of(overdue=False, open=True) == {due}


async def test_a_company_finds_no_document_of_another(
    way: str, suite: Suite, stranger: TenantFacts, billing: httpx.AsyncClient
):
    invoice = await given_invoice(billing)
    await pay(billing, invoice, "5.00", reference="R-1")
    theirs = suite.client("billing", stranger)

    for path in ("/v1/invoices", "/v1/payments", "/v1/credit-notes"):
        for q in ("jane", "inv-", "r-1", "j"):
            assert await found(theirs, path, q=q) == set()


async def test_a_summary_is_lean(billing: httpx.AsyncClient):
    invoice = await given_invoice(billing)

    (row,) = (await billing.get("/v1/invoices", params={"view": "summary"})).json()["items"]

    assert not row.keys() & {"lines", "totals", "tax_breakdown", "customer"}
    assert (row["customer_name"], row["gross"]) == ("Jane", invoice["totals"]["gross"])
    assert (row["number"], row["open"], row["due_on"]) == (
        invoice["number"],
        invoice["open"],
        invoice["due_on"],
    )
