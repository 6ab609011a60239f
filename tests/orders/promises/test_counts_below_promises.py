"""A count finds less than is promised: it is noted, the youngest promises go, and come back when goods do."""

import itertools
from typing import Any

import httpx
import orjson
import pytest

from services.orders.promises import queries, rules
from shared.context.ctx import TenantFacts
from tests.kit.suite import Suite
from tests.orders.given import (
    fulfilments_of,
    given_confirmed,
    given_product,
    given_stock,
    given_warehouse,
    stock_of,
)
from tests.orders.promises.dying_connection import Dying
from tests.orders.promises.promise_state import assert_clean
from tests.orders.waiting import filled


async def counted(
    orders: httpx.AsyncClient, sku: str, found: int | str, *, warehouse: str = "MAIN"
) -> dict[str, Any]:
    expected = (await stock_of(orders, sku, warehouse=warehouse))["on_hand"]
    body = {"sku": sku, "warehouse": warehouse, "set_to": found, "expected": expected, "reason": "stock take"}
    answer = await orders.post("/v1/stock-adjustments", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def accounts(orders: httpx.AsyncClient, *found: dict[str, Any]) -> list[tuple[str, str]]:
    lines = [(await orders.get(f"/v1/orders/{order['id']}")).json()["lines"][0] for order in found]
    return [(line["reserved"], line["backordered"]) for line in lines]


async def told(suite: Suite, tenant: TenantFacts) -> list[tuple[str, str, str]]:
    """What was told of lines that wait again: order, quantity, reason."""
    facts = [
        orjson.loads(f["envelope"])["data"]
        for f in await suite.outbox("orders", tenant.id)
        if f["type"] == "orders.line.backordered.v1"
    ]
    return [(f["number"], f["quantity"], f["reason"]) for f in facts]


async def timeline(
    orders: httpx.AsyncClient, kind: str, thing: dict[str, Any]
) -> list[tuple[str, str | None]]:
    found = (await orders.get(f"/v1/{kind}/{thing['id']}/timeline")).json()["items"]
    return [(entry["verb"], entry["why"]) for entry in found]


async def test_the_youngest_promises_are_taken_back_and_come_back_first_confirmed_first(
    suite: Suite, tenant: TenantFacts, orders: httpx.AsyncClient
):
    sku = (await given_product(orders, stock="10.5"))["sku"]
    first, second, third = [await given_confirmed(orders, {sku: 3}) for _ in range(3)]

    answer = await counted(orders, sku, "4.5")

    (line,) = second["lines"]
    assert [loss["order_number"] for loss in answer["lost"]] == [third["number"], second["number"]]
    assert answer["lost"][1] == {
        "order_id": second["id"], "order_number": second["number"], "line_id": line["id"], "sku": sku,
        "quantity": "1.5", "backordered": "1.5",
    }  # fmt: skip
    assert [answer[name] for name in ("delta", "on_hand", "reserved", "available", "short", "pending")] == [
        "-6", "4.5", "4.5", "0", "0", False,
    ]  # fmt: skip
    assert await accounts(orders, first, second, third) == [("3", "0"), ("1.5", "1.5"), ("0", "3")]
    assert await told(suite, tenant) == [
        (third["number"], "3", "stock take"),
        (second["number"], "1.5", "stock take"),
    ]
    assert (await stock_of(orders, sku))["backordered"] == "4.5"
    await assert_clean(suite, tenant, orders)
    await given_stock(orders, sku, 2)
    assert await accounts(orders, first, second, third) == [("3", "0"), ("3", "0"), ("0.5", "2.5")]
    await counted(orders, sku, 20)
    assert await accounts(orders, first, second, third) == [("3", "0")] * 3
    await assert_clean(suite, tenant, orders)


@pytest.mark.parametrize("form", ["delta", "count"])
async def test_a_fulfilment_that_loses_all_is_withdrawn_and_one_that_loses_some_goes_on(
    orders: httpx.AsyncClient, form: str
):
    sku, other = [(await given_product(orders, stock=9))["sku"] for _ in range(2)]
    older = await given_confirmed(orders, {sku: 3, other: 1})
    younger = await given_confirmed(orders, {sku: 6})
    (whole,) = await fulfilments_of(orders, younger)
    (partly,) = await fulfilments_of(orders, older)
    for fulfilment in (whole, partly):
        await orders.post(f"/v1/fulfilments/{fulfilment['id']}/release")

    body = {"delta": -8} if form == "delta" else {"set_to": 1, "expected": 9}
    await orders.post("/v1/stock-adjustments", json={"sku": sku, "reason": "water"} | body)

    gone, waits = await fulfilments_of(orders, younger)
    assert (gone["id"], gone["state"], waits["state"]) == (whole["id"], "cancelled", "backordered")
    assert (waits["lines"][0]["quantity"], waits["allowed_actions"]) == ("6", ["reserve"])
    stays, rest = await fulfilments_of(orders, older)
    assert (stays["id"], stays["state"], rest["state"]) == (partly["id"], "released", "backordered")
    assert sorted(p["quantity"] for p in stays["lines"]) == ["1", "1"]
    assert [p["quantity"] for p in rest["lines"]] == ["2"]
    assert stays["version"] > partly["version"] + 1
    assert ("withdraw", "water") in await timeline(orders, "fulfilments", gone)
    assert ("backorder", "water") in await timeline(orders, "fulfilments", stays)
    for order in (older, younger):
        assert ("backorder", "water") in await timeline(orders, "orders", order)
    assert (await orders.post(f"/v1/fulfilments/{stays['id']}/ship")).status_code == 200


async def test_what_is_in_somebodys_hands_keeps_its_promise_and_the_shortage_is_said(
    suite: Suite, tenant: TenantFacts, orders: httpx.AsyncClient
):
    sku = (await given_product(orders, stock=9))["sku"]
    older, younger = [await given_confirmed(orders, {sku: n}) for n in (4, 5)]
    (picked,) = await fulfilments_of(orders, younger)
    for verb in ("release", "pick"):
        await orders.post(f"/v1/fulfilments/{picked['id']}/{verb}")

    answer = await counted(orders, sku, 2)

    assert [(loss["order_number"], loss["quantity"]) for loss in answer["lost"]] == [(older["number"], "4")]
    assert (answer["reserved"], answer["available"], answer["short"]) == ("5", "-3", "3")
    assert (await stock_of(orders, sku))["short"] == "3"
    assert await accounts(orders, older, younger) == [("0", "4"), ("5", "0")]
    await assert_clean(suite, tenant, orders)
    refused = await orders.post(f"/v1/fulfilments/{picked['id']}/ship")
    assert (refused.status_code, refused.json()["code"]) == (409, "not_on_hand")
    assert refused.json()["lines"] == [{"sku": sku, "requested": "5", "on_hand": "2"}]
    part = {"order_line_id": younger["lines"][0]["id"], "quantity": 2}
    shipped = await orders.post(f"/v1/fulfilments/{picked['id']}/ship", json={"lines": [part]})
    assert shipped.status_code == 200, shipped.text
    await filled(suite, tenant)
    assert await accounts(orders, older, younger) == [("0", "4"), ("0", "3")]
    await assert_clean(suite, tenant, orders)
    await given_stock(orders, sku, 5)
    assert await accounts(orders, older, younger) == [("4", "0"), ("1", "2")]
    await assert_clean(suite, tenant, orders)


async def test_what_is_found_again_is_owed_to_hands_first_and_then_to_who_waits(
    suite: Suite, tenant: TenantFacts, orders: httpx.AsyncClient
):
    sku = (await given_product(orders, stock=3))["sku"]
    order = await given_confirmed(orders, {sku: 3})
    late = await given_confirmed(orders, {sku: 1}, backorder="allow")
    (picked,) = await fulfilments_of(orders, order)
    for verb in ("release", "pick", "pack"):
        await orders.post(f"/v1/fulfilments/{picked['id']}/{verb}")
    await counted(orders, sku, 0)

    answers = [await counted(orders, sku, found) for found in (1, 3, 4)]

    assert [(a["short"], a["reserved"]) for a in answers] == [("2", "3"), ("0", "3"), ("0", "4")]
    assert await accounts(orders, order, late) == [("3", "0"), ("1", "0")]
    assert (await orders.post(f"/v1/fulfilments/{picked['id']}/ship")).status_code == 200
    await assert_clean(suite, tenant, orders)


async def test_a_cancelled_pick_of_what_was_not_found_frees_only_what_is_there(
    suite: Suite, tenant: TenantFacts, orders: httpx.AsyncClient
):
    sku = (await given_product(orders, stock=5))["sku"]
    order = await given_confirmed(orders, {sku: 5})
    (picked,) = await fulfilments_of(orders, order)
    for verb in ("release", "pick"):
        await orders.post(f"/v1/fulfilments/{picked['id']}/{verb}")
    await counted(orders, sku, 3)

    await orders.post(f"/v1/fulfilments/{picked['id']}/cancel", json={"reason": "not found"})

    assert await accounts(orders, order) == [("3", "2")]
    assert await told(suite, tenant) == [(order["number"], "2", "not found")]
    now = await assert_clean(suite, tenant, orders)
    assert set(now.short.values()) == {0}


async def test_another_warehouse_takes_over_what_it_can(
    suite: Suite, tenant: TenantFacts, orders: httpx.AsyncClient
):
    await given_warehouse(orders, "NORTH")
    sku = (await given_product(orders, stock=6))["sku"]
    older, younger = [await given_confirmed(orders, {sku: 3}) for _ in range(2)]
    await given_stock(orders, sku, 4, warehouse="NORTH")

    answer = await counted(orders, sku, 0)

    assert [(loss["order_number"], loss["quantity"], loss["backordered"]) for loss in answer["lost"]] == [
        (younger["number"], "3", "2"),
        (older["number"], "3", "0"),
    ]
    assert await accounts(orders, older, younger) == [("3", "0"), ("1", "2")]
    assert await told(suite, tenant) == [(younger["number"], "2", "stock take")]
    north = (await stock_of(orders, sku, warehouse="NORTH"))["warehouse_id"]
    opened = [f for f in await fulfilments_of(orders, older) if f["state"] == "open"]
    assert [(f["warehouse_id"], f["lines"][0]["quantity"]) for f in opened] == [(north, "3")]
    await assert_clean(suite, tenant, orders)


async def test_more_than_one_transaction_looks_at_follows_in_the_next(
    suite: Suite, tenant: TenantFacts, orders: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
):
    for module in (rules, queries):
        monkeypatch.setattr(module, "AT_ONCE", 2)
    sku = (await given_product(orders, stock=9))["sku"]
    taken = [await given_confirmed(orders, {sku: 1}) for _ in range(9)]

    answer = await counted(orders, sku, 2)
    refused = await orders.post(
        "/v1/orders",
        json={
            "customer_id": taken[0]["customer_id"],
            "lines": [{"sku": sku, "quantity": 1}],
            "confirm": True,
        },
    )
    await filled(suite, tenant)

    assert ([loss["order_number"] for loss in answer["lost"]], answer["pending"]) == (
        [taken[8]["number"], taken[7]["number"]],
        True,
    )
    assert (refused.status_code, refused.json()["code"]) == (409, "insufficient_stock")
    assert await accounts(orders, *taken) == [("1", "0")] * 2 + [("0", "1")] * 7
    assert [number for number, _, _ in await told(suite, tenant)] == [o["number"] for o in taken[:1:-1]]
    assert {reason for _, _, reason in await told(suite, tenant)} == {"stock take"}
    await given_stock(orders, sku, 6)
    await filled(suite, tenant)
    assert await accounts(orders, *taken) == [("1", "0")] * 8 + [("0", "1")]
    await assert_clean(suite, tenant, orders)


async def test_less_than_nothing_cannot_lie_there(orders: httpx.AsyncClient):
    sku = (await given_product(orders, stock=5))["sku"]
    await given_confirmed(orders, {sku: 5})

    refused = await orders.post("/v1/stock-adjustments", json={"sku": sku, "delta": -6, "reason": "theft"})

    assert (refused.status_code, refused.json()["code"], refused.json()["available"]) == (
        409,
        "insufficient_stock",
        "5",
    )
    assert (await stock_of(orders, sku))["reserved"] == "5"


async def test_a_count_that_dies_at_any_step_is_noted_wholly_or_not_at_all(
    suite: Suite, tenant: TenantFacts, orders: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
):
    sku = (await given_product(orders, stock=6))["sku"]
    taken = [await given_confirmed(orders, {sku: 2}) for _ in range(3)]
    body = {"sku": sku, "set_to": 1, "expected": 6, "reason": "stock take"}
    ledger = (await orders.get("/v1/stock-adjustments")).json()
    dying = Dying(suite, tenant, monkeypatch)

    for step in itertools.count(1):
        with dying.before(step) as died:
            answer = await orders.post("/v1/stock-adjustments", json=body, headers={"idempotency-key": "one"})
        if not died():
            break
        assert answer.status_code == 503, answer.text
        assert await accounts(orders, *taken) == [("2", "0")] * 3
        assert (await orders.get("/v1/stock-adjustments")).json() == ledger
        await assert_clean(suite, tenant, orders)

    assert step > 8
    assert answer.status_code == 201, answer.text
    assert await accounts(orders, *taken) == [("1", "1"), ("0", "2"), ("0", "2")]
    assert len(await told(suite, tenant)) == 3
    await assert_clean(suite, tenant, orders)
