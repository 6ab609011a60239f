"""Random lives of promises: orders, partial shipments, cancellations, counts and deliveries in two warehouses.

Each run is a tenant of its own against the real database. After every step promises are what is reserved, nobody waits
beside free stock, nobody was overtaken, and where a count found less the youngest lost.
"""

from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.context.ctx import TenantFacts
from tests.kit.suite import Suite
from tests.orders.given import fulfilments_of, given_customer, given_product, given_stock, given_warehouse
from tests.orders.promises.promise_state import (
    Promises,
    assert_at_rest,
    assert_clean,
    assert_in_turn,
    promises_of,
)

SKUS, PLACES = ("TEA", "CUP"), ("MAIN", "NORTH")
places, skus = st.sampled_from(PLACES), st.sampled_from(SKUS)
quantities = st.sampled_from(["1", "2", "0.5", "3", "7"])
picks = st.integers(0, 1_000)
orders_of = st.lists(st.tuples(st.sampled_from(SKUS), quantities), min_size=1, max_size=3)
steps = st.one_of(
    st.tuples(st.just("take"), orders_of, st.sampled_from(["allow", "allow", "reject"])),
    st.tuples(st.just("take"), orders_of, st.sampled_from(["allow", "allow", "reject"])),
    st.tuples(st.just("count"), skus, places, st.sampled_from(["0", "1", "2.5", "6"])),
    st.tuples(st.just("adjust"), skus, places, st.sampled_from(["-2", "1", "4.5"])),
    st.tuples(st.just("handle"), picks, st.sampled_from(["release", "release", "pick", "pack", "ship"]), st.booleans()),
    st.tuples(st.just("handle"), picks, st.sampled_from(["cancel", "reserve", "ship"]), st.booleans()),
    st.tuples(st.just("cancel"), picks),
    st.tuples(st.just("hold"), picks),
)  # fmt: skip


class Desk:
    """The steps, done through the API; each must be done or refused by a rule."""

    def __init__(self, suite: Suite, tenant: TenantFacts) -> None:
        self.suite, self.tenant = suite, tenant
        self.api = suite.client("orders", tenant)
        self.orders: list[dict[str, Any]] = []

    async def open(self) -> None:
        await given_warehouse(self.api, "NORTH")
        self.customer = await given_customer(self.api)
        for sku in SKUS:
            await given_product(self.api, sku, stock=6)
            await given_stock(self.api, sku, 4, warehouse="NORTH")

    async def post(self, path: str, body: Any = None, *, refusals: tuple[str, ...] = ()) -> Any:
        answer = await self.api.post(path, json=body)
        assert not answer.is_error or answer.json()["code"] in refusals, answer.text
        return None if answer.is_error else answer.json()

    async def take(self, lines: list[tuple[str, str]], backorder: str) -> None:
        body = {
            "customer_id": self.customer["id"],
            "lines": [{"sku": sku, "quantity": quantity} for sku, quantity in lines],
            "backorder": backorder,
            "confirm": True,
        }
        order = await self.post("/v1/orders", body, refusals=("insufficient_stock",))
        if order is not None:
            self.orders.append(order)

    async def count(self, sku: str, place: str, found: str) -> None:
        (row,) = (await self.api.get("/v1/stock", params={"sku": sku, "warehouse": place})).json()["items"]
        if row["on_hand"] != found:
            body = {
                "sku": sku,
                "warehouse": place,
                "set_to": found,
                "expected": row["on_hand"],
                "reason": "count",
            }
            await self.adjusted(body)

    async def adjust(self, sku: str, place: str, delta: str) -> None:
        body = {"sku": sku, "warehouse": place, "delta": delta, "reason": "found or broken"}
        await self.adjusted(body)

    async def adjusted(self, body: dict[str, Any]) -> None:
        before = await promises_of(self.suite, self.tenant)
        answer = await self.post("/v1/stock-adjustments", body, refusals=("insufficient_stock",))
        if answer is None:
            return
        assert answer["pending"] is False
        now = await promises_of(self.suite, self.tenant)
        told = {loss["line_id"]: Decimal(loss["backordered"]) for loss in answer["lost"]}
        waits = {str(i): now.waiting[i] - before.waiting[i] for i in now.waiting}
        assert {i: q for i, q in told.items() if q} == {i: q for i, q in waits.items() if q > 0}

    async def handle(self, pick: int, verb: str, some: bool) -> None:
        if not self.orders:
            return
        found = await fulfilments_of(self.api, self.orders[pick % len(self.orders)])
        fulfilment = found[pick % len(found)]
        body = None
        if verb == "ship" and some and fulfilment["lines"]:
            part = fulfilment["lines"][pick % len(fulfilment["lines"])]
            body = {"lines": [{"order_line_id": part["order_line_id"], "quantity": "0.5"}]}
        refusals = ("illegal_transition", "order_on_hold", "insufficient_stock", "not_on_hand")
        await self.post(f"/v1/fulfilments/{fulfilment['id']}/{verb}", body, refusals=refusals)

    async def cancel(self, pick: int) -> None:
        if self.orders:
            order = self.orders[pick % len(self.orders)]
            await self.post(f"/v1/orders/{order['id']}/cancel", refusals=("illegal_transition",))

    async def hold(self, pick: int) -> None:
        if not self.orders:
            return
        order = (await self.api.get(f"/v1/orders/{self.orders[pick % len(self.orders)]['id']}")).json()
        holds = order["holds"]
        if holds:
            await self.post(f"/v1/orders/{order['id']}/holds/{holds[0]['id']}/release")
        else:
            await self.post(
                f"/v1/orders/{order['id']}/holds", {"reason": "check"}, refusals=("illegal_transition",)
            )

    async def looked_at(self, before: Promises) -> Promises:
        """What is true after each step; what stays behind of a short place is shared out a moment later."""
        now = await promises_of(self.suite, self.tenant)
        assert_in_turn(before, now)
        await self.suite["orders"].scheduler.run_due()
        now = await promises_of(self.suite, self.tenant)
        assert_at_rest(now)
        return now


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(life=st.lists(steps, min_size=8, max_size=30))
async def test_promises_keep_to_goods_and_turns(suite: Suite, life: list[tuple[Any, ...]]):
    desk = Desk(suite, await suite.new_tenant())
    await desk.open()

    now = await promises_of(suite, desk.tenant)
    for verb, *facts in life:
        await getattr(desk, verb)(*facts)
        now = await desk.looked_at(now)

    await assert_clean(suite, desk.tenant, desk.api)
