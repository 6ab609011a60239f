"""What a customer owes, asked for at the gateway below the customer, which is of another service."""

from __future__ import annotations

from tests.gateway.world import Caller
from tests.stories.steps import (
    a_customer,
    a_product,
    confirmed,
    invoices_of,
    money,
    order_taken,
    paid,
    seen,
    shipped,
)


async def test_a_customers_statement_shows_what_was_shipped_and_what_was_paid(
    acme: Caller, stranger_company: Caller
):
    api = acme.http
    customer = await a_customer(api)
    lamp = await a_product(api, "LAMP", "10.00", stock=5)
    order = await confirmed(api, await order_taken(api, customer, {lamp: 3}))
    await shipped(api, order)
    (invoice,) = await invoices_of(api, order, 1)
    await paid(api, customer, money("16.00"), (invoice, money("16.00")))

    statement = await seen(api, f"/v1/customers/{customer}/statement")

    (account,) = statement["accounts"]
    assert [(x["kind"], x["number"], x["balance"]) for x in account["lines"]] == [
        ("invoice", invoice["number"], money("36.00")),
        ("payment", None, money("20.00")),
    ]
    assert account["closing"] == money("20.00")
    assert (await seen(api, f"/v1/customers/{customer}"))["id"] == customer
    paper = await api.get(f"/v1/customers/{customer}/statement/pdf")
    assert paper.content.startswith(b"%PDF"), paper.text
    assert (await stranger_company.http.get(f"/v1/customers/{customer}/statement")).status_code == 404
