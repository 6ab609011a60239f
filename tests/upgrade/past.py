"""What happened before the upgrade: companies that traded, all through the public API.

Two of them have everything in every state: a sandbox whose clock is ahead, and a live one. Each step is a client's
or an operator's call; whatever the API of the day answers becomes part of the dump.
"""

import json
from datetime import date, timedelta
from typing import Any

import httpx

from tests.kit.suite import eventually
from tests.stories.steps import (
    ADDRESS,
    a_customer,
    a_product,
    confirmed,
    fulfilments_of,
    invoices_of,
    listed,
    made,
    money,
    order_taken,
    paid,
    payment_status_becomes,
    seen,
    shipped,
    stock_arrives,
)

Document = dict[str, Any]
IMPORT = (
    "order_ref,sku,quantity,unit_price,customer_ref\n"
    "SHEET-1,TEA,2,6.40,C-77\nSHEET-1,POT,1,24.99,C-77\nSHEET-2,TEA,-1,6.40,C-77\n"
)
SELLER = {
    "address": {"line1": "Wharf 3", "city": "Bristol", "postal_code": "BS1 4RN", "country": "GB"},
    "tax_id": "GB123456789",
    "registration_number": "07654321",
    "email": "books@harbour.example",
    "payment_instructions": "IBAN GB33BUKB20201555555555, BIC BUKBGB22, Harbour Tea Ltd",
}


async def changed(api: httpx.AsyncClient, path: str, **facts: Any) -> Document:
    """A PATCH on the version that is there."""
    etag = (await api.get(path)).headers["etag"]
    answer = await api.patch(path, json=facts, headers={"if-match": etag})
    assert answer.status_code == 200, answer.text
    found: Document = answer.json()
    return found


async def traded(api: httpx.AsyncClient, currency: str) -> None:
    """Everything a company does in a year, in a minute."""
    await changed(api, "/v1/seller-profile", **SELLER)
    regular, other = await _masters(api, currency)
    await _orders(api, regular, other)
    await _documents(api, regular, currency)
    await _books(api, currency)
    await _imported(api)
    await _posting_exception(api, regular)


async def _masters(api: httpx.AsyncClient, currency: str) -> tuple[str, str]:
    """Customers, a tax code of the company's own, products, a second warehouse, stock."""
    regular = await made(
        api,
        "/v1/customers",
        {"name": "The Corner Café", "email": "cafe@corner.example", "external_ref": "C-1", "tax_id": "GB987654321",
         "billing_address": ADDRESS, "shipping_address": ADDRESS | {"line1": "Back door"}},
    )  # fmt: skip
    other = await a_customer(api, "Jane Buyer")
    await made(api, "/v1/tax-codes", {"code": "herbal", "name": "Herbal", "rate": "7.5"})
    await eventually(lambda: listed_code(api, "herbal", currency))
    await a_product(api, "TEA", "6.40", stock=500, currency=currency)
    await a_product(api, "POT", "24.99", stock="40.5", currency=currency, tax_code="reduced")
    await a_product(api, "ADVICE", "80.00", currency=currency, tracked=False)
    await made(api, "/v1/warehouses", {"code": "NORTH", "name": "North"})
    await made(
        api, "/v1/stock-adjustments",
        {"sku": "TEA", "warehouse": "NORTH", "set_to": 12, "expected": 0, "reason": "count"},
    )  # fmt: skip
    return regular["id"], other


async def listed_code(api: httpx.AsyncClient, code: str, currency: str) -> bool:
    """Whether orders has its copy of a tax code: a product takes it."""
    product = {"sku": "HERBS", "name": "Herbs", "unit_price": money("3.33", currency), "tax_code": code}
    answer = await api.post("/v1/products", json=product)
    assert answer.status_code == 201 or "unknown_tax_code" in answer.text, answer.text
    if answer.status_code == 201:
        await stock_arrives(api, "HERBS", 100)
    return answer.status_code == 201


async def _orders(api: httpx.AsyncClient, regular: str, other: str) -> None:
    """Orders that have not gone out, in each state, and fulfilments on their way through the warehouse."""
    await order_taken(api, regular, {"TEA": 1}, external_ref="a-draft")
    await order_taken(
        api, regular, {"TEA": 3, "HERBS": 2}, external_ref="to-ship", confirm=True, channel="web"
    )
    held = await order_taken(api, other, {"POT": 1}, external_ref="held", confirm=True)
    await made(api, f"/v1/orders/{held['id']}/holds", {"reason": "credit check"})
    cancelled = await order_taken(api, other, {"POT": 1}, external_ref="cancelled", confirm=True)
    await made(api, f"/v1/orders/{cancelled['id']}/cancel", {"reason": "changed their mind"})
    await order_taken(api, other, {"POT": 100}, external_ref="waits", confirm=True, backorder="allow")
    for steps in (("release",), ("release", "pick"), ("release", "pick", "pack")):
        order = await order_taken(api, other, {"TEA": 2}, external_ref=f"in-{steps[-1]}", confirm=True)
        (work,) = await fulfilments_of(api, order)
        for step in steps:
            await made(api, f"/v1/fulfilments/{work['id']}/{step}")
    gross = [{"sku": "TEA", "quantity": 7, "discount_percent": "12.5", "unit_price": None}]
    await made(
        api, "/v1/orders",
        {"customer_id": other, "lines": gross, "prices": "gross", "external_ref": "gross-prices", "ship_to": ADDRESS},
    )  # fmt: skip


async def invoiced(
    api: httpx.AsyncClient, customer: str, ref: str, part: Document | None = None
) -> tuple[Document, Document]:
    """An order that was shipped, all of it or a part, and its invoice."""
    order = await order_taken(api, customer, {"TEA": 5, "HERBS": 3}, external_ref=ref)
    await shipped(api, await confirmed(api, order), part)
    (invoice,) = await invoices_of(api, order, 1)
    return order, invoice


async def _documents(api: httpx.AsyncClient, customer: str, currency: str) -> None:
    """Invoices in every state, payments, credit notes, credit that is left."""
    await invoiced(api, customer, "unpaid")
    await invoiced(api, customer, "partly-shipped", {"TEA": 2})
    order, invoice = await invoiced(api, customer, "paid")
    gross = invoice["totals"]["gross"]
    await paid(api, customer, gross, (invoice, gross))
    await payment_status_becomes(api, order, "paid")
    (work,) = await fulfilments_of(api, order, "shipped")
    await made(api, f"/v1/fulfilments/{work['id']}/deliver")
    one = [{"invoice_line_id": invoice["lines"][0]["id"], "quantity": 1}]
    await made(api, "/v1/credit-notes", {"invoice_id": invoice["id"], "lines": one, "reason": "broken"})
    order, invoice = await invoiced(api, customer, "part-paid")
    await paid(api, customer, money("100.00", currency), (invoice, money("10.00", currency)))
    await payment_status_becomes(api, order, "part_paid")
    _, invoice = await invoiced(api, customer, "credited")
    await made(api, "/v1/credit-notes", {"invoice_id": invoice["id"], "reason": "all of it"})
    _, invoice = await invoiced(api, customer, "voided")
    await made(api, f"/v1/invoices/{invoice['id']}/void", {"reason": "to the wrong buyer"})
    await drafted(api, customer, currency)
    by_hand = await drafted(api, customer, currency)
    await made(api, f"/v1/invoices/{by_hand['id']}/finalize")


async def drafted(api: httpx.AsyncClient, customer: str, currency: str) -> Document:
    """An invoice written by hand."""
    line = {"description": "Tasting", "quantity": "1.5", "tax_code": "standard", "discount_percent": "10",
            "unit_price": money("99.99", currency)}  # fmt: skip
    wish = {"customer_id": customer, "lines": [line], "payment_terms_days": 14, "notes": "Thank you."}
    return await made(api, "/v1/invoices", wish)


async def _books(api: httpx.AsyncClient, currency: str) -> None:
    """An account of the company's own, entries by hand, one of them reversed, and a closed month."""
    await made(api, "/v1/accounts", {"code": "6999", "name": "Tea tastings", "type": "expense"})
    today = date.fromisoformat((await listed(api, "/v1/invoices", state="finalized"))[-1]["issued_on"])
    before = today.replace(day=1) - timedelta(days=1)
    entries = [
        await entry(api, currency, day, amount) for day, amount in ((before, "250.00"), (today, "9.99"))
    ]
    await made(api, f"/v1/journal-entries/{entries[1]['id']}/reverse", {"memo": "typed wrongly"})
    months = await listed(api, "/v1/periods", state="open")
    (month,) = [m for m in months if m["starts_on"] <= before.isoformat() <= m["ends_on"]]
    await made(api, f"/v1/periods/{month['id']}/close", {"through": True})


async def entry(api: httpx.AsyncClient, currency: str, day: date, amount: str) -> Document:
    """Money of the owners comes in and is spent."""
    lines = [
        {"account": "6999", "debit": money(amount, currency), "dimensions": {"room": "cellar"}},
        {"account": "1000", "credit": money(amount, currency)},
    ]
    wish = {"effective_on": day.isoformat(), "memo": "Tasting", "lines": lines}
    return await made(api, "/v1/journal-entries", wish)


async def import_begun(api: httpx.AsyncClient) -> Document:
    """A file of two orders, one of them impossible, handed over."""
    return await made(
        api, "/v1/order-imports", None, files={"file": ("sheet.csv", IMPORT.encode(), "text/csv")},
        data={"options": json.dumps({"create_missing": ["customers"]})},
    )  # fmt: skip


async def _imported(api: httpx.AsyncClient) -> None:
    job = await import_begun(api)

    async def done() -> bool:
        return bool((await seen(api, f"/v1/order-imports/{job['id']}"))["state"] == "done")

    await eventually(done)


async def _posting_exception(api: httpx.AsyncClient, customer: str) -> None:
    """A shipment while the month was closed: it waits for somebody to have it posted."""
    months = await listed(api, "/v1/periods", state="open")
    for month in months:
        await made(api, f"/v1/periods/{month['id']}/close")  # oldest first
    order = await order_taken(api, customer, {"TEA": 1}, external_ref="not-posted", confirm=True)
    await shipped(api, order)
    await eventually(lambda: listed(api, "/v1/posting-exceptions", state="open"))
    for month in months[::-1]:
        await made(api, f"/v1/periods/{month['id']}/reopen", {"reason": "a shipment came late"})
