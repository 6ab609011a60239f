"""Random walks through the life of orders, with a small model beside: every unit is always accounted for."""

import random
from decimal import Decimal
from typing import Any

import httpx
import pytest

from shared.context.ctx import TenantFacts
from tests.kit.suite import Suite
from tests.orders.given import fulfilments_of, given_customer, given_product, stock_of
from tests.orders.waiting import filled

IN_HAND = ("open", "released", "picking", "packed")
NEXT = {"release": "open", "pick": "released", "pack": "picking", "deliver": "shipped"}


class Book:
    """What must be true: stock by SKU, and the account of every line, in order of confirmation."""

    def __init__(self, skus: list[str]) -> None:
        self.on_hand = dict.fromkeys(skus, Decimal(0))
        self.lines: dict[str, dict[str, Any]] = {}
        self.orders: dict[str, dict[str, Any]] = {}
        self.confirmed: list[str] = []

    def reserved(self, sku: str) -> Decimal:
        return sum((line["reserved"] for line in self.lines.values() if line["sku"] == sku), Decimal(0))

    def free(self, sku: str) -> Decimal:
        return self.on_hand[sku] - self.reserved(sku)

    def add(self, order: dict[str, Any]) -> None:
        self.orders[order["id"]] = {"held": 0, "lines": [line["id"] for line in order["lines"]]}
        zero = dict.fromkeys(("reserved", "backordered", "shipped", "cancelled"), Decimal(0))
        for line in order["lines"]:
            self.lines[line["id"]] = {"sku": line["sku"], "quantity": Decimal(line["quantity"])} | zero

    def lines_of(self, order_id: str) -> list[dict[str, Any]]:
        return [self.lines[line_id] for line_id in self.orders[order_id]["lines"]]

    def can_confirm(self, order_id: str) -> bool:
        wanted: dict[str, Decimal] = {}
        for line in self.lines_of(order_id):
            wanted[line["sku"]] = wanted.get(line["sku"], Decimal(0)) + line["quantity"]
        return all(quantity <= self.free(sku) for sku, quantity in wanted.items())

    def confirm(self, order_id: str) -> None:
        self.confirmed.append(order_id)
        for line in self.lines_of(order_id):
            line["reserved"] = min(line["quantity"], self.free(line["sku"]))
            line["backordered"] = line["quantity"] - line["reserved"]

    def fill(self, sku: str) -> None:
        for order_id in self.confirmed:
            for line in self.lines_of(order_id):
                if line["sku"] == sku:
                    got = min(line["backordered"], self.free(sku))
                    line["reserved"] += got
                    line["backordered"] -= got

    def cancel(self, order_id: str) -> None:
        freed = {line["sku"] for line in self.lines_of(order_id) if line["reserved"]}
        for line in self.lines_of(order_id):
            line["cancelled"] = line["quantity"] - line["shipped"]
            line["reserved"] = line["backordered"] = Decimal(0)
        for sku in freed:
            self.fill(sku)


@pytest.mark.parametrize("seed", [1, 7, 20261122])
async def test_every_unit_is_accounted_for_whatever_happens(
    suite: Suite, tenant: TenantFacts, orders: httpx.AsyncClient, seed: int
):
    walk = Walk(suite, tenant, orders, random.Random(seed))
    await walk.begin()

    for _ in range(70):
        await walk.step()

    await walk.check()
    audit = (await orders.get("/v1/stock-audit")).json()
    assert (audit["differing"], audit["differences"]) == (0, [])
    assert walk.refused, "the walk has met no refusal"
    assert walk.shipments, "the walk has shipped nothing"


class Walk:
    """One walk: what it does to the API it does to the book."""

    def __init__(
        self, suite: Suite, tenant: TenantFacts, orders: httpx.AsyncClient, dice: random.Random
    ) -> None:
        self.suite, self.tenant, self.api, self.dice = suite, tenant, orders, dice
        self.refused = self.shipments = 0

    async def begin(self) -> None:
        self.customer = await given_customer(self.api)
        self.skus = [(await given_product(self.api, stock=8))["sku"] for _ in range(3)]
        self.book = Book(self.skus)
        for sku in self.skus:
            self.book.on_hand[sku] = Decimal(8)

    async def step(self) -> None:
        moves = {self.take: 3, self.adjust: 3, self.handle: 8, self.confirm: 1, self.cancel: 1, self.hold: 1}
        await self.dice.choices(list(moves), list(moves.values()))[0]()
        await filled(self.suite, self.tenant)
        if self.dice.random() < 0.2:
            await self.check()

    async def post(
        self, path: str, body: dict[str, Any] | None = None, *, expect: str | None
    ) -> dict[str, Any]:
        answer = await self.api.post(path, json=body)
        assert (answer.json().get("code") if answer.is_error else None) == expect, answer.text
        self.refused += expect is not None
        return answer.json()

    async def take(self) -> None:
        lines = [
            {"sku": self.dice.choice(self.skus), "quantity": self.dice.randint(1, 5)}
            for _ in range(self.dice.randint(1, 3))
        ]
        policy = self.dice.choice(["reject", "allow"])
        body = {"customer_id": self.customer["id"], "lines": lines, "backorder": policy}
        order = await self.post("/v1/orders", body, expect=None)
        self.book.add(order)
        self.book.orders[order["id"]]["policy"] = policy
        if self.dice.random() < 0.8:
            await self.confirm(order["id"])

    async def confirm(self, order_id: str | None = None) -> None:
        order_id = order_id or self.any_order()
        if order_id is None:
            return
        order = (await self.api.get(f"/v1/orders/{order_id}")).json()
        expect = None if order["state"] == "draft" else "illegal_transition"
        if expect is None and order["backorder"] == "reject" and not self.book.can_confirm(order_id):
            expect = "insufficient_stock"
        await self.post(f"/v1/orders/{order_id}/confirm", expect=expect)
        if expect is None:
            self.book.confirm(order_id)

    async def adjust(self) -> None:
        sku, delta = self.dice.choice(self.skus), self.dice.randint(-3, 6) or 1
        if self.book.free(sku) + delta < 0:  # what a count takes from promises is tested elsewhere
            return
        body = {"sku": sku, "warehouse": "MAIN", "delta": delta, "reason": "count"}
        await self.post("/v1/stock-adjustments", body, expect=None)
        self.book.on_hand[sku] += delta
        if delta > 0:
            self.book.fill(sku)

    async def cancel(self) -> None:
        order_id = self.any_order()
        if order_id is not None:
            order = (await self.api.get(f"/v1/orders/{order_id}")).json()
            legal = order["state"] in ("draft", "confirmed", "processing")
            await self.post(f"/v1/orders/{order_id}/cancel", expect=None if legal else "illegal_transition")
            if legal:
                self.book.cancel(order_id)

    async def hold(self) -> None:
        order_id = self.any_order()
        if order_id is None:
            return
        order = (await self.api.get(f"/v1/orders/{order_id}")).json()
        if order["holds"]:
            path = f"/v1/orders/{order_id}/holds/{order['holds'][0]['id']}/release"
            await self.post(path, expect=None)
            self.book.orders[order_id]["held"] -= 1
        elif order["state"] in ("draft", "confirmed", "processing"):
            await self.post(f"/v1/orders/{order_id}/holds", {"reason": "check"}, expect=None)
            self.book.orders[order_id]["held"] += 1

    async def handle(self) -> None:
        order_id = self.any_order()
        found = await fulfilments_of(self.api, {"id": order_id}) if order_id else []
        if not found:
            return
        fulfilment = self.dice.choice(found)
        verb = self.dice.choices(
            ["ship", "release", "pick", "pack", "deliver", "cancel"], [6, 2, 2, 2, 2, 1]
        )[0]
        state = fulfilment["state"]
        legal = state in IN_HAND if verb in ("ship", "cancel") else state == NEXT[verb]
        expect = None if legal else "illegal_transition"
        if legal and verb not in ("cancel", "deliver") and self.book.orders[order_id]["held"]:
            expect = "order_on_hold"
        parts = {part["order_line_id"]: Decimal(part["quantity"]) for part in fulfilment["lines"]}
        body = None
        if verb == "ship" and self.dice.random() < 0.6:
            line_id = self.dice.choice(list(parts))
            parts = {line_id: Decimal(self.dice.randint(1, int(parts[line_id])))}
            body = {"lines": [{"order_line_id": line_id, "quantity": str(parts[line_id])}]}
        await self.post(f"/v1/fulfilments/{fulfilment['id']}/{verb}", body, expect=expect)
        if expect is None and verb == "ship":
            self.ship(parts)
        if expect is None and verb == "cancel":
            self.take_back(parts)

    def ship(self, parts: dict[str, Decimal]) -> None:
        self.shipments += 1
        for line_id, quantity in parts.items():
            line = self.book.lines[line_id]
            line["reserved"] -= quantity
            line["shipped"] += quantity
            self.book.on_hand[line["sku"]] -= quantity

    def take_back(self, parts: dict[str, Decimal]) -> None:
        """What is given back goes to who was confirmed first of those who wait, the order itself among them."""
        skus = {self.book.lines[line_id]["sku"] for line_id in parts}
        for line_id, quantity in parts.items():
            self.book.lines[line_id]["reserved"] -= quantity
            self.book.lines[line_id]["backordered"] += quantity
        for sku in skus:
            self.book.fill(sku)

    def any_order(self) -> str | None:
        return self.dice.choice(list(self.book.orders)) if self.book.orders else None

    async def check(self) -> None:
        for sku in self.skus:
            stock = await stock_of(self.api, sku)
            found = (Decimal(stock["on_hand"]), Decimal(stock["reserved"]))
            assert found == (self.book.on_hand[sku], self.book.reserved(sku))
        for order_id in self.book.orders:
            order = (await self.api.get(f"/v1/orders/{order_id}")).json()
            for line in order["lines"]:
                modelled = self.book.lines[line["id"]]
                for account in ("reserved", "backordered", "shipped", "cancelled"):
                    assert Decimal(line[account]) == modelled[account], (account, line, modelled)
            await self.check_parts(order)

    async def check_parts(self, order: dict[str, Any]) -> None:
        """A line's accounts are what its fulfilments hold."""
        sums: dict[tuple[str, str], Decimal] = {}
        for fulfilment in await fulfilments_of(self.api, order):
            state = fulfilment["state"]
            account = {"backordered": "backordered", "shipped": "shipped", "delivered": "shipped"}.get(state)
            account = account or ("reserved" if state in IN_HAND else "")
            for part in fulfilment["lines"]:
                key = (part["order_line_id"], account)
                sums[key] = sums.get(key, Decimal(0)) + Decimal(part["quantity"])
        for line in order["lines"]:
            for account in ("reserved", "backordered", "shipped"):
                assert sums.get((line["id"], account), Decimal(0)) == Decimal(line[account]), (account, line)
        settled = all(
            Decimal(line["shipped"]) + Decimal(line["cancelled"]) == Decimal(line["quantity"])
            for line in order["lines"]
        )
        shipped = any(Decimal(line["shipped"]) for line in order["lines"])
        assert (order["state"] == "completed") == (settled and shipped)
