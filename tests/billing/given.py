"""What a test of billing begins with: customers, invoices, payments, shipments; and that the books tie out."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import httpx
import orjson

from shared.base.telemetry import new_traceparent
from shared.bus.transport import Delivery
from shared.context.ctx import TenantFacts
from shared.contracts.event import Event, envelope
from shared.contracts.orders import (
    CustomerChanged,
    FulfilmentShipped,
    OrderCustomer,
    ShippedLine,
    TaxBreakdownRow,
)
from shared.values.fields import Address
from shared.values.ids import new_id
from shared.values.money import Money, total
from shared.values.tax import TaxInput, TaxMode, tax_document
from tests.kit.suite import Suite

SELLER_ADDRESS = {"line1": "2 Mill Lane", "city": "York", "postal_code": "YO1 6JU", "country": "GB"}
ADDRESS = {"line1": "1 High Street", "city": "Leeds", "postal_code": "LS1 1AA", "country": "GB"}


def money(amount: str, currency: str = "GBP") -> dict[str, str]:
    """Money as the wire has it."""
    return {"amount": amount, "currency": currency}


def line(price: str = "10.00", *, quantity: str = "1", currency: str = "GBP", **facts: Any) -> dict[str, Any]:
    """A line to invoice, at the standard rate unless said otherwise."""
    standard = {"description": "Desk lamp", "tax_code": "standard"}
    return {**standard, "quantity": quantity, "unit_price": money(price, currency), **facts}


async def delivered(suite: Suite, tenant: TenantFacts, event: Event, *, event_id: UUID | None = None) -> UUID:
    """Hand billing a fact of another service, as the transport does; returns the event's id."""
    made = envelope(
        event,
        id=event_id or new_id(),
        source="orders",
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
    await suite["billing"].inbox.deliver(Delivery(made.ordering_key, made.text, False))
    return made.id


async def given_customer(suite: Suite, tenant: TenantFacts, *, name: str = "Jane", version: int = 1) -> UUID:
    """A customer that billing knows from orders."""
    customer_id = new_id()
    await delivered(
        suite,
        tenant,
        CustomerChanged(
            customer_id=customer_id,
            name=name,
            email="jane@example.com",
            tax_id="GB123456789",
            billing_address=Address(**ADDRESS),
            version=version,
        ),
    )
    return customer_id


async def given_draft(billing: httpx.AsyncClient, *lines: dict[str, Any], **facts: Any) -> dict[str, Any]:
    """A draft invoice to a buyer named in it."""
    body = {
        "customer_id": str(new_id()),
        "customer": {"name": "Jane"},
        "lines": list(lines) or [line()],
        **facts,
    }
    answer = await billing.post("/v1/invoices", json=body)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def given_invoice(billing: httpx.AsyncClient, *lines: dict[str, Any], **facts: Any) -> dict[str, Any]:
    """A finalized invoice, as it is shown from then on."""
    draft = await given_draft(billing, *lines, **facts)
    answer = await billing.post(f"/v1/invoices/{draft['id']}/finalize")
    assert answer.status_code == 200, answer.text
    made: dict[str, Any] = answer.json()
    return made | {"e_invoice": None}


async def given_seller(billing: httpx.AsyncClient, **changes: Any) -> dict[str, Any]:
    """A seller that says of itself what e-invoices ask for, and what else a test needs."""
    now = (await billing.get("/v1/seller-profile")).json()
    standard = {"address": SELLER_ADDRESS, "tax_id": "GB987654321"} if now["tax_id"] is None else {}
    headers = {"if-match": str(now["version"])}
    answer = await billing.patch("/v1/seller-profile", json=standard | changes, headers=headers)
    assert answer.status_code == 200, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def pay(
    billing: httpx.AsyncClient, invoice: dict[str, Any], amount: str, *, of: str | None = None, **facts: Any
) -> httpx.Response:
    """Pay `amount`, and allocate `of` it (all, unless said otherwise) to an invoice."""
    currency = invoice["currency"]
    share = [{"invoice_id": invoice["id"], "amount": money(of or amount, currency)}]
    body = {
        "customer_id": invoice["customer_id"],
        "amount": money(amount, currency),
        "allocations": [] if of == "" else share,
        **facts,
    }
    return await billing.post("/v1/payments", json=body)


async def given_payment(
    billing: httpx.AsyncClient, invoice: dict[str, Any], amount: str, *, of: str | None = None
) -> dict[str, Any]:
    """A recorded payment."""
    answer = await pay(billing, invoice, amount, of=of)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def get_invoice(billing: httpx.AsyncClient, invoice_id: str) -> dict[str, Any]:
    """An invoice as it is now."""
    answer = await billing.get(f"/v1/invoices/{invoice_id}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def shipment(*prices: str, currency: str = "GBP", cost: str | None = None, **facts: Any) -> FulfilmentShipped:
    """A shipped fulfilment: one unit at each price, 20 % tax."""
    units = [Money.parse(price, currency) for price in prices or ("10.00",)]
    rate = Decimal(20)
    figures = tax_document([TaxInput(Decimal(1), u, "standard", rate) for u in units], TaxMode(), currency)
    lines = [
        ShippedLine(
            line_id=new_id(),
            sku=f"SKU-{n}",
            description=f"Thing {n}",
            quantity=Decimal(1),
            unit_price=unit,
            discount=taxed.discount,
            tax_code="standard",
            tax_category="S",
            tax_rate=rate,
            net=taxed.net,
            tax=taxed.tax,
            gross=taxed.gross,
        )
        for n, (unit, taxed) in enumerate(zip(units, figures.lines, strict=True))
    ]
    values: dict[str, Any] = {
        "fulfilment_id": new_id(),
        "order_id": new_id(),
        "order_number": "SO-2026-000001",
        "customer": OrderCustomer(id=new_id(), name="Jane", billing_address=Address(**ADDRESS)),
        "currency": currency,
        "lines": lines,
        "net": total((x.net for x in lines), currency),
        "tax": total((x.tax for x in lines), currency),
        "gross": total((x.gross for x in lines), currency),
        "tax_breakdown": [
            TaxBreakdownRow(tax_code=g.tax_code, category=g.category, rate=g.rate, base=g.base, tax=g.tax)
            for g in figures.tax_breakdown
        ],
        "cost": None if cost is None else Money.parse(cost, currency),
        "shipped_on": date(2026, 1, 5),
    }
    return FulfilmentShipped(**(values | facts))


async def close_month(billing: httpx.AsyncClient, day: date | None = None) -> dict[str, Any]:
    """The month of a day (today) is closed, and all before it."""
    month = (day or datetime.now(UTC).date()).replace(day=1).isoformat()
    periods = (await billing.get("/v1/periods", params={"limit": 200})).json()["items"]
    period: dict[str, Any] = next(p for p in periods if p["starts_on"] == month)
    answer = await billing.post(f"/v1/periods/{period['id']}/close", json={"through": True})
    assert answer.status_code == 200, answer.text
    return period


async def reopen_month(billing: httpx.AsyncClient, period: dict[str, Any]) -> None:
    """The latest closed month is open again."""
    answer = await billing.post(f"/v1/periods/{period['id']}/reopen", json={"reason": "Something came late"})
    assert answer.status_code == 200, answer.text


async def events_of(suite: Suite, tenant: TenantFacts, *types: str) -> list[dict[str, Any]]:
    """The payloads of the facts that billing told of a tenant, of some types, oldest first."""
    rows = await suite.outbox("billing", tenant.id)
    return [orjson.loads(row["envelope"])["data"] for row in rows if row["type"] in types]


async def balances(billing: httpx.AsyncClient) -> dict[str, Decimal]:
    """What stands on each account: debits positive, credits negative."""
    answer = await billing.get("/v1/reports/trial-balance")
    assert answer.status_code == 200, answer.text
    rows = answer.json()["rows"]
    return {
        row["account"]: Decimal(row["debit"]["amount"]) - Decimal(row["credit"]["amount"]) for row in rows
    }


async def assert_tied_out(suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient) -> None:
    """Sub-ledgers equal their control accounts, and documents state what the ledger has open of them."""
    answer = await billing.get("/v1/reports/tie-out")
    assert answer.status_code == 200, answer.text
    assert answer.json()["differences"] == []
    async with suite["billing"].app_db.transaction(tenant.id) as tx:
        wrong = await tx.sql.fetch(DOCUMENTS_DIFFER, tenant.id)
    assert [dict(row) for row in wrong] == []


DOCUMENTS_DIFFER = """
with stated as (
  select id, open_minor as open from invoices where tenant_id = $1 and gross_minor > 0 and state <> 'draft'
  union all select id, -unallocated_minor from payments where tenant_id = $1
  union all select id, -unallocated_minor from credit_notes where tenant_id = $1 and not cancels
)
select coalesce(s.id, i.id) as id, s.open, i.open_minor from stated s
full join (select * from open_items where tenant_id = $1) i on i.id = s.id
where s.open is distinct from i.open_minor
"""
