"""The same business with RabbitMQ between the processes, and between the services of one process."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from deploy.run.settings import DeploySettings
from deploy.run.suite import embedded_suite
from deploy.run.transport import bindings
from tests.deploy.company import FACTS, SCOPES, a_company
from tests.deploy.databases import fresh_database
from tests.kit import rabbit
from tests.kit.deployment import Deployment, deployment
from tests.kit.rabbit import Broker
from tests.kit.suite import ROLE_SECRET
from tests.stories.steps import (
    a_customer,
    a_product,
    everything_agrees,
    invoices_of,
    made,
    order_taken,
    paid,
    payment_status_becomes,
    shipped,
)

# One worker for all of them: brokers of two workers at once are too much for two cores.
pytestmark = [pytest.mark.timeout(180), pytest.mark.xdist_group("rabbit")]


@pytest.fixture(scope="module")
def broker() -> Iterator[Broker]:
    """One broker is enough here: what they differ in is the transport's business and tested there."""
    kinds = rabbit.kinds()
    if not kinds:
        (pytest.fail if rabbit.demanded() else pytest.skip)(rabbit.MISSING)
    with rabbit.running(kinds[0]) as found:
        yield found


@pytest.fixture(scope="module")
async def amqp_url(broker: Broker) -> AsyncIterator[str]:
    url = await broker.new_vhost()
    yield url
    await broker.drop_vhost(url)


@pytest.fixture(scope="module")
async def database(admin_url: str, amqp_url: str) -> AsyncIterator[str]:
    async with fresh_database(admin_url, amqp_url) as url:
        yield url


@pytest.fixture(scope="module")
async def suite(database: str, amqp_url: str) -> AsyncIterator[Deployment]:
    async with deployment(database, role_secret=ROLE_SECRET, amqp_url=amqp_url, preloaded=True) as found:
        yield found


async def _sold(api: httpx.AsyncClient, sku: str) -> None:
    """An order is taken, shipped, invoiced and paid, and orders hears of the payment."""
    customer = await a_customer(api)
    lamp = await a_product(api, sku, "10.00", stock=5)
    order = await order_taken(api, customer, {lamp: 2}, confirm=True)
    await shipped(api, order)
    (invoice,) = await invoices_of(api, order, 1)
    await paid(api, customer, invoice["totals"]["gross"], (invoice, invoice["totals"]["gross"]))
    await payment_status_becomes(api, order, "paid")
    await everything_agrees(api, api)


async def test_migrate_binds_every_consumer(broker: Broker, amqp_url: str, database: str):
    vhost = amqp_url.rsplit("/", 1)[1]
    found = (await broker.call("GET", f"bindings/{vhost}")).json()

    bound = {
        (binding["destination"], binding["routing_key"])
        for binding in found
        if binding["source"] == "backoffice.events"
    }
    assert bound == {(f"backoffice.{queue}", type_) for queue, types in bindings().items() for type_ in types}


async def test_an_order_becomes_money_over_rabbitmq_whichever_worker_dies(suite: Deployment):
    async with a_company(suite.url) as company:
        await _sold(company, "LAMP")
        suite["billing-worker-1"].kill()
        customer = await a_customer(company)
        lamp = await a_product(company, "DESK", "10.00", stock=5)
        order = await order_taken(company, customer, {lamp: 1}, confirm=True)
        await shipped(company, order)  # told while nobody listens
        await suite["billing-worker-1"].start()
        (invoice,) = await invoices_of(company, order, 1)
        statuses = [await suite[name].stop() for name in ("orders-worker-1", "billing-worker-1")]

    assert invoice["totals"]["gross"] == order["totals"]["gross"]
    assert statuses == [0, 0]


async def test_one_process_uses_the_broker_too(admin_url: str, broker: Broker, tmp_path: Path):
    amqp_url = await broker.new_vhost()
    async with fresh_database(admin_url, amqp_url) as url:
        settings = DeploySettings(
            database_url=url, amqp_url=amqp_url, role_secret=ROLE_SECRET, data_dir=tmp_path, log_level="ERROR"
        )
        async with embedded_suite(settings) as suite:
            transport = httpx.ASGITransport(app=suite.gateway.asgi)
            async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as http:
                await _sign_in(http, *suite.operator_credentials())
                tenant = await made(http, "/v1/tenants", FACTS)
                client = await made(
                    http, f"/v1/tenants/{tenant['id']}/clients", {"name": "ERP", "scopes": SCOPES}
                )
                await _sign_in(http, client["client_id"], client["client_secret"])
                await _sold(http, "LAMP")
    await broker.drop_vhost(amqp_url)


async def _sign_in(http: httpx.AsyncClient, client_id: str, secret: str) -> None:
    form = {"grant_type": "client_credentials"}
    answer = await http.post("/oauth/token", data=form, auth=(client_id, secret))
    http.headers["authorization"] = f"Bearer {answer.json()['access_token']}"
