"""The checker: what the public API shows at the end against what its clients were answered."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from decimal import Decimal

from services.orders.book.rules import FULFILMENT_LIFECYCLE, ORDER_LIFECYCLE
from shared.context.lifecycle import Lifecycle
from tests.chaos.caller import Document
from tests.chaos.company import PRICES, STOCK, Company, Trade

AT_ONCE = 8
REPLAYED, TIMELINES = 12, 15  # of each company in a round, chosen by the dice


class History:
    """One company's state at the end of a round, and what is wrong with it."""

    def __init__(self, company: Company) -> None:
        self.company = company
        self.wrong: list[str] = []

    def must(self, holds: bool, sentence: str) -> None:
        """Note a violation."""
        if not holds:
            self.wrong.append(f"{self.company.name}: {sentence}")

    async def check(self) -> list[str]:
        """Every rule; returns what is wrong."""
        see = self.company.caller.listed
        names = ("orders", "fulfilments", "invoices", "payments", "journal-entries")
        orders, works, invoices, payments, entries = [await see(f"/v1/{name}") for name in names]
        self._orders(orders)
        self._invoices(invoices)
        self._payments(payments, orders, invoices)
        self._entries(entries, invoices, payments)
        await self._stock()
        await self._books(invoices, payments)
        await self._held()
        await self._timelines(ORDER_LIFECYCLE, "orders", orders)
        await self._timelines(FULFILMENT_LIFECYCLE, "fulfilments", works)
        await self._keys()
        return self.wrong

    def _same(self, what: str, shown: Iterable[str], known: Iterable[str]) -> None:
        """Nothing lost, nothing doubled, nothing of anybody else."""
        shown_list, known_set = list(shown), set(known)
        twice = [one for one, count in Counter(shown_list).items() if count > 1]
        self.must(not twice, f"{what} twice: {twice}")
        self.must(not known_set - set(shown_list), f"{what} lost: {known_set - set(shown_list)}")
        self.must(not set(shown_list) - known_set, f"{what} nobody asked for: {set(shown_list) - known_set}")

    def _orders(self, orders: list[Document]) -> None:
        trades = self.company.trades
        self._same("orders", (order["id"] for order in orders), trades)
        numbers = [order["number"] for order in orders if order["number"]]
        self.must(len(numbers) == len(set(numbers)), "an order number was given twice")
        for order in orders:
            trade = trades.get(order["id"])
            if trade is None:
                continue
            wanted = _expected(trade)
            shown = (order["state"], order["payment_status"])
            self.must(shown == wanted, f"order {order['number']} is {shown}, should be {wanted}")
            self.must(
                order["totals"] == trade.order["totals"], f"order {order['number']} has changed its totals"
            )

    def _invoices(self, invoices: list[Document]) -> None:
        shipped = {key: trade for key, trade in self.company.trades.items() if trade.shipped}
        self._same("invoiced orders", (invoice["source_refs"]["order_id"] for invoice in invoices), shipped)
        for invoice in invoices:
            trade = shipped.get(invoice["source_refs"]["order_id"])
            same = trade is not None and invoice["totals"] == trade.order["totals"]
            self.must(same, f"invoice {invoice['number']} differs from its order")
        numbers = sorted(int(invoice["number"].rsplit("-", 1)[1]) for invoice in invoices)
        self.must(
            numbers == list(range(1, len(numbers) + 1)), f"invoice numbers have gaps or twins: {numbers}"
        )

    def _payments(self, payments: list[Document], orders: list[Document], invoices: list[Document]) -> None:
        known = [payment["id"] for trade in self.company.trades.values() for payment in trade.payments]
        self._same("payments", (payment["id"] for payment in payments), known)
        by_invoice: Counter[str] = Counter()
        for payment in payments:
            for share in payment["allocations"]:
                by_invoice[share["invoice_id"]] += int(Decimal(share["amount"]["amount"]) * 100)
        for invoice in invoices:
            shown = int(Decimal(invoice["paid"]["amount"]) * 100)
            paid = by_invoice[invoice["id"]]
            self.must(shown == paid, f"invoice {invoice['number']} shows {shown} paid of {paid}")

    def _entries(self, entries: list[Document], invoices: list[Document], payments: list[Document]) -> None:
        wanted = [document["journal_entry_id"] for document in (*invoices, *payments)]
        self._same("journal entries", (entry["id"] for entry in entries), wanted)

    async def _stock(self) -> None:
        gone: Counter[str] = Counter()
        for trade in self.company.trades.values():
            for line in trade.order["lines"] if trade.shipped else ():
                gone[line["sku"]] += int(line["quantity"])
        stock = {row["sku"]: row for row in await self.company.caller.listed("/v1/stock")}
        self._same("stock", stock, PRICES)
        for sku, row in stock.items():
            shown, wanted = (row["on_hand"], row["reserved"]), (str(STOCK - gone[sku]), "0")
            self.must(shown == wanted, f"stock of {sku} is {shown}, should be {wanted}")
        audit = await self.company.caller.see("/v1/stock-audit")
        self.must(audit["differences"] == [], f"the stock's audit differs: {audit['differences']}")

    async def _books(self, invoices: list[Document], payments: list[Document]) -> None:
        see = self.company.caller.see
        trial, tie_out = await see("/v1/reports/trial-balance"), await see("/v1/reports/tie-out")
        self.must(trial["total_debit"] == trial["total_credit"], "the trial balance does not balance")
        self.must(tie_out["differences"] == [], f"tie-out differs: {tie_out['differences']}")
        gross = sum(Decimal(invoice["totals"]["gross"]["amount"]) for invoice in invoices)
        paid = sum(Decimal(payment["amount"]["amount"]) for payment in payments)
        rows = {
            row["account"]: Decimal(row["debit"]["amount"]) - Decimal(row["credit"]["amount"])
            for row in trial["rows"]
        }
        owed = rows.get("1100", Decimal(0))
        self.must(owed == gross - paid, f"receivables are {owed}, should be {gross - paid}")

    async def _held(self) -> None:
        for path in ("/v1/orders-dead-letters", "/v1/billing-dead-letters", "/v1/posting-exceptions"):
            found = await self.company.caller.listed(path)
            self.must(found == [], f"{path} lists {found}")

    async def _timelines(self, lifecycle: Lifecycle, path: str, things: Sequence[Document]) -> None:
        gate = asyncio.Semaphore(AT_ONCE)

        async def look(thing: Document) -> None:
            async with gate:
                moves = await self.company.caller.listed(f"/v1/{path}/{thing['id']}/timeline")
            complaint = _illegal(lifecycle, moves, thing["state"])
            self.must(complaint is None, f"the timeline of {path} {thing['id']} {complaint}: {moves}")

        some = self.company.dice.sample(things, min(TIMELINES, len(things)))
        await asyncio.gather(*(look(thing) for thing in some))

    async def _keys(self) -> None:
        keys = sorted(self.company.caller.written)
        for key in self.company.dice.sample(keys, min(REPLAYED, len(keys))):
            await self.company.caller.replay(key)


def _expected(trade: Trade) -> tuple[str, str]:
    """State and payment status that an order must end in."""
    if trade.cancelled:
        return "cancelled", "unpaid"
    return "completed", "paid" if trade.payments else "unpaid"


def _illegal(lifecycle: Lifecycle, moves: Sequence[Document], state: str) -> str | None:
    """What is wrong with a timeline, oldest move first."""
    at = None
    for move in moves:
        if move["from_state"] != at:
            return f"jumps from {at} to {move['from_state']}"
        legal = lifecycle.moves.get((at, move["verb"])) if at else move["to_state"]
        if legal != move["to_state"] or (at is None and legal not in lifecycle.initials):
            return f"has the illegal move {move['verb']}"
        at = move["to_state"]
    return None if at == state else f"ends in {at}, not in {state}"


async def settled(company: Company) -> bool:
    """Whether everything this company has set going has come to its end."""
    orders = await company.caller.listed("/v1/orders")
    shown = {order["id"]: (order["state"], order["payment_status"]) for order in orders}
    return all(shown.get(key) == _expected(trade) for key, trade in company.trades.items())


async def strangers_are_refused(one: Company, other: Company) -> list[str]:
    """Whether a company gets to see what is another's."""
    seen = []
    for key in list(other.trades)[:3]:
        answer = await one.caller.try_once("GET", f"/v1/orders/{key}", None, {}, {})
        if not isinstance(answer, str) and answer.status_code != 404:
            seen.append(f"{one.name} sees order {key} of {other.name}: {answer.status_code}")
    return seen
