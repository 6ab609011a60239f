"""Shipping is charged, deposits and vouchers are deducted: nothing of it is lost, and no invoice is below zero."""

from decimal import Decimal
from random import Random
from typing import Any

import httpx
import pytest

from tests.stories.steps import (
    Document,
    a_customer,
    a_product,
    a_seller,
    everything_agrees,
    fulfilments_of,
    invoices_of,
    made,
    money,
    order_now,
    shipped,
    summed,
)


def line(sku: str, quantity: Any = 1, price: str | None = None, **facts: Any) -> Document:
    wanted = {"sku": sku, "quantity": quantity, **facts}
    return wanted if price is None else wanted | {"unit_price": money(price)}


def charge(amount: str, kind: str = "shipping", **facts: Any) -> Document:
    return {"kind": kind, "amount": money(amount), **facts}


async def ordered(orders: httpx.AsyncClient, lines: list[Document], **facts: Any) -> Document:
    """An order of lamps (tracked), books (tracked, reduced), vouchers."""
    await a_product(orders, "LAMP", "10.00", stock=100)
    await a_product(orders, "BOOK", "6.99", stock=100, tax_code="reduced")
    await a_product(orders, "VOUCHER", "0.00", tracked=False)
    customer = await a_customer(orders)
    return await made(
        orders, "/v1/orders", {"customer_id": customer, "lines": lines, "confirm": True, **facts}
    )


def shown(invoice: Document) -> list[tuple[str, str, str]]:
    return [(x["kind"], x["description"], x["net"]["amount"]) for x in invoice["lines"]]


@pytest.mark.parametrize("prices", ["net", "gross"])
async def test_charges_go_with_the_first_shipment_and_only_with_it(
    orders: httpx.AsyncClient, billing: httpx.AsyncClient, prices: str
):
    await a_seller(billing)
    charges = [charge("4.90"), charge("2.00", "handling", description="Gift wrap", tax_code="reduced")]
    order = await ordered(orders, [line("LAMP", 3)], charges=charges, prices=prices)
    assert [(c["kind"], c["description"], c["amount"], c["status"]) for c in order["charges"]] == [
        ("shipping", "Shipping", money("4.90"), "open"),
        ("handling", "Gift wrap", money("2.00"), "open"),
    ]
    fixed = "gross" if prices == "gross" else "net"
    assert order["totals"][fixed] == money("36.90")
    assert [part["sku"] for f in await fulfilments_of(orders, order) for part in f["lines"]] == ["LAMP"]

    await shipped(orders, order, {"LAMP": 1})
    await shipped(orders, order)

    first, second = await invoices_of(billing, order, 2)
    assert [kind for kind, _, _ in shown(first)] == ["item", "shipping", "handling"]
    assert [kind for kind, _, _ in shown(second)] == ["item"]
    assert first["lines"][1]["sku"] is None
    for figure in ("net", "tax", "gross"):
        assert summed([first, second], figure) == Decimal(order["totals"][figure]["amount"])
    now = await order_now(orders, order)
    assert [c["status"] for c in now["charges"]] == ["invoiced", "invoiced"]
    assert now["invoiced"]["gross"] == now["totals"]["gross"]
    assert (await billing.get(f"/v1/invoices/{first['id']}/xml")).status_code == 200
    await everything_agrees(orders, billing)


async def test_charges_are_invoiced_though_the_rest_is_cancelled_and_end_with_an_order_that_never_went(
    orders: httpx.AsyncClient, billing: httpx.AsyncClient
):
    order = await ordered(orders, [line("LAMP", 3)], charges=[charge("4.90")])
    await shipped(orders, order, {"LAMP": 1})
    partly = await made(orders, f"/v1/orders/{order['id']}/cancel")
    assert (partly["state"], partly["charges"][0]["status"]) == ("completed", "invoiced")
    (invoice,) = await invoices_of(billing, order, 1)
    assert invoice["totals"]["net"] == money("14.90")

    wish = {"customer_id": order["customer_id"], "lines": [line("LAMP")], "charges": [charge("4.90")]}
    never = await made(orders, "/v1/orders", wish | {"confirm": True})
    gone = await made(orders, f"/v1/orders/{never['id']}/cancel")
    assert (gone["state"], gone["charges"][0]["status"]) == ("cancelled", "cancelled")


async def test_a_draft_keeps_loses_and_changes_its_charges(orders: httpx.AsyncClient):
    order = await ordered(
        orders, [line("LAMP")], charges=[charge("4.90")], confirm=False, discount={"percent": "10"}
    )
    assert (order["discount"]["amount"], order["totals"]["net"]) == (money("1.00"), money("13.90"))

    async def changed(**change: Any) -> Document:
        version = (await order_now(orders, order))["version"]
        answer = await orders.patch(
            f"/v1/orders/{order['id']}", json=change, headers={"if-match": str(version)}
        )
        assert answer.status_code == 200, answer.text
        found: Document = answer.json()
        return found

    assert (await changed(lines=[line("LAMP", 2)]))["totals"]["net"] == money("22.90")
    assert (await changed(charges=[charge("5.00"), charge("1.00")]))["totals"]["net"] == money("24.00")
    assert (await changed(charges=[]))["totals"]["net"] == money("18.00")


async def test_a_voucher_is_deducted_as_far_as_each_shipment_bears_it(
    orders: httpx.AsyncClient, billing: httpx.AsyncClient
):
    await a_seller(billing)
    order = await ordered(orders, [line("LAMP", 3), line("VOUCHER", 1, "-24.00")])
    assert (order["totals"]["net"], order["lines"][1]["net"]) == (money("6.00"), money("-24.00"))

    for _ in range(3):
        await shipped(orders, order, {"LAMP": 1})

    invoices = await invoices_of(billing, order, 3)
    assert [i["totals"]["gross"] for i in invoices] == [money("0.00"), money("0.00"), money("7.20")]
    assert [i["lines"][1]["net"] for i in invoices] == [money("-10.00"), money("-10.00"), money("-4.00")]
    now = await order_now(orders, order)
    assert (now["state"], now["invoiced"]["gross"]) == ("completed", now["totals"]["gross"])
    assert [x["shipped"] for x in now["lines"]] == ["3", "1"]
    assert (await billing.get(f"/v1/invoices/{invoices[2]['id']}/xml")).status_code == 200
    await everything_agrees(orders, billing)


@pytest.mark.parametrize("seed", range(6))
async def test_whatever_is_shipped_when_invoices_come_to_the_order(
    orders: httpx.AsyncClient, billing: httpx.AsyncClient, seed: int
):
    """Any split, both kinds of prices, with discounts, charges and deductions; the official sums hold on each paper."""
    dice = Random(seed)
    await a_seller(billing)
    lines = [
        line("LAMP", dice.randint(1, 6), discount_percent=dice.choice(["0", "12.5"])),
        line("BOOK", dice.randint(1, 6), dice.choice(["6.9925", "3.335"])),
        line("VOUCHER", 1, f"-{dice.randint(1, 9)}.{dice.randint(0, 99):02d}"),
    ]
    facts = {
        "prices": dice.choice(["net", "gross"]),
        "charges": [charge("4.90"), charge("0.99", "other", tax_code="reduced")],
        "discount": dice.choice([{"percent": "7.5"}, {"amount": money("1.37")}, None]),
    }
    order = await ordered(orders, lines, **facts)
    count = 0
    while (await order_now(orders, order))["state"] != "completed":
        (fulfilment,) = await fulfilments_of(orders, order)
        part = dice.choice(fulfilment["lines"])
        quantity = dice.randint(1, int(part["quantity"]))
        wanted = [{"order_line_id": part["order_line_id"], "quantity": quantity}]
        await made(orders, f"/v1/fulfilments/{fulfilment['id']}/ship", {"lines": wanted})
        count += 1

    invoices = await invoices_of(billing, order, count)

    for figure in ("net", "tax", "gross"):
        assert summed(invoices, figure) == Decimal(order["totals"][figure]["amount"])
    so_far: dict[str, list[Decimal]] = {}
    for invoice in invoices:
        assert Decimal(invoice["totals"]["gross"]["amount"]) >= 0
        for row in invoice["tax_breakdown"]:
            sums = so_far.setdefault(row["tax_code"], [Decimal(0), Decimal(0), Decimal(row["rate"])])
            sums[0] += Decimal(row["base"]["amount"])
            sums[1] += Decimal(row["tax"]["amount"])
            assert abs(sums[1] - sums[0] * sums[2] / 100) <= Decimal("0.006")
        xml = await billing.get(f"/v1/invoices/{invoice['id']}/xml")
        assert xml.status_code == 200, xml.text
    await everything_agrees(orders, billing)


@pytest.mark.parametrize(
    ("facts", "pointer", "code"),
    [
        ({"lines": [line("VOUCHER", 1, "-1.00")]}, "/lines/0/unit_price", "negative_price"),
        ({"lines": [line("LAMP"), line("VOUCHER", 2, "-5.01")]}, "/lines/1/unit_price", "negative_price"),
        ({"lines": [line("LAMP"), line("LAMP", 1, "-5.00")]}, "/lines/1/unit_price", "negative_price"),
        ({"charges": [charge("-0.01")]}, "/charges/0/amount", "negative_amount"),
        ({"charges": [charge("1.00", tax_code="none")]}, "/charges/0/tax_code", "unknown_tax_code"),
        ({"charges": [charge("1.00", "postage")]}, "/charges/0/kind", "literal_error"),
        (
            {"charges": [{"kind": "other", "amount": money("1.00", "EUR")}]},
            "/charges/0/amount",
            "currency_mismatch",
        ),
        ({"charges": [charge("1.00")] * 21}, "/charges", "too_long"),
    ],
)
async def test_what_cannot_be_charged_or_deducted_is_refused(
    orders: httpx.AsyncClient, facts: Any, pointer: str, code: str
):
    order = await ordered(orders, [line("LAMP")])
    wish = {"customer_id": order["customer_id"], "lines": [line("LAMP")]}

    answer = await orders.post("/v1/orders", json=wish | facts)

    assert answer.status_code == 422, answer.text
    (error,) = answer.json()["errors"]
    assert (error["pointer"], error["code"]) == (pointer, code)


async def test_an_invoice_may_deduct_and_is_credited_up_to_what_it_comes_to(
    orders: httpx.AsyncClient, billing: httpx.AsyncClient
):
    await a_seller(billing)
    item = {"quantity": 1, "tax_code": "standard"}
    lines = [
        item | {"description": "Machine", "unit_price": money("100.00")},
        item | {"description": "Deposit paid", "unit_price": money("-40.00")},
    ]
    customer = {"customer_id": await a_customer(orders), "customer": {"name": "Jane"}}
    invoice = await made(billing, "/v1/invoices", customer | {"lines": lines})
    invoice = await made(billing, f"/v1/invoices/{invoice['id']}/finalize")
    assert (invoice["totals"]["net"], invoice["totals"]["gross"]) == (money("60.00"), money("72.00"))

    machine = {"invoice_line_id": invoice["lines"][0]["id"], "quantity": 1}
    too_much = await billing.post(
        "/v1/credit-notes", json={"invoice_id": invoice["id"], "lines": [machine], "reason": "Broken"}
    )
    assert (too_much.status_code, too_much.json()["code"]) == (409, "over_credited")
    note = await made(billing, "/v1/credit-notes", {"invoice_id": invoice["id"], "reason": "Broken"})
    assert note["totals"] == invoice["totals"]
    await everything_agrees(orders, billing)

    below = await billing.post("/v1/invoices", json=customer | {"lines": lines[1:]})
    assert (below.status_code, below.json()["errors"][0]["code"]) == (422, "negative_price")
