"""One tenant asks for as much as it can; another one is served meanwhile."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest

from tests.attacks.bystander import Company, Target, under_way
from tests.kit.suite import eventually
from tests.stories.steps import made, money

REFUSED = 429


@pytest.fixture
async def attacker(target: Target) -> Company:
    return await target.company(name="Mallory", legal_name="Mallory Ltd")


@pytest.fixture
async def bystander(target: Target) -> Company:
    return await target.company()


class Burst:
    """Many requests of one company at the same moment, each on a connection of its own; counts what came back."""

    def __init__(self, company: Company, count: int) -> None:
        self._company, self._count = company, count
        self.answers: list[httpx.Response] = []

    async def send(self, ask: Callable[[httpx.AsyncClient, int], Awaitable[httpx.Response]]) -> Counter[int]:
        """Send all; returns how often each status was answered."""
        async with httpx.AsyncClient(
            base_url=self._company.http.base_url,
            headers=self._company.http.headers,
            limits=httpx.Limits(max_connections=self._count),
            timeout=60,
            trust_env=False,
        ) as http:

            async def one(number: int) -> None:
                self.answers.append(await ask(http, number))

            await asyncio.gather(*(one(number) for number in range(self._count)))
        return Counter(answer.status_code for answer in self.answers)

    async def answered(self, count: int) -> bool:
        """Whether so many have been."""
        return len(self.answers) >= count


async def works_as_ever(company: Company) -> None:
    """It reads and writes in both services, and asks for a document."""
    await company.is_served(times=10)
    customer = await made(company.http, "/v1/customers", {"name": "The Corner Café"})
    await company.is_served(times=5, path="/v1/invoices?limit=5")
    invoice = await made(company.http, "/v1/invoices", draft(1) | {"customer_id": customer["id"]})
    paper = await company.http.get(f"/v1/invoices/{invoice['id']}/pdf")
    assert (paper.status_code, paper.content[:5]) == (200, b"%PDF-"), paper.text


def draft(lines: int) -> dict[str, Any]:
    each = {"quantity": "1", "unit_price": money("9.99"), "tax_code": "standard"}
    return {
        "customer_id": str(uuid4()),
        "customer": {"name": "Jane Buyer"},
        "lines": [{"description": f"Desk lamp {n}"} | each for n in range(lines)],
    }


async def test_forty_documents_at_once_are_their_own_tenants_queue(
    target: Target, attacker: Company, bystander: Company
):
    invoice = await made(attacker.http, "/v1/invoices", draft(200))
    burst = Burst(attacker, 40)
    papers = burst.send(lambda http, _: http.get(f"/v1/invoices/{invoice['id']}/pdf"))

    async with under_way(papers, begun=eventually(lambda: burst.answered(1))) as attack:
        await works_as_ever(bystander)
        assert attack.runs()
        came = await attack.ends()

    assert came.keys() <= {200, REFUSED}
    assert all(a.json()["code"] == "too_many_at_once" for a in burst.answers if a.status_code == REFUSED)
    assert all(a.content.startswith(b"%PDF-") for a in burst.answers if a.status_code == 200)


@asynccontextmanager
async def customers_locked(target: Target, company: Company) -> AsyncIterator[None]:
    """Whatever changes a customer of the company waits, until the block ends or the service gives up."""
    sql = await asyncpg.connect(target.suite["gateway-1"].environment["BACKOFFICE_DATABASE_URL"])
    try:
        async with sql.transaction():
            await sql.execute("select from orders.customers where tenant_id = $1 for update", company.id)
            yield
    finally:
        await sql.close()


async def test_five_hundred_slow_requests_are_their_own_tenants_queue(
    target: Target, attacker: Company, bystander: Company
):
    customer = await made(attacker.http, "/v1/customers", {"name": "Slow"})
    burst = Burst(attacker, 500)

    def change(http: httpx.AsyncClient, number: int) -> Awaitable[httpx.Response]:
        return http.patch(
            f"/v1/customers/{customer['id']}", json={"name": f"Slow {number}"}, headers={"if-match": "1"}
        )

    async with under_way(burst.send(change), begun=asyncio.sleep(0)) as attack:
        async with customers_locked(target, attacker):
            await works_as_ever(bystander)
            assert attack.runs()
        came = await attack.ends()

    assert came[200] <= 1
    assert came.keys() <= {200, 409, 412, REFUSED}
    await attacker.is_served(times=1)


async def test_three_hundred_who_wait_leave_room_for_another_wait(attacker: Company, bystander: Company):
    product = {"sku": "TEA", "name": "Assam", "unit_price": money("6.40"), "tracked": False}
    await made(bystander.http, "/v1/products", product)
    customer = await made(bystander.http, "/v1/customers", {"name": "The Corner Café"})
    wish = {"customer_id": customer["id"], "confirm": True, "lines": [{"sku": "TEA", "quantity": 3}]}
    order = await made(bystander.http, "/v1/orders", wish)
    burst = Burst(attacker, 300)

    def wait(http: httpx.AsyncClient, _: int) -> Awaitable[httpx.Response]:
        return http.get("/v1/invoices", params={"order_id": str(uuid4())}, headers={"prefer": "wait=10"})

    # More than half of all places is no tenant's: so many are answered at once, and all others wait by then.
    async with under_way(burst.send(wait), begun=eventually(lambda: burst.answered(300 - 128))) as attack:
        waits = asyncio.create_task(
            bystander.http.get(
                "/v1/invoices", params={"order_id": order["id"]}, headers={"prefer": "wait=10"}
            )
        )
        await made(bystander.http, f"/v1/fulfilments/{order['fulfilments'][0]['id']}/ship", {"parcels": []})
        answer = await waits
        assert attack.runs()
        came = await attack.ends()

    assert answer.headers["preference-applied"] == "wait=10"
    assert [i["source_refs"]["order_id"] for i in answer.json()["items"]] == [order["id"]]
    assert came.keys() <= {200, REFUSED}
    assert 0 < sum("preference-applied" in a.headers for a in burst.answers) <= 128


async def test_dozens_of_large_orders_are_their_own_tenants_queue(attacker: Company, bystander: Company):
    for company in (attacker, bystander):
        product = {"sku": "TEA", "name": "Assam", "unit_price": money("6.40"), "tracked": False}
        await made(company.http, "/v1/products", product)
    customers = [
        (await made(company.http, "/v1/customers", {"name": "Jane"}))["id"]
        for company in (attacker, bystander)
    ]

    def wish(customer: str, lines: int) -> dict[str, Any]:
        return {
            "customer_id": customer,
            "confirm": True,
            "lines": [{"sku": "TEA", "quantity": 1 + n} for n in range(lines)],
        }

    burst = Burst(attacker, 36)
    large = burst.send(lambda http, _: http.post("/v1/orders", json=wish(customers[0], 500)))
    async with under_way(large, begun=eventually(lambda: burst.answered(1))) as attack:
        small = [await made(bystander.http, "/v1/orders", wish(customers[1], 2)) for _ in range(3)]
        assert attack.runs()
        came = await attack.ends()

    assert [order["state"] for order in small] == ["confirmed"] * 3
    assert came.keys() <= {201, REFUSED}
