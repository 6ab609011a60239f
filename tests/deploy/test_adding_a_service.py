"""docs/adding-a-service.md, done as a stranger would: in a copy of the source, run in one process and in several."""

import asyncio
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.deploy.company import client_of, operator_of, registered
from tests.deploy.guide import ROOT, Tree, steps
from tests.kit import postgres, rabbit
from tests.kit.deployment import OPERATOR, Deployment, migrated, planned
from tests.kit.program import Process, free_port
from tests.kit.suite import ROLE_SECRET, eventually
from tests.stories.steps import listed, made, seen

# With the other tests that need a broker: two at once are too much for two cores.
pytestmark = [pytest.mark.timeout(600), pytest.mark.xdist_group("rabbit")]
GUIDE = "adding-a-service.md"
MAPS = ("README.md", "ARCHITECTURE.md")
SCOPES = ["orders:read", "orders:write", "contacts:read", "contacts:write", "sandbox:read", "sandbox:write"]
WEEK = 8 * 86_400
PATIENCE = 180.0
# Of the tests over all routes those of the new ones, which every test over all services has beside its others.
CHECKED = (
    "tests/architecture", "tests/deploy/test_services_list.py", "tests/shared/database/test_rls_catalogue.py",
    "tests/contacts", "-k", "not test_routes or email or contacts or builder",
)  # fmt: skip


PYTEST = ("-m", "pytest", "-p", "no:cacheprovider", "-p", "no:xdist", "-o", "addopts=-q")


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> tuple[Tree, str]:
    """The source with the guide's files in it and its command run, and what tests told between the two."""
    tree = Tree.copied_to(tmp_path_factory.mktemp("guide") / "backoffice")
    for step in steps(GUIDE):
        step.apply(tree.path)
    told = tree.python(*PYTEST, "tests/deploy/test_services_list.py", fails=True)
    make_docs(tree)
    return tree, told


@pytest.fixture
def tree(grown: tuple[Tree, str]) -> Tree:
    return grown[0]


def make_docs(tree: Tree) -> None:
    """What `make docs` runs once there is a .venv."""
    for line in (ROOT / "Makefile").read_text().partition("\ndocs:")[2].partition("\n\n")[0].splitlines()[1:]:
        tree.python(*line.strip().removeprefix("$(VENV)/python ").split())


def draw_on_the_maps(tree: Tree) -> None:
    """As far as a test can see that somebody has drawn."""
    for name in MAPS:
        path = tree.path / name
        path.write_text(path.read_text() + "\ncontacts\n")


def test_a_stranger_is_told_what_is_missing_and_then_that_nothing_is(grown: tuple[Tree, str], admin_url: str):
    tree, missing = grown
    draw_on_the_maps(tree)

    passed = tree.python(*PYTEST, *CHECKED, BACKOFFICE_TEST_DATABASE_URL=admin_url)
    for check in (("format", "--check", "."), ("check", ".")):
        tree.run(str(Path(sys.executable).with_name("ruff")), *check)

    assert "run `make docs`" in missing
    assert set(re.findall(r"show_all_of_them\[(.+?)\]", missing)) == set(MAPS), missing
    assert re.search(r"\d{3} passed", passed), passed[-2000:]


@asynccontextmanager
async def one_process(tree: Tree, admin_url: str, folder: Path) -> AsyncIterator[Deployment]:
    """`backoffice up`, which migrates and keeps events in PostgreSQL."""
    name = f"guide_{uuid4().hex}"
    environment = {
        "BACKOFFICE_DATABASE_URL": await postgres.create_database(admin_url, name),
        "BACKOFFICE_ROLE_SECRET": ROLE_SECRET,
        "BACKOFFICE_ADMIN_CLIENT_ID": OPERATOR[0],
        "BACKOFFICE_ADMIN_CLIENT_SECRET": OPERATOR[1],
        "BACKOFFICE_DATA_DIR": str(folder / "data"),
        "BACKOFFICE_PORT": str(free_port()),
    }
    process = Process("gateway-1", ["up"], environment, folder / "up.log", root=tree.path)
    suite = Deployment(folder, {process.name: process})
    try:
        process.spawn()
        await suite.all_ready(within=PATIENCE)
        yield suite
        assert await process.stop() == 0, process.log
    finally:
        suite.kill_everything()
        await postgres.drop_database(admin_url, name)


@asynccontextmanager
async def several_processes(
    tree: Tree, admin_url: str, amqp_url: str, folder: Path
) -> AsyncIterator[Deployment]:
    """Gateway, api and worker of orders and of the new service."""
    name = f"guide_{uuid4().hex}"
    url = await postgres.create_database(admin_url, name)
    suite = planned(
        url,
        role_secret=ROLE_SECRET,
        folder=folder,
        amqp_url=amqp_url,
        services=("orders", "contacts"),
        root=tree.path,
    )
    try:
        secret = {"BACKOFFICE_ROLE_SECRET": ROLE_SECRET}
        await asyncio.to_thread(migrated, suite["gateway-1"].environment | secret, root=tree.path)
        await suite.start()
        yield suite
    finally:
        suite.kill_everything()
        await postgres.drop_database(admin_url, name)


@pytest.fixture
async def amqp_url() -> AsyncIterator[str]:
    """A broker where there is one; without, processes exchange events through PostgreSQL."""
    kinds = rabbit.kinds()
    if not kinds:
        assert not rabbit.demanded(), rabbit.MISSING
        yield ""
        return
    with rabbit.running(kinds[0]) as broker:
        url = await broker.new_vhost()
        yield url
        await broker.drop_vhost(url)


async def test_the_new_service_works_in_one_process(tree: Tree, admin_url: str, tmp_path: Path):
    async with one_process(tree, admin_url, tmp_path) as suite:
        await everything_the_service_does(suite.url)


async def test_the_new_service_works_as_processes_of_its_own(
    tree: Tree, admin_url: str, amqp_url: str, tmp_path: Path
):
    async with several_processes(tree, admin_url, amqp_url, tmp_path) as suite:
        await everything_the_service_does(suite.url)


async def everything_the_service_does(url: str) -> None:
    """An event in, a due time, a job, an event out, and its operations in the gateway's document."""
    async with operator_of(url) as operator:
        tenant = await registered(operator, services=["orders", "contacts"])
        async with client_of(operator, tenant, scopes=SCOPES) as api:
            customer = await made(api, "/v1/customers", {"name": "Jane Buyer", "email": "jane@example.org"})
            check = await the_check(api, customer, "open")
            await made(api, "/v1/sandbox/clock", {"advance_seconds": WEEK})
            await the_check(api, customer, "confirmed")
            await made(api, "/v1/email-checks/recheck")
            await the_check(api, customer, "open")
            await made(api, f"/v1/email-checks/{check['id']}/bounce")

            async def without_an_address() -> bool:
                return (await seen(api, f"/v1/customers/{customer['id']}"))["email"] is None

            await eventually(without_an_address, within=30)
            timeline = await seen(api, f"/v1/email-checks/{check['id']}/timeline")
            document = await seen(api, "/openapi.json")

    assert [move["verb"] for move in timeline["items"]] == ["bounce", "reopen", "confirm", "create"]
    bounce = document["paths"]["/v1/email-checks/{check_id}/bounce"]["post"]
    assert (bounce["x-service"], bounce["x-required-scope"]) == ("contacts", "contacts:write")
    assert "EmailCheckOut" in document["components"]["schemas"]


async def the_check(api: httpx.AsyncClient, customer: dict[str, Any], state: str) -> dict[str, Any]:
    """The check of a customer's address, as soon as it is in a state."""

    async def found() -> Any:
        checks = await listed(api, "/v1/email-checks", state=state)
        return [check for check in checks if check["customer_id"] == customer["id"]]

    (check,) = await eventually(found, within=30)
    return check
