"""The suite in containers: a story through its one published port, kills, and a restart."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from io import BytesIO
from uuid import uuid4

import httpx
import pytest
from PIL import Image

from deploy.cli.generate_deployment import processes
from services.all import NAMES
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
FILES, LOGO = "/var/lib/backoffice/blobs", "/v1/seller-profile/logo"
CONTAINERS = ("secrets", "migrate", "postgres", "rabbitmq", "gateway", *processes(NAMES))


@pytest.fixture(scope="module")
def composition() -> Iterator[Composition]:
    found = Composition(f"backoffice-test-{uuid4().hex[:8]}", free_port())
    try:
        found.up()
        yield found
    finally:
        found.compose("down", "--volumes", "--timeout", "20")


@pytest.fixture
async def shop(composition: Composition) -> AsyncIterator[httpx.AsyncClient]:
    async with a_shop(composition) as api:
        yield api


async def test_an_order_becomes_money_through_the_published_port(shop: httpx.AsyncClient):
    customer = await a_customer(shop)
    lamp = await a_product(shop, "LAMP", "10.00", stock=5)
    order = await order_taken(shop, customer, {lamp: 2}, confirm=True)
    await shipped(shop, order)
    (invoice,) = await invoices_of(shop, order, 1)
    await paid(shop, customer, invoice["totals"]["gross"], (invoice, invoice["totals"]["gross"]))

    await payment_status_becomes(shop, order, "paid")
    assert invoice["totals"] == order["totals"]
    await everything_agrees(shop, shop)


def test_no_container_runs_as_root_or_sees_a_secret_in_its_environment(composition: Composition):
    credentials = composition.credentials()
    for name in CONTAINERS:
        container = composition.container(name)
        told = json.dumps([container["Config"]["Env"], container["Config"]["Cmd"], container["Args"]])
        assert credentials["client_secret"] not in told
        assert name == "secrets" or container["Config"]["User"] not in ("", "0", "root", "0:0")
        assert container["HostConfig"]["CapDrop"] == ["ALL"]


async def test_a_killed_worker_and_a_killed_gateway_come_back_and_nothing_is_lost(
    composition: Composition, shop: httpx.AsyncClient
):
    customer = await a_customer(shop)
    lamp = await a_product(shop, "LAMP", "10.00", stock=5)
    order = await order_taken(shop, customer, {lamp: 1}, confirm=True)
    composition.kill("orders-worker")
    await shipped(shop, order)
    composition.kill("gateway")

    composition.comes_back("orders-worker")
    composition.comes_back("gateway")

    async def invoiced() -> bool:
        try:
            return len(await listed(shop, "/v1/invoices", order_id=order["id"])) == 1
        except httpx.TransportError:  # the gateway is healthy inside; its port may follow a moment later
            return False

    await eventually(invoiced, within=120, every=0.2)
    await everything_agrees(shop, shop)


def test_the_demonstration_tells_its_story_to_the_running_suite(composition: Composition):
    story = composition.compose(
        "exec", "-T", "gateway", "backoffice", "demo", "--url", "http://127.0.0.1:8000", "--orders", "5"
    )

    assert story.count("5/5") == 6, story


async def test_taken_down_and_brought_up_again_everything_is_still_there(
    composition: Composition, shop: httpx.AsyncClient
):
    order = await order_taken(shop, await a_customer(shop), {await a_product(shop, "LAMP", "10.00"): 1})
    before = composition.credentials()

    composition.compose("down", "--timeout", "40")
    composition.up()

    assert composition.credentials() == before
    assert (await order_now(shop, order))["id"] == order["id"]


# What a release does first: more columns, a constraint, an index; and what a later one takes away again.
MIGRATION = (
    "alter table orders.orders add column future text not null default 'none'",
    "alter table orders.order_lines add column future numeric check (future > 0)",
    "alter table billing.invoices add column future jsonb",
    "create index concurrently future_of_orders on orders.orders (tenant_id, future, id)",
    "analyze orders.orders, orders.order_lines, billing.invoices",
    "alter table orders.orders drop column future",
    "alter table orders.order_lines drop column future",
    "alter table billing.invoices drop column future",
)


async def test_a_migration_under_load_fails_no_request(composition: Composition, shop: httpx.AsyncClient):
    customer, lamp = await a_customer(shop), await a_product(shop, "LAMP", "10.00", stock=100_000)
    migrated = asyncio.Event()

    async def buys() -> list[str]:
        bought = []
        while not migrated.is_set():
            bought.append((await order_taken(shop, customer, {lamp: 1}, confirm=True))["id"])
            await listed(shop, "/v1/invoices", order_id=bought[-1])
        return bought

    async with asyncio.TaskGroup() as buyers:
        tasks = [buyers.create_task(buys()) for _ in range(3)]
        for statement in MIGRATION:
            await asyncio.sleep(0.3)
            arguments = (
                "exec",
                "-T",
                "-e",
                "PGOPTIONS=-c lock_timeout=5s",
                "postgres",
                "psql",
                "-U",
                "postgres",
            )
            options = ("-d", "backoffice", "-q", "-v", "ON_ERROR_STOP=1", "-c", statement)
            await asyncio.to_thread(composition.compose, *arguments, *options)
        migrated.set()

    assert all(len(task.result()) > len(MIGRATION) for task in tasks)
    await everything_agrees(shop, shop)


def a_logo() -> bytes:
    file = BytesIO()
    Image.new("RGB", (60, 20), (31, 78, 121)).save(file, "PNG")
    return file.getvalue()


async def test_a_dump_restored_on_an_empty_machine_has_everything(
    composition: Composition, shop: httpx.AsyncClient
):
    """The commands of docs/operations.md, one by one."""
    customer, lamp = await a_customer(shop), await a_product(shop, "LAMP", "10.00", stock=5)
    order = await order_taken(shop, customer, {lamp: 2}, confirm=True)
    await shipped(shop, order)
    invoices = await invoices_of(shop, order, 1)
    logo = a_logo()
    put = await shop.put(LOGO, content=logo, headers={"content-type": "image/png", "if-match": "1"})
    assert put.status_code == 200, put.text
    postgres = ("exec", "-T", "postgres")
    dump = composition.piped(*postgres, "pg_dump", "-U", "postgres", "-Fc", "backoffice")
    files = composition.piped("exec", "-T", "orders-api", "tar", "-C", FILES, "-cf", "-", ".")
    roles = composition.piped(
        *postgres, "pg_dumpall", "-U", "postgres", "--globals-only", "--no-role-passwords"
    )
    secret = composition.compose(
        "run", "--rm", "--entrypoint", "cat", "secrets", "/secrets/services/backoffice_role_secret"
    )
    keys = {
        name: composition.compose(
            "run",
            "--rm",
            "--entrypoint",
            "cat",
            "secrets",
            f"/secrets/sealing/backoffice_sealing_keys_{name}",
        ).strip()
        for name in ("billing", "people")
    }
    composition.compose("down", "--volumes", "--timeout", "40")

    composition.settings["BACKOFFICE_ROLE_SECRET"] = secret.strip()
    composition.settings |= {f"BACKOFFICE_SEALING_KEYS_{name.upper()}": each for name, each in keys.items()}
    composition.piped(
        "run", "--rm", "--no-deps", "-T", "orders-api", "tar", "-C", FILES, "-xf", "-", given=files
    )
    composition.compose("up", "-d", "--wait", "postgres")
    composition.piped(*postgres, "psql", "-q", "-U", "postgres", given=roles)
    composition.piped(
        *postgres, "pg_restore", "-U", "postgres", "-d", "backoffice", "--exit-on-error", given=dump
    )
    composition.up()

    assert (
        await invoices_of(shop, order, 1) == invoices
    )  # its token is still good: the signing keys came along
    assert (await shop.get(LOGO)).content == logo
    await everything_agrees(shop, shop)
    await shipped(shop, await order_taken(shop, customer, {lamp: 1}, confirm=True))
    await everything_agrees(shop, shop)
