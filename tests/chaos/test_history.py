"""The checker notices what a fault could do to a history."""

from copy import deepcopy
from dataclasses import dataclass, field
from random import Random
from typing import Any

import pytest

from tests.chaos.company import PRICES, STOCK, Company, Trade
from tests.chaos.history import History


def money(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "GBP"}


def move(verb: str, to: str, since: str | None) -> dict[str, Any]:
    return {"verb": verb, "from_state": since, "to_state": to}


ORDER = {"id": "o1", "number": "SO-1", "state": "completed", "payment_status": "paid",
         "totals": {"gross": money("12.00")}, "lines": [{"sku": "LAMP", "quantity": "2"}]}  # fmt: skip
INVOICE = {"id": "i1", "number": "INV-2026-000001", "source_refs": {"order_id": "o1"}, "totals": ORDER["totals"],
           "paid": money("12.00"), "journal_entry_id": "j1"}  # fmt: skip
PAYMENT = {"id": "p1", "amount": money("12.00"), "journal_entry_id": "j2",
           "allocations": [{"invoice_id": "i1", "amount": money("12.00")}]}  # fmt: skip
GOOD: dict[str, Any] = {
    "/v1/orders": [ORDER],
    "/v1/fulfilments": [],
    "/v1/invoices": [INVOICE],
    "/v1/payments": [PAYMENT],
    "/v1/journal-entries": [{"id": "j1"}, {"id": "j2"}],
    "/v1/stock": [
        {"sku": sku, "on_hand": str(STOCK - 2 * (sku == "LAMP")), "reserved": "0"} for sku in PRICES
    ],
    "/v1/stock-audit": {"differences": []},
    "/v1/reports/trial-balance": {
        "total_debit": money("24.00"),
        "total_credit": money("24.00"),
        "rows": [{"account": "1100", "debit": money("12.00"), "credit": money("12.00")}],
    },
    "/v1/reports/tie-out": {"differences": []},
    "/v1/orders-dead-letters": [],
    "/v1/billing-dead-letters": [],
    "/v1/posting-exceptions": [],
    "/v1/orders/o1/timeline": [
        move("create", "draft", None),
        move("confirm", "confirmed", "draft"),
        move("start", "processing", "confirmed"),
        move("complete", "completed", "processing"),
    ],
}


@dataclass
class Shown:
    """A caller to whom everything is shown from a table."""

    table: dict[str, Any]
    written: dict[str, Any] = field(default_factory=dict)

    async def listed(self, path: str) -> Any:
        return self.table[path]

    async def see(self, path: str) -> Any:
        return self.table[path]


def company(table: dict[str, Any]) -> Company:
    trade = Trade(ORDER, shipped={"id": "f1"}, payments=[PAYMENT])
    return Company("acme", Shown(table), Random(1), trades={"o1": trade})  # type: ignore[arg-type]


async def test_a_good_history_has_nothing_wrong():
    assert await History(company(deepcopy(GOOD))).check() == []


def lost_order(table: dict[str, Any]) -> None:
    table["/v1/orders"] = []


def foreign_order(table: dict[str, Any]) -> None:
    table["/v1/orders"].append({**ORDER, "id": "theirs", "number": "SO-2"})
    table["/v1/orders/theirs/timeline"] = table["/v1/orders/o1/timeline"]


def second_invoice(table: dict[str, Any]) -> None:
    table["/v1/invoices"].append({**INVOICE, "id": "i2", "number": "INV-2026-000002"})


def other_figures(table: dict[str, Any]) -> None:
    table["/v1/invoices"][0]["totals"] = {"gross": money("12.01")}


def gap(table: dict[str, Any]) -> None:
    table["/v1/invoices"][0]["number"] = "INV-2026-000002"


def second_payment(table: dict[str, Any]) -> None:
    table["/v1/payments"].append({**PAYMENT, "id": "p2", "journal_entry_id": "j3"})


def second_posting(table: dict[str, Any]) -> None:
    table["/v1/journal-entries"].append({"id": "j3"})


def left_reserved(table: dict[str, Any]) -> None:
    table["/v1/stock"][0]["reserved"] = "2"


def shipped_twice(table: dict[str, Any]) -> None:
    table["/v1/stock"][0]["on_hand"] = str(STOCK - 4)


def unpaid(table: dict[str, Any]) -> None:
    table["/v1/orders"][0]["payment_status"] = "part_paid"


def dead(table: dict[str, Any]) -> None:
    table["/v1/billing-dead-letters"].append({"id": "e1"})


def jump(table: dict[str, Any]) -> None:
    del table["/v1/orders/o1/timeline"][1]


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lost_order, "orders lost"),
        (foreign_order, "orders nobody asked for"),
        (second_invoice, "invoiced orders twice"),
        (other_figures, "differs from its order"),
        (gap, "gaps or twins"),
        (second_payment, "payments nobody asked for"),
        (second_posting, "journal entries nobody asked for"),
        (left_reserved, "should be"),
        (shipped_twice, "should be"),
        (unpaid, "should be ('completed', 'paid')"),
        (dead, "/v1/billing-dead-letters lists"),
        (jump, "jumps from draft to confirmed"),
    ],
)
async def test_the_checker_notices(damage: Any, sentence: str):
    table = deepcopy(GOOD)
    damage(table)

    wrong = await History(company(table)).check()

    assert any(sentence in one for one in wrong), wrong
