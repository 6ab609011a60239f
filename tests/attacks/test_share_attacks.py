"""One tenant asks for as much as it can; another one is served meanwhile."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from tests.attacks.bystander import Company, Target, under_way
from tests.attacks.pressure import Pressure, Wish
from tests.kit.suite import eventually
from tests.stories.steps import made, money

REFUSED = 429
PATIENCE = 60.0  # for the attack to be under way, on a machine that has much to do


@pytest.fixture
async def attacker(target: Target) -> Company:
    return await target.company(name="Mallory", legal_name="Mallory Ltd")


@pytest.fixture
async def bystander(target: Target) -> Company:
    return await target.company()


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


async def test_forty_documents_at_once_are_their_own_tenants_queue(attacker: Company, bystander: Company):
    invoice = await made(attacker.http, "/v1/invoices", draft(200))
    papers = Pressure(attacker, 40, lambda _: Wish("GET", f"/v1/invoices/{invoice['id']}/pdf"))

    begun = eventually(lambda: papers.answered(1), within=PATIENCE)
    async with under_way(papers.without_end(), begun=begun) as attack:
        await works_as_ever(bystander)
        assert attack.runs()

    assert papers.statuses.keys() <= {200, REFUSED}
    for answer in papers.answers:
        assert answer.content.startswith(b"%PDF-") or answer.code == "too_many_at_once"


@asynccontextmanager
async def customers_locked(target: Target, company: Company) -> AsyncIterator[Callable[[], Awaitable[bool]]]:
    """Whatever changes a customer of the company waits, until the block ends or the service gives up.

    Yields what tells whether somebody waits.
    """
    sql = await asyncpg.connect(target.suite["gateway-1"].environment["BACKOFFICE_DATABASE_URL"])

    async def somebody_waits() -> bool:
        waits = (
            "select exists (select from pg_stat_activity where pg_backend_pid() = any(pg_blocking_pids(pid)))"
        )
        return bool(await sql.fetchval(waits))

    try:
        async with sql.transaction():
            await sql.execute("select from orders.customers where tenant_id = $1 for update", company.id)
            yield somebody_waits
    finally:
        await sql.close()


async def test_five_hundred_slow_requests_are_their_own_tenants_queue(
    target: Target, attacker: Company, bystander: Company
):
    customer = await made(attacker.http, "/v1/customers", {"name": "Slow"})
    path, if_match = f"/v1/customers/{customer['id']}", {"if-match": "1"}
    changes = Pressure(attacker, 500, lambda n: Wish("PATCH", path, {"name": f"Slow {n}"}, if_match))

    async with (
        customers_locked(target, attacker) as somebody_waits,
        under_way(changes.without_end(), begun=eventually(somebody_waits, within=PATIENCE)) as attack,
    ):
        await works_as_ever(bystander)
        assert attack.runs()

    assert changes.statuses.keys() <= {409, REFUSED}
    assert {answer.code for answer in changes.answers} <= {
        "in_progress",
        "too_many_at_once",
        "too_many_in_hand",
        "rate_limited",
    }


async def given_order(company: Company, lines: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """A confirmed order of what need not be in stock, and the wish for another one like it."""
    product = {"sku": "TEA", "name": "Assam", "unit_price": money("6.40"), "tracked": False}
    await made(company.http, "/v1/products", product)
    customer = await made(company.http, "/v1/customers", {"name": "The Corner Café"})
    wish = {
        "customer_id": customer["id"],
        "confirm": True,
        "lines": [{"sku": "TEA", "quantity": 1 + n} for n in range(lines)],
    }
    return await made(company.http, "/v1/orders", wish), wish


async def test_three_hundred_who_wait_leave_room_for_another_wait(attacker: Company, bystander: Company):
    order, _ = await given_order(bystander, 2)
    fulfilment = order["fulfilments"][0]["id"]
    ten = {"prefer": "wait=10"}
    waits = Pressure(attacker, 300, lambda _: Wish("GET", f"/v1/invoices?order_id={uuid4()}", headers=ten))

    # More than half of all places is no tenant's: so many are answered at once, and all others wait by then.
    begun = eventually(lambda: waits.answered(300 - 128), within=PATIENCE)
    async with under_way(waits.without_end(), begun=begun) as attack:
        await made(bystander.http, f"/v1/fulfilments/{fulfilment}/ship", {"parcels": []})
        answer = await bystander.http.get(f"/v1/invoices?order_id={order['id']}", headers=ten)
        assert attack.runs()

    assert answer.headers["preference-applied"] == "wait=10"
    assert [i["source_refs"]["order_id"] for i in answer.json()["items"]] == [order["id"]]
    assert waits.statuses.keys() <= {200, REFUSED}


async def test_large_orders_by_the_dozen_are_their_own_tenants_queue(attacker: Company, bystander: Company):
    _, large = await given_order(attacker, 500)
    _, small = await given_order(bystander, 2)
    orders = Pressure(attacker, 36, lambda _: Wish("POST", "/v1/orders", large))

    begun = eventually(lambda: orders.answered(1), within=PATIENCE)
    async with under_way(orders.without_end(), begun=begun) as attack:
        confirmed = [(await made(bystander.http, "/v1/orders", small))["state"] for _ in range(5)]
        assert attack.runs()

    assert confirmed == ["confirmed"] * 5
    assert orders.statuses.keys() <= {201, REFUSED}
