"""Shipments that come at once share a transaction: stock, ledger and facts say of each what it was."""

import asyncio
from collections import Counter
from decimal import Decimal

import httpx
import pytest

from shared.context.ctx import Actor, TenantFacts
from tests.kit.suite import Suite
from tests.orders.fulfilment.test_fulfilment_routes import given_open, order_now
from tests.orders.given import (
    facts_of,
    fulfilments_of,
    given_confirmed,
    given_customer,
    given_product,
    stock_of,
)

COUNT = 12


async def test_stock_ledger_and_facts_tell_each_shipment_apart(
    suite: Suite, tenant: TenantFacts, orders: httpx.AsyncClient
):
    sku, customer = (await given_product(orders, stock=100))["sku"], await given_customer(orders)
    made = [await given_confirmed(orders, {sku: n + 1}, customer_id=customer["id"]) for n in range(COUNT)]
    fulfilments = [(await fulfilments_of(orders, order))[0] for order in made]
    clerks = [suite.client("orders", tenant, actor=Actor(f"clerk {n}")) for n in range(COUNT)]

    answers = await asyncio.gather(
        *(c.post(f"/v1/fulfilments/{f['id']}/ship") for c, f in zip(clerks, fulfilments, strict=True))
    )

    assert [(a.status_code, a.json()["id"], a.json()["state"]) for a in answers] == [
        (200, fulfilment["id"], "shipped") for fulfilment in fulfilments
    ]
    left = 100 - sum(range(1, COUNT + 1))
    row = await stock_of(orders, sku)
    assert (row["on_hand"], row["reserved"]) == (str(left), "0")
    movements = (await orders.get("/v1/stock-adjustments", params={"sku": sku})).json()["items"][:COUNT]
    assert {(m["reference_id"], Decimal(m["delta"]), m["actor_id"]) for m in movements} == {
        (fulfilment["id"], Decimal(-n - 1), f"clerk {n}") for n, fulfilment in enumerate(fulfilments)
    }
    steps = [(Decimal(m["on_hand"]), Decimal(m["delta"])) for m in reversed(movements)]
    before = [Decimal(100), *(on_hand for on_hand, _ in steps)]
    assert [on_hand for on_hand, _ in steps] == [b + d for b, (_, d) in zip(before, steps, strict=False)]
    facts = await facts_of(suite, tenant, "fulfilment.shipped")
    assert {(f["fulfilment_id"], f["order_id"], f["lines"][0]["quantity"]) for f in facts} == {
        (f["id"], o["id"], str(n + 1)) for n, (o, f) in enumerate(zip(made, fulfilments, strict=True))
    }
    assert (await orders.get("/v1/stock-audit")).json()["differing"] == 0


async def test_what_has_too_many_lines_together_leaves_one_by_one(
    suite: Suite, tenant: TenantFacts, orders: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("shared.context.batch.MOST_LINES", 3)
    sku = (await given_product(orders, stock=100))["sku"]
    other = (await given_product(orders, stock=100))["sku"]
    made = [await given_confirmed(orders, {sku: 1, other: 1}) for _ in range(COUNT)]
    ids = [(await fulfilments_of(orders, order))[0]["id"] for order in made]

    answers = await asyncio.gather(*(orders.post(f"/v1/fulfilments/{each}/ship") for each in ids))

    assert [a.json()["state"] for a in answers] == ["shipped"] * COUNT
    assert len(await facts_of(suite, tenant, "fulfilment.shipped")) == COUNT
    assert (await orders.get("/v1/stock-audit")).json()["differing"] == 0


async def test_one_fulfilment_shipped_many_times_at_once_leaves_once(
    suite: Suite, tenant: TenantFacts, orders: httpx.AsyncClient
):
    order, fulfilment = await given_open(orders, 3)
    other_order, other = await given_open(orders, 5)
    ids = [fulfilment["id"], other["id"]] * COUNT

    answers = await asyncio.gather(*(orders.post(f"/v1/fulfilments/{each}/ship") for each in ids))

    assert Counter(a.status_code for a in answers) == {200: 2, 409: 2 * COUNT - 2}
    assert len(await facts_of(suite, tenant, "fulfilment.shipped")) == 2
    assert {(await order_now(orders, each))["state"] for each in (order, other_order)} == {"completed"}
    assert (await orders.get("/v1/stock-audit")).json()["differing"] == 0


async def test_two_fulfilments_of_one_order_leave_together_and_complete_it_once(
    suite: Suite, tenant: TenantFacts, orders: httpx.AsyncClient
):
    sku = (await given_product(orders, stock=100))["sku"]
    order = await given_confirmed(orders, {sku: 10})
    (first,) = await fulfilments_of(orders, order)
    line = first["lines"][0]["order_line_id"]
    part = {"lines": [{"order_line_id": line, "quantity": 4}]}
    assert (await orders.post(f"/v1/fulfilments/{first['id']}/ship", json=part)).status_code == 200
    (rest,) = [f for f in await fulfilments_of(orders, order) if f["state"] == "open"]
    part = {"lines": [{"order_line_id": line, "quantity": 1}]}
    assert (await orders.post(f"/v1/fulfilments/{rest['id']}/ship", json=part)).status_code == 200
    (left,) = [f for f in await fulfilments_of(orders, order) if f["state"] == "open"]
    others = [(await given_open(orders, 1))[1] for _ in range(COUNT)]

    answers = await asyncio.gather(
        *(orders.post(f"/v1/fulfilments/{f['id']}/ship") for f in (*others, left, {"id": rest["id"]}))
    )

    assert [a.status_code for a in answers] == [200] * (COUNT + 1) + [409]
    now = await order_now(orders, order)
    assert (now["state"], now["lines"][0]["shipped"]) == ("completed", "10")
    completed = await facts_of(suite, tenant, "order.completed")
    assert [fact["order_id"] for fact in completed].count(order["id"]) == 1


async def test_a_fulfilment_that_is_not_there_is_nobody_elses_trouble(orders: httpx.AsyncClient):
    opened = [(await given_open(orders, 1))[1]["id"] for _ in range(COUNT)]
    missing = opened[0][:-4] + "ffff"

    answers = await asyncio.gather(*(orders.post(f"/v1/fulfilments/{i}/ship") for i in (*opened, missing)))

    assert [a.status_code for a in answers] == [200] * COUNT + [404]
