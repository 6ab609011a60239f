"""What the API answers about a company, noted when a dump is made and compared after the upgrade."""

from decimal import Decimal
from typing import Any

import httpx

from tests.stories.steps import Document, listed, seen

LISTS = (
    "products", "customers", "warehouses", "stock-adjustments", "stock", "orders", "fulfilments", "order-imports",
    "tax-codes", "accounts", "journal-entries", "periods", "invoices", "credit-notes", "payments",
    "posting-exceptions", "orders-dead-letters", "billing-dead-letters",
)  # fmt: skip
DATED = ("reports/trial-balance", "reports/aging", "reports/balance-sheet")
SINGLE = ("seller-profile", "me")
# What depends on the hour, or on what the program can do by now.
NOT_NOTED = frozenset({"allowed_actions", "age_seconds", "now"})
# What clients of before see masked by now, since it takes a scope of its own to see it in full.
MASKED_SINCE = frozenset({"/v1/seller-profile.payment_instructions"})
# What a release may bring more of to every company, as it is to new ones.
MAY_GROW = frozenset({"/v1/accounts", "/v1/tax-codes", "/v1/periods"})


async def answers(api: httpx.AsyncClient, *, as_of: str) -> dict[str, Any]:
    """By path: what a company's client reads of it, reports as of a day."""
    found: dict[str, Any] = {f"/v1/{name}": await listed(api, f"/v1/{name}") for name in LISTS}
    found |= {f"/v1/{name}": await seen(api, f"/v1/{name}") for name in SINGLE}
    found |= {f"/v1/{name}?as_of={as_of}": await seen(api, f"/v1/{name}", as_of=as_of) for name in DATED}
    for customer in found["/v1/customers"]:
        path = f"/v1/credits?customer_id={customer['id']}"
        found[path] = await listed(api, "/v1/credits", customer_id=customer["id"])
    for kind in ("orders", "invoices"):
        for document in found[f"/v1/{kind}"]:
            path = f"/v1/{kind}/{document['id']}/timeline"
            found[path] = await listed(api, path)
    return {path: _lasting(answer) for path, answer in found.items()}


def _lasting(answer: Any) -> Any:
    if isinstance(answer, list):
        return [_lasting(each) for each in answer]
    if isinstance(answer, dict):
        return {name: _lasting(value) for name, value in answer.items() if name not in NOT_NOTED}
    return answer


def differences(noted: dict[str, Any], found: dict[str, Any]) -> list[str]:
    """Where answers no longer say what was noted; fields that came since are welcome."""
    texts = []
    for path, was in noted.items():
        now = found[path]
        if path in MAY_GROW:
            known = {each["id"] for each in was}
            now = [each for each in now if each["id"] in known]
        if path == "/v1/journal-entries":
            now = _memos_alone(was, now)
        if path == "/v1/invoices":
            was = _credited_is_not_paid(was)
        if path == "/v1/orders":
            was = _with_destinations(was, now)
        if path == "/v1/periods":
            was = _closed_in_order(was, now)
        if path.startswith(("/v1/reports/trial-balance", "/v1/reports/balance-sheet")):
            was, now = _results_together(was), _results_together(now)
        texts += _differences(was, now, path)
    return texts


def _with_destinations(was: list[Document], now: list[Document]) -> list[Document]:
    """Orders in work that named no destination have their customer's since orders_0014, and drafts show it."""
    known = {order["id"]: order["ship_to"] for order in now}
    return [
        {**order, "ship_to": order["ship_to"] or known[order["id"]]}
        if order["state"] in ("draft", "confirmed", "processing")
        else order
        for order in was
    ]


def _memos_alone(was: list[Document], now: list[Document]) -> list[Document]:
    """Entries without the number of their document, which their memos begin with since billing_0017."""
    return [
        {**each, "memo": before["memo"]} if each["memo"].endswith(f": {before['memo']}") else each
        for before, each in zip(was, now, strict=True)
    ]


def _credited_is_not_paid(was: list[Document]) -> list[Document]:
    """Invoices that credit notes alone have settled say so since billing_0017."""
    return [
        {**each, "payment_status": "credited"}
        if each["credited"] == each["totals"]["gross"] and each["payment_status"] == "paid" and each["number"]
        and each["credited"]["amount"].strip("0.")
        else each
        for each in was
    ]  # fmt: skip


def _closed_in_order(was: list[Document], now: list[Document]) -> list[Document]:
    """Months that were open before a closed one are closed by the upgrade (billing_0013), in one change."""
    closed = max((month["starts_on"] for month in was if month["state"] == "closed"), default="")
    changed_at = {month["id"]: month["updated_at"] for month in now}
    return [
        month
        if month["state"] == "closed" or month["starts_on"] > closed
        else {
            **month,
            "state": "closed",
            "version": month["version"] + 1,
            "updated_at": changed_at[month["id"]],
        }
        for month in was
    ]


def _results_together(report: Document) -> Document:
    """A trial balance or balance sheet without the line that fiscal years draw between results since billing_0013.

    Results are income and expenses (accounts from 4000 on), what is computed of them, and retained earnings.
    """
    part = report.get("equity", report)
    kept, results = [], Decimal(0)
    for row in part["rows"]:
        if row["account"] is not None and row["account"] < "4000" and row["account"] != "3100":
            kept.append(row)
        elif "amount" in row:
            results += Decimal(row["amount"]["amount"])
        else:
            results += Decimal(row["credit"]["amount"]) - Decimal(row["debit"]["amount"])
    together: Document = {**part, "rows": kept, "results": results}
    if "equity" in report:
        return {**report, "equity": together}
    return {name: value for name, value in together.items() if not name.startswith("total_")}


def _differences(was: Any, now: Any, where: str) -> list[str]:
    if isinstance(was, dict) and isinstance(now, dict):
        gone = [f"{where}.{name} is gone" for name in was.keys() - now.keys()]
        kept = was.keys() & now.keys()
        return gone + [
            text for name in kept for text in _differences(was[name], now[name], f"{where}.{name}")
        ]
    if isinstance(was, list) and isinstance(now, list) and len(was) == len(now):
        pairs = enumerate(zip(was, now, strict=True))
        return [text for n, (one, other) in pairs for text in _differences(one, other, f"{where}[{n}]")]
    if where in MASKED_SINCE and was and now == "********":
        return []
    return [] if was == now else [f"{where} was {was!r}, is {now!r}"]


def by_ref(answer: dict[str, Any], ref: str) -> Document:
    """The noted order with a company's own reference."""
    (order,) = (order for order in answer["/v1/orders"] if order["external_ref"] == ref)
    found: Document = order
    return found
