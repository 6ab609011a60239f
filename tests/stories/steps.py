"""The steps of the stories: what clerks of a client company do, each through the API."""

from decimal import Decimal
from typing import Any

import httpx

from tests.kit.suite import eventually

Document = dict[str, Any]
ADDRESS = {"line1": "1 High Street", "city": "Leeds", "postal_code": "LS1 1AA", "country": "GB"}


async def made(api: httpx.AsyncClient, path: str, body: Any = None, **more: Any) -> Document:
    """What a POST made or moved."""
    answer = await api.post(path, json=body, **more)
    assert answer.status_code < 300, (path, answer.text)
    found: Document = answer.json()
    return found


async def refused(api: httpx.AsyncClient, path: str, body: Any = None) -> Document:
    """The problem a POST was refused with by a rule."""
    answer = await api.post(path, json=body)
    assert answer.status_code == 409, (path, answer.text)
    found: Document = answer.json()
    return found


async def seen(api: httpx.AsyncClient, path: str, **query: Any) -> Document:
    """What a GET shows."""
    answer = await api.get(path, params=query)
    assert answer.status_code == 200, (path, answer.text)
    found: Document = answer.json()
    return found


async def listed(api: httpx.AsyncClient, path: str, **query: Any) -> list[Document]:
    """All of a list, oldest first."""
    items: list[Document] = []
    cursor: dict[str, str] = {}
    while True:
        page = await seen(api, path, limit=200, **query, **cursor)
        items += page["items"]
        if page["next"] is None:
            return items[::-1]
        cursor = {"cursor": page["next"]}


def money(amount: str | Decimal, currency: str = "GBP") -> dict[str, str]:
    """Money as the wire has it."""
    return {"amount": str(amount), "currency": currency}


def summed(documents: list[Document], figure: str = "gross") -> Decimal:
    """The sum of a figure of the documents' totals."""
    return sum((Decimal(d["totals"][figure]["amount"]) for d in documents), Decimal(0))


async def a_customer(api: httpx.AsyncClient, name: str = "Jane Buyer") -> str:
    return str((await made(api, "/v1/customers", {"name": name, "billing_address": ADDRESS}))["id"])


async def a_seller(api: httpx.AsyncClient) -> None:
    """What an e-invoice must say of the seller is known."""
    profile = await api.get("/v1/seller-profile")
    answer = await api.patch(
        "/v1/seller-profile",
        json={"address": ADDRESS, "tax_id": "GB123456789"},
        headers={"if-match": str(profile.json()["version"])},
    )
    assert answer.status_code == 200, answer.text


async def a_product(
    api: httpx.AsyncClient, sku: str, price: str, *, stock: int | str = 0, currency: str = "GBP", **facts: Any
) -> str:
    """A product at a price, with stock."""
    product = {"sku": sku, "name": f"Product {sku}", "unit_price": money(price, currency), **facts}
    await made(api, "/v1/products", product)
    if stock:
        await stock_arrives(api, sku, stock)
    return sku


async def stock_arrives(api: httpx.AsyncClient, sku: str, quantity: int | str) -> None:
    await made(api, "/v1/stock-adjustments", {"sku": sku, "delta": quantity, "reason": "delivery"})


async def order_taken(
    api: httpx.AsyncClient, customer_id: str, lines: dict[str, Any], **facts: Any
) -> Document:
    """An order of `{sku: quantity}`."""
    wanted = [{"sku": sku, "quantity": quantity} for sku, quantity in lines.items()]
    return await made(api, "/v1/orders", {"customer_id": customer_id, "lines": wanted, **facts})


async def confirmed(api: httpx.AsyncClient, order: Document) -> Document:
    return await made(api, f"/v1/orders/{order['id']}/confirm")


async def order_now(api: httpx.AsyncClient, order: Document) -> Document:
    return await seen(api, f"/v1/orders/{order['id']}")


async def fulfilments_of(api: httpx.AsyncClient, order: Document, state: str = "open") -> list[Document]:
    return await listed(api, "/v1/fulfilments", order_id=order["id"], state=state)


async def shipped(api: httpx.AsyncClient, order: Document, part: dict[str, Any] | None = None) -> Document:
    """Ship the order's open fulfilment: all of it, or so much of each SKU."""
    (fulfilment,) = await fulfilments_of(api, order)
    lines = {line["sku"]: line["id"] for line in order["lines"]}
    wanted = [{"order_line_id": lines[sku], "quantity": q} for sku, q in (part or {}).items()]
    return await made(api, f"/v1/fulfilments/{fulfilment['id']}/ship", {"lines": wanted} if wanted else {})


async def invoices_of(api: httpx.AsyncClient, order: Document, count: int) -> list[Document]:
    """The order's invoices, oldest first, as soon as there are so many; more than that is a failure."""

    async def found() -> list[Document]:
        invoices = await listed(api, "/v1/invoices", order_id=order["id"])
        return invoices if len(invoices) >= count else []

    invoices: list[Document] = await eventually(found)
    assert len(invoices) == count, [i["number"] for i in invoices]
    return invoices


async def paid(
    api: httpx.AsyncClient,
    customer_id: str,
    amount: dict[str, str],
    *invoices: tuple[Document, dict[str, str]],
) -> Document:
    """Money comes in, for these invoices."""
    shares = [{"invoice_id": invoice["id"], "amount": share} for invoice, share in invoices]
    return await made(
        api, "/v1/payments", {"customer_id": customer_id, "amount": amount, "allocations": shares}
    )


async def payment_status_becomes(api: httpx.AsyncClient, order: Document, status: str) -> None:
    async def so() -> bool:
        return bool((await order_now(api, order))["payment_status"] == status)

    await eventually(so)


async def balances(api: httpx.AsyncClient, currency: str = "GBP") -> dict[str, Decimal]:
    """What stands on each account, debits positive; the trial balance balances."""
    trial = await seen(api, "/v1/reports/trial-balance", currency=currency)
    assert trial["total_debit"] == trial["total_credit"]
    found = {
        row["account"]: Decimal(row["debit"]["amount"]) - Decimal(row["credit"]["amount"])
        for row in trial["rows"]
    }
    return {account: balance for account, balance in found.items() if balance}


async def everything_agrees(
    orders: httpx.AsyncClient, billing: httpx.AsyncClient, currency: str = "GBP"
) -> None:
    """Stock, sub-ledgers, aging and the trial balance agree with each other.

    Two reports are two reads: where an invoice of a shipment still on its way was posted between them, both
    are read again.
    """
    assert (await seen(orders, "/v1/stock-audit"))["differences"] == []
    differences = (await seen(billing, "/v1/reports/tie-out"))["differences"]
    assert differences == [], differences

    async def owed() -> Decimal:
        aging = await seen(billing, "/v1/reports/aging", currency=currency)
        return Decimal(aging["totals"]["total"]["amount"])

    before, after = None, await owed()
    while before != after:
        before, posted, after = (
            after,
            (await balances(billing, currency)).get("1100", Decimal(0)),
            await owed(),
        )
    assert posted == after
