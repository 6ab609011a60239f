"""The small shape in containers: one process does everything, and either shape goes on with the other's data."""

from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

from deploy.cli.generate_deployment import processes
from services.all import NAMES, SERVICES
from tests.deploy.container.composition import Composition, free_port
from tests.deploy.container.shop import a_shop
from tests.kit.suite import eventually
from tests.stories.steps import (
    a_customer,
    a_product,
    everything_agrees,
    invoices_of,
    listed,
    order_now,
    order_taken,
    paid,
    payment_status_becomes,
    shipped,
)

pytestmark = [pytest.mark.docker, pytest.mark.timeout(900), pytest.mark.xdist_group("compose")]
SMALL = {
    "COMPOSE_FILE": "docker-compose.yml:deploy/compose/small.yml"
}  # as docs/operations.md has it in `.env`
PLATFORM = {"postgres", "rabbitmq"}


@pytest.fixture(scope="module")
def composition() -> Iterator[Composition]:
    found = Composition(f"backoffice-test-{uuid4().hex[:8]}", free_port(), dict(SMALL))
    try:
        found.up()
        yield found
    finally:
        found.compose("down", "--volumes", "--remove-orphans", "--timeout", "20")


@pytest.fixture
async def shop(composition: Composition) -> AsyncIterator[httpx.AsyncClient]:
    async with a_shop(composition) as api:
        yield api


async def sold(shop: httpx.AsyncClient) -> dict[str, Any]:
    """An order is taken, shipped, invoiced and paid, and orders hears of the payment."""
    customer, lamp = (
        await a_customer(shop),
        await a_product(shop, f"LAMP-{uuid4().hex[:6]}", "10.00", stock=5),
    )
    order = await order_taken(shop, customer, {lamp: 2}, confirm=True)
    await shipped(shop, order)
    (invoice,) = await invoices_of(shop, order, 1)
    await paid(shop, customer, invoice["totals"]["gross"], (invoice, invoice["totals"]["gross"]))
    await payment_status_becomes(shop, order, "paid")
    await everything_agrees(shop, shop)
    return order


async def test_one_process_turns_an_order_into_money_over_the_broker(
    composition: Composition, shop: httpx.AsyncClient
):
    await sold(shop)

    assert composition.running() == PLATFORM | {"gateway"}
    queues = composition.compose(
        "exec", "-T", "rabbitmq", "rabbitmqctl", "-q", "list_queues", "name", "consumers"
    )
    for service in SERVICES:
        assert not service.handlers() or f"backoffice.{service.name}\t1" in queues, queues


def test_the_process_holds_no_administrators_address(composition: Composition):
    mounts = {mount["Destination"] for mount in composition.container("gateway")["Mounts"]}

    assert mounts & {"/run/secrets/database", "/run/secrets/broker"} == set()
    assert {"/run/secrets/own", "/run/secrets/services", "/run/secrets/sealing"} <= mounts


async def test_killed_with_work_in_hand_it_comes_back_and_nothing_is_lost(
    composition: Composition, shop: httpx.AsyncClient
):
    customer, lamp = await a_customer(shop), await a_product(shop, "LAMP", "10.00", stock=5)
    order = await order_taken(shop, customer, {lamp: 1}, confirm=True)
    await shipped(shop, order)
    composition.kill("gateway")

    composition.comes_back("gateway")

    async def invoiced() -> bool:
        try:
            return len(await listed(shop, "/v1/invoices", order_id=order["id"])) == 1
        except httpx.TransportError:  # it is healthy inside; its port may follow a moment later
            return False

    await eventually(invoiced, within=120, every=0.2)
    await everything_agrees(shop, shop)


async def test_each_shape_goes_on_with_what_the_other_has_left(
    composition: Composition, shop: httpx.AsyncClient
):
    small = await sold(shop)
    credentials = composition.credentials()

    composition.compose("down", "--timeout", "40")
    del composition.settings["COMPOSE_FILE"]
    composition.up()
    in_split = composition.running(), composition.credentials(), await order_now(shop, small)
    split = await sold(shop)
    composition.settings |= SMALL
    composition.compose("up", "--wait", "--wait-timeout", "480", "--remove-orphans")
    back = composition.running(), composition.credentials(), await order_now(shop, split)

    assert in_split[0] == PLATFORM | {"gateway", *processes(NAMES)}
    assert back[0] == PLATFORM | {"gateway"}
    assert in_split[1] == back[1] == credentials
    assert in_split[2]["payment_status"] == back[2]["payment_status"] == "paid"
    await sold(shop)
