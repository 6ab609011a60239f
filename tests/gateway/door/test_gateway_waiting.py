"""Prefer: wait through the gateway: in process, over HTTP, and never at the cost of others."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from uuid import uuid4

import httpx
from prometheus_client import REGISTRY
from test_gateway_served import served

from gateway.app import build_gateway
from gateway.door.inbound import WAIT_SECONDS
from gateway.upstream.http import HttpUpstream
from gateway.upstream.pool import PoolLimits
from gateway.upstream.table import upstream_at
from tests.gateway.world import Caller, World, settings
from tests.kit.suite import eventually

GBP = {"amount": "6.40", "currency": "GBP"}


def invoices(of: object, seconds: int) -> dict[str, object]:
    """The question that may be held back."""
    return {
        "url": "/v1/invoices", "params": {"order_id": str(of)}, "headers": {"prefer": f"wait={seconds}"},
    }  # fmt: skip


def applied(answer: httpx.Response) -> tuple[int, str | None]:
    return answer.status_code, answer.headers.get("preference-applied")


async def test_the_wish_reaches_the_service_and_what_came_of_it_the_client(world: World, acme: Caller):
    echoed = await acme.http.get("/v1/echoes", headers={"prefer": "wait=1"})
    answer = await acme.http.get(**invoices(uuid4(), 1))

    assert ["prefer", "wait=1"] in echoed.json()["headers"]
    assert (applied(answer), answer.json()["items"]) == ((200, "wait=1"), [])


async def test_who_ships_asks_once_and_has_the_invoice(world: World, acme: Caller):
    for path, body in (
        ("/v1/products", {"sku": "TEA", "name": "Assam", "unit_price": GBP}),
        ("/v1/stock-adjustments", {"sku": "TEA", "delta": 10, "reason": "Opening stock"}),
    ):
        assert (await acme.http.post(path, json=body)).status_code < 300
    customer = (await acme.http.post("/v1/customers", json={"name": "The Corner Café"})).json()
    wish = {"customer_id": customer["id"], "confirm": True, "lines": [{"sku": "TEA", "quantity": 3}]}
    order = (await acme.http.post("/v1/orders", json=wish)).json()
    waits = asyncio.create_task(acme.http.get(**invoices(order["id"], 10)))
    work = (await acme.http.get("/v1/fulfilments", params={"order_id": order["id"]})).json()["items"]
    shipped = await acme.http.post(f"/v1/fulfilments/{work[0]['id']}/ship", json={"parcels": []})

    answer = await asyncio.wait_for(waits, 9)

    assert shipped.status_code == 200, shipped.text
    assert applied(answer) == (200, "wait=10")
    assert [i["source_refs"]["order_id"] for i in answer.json()["items"]] == [order["id"]]


@asynccontextmanager
async def over_http(
    world: World, acme: Caller, head_timeout: float = 15.0, **limits: int
) -> AsyncIterator[tuple[httpx.AsyncClient, HttpUpstream]]:
    """A caller of a gateway behind a socket, with billing behind another."""
    async with served(world.services["billing"].app) as billing_url:
        billing = HttpUpstream(billing_url, limits=PoolLimits(**limits), head_timeout=head_timeout)
        gateway = build_gateway(
            {**world.switches, "billing": billing}, dsn=world.url, settings=settings(app_pool_size=3),
            transport=world.transport, data_dir=world.data_dir,
        )  # fmt: skip
        await gateway.start()
        headers = {"authorization": acme.http.headers["authorization"]}
        try:
            async with (
                served(gateway.asgi) as url,
                httpx.AsyncClient(base_url=url, headers=headers, timeout=20) as http,
            ):
                yield http, billing
        finally:
            await gateway.stop()
            await billing.aclose(1.0)


async def test_over_http_the_wish_is_granted_on_a_new_and_on_a_resting_connection(world: World, acme: Caller):
    orders = [uuid4(), uuid4()]
    async with over_http(world, acme) as (http, billing):
        answers = [await http.get(**invoices(order, 1)) for order in orders]
        assert billing.stats().active == 0
        assert not billing.stats().breaker_open

    assert [applied(a) for a in answers] == [(200, "wait=1")] * 2


async def test_who_waits_takes_at_most_half_of_the_connections(world: World, acme: Caller):
    waiting = world.services["billing"].waiting
    async with over_http(world, acme, connections=4, waiters=0) as (http, billing):

        async def wait(count: int) -> bool:
            return len(waiting) == count

        waits = []
        for count in (1, 2):
            waits.append(asyncio.create_task(http.get(**invoices(uuid4(), 2))))
            await eventually(partial(wait, count))

        at_once = [await asyncio.wait_for(http.get(**invoices(uuid4(), 10)), 1) for _ in range(3)]
        others = await asyncio.gather(*(http.get("/v1/accounts") for _ in range(2)))
        waited = await asyncio.gather(*waits)

        assert [applied(a) for a in at_once] == [(200, None)] * 3
        assert [a.status_code for a in others] == [200, 200]
        assert [applied(a) for a in waited] == [(200, "wait=2")] * 2
        assert billing.stats().active == 0


def test_waiting_is_possible_unless_settings_say_otherwise():
    billing = upstream_at("http://billing:8000", settings())

    assert billing.lets_wait(WAIT_SECONDS, "a tenant")


async def test_nobody_waits_longer_than_the_gateway_would(world: World, acme: Caller):
    async with over_http(world, acme, head_timeout=3.0) as (http, _):
        answer = await asyncio.wait_for(http.get(**invoices(uuid4(), 10)), 2)

    assert applied(answer) == (200, None)


async def test_a_caller_that_leaves_frees_the_connection_at_once_and_the_wait_ends_in_time(
    world: World, acme: Caller
):
    waiting = world.services["billing"].waiting
    async with over_http(world, acme) as (http, billing):

        async def wait(count: int) -> bool:
            return len(waiting) == count

        async def free() -> bool:
            return billing.stats().active == 0

        waits = asyncio.create_task(http.get(**invoices(uuid4(), 2)))
        await eventually(partial(wait, 1))
        waits.cancel()
        await eventually(free, within=1)
        await eventually(partial(wait, 0), within=3)


async def test_waiting_is_not_counted_as_slowness(world: World, acme: Caller):
    def counts() -> list[float]:
        return [
            REGISTRY.get_sample_value(
                "backoffice_request_seconds_count",
                {"service": service, "route": "/v1/invoices", "status": "2xx"},
            )
            or 0.0
            for service in ("edge", "edge_waiting", "billing", "billing_waiting")
        ]

    before = counts()

    await acme.http.get(**invoices(uuid4(), 1))
    await acme.http.get("/v1/invoices")

    assert [now - then for now, then in zip(counts(), before, strict=True)] == [1, 1, 1, 1]
