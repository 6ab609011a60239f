"""A client company of one round: its catalogue, its customers, and what it has done so far."""

import asyncio
import itertools
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random
from uuid import uuid4

from tests.chaos.caller import Caller, Document, Notes
from tests.chaos.laboratory import Laboratory
from tests.kit.deployment import OPERATOR

STOCK = 100_000
PRICES = {"LAMP": "33.33", "DESK": "129.90", "CHAIR": "7.77"}  # few, so that orders meet at the stock's rows
SCOPES = ["orders:read", "orders:write", "billing:read", "billing:write", "events:read"]
FACTS = {
    "legal_name": "Acme Ltd", "country": "GB", "currency": "GBP", "time_zone": "Europe/London", "kind": "sandbox",
    "services": ["orders", "billing"],
}  # fmt: skip


@dataclass
class Trade:
    """An order and what became of it."""

    order: Document
    shipped: Document | None = None
    cancelled: bool = False
    payments: list[Document] = field(default_factory=list)


@dataclass
class Company:
    """A company and its history, as its own client knows it."""

    name: str
    caller: Caller
    dice: Random
    customers: list[str] = field(default_factory=list)
    trades: dict[str, Trade] = field(default_factory=dict)
    numbers: itertools.count = field(default_factory=itertools.count)

    def key(self, what: str) -> str:
        """A key no other write has."""
        return f"{self.name}-{what}-{next(self.numbers)}"

    async def trade(self) -> Trade:
        """Take an order, sometimes in two steps; cancel one in ten, ship the others."""
        dice = self.dice
        skus = dice.sample(sorted(PRICES), dice.randint(1, 2))
        lines = [{"sku": sku, "quantity": dice.randint(1, 4)} for sku in skus]
        at_once = dice.random() < 0.6
        wish = {"customer_id": dice.choice(self.customers), "lines": lines, "confirm": at_once}
        order = await self._write("order", "/v1/orders", wish)
        trade = self.trades[order["id"]] = Trade(order)
        if not at_once:
            await self._write("confirm", f"/v1/orders/{order['id']}/confirm", None)
        if dice.random() < 0.1:
            await self._write("cancel", f"/v1/orders/{order['id']}/cancel", {"reason": "changed their mind"})
            trade.cancelled = True
            return trade
        (work,) = (await self.caller.see("/v1/fulfilments", order_id=order["id"]))["items"]
        if dice.random() < 0.2:
            await self._write("pick", f"/v1/fulfilments/{work['id']}/release", None)
        trade.shipped = await self._write("ship", f"/v1/fulfilments/{work['id']}/ship", {})
        return trade

    async def _write(self, what: str, path: str, body: object) -> Document:
        return await self.caller.write(path, body, key=self.key(what), twice=self.dice.random() < 0.15)

    async def invoice_of(self, trade: Trade) -> Document | None:
        """The order's invoice, as soon as there is one."""
        found = await self.caller.see("/v1/invoices", order_id=trade.order["id"])
        return found["items"][0] if found["items"] else None

    async def pay(self, trade: Trade, invoice: Document) -> None:
        """Pay an invoice, at once or in two parts."""
        gross = Decimal(invoice["totals"]["gross"]["amount"])
        first = (gross / 3).quantize(Decimal("0.01")) if self.dice.random() < 0.2 else gross
        for amount in (part for part in (first, gross - first) if part):
            money = {"amount": str(amount), "currency": "GBP"}
            wish = {
                "customer_id": invoice["customer_id"],
                "amount": money,
                "allocations": [{"invoice_id": invoice["id"], "amount": money}],
            }
            trade.payments.append(await self._write("payment", "/v1/payments", wish))


async def open_company(lab: Laboratory, notes: Notes, operator: Caller, dice: Random) -> Company:
    """Take a company on and stock its shelves."""
    name = f"acme-{uuid4().hex[:8]}"
    tenant = await operator.write("/v1/tenants", FACTS | {"name": name}, key=f"{name}-tenant")
    while tenant["state"] != "active":
        await asyncio.sleep(0.2)
        tenant = await operator.see(f"/v1/tenants/{tenant['id']}")
    wish = {"name": "ERP", "scopes": SCOPES}
    client = await operator.write(f"/v1/tenants/{tenant['id']}/clients", wish, key=f"{name}-client")
    caller = Caller(operator.doors, client["client_id"], client["client_secret"], notes, operator.http)
    company = Company(name, caller, Random(dice.random()))
    for sku, price in PRICES.items():
        product = {"sku": sku, "name": sku.title(), "unit_price": {"amount": price, "currency": "GBP"}}
        await caller.write("/v1/products", product, key=company.key("product"))
        stock = {"sku": sku, "delta": STOCK, "reason": "opening stock"}
        await caller.write("/v1/stock-adjustments", stock, key=company.key("stock"))
    for number in range(2):
        customer = {"name": f"Customer {number}"}
        made = await caller.write("/v1/customers", customer, key=company.key("customer"))
        company.customers.append(made["id"])
    return company


def operator_of(lab: Laboratory, notes: Notes, http: object) -> Caller:
    """The provider's operator."""
    return Caller(lambda: lab.doors.of("gateway"), *OPERATOR, notes, http)  # type: ignore[arg-type]
