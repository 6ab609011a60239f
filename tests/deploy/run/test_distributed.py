"""The suite as processes of their own, two of each: one business, whoever of them lives."""

import asyncio
import itertools
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.deploy.company import a_company, client_of, operator_of, registered
from tests.deploy.databases import fresh_database
from tests.kit.deployment import Deployment, deployment
from tests.kit.suite import ROLE_SECRET, eventually
from tests.stories.steps import (
    a_customer,
    a_product,
    confirmed,
    everything_agrees,
    invoices_of,
    listed,
    money,
    order_now,
    order_taken,
    paid,
    payment_status_becomes,
    shipped,
)

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
async def suite(admin_url: str) -> AsyncIterator[Deployment]:
    async with fresh_database(admin_url) as url:
        settings = {"BACKOFFICE_UPSTREAM_BREAKER_SECONDS": "0.2", "BACKOFFICE_UPSTREAM_HEAD_SECONDS": "3"}
        async with deployment(url, role_secret=ROLE_SECRET, replicas=2, preloaded=True, **settings) as found:
            yield found


@pytest.fixture
async def company(suite: Deployment) -> AsyncIterator[httpx.AsyncClient]:
    async with a_company(suite.url) as http:
        yield http


async def test_an_order_is_shipped_in_parts_invoiced_and_paid(company: httpx.AsyncClient):
    customer = await a_customer(company)
    lamp = await a_product(company, "LAMP", "33.33", stock=10)
    order = await confirmed(company, await order_taken(company, customer, {lamp: 3}))

    await shipped(company, order, {lamp: 1})
    await invoices_of(company, order, 1)
    await shipped(company, order)
    first, second = await invoices_of(company, order, 2)
    await paid(company, customer, first["totals"]["gross"], (first, first["totals"]["gross"]))
    await payment_status_becomes(company, order, "part_paid")
    await paid(company, customer, second["totals"]["gross"], (second, second["totals"]["gross"]))
    await payment_status_becomes(company, order, "paid")

    assert (await order_now(company, order))["state"] == "completed"
    gross = Decimal(first["totals"]["gross"]["amount"]) + Decimal(second["totals"]["gross"]["amount"])
    assert money(gross) == order["totals"]["gross"]
    await everything_agrees(company, company)


class Traders:
    """Clerks who take and ship orders all the time, and repeat what was not answered under its key."""

    def __init__(self, company: httpx.AsyncClient, customer: str, sku: str) -> None:
        self._company = company
        self._customer = customer
        self._sku = sku
        self._numbers = itertools.count()
        self.shipped: list[dict[str, Any]] = []
        self.refusals: list[tuple[int, str]] = []
        self._closing = asyncio.Event()
        self._tasks = [asyncio.create_task(self._trade()) for _ in range(4)]

    async def _trade(self) -> None:
        while not self._closing.is_set():
            wish = {
                "customer_id": self._customer,
                "lines": [{"sku": self._sku, "quantity": 1}],
                "confirm": True,
            }
            order = await self._sure("POST", "/v1/orders", wish)
            (work,) = (await self._sure("GET", f"/v1/fulfilments?order_id={order['id']}"))["items"]
            await self._sure("POST", f"/v1/fulfilments/{work['id']}/ship", {})
            self.shipped.append(order)

    async def _sure(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        """Ask until it is answered; only "away" is no answer."""
        key = {"idempotency-key": f"k-{next(self._numbers)}"} if method == "POST" else {}
        while True:
            answer = await self._company.request(method, path, json=body, headers=key)
            if answer.status_code < 300:
                found: dict[str, Any] = answer.json()
                return found
            assert answer.status_code == 503, (method, path, answer.status_code, answer.text)
            assert int(answer.headers["retry-after"]) >= 1
            self.refusals.append((answer.status_code, answer.json()["code"]))
            await asyncio.sleep(0.05)

    async def have_shipped(self, count: int) -> None:
        async def so() -> bool:
            for task in self._tasks:
                if task.done():
                    task.result()
            return len(self.shipped) >= count

        await eventually(so, within=60)

    async def close(self) -> None:
        """Finish what is in hand."""
        self._closing.set()
        await asyncio.gather(*self._tasks)


@asynccontextmanager
async def trading(company: httpx.AsyncClient) -> AsyncIterator[Traders]:
    """Trade for the length of a block; afterwards each order must have its one invoice, and the books agree."""
    customer = await a_customer(company)
    lamp = await a_product(company, f"LAMP-{uuid4().hex[:6]}", "10.00", stock=100_000)
    traders = Traders(company, customer, lamp)
    try:
        yield traders
    finally:
        await traders.close()

    async def invoiced() -> bool:
        return len(await listed(company, "/v1/invoices")) >= len(traders.shipped)

    await eventually(invoiced, within=30, every=0.2)
    invoices = await listed(company, "/v1/invoices")
    by_order = {invoice["source_refs"]["order_id"] for invoice in invoices}
    assert len(invoices) == len(by_order) == len(traders.shipped)
    assert by_order == {order["id"] for order in traders.shipped}
    numbers = sorted(int(invoice["number"].rsplit("-", 1)[1]) for invoice in invoices)
    assert numbers == list(range(1, len(invoices) + 1))
    await everything_agrees(company, company)


async def test_when_a_worker_is_killed_its_replica_takes_over(suite: Deployment, company: httpx.AsyncClient):
    async with trading(company) as traders:
        await traders.have_shipped(10)
        for victim in ("orders-worker-1", "billing-worker-1"):
            suite[victim].kill()
        await traders.have_shipped(20)
        assert len(await _eventually_invoices(company, 18)) >= 18  # by those left
    for victim in ("orders-worker-1", "billing-worker-1"):
        await suite[victim].start()

    assert traders.refusals == []


async def _eventually_invoices(company: httpx.AsyncClient, count: int) -> list[dict[str, Any]]:
    async def enough() -> list[dict[str, Any]]:
        found = await listed(company, "/v1/invoices")
        return found if len(found) >= count else []

    return await eventually(enough, within=30, every=0.2)


async def test_each_process_is_replaced_under_load_and_ends_with_zero(
    suite: Deployment, company: httpx.AsyncClient
):
    async with trading(company) as traders:
        for names in (("orders-api-1", "billing-worker-2"), ("orders-api-2", "orders-worker-2")):
            before = len(traders.shipped)
            assert [await suite[name].stop() for name in names] == [0, 0]
            await traders.have_shipped(before + 2)
            await asyncio.gather(*(suite[name].start() for name in names))

    assert len(traders.refusals) < len(traders.shipped)


@pytest.fixture
def orders_away(suite: Deployment) -> Iterator[list[Any]]:
    """No API of orders answers."""
    victims = suite.named("orders-api")
    for process in victims:
        process.kill()
    yield victims
    for process in victims:
        if not process.alive:
            process.spawn()


async def test_a_service_that_is_away_is_told_so_and_found_again(
    suite: Deployment, company: httpx.AsyncClient, orders_away: list[Any]
):
    gone = await company.get("/v1/orders")
    other = await company.get("/v1/invoices")
    async with operator_of(suite.url) as operator:
        tenant = await registered(operator, name="Born too early")
        for process in orders_away:
            process.spawn()

        async def active() -> bool:
            return (await operator.get(f"/v1/tenants/{tenant['id']}")).json()["state"] == "active"

        await eventually(active, within=30)
        async with client_of(operator, tenant) as early:
            assert (await early.get("/v1/orders")).json()["items"] == []
    for process in orders_away:
        await process.ready()

    assert (gone.status_code, gone.json()["code"]) == (503, "service_unavailable")
    assert int(gone.headers["retry-after"]) >= 1
    assert gone.headers["content-type"] == "application/problem+json"
    assert other.status_code == 200
    assert tenant["state"] == "provisioning"
    assert (await company.get("/v1/orders")).status_code == 200


async def test_a_paused_service_is_given_up_at_the_deadline_and_goes_on_afterwards(
    suite: Deployment, company: httpx.AsyncClient
):
    for process in suite.named("billing-api"):
        process.signal(signal.SIGSTOP)
    try:
        late = await company.get("/v1/invoices", timeout=30)
    finally:
        for process in suite.named("billing-api"):
            process.signal(signal.SIGCONT)

    async def back() -> bool:
        return (await company.get("/v1/invoices")).status_code == 200

    await eventually(back)
    assert (late.status_code, late.json()["code"]) == (504, "upstream_timeout")


async def test_a_worker_answers_its_probes_and_nothing_else(suite: Deployment):
    async with httpx.AsyncClient(base_url=suite["orders-worker-1"].url, trust_env=False) as http:
        answers = {
            path: (await http.get(path)).status_code
            for path in ("/livez", "/readyz", "/metrics", "/openapi.json", "/v1/orders", "/internal/tenants")
        }
        metrics = (await http.get("/metrics")).text

    assert answers == {
        "/livez": 200, "/readyz": 200, "/metrics": 200,
        "/openapi.json": 404, "/v1/orders": 404, "/internal/tenants": 404,
    }  # fmt: skip
    assert "backoffice_events_published_total" in metrics


async def test_the_gateway_counts_its_connections(suite: Deployment, company: httpx.AsyncClient):
    await company.get("/v1/orders")

    metrics = (await company.get("/metrics")).text

    assert 'backoffice_gateway_upstream_connections{state="idle",upstream="orders"}' in metrics
    assert 'backoffice_gateway_upstream_breaker_open{upstream="billing"} 0.0' in metrics
