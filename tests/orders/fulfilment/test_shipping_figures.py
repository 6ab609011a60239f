"""The shares of any sequence of shipments sum up to the order, to the cent."""

from decimal import Decimal
from random import Random
from typing import Any

import httpx
import orjson
import pytest

from shared.context.ctx import TenantFacts
from tests.kit.suite import Suite
from tests.orders.given import fulfilments_of, given_confirmed, given_product


@pytest.mark.parametrize("prices", ["net", "gross"])
@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_what_was_shipped_in_parts_is_charged_like_the_whole(
    suite: Suite, tenant: TenantFacts, orders: httpx.AsyncClient, prices: str, seed: int
):
    dice = Random(seed)
    lines = []
    for n in range(4):
        price = f"{dice.randint(0, 20)}.{dice.randint(0, 99):02d}"
        product = await given_product(orders, price=price, stock=100 if n else None, tracked=n > 0)
        quantity = f"{dice.randint(2, 9)}.{dice.choice(['0', '25', '5'])}"
        code = dice.choice(["standard", "reduced", "zero"])
        discount = str(dice.choice([0, 5, 33]))
        lines.append(
            {"sku": product["sku"], "quantity": quantity, "tax_code": code, "discount_percent": discount}
        )
    order = await given_confirmed(orders, lines, prices=prices)

    while open_ones := await fulfilments_of(orders, order, state="open"):
        fulfilment = dice.choice(open_ones)
        part = dice.choice(fulfilment["lines"])
        quantity = min(Decimal(part["quantity"]), Decimal(dice.choice(["0.75", "1", "2.5"])))
        body = {"lines": [{"order_line_id": part["order_line_id"], "quantity": str(quantity)}]}
        answer = await orders.post(f"/v1/fulfilments/{fulfilment['id']}/ship", json=body)
        assert answer.status_code == 200, answer.text

    facts = [
        orjson.loads(f["envelope"])["data"]
        for f in await suite.outbox("orders", tenant.id)
        if f["type"] == "orders.fulfilment.shipped.v1"
    ]
    assert len(facts) > 4
    for figure in ("net", "tax", "gross"):
        assert summed(facts, figure) == Decimal(order["totals"][figure]["amount"])
    for line in order["lines"]:
        parts = [p for fact in facts for p in fact["lines"] if p["line_id"] == line["id"]]
        for figure in (prices, "discount"):  # what the price fixes; the cents of tax belong to the whole rate
            assert summed(parts, figure) == Decimal(line[figure]["amount"])
    for fact in facts:
        for group in fact["tax_breakdown"]:
            base, tax = Decimal(group["base"]["amount"]), Decimal(group["tax"]["amount"])
            assert abs(tax - base * Decimal(group["rate"]) / 100) <= Decimal("0.01")
        assert summed(fact["tax_breakdown"], "base") == Decimal(fact["net"]["amount"])
        assert summed(fact["tax_breakdown"], "tax") == Decimal(fact["tax"]["amount"])
        assert Decimal(fact["net"]["amount"]) + Decimal(fact["tax"]["amount"]) == Decimal(
            fact["gross"]["amount"]
        )


@pytest.mark.parametrize(
    ("count", "price", "code", "first", "figures"),
    [
        (10, "1.02", "standard", 4, [("4.08", "0.82"), ("6.12", "1.22")]),
        (40, "0.10", "reduced", 20, [("2.00", "0.10"), ("2.00", "0.10")]),
        (2, "4.02", "standard", 1, [("4.02", "0.80"), ("4.02", "0.81")]),
    ],
)
async def test_a_partial_shipment_states_its_rate_on_its_own_base(
    suite: Suite, tenant: TenantFacts, orders: httpx.AsyncClient,
    count: int, price: str, code: str, first: int, figures: list[tuple[str, str]],
):  # fmt: skip
    product = await given_product(orders, price=price, tracked=False)
    order = await given_confirmed(orders, [{"sku": product["sku"], "quantity": 1, "tax_code": code}] * count)
    (fulfilment,) = await fulfilments_of(orders, order, state="open")
    chosen = [{"order_line_id": x["order_line_id"], "quantity": 1} for x in fulfilment["lines"][:first]]

    await orders.post(f"/v1/fulfilments/{fulfilment['id']}/ship", json={"lines": chosen})
    (rest,) = await fulfilments_of(orders, order, state="open")
    await orders.post(f"/v1/fulfilments/{rest['id']}/ship")

    facts = [
        orjson.loads(f["envelope"])["data"]
        for f in await suite.outbox("orders", tenant.id)
        if f["type"] == "orders.fulfilment.shipped.v1"
    ]
    assert [(fact["net"]["amount"], fact["tax"]["amount"]) for fact in facts] == figures


def summed(rows: list[dict[str, Any]], figure: str) -> Decimal:
    return sum((Decimal(row[figure]["amount"]) for row in rows), Decimal(0))
