"""How a process of its own starts: patiently, with a clear last word, without the rights of an administrator."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import asyncpg
import httpx
import pytest

from deploy.run.boot import NotReady, Stopped, patiently, schema_ready, unless
from deploy.run.settings import DeploySettings, Misconfigured
from deploy.run.transport import bindings
from services.all import SERVICES
from shared.database.rls import app_role
from tests.deploy.company import client_of, operator_of, registered
from tests.deploy.databases import asking_for_passwords, fresh_database
from tests.kit import postgres
from tests.kit.deployment import planned
from tests.kit.program import Process, free_port
from tests.kit.suite import ROLE_SECRET, eventually

ORDERS = next(service for service in SERVICES if service.name == "orders")


@pytest.fixture
async def empty_url(admin_url: str) -> AsyncIterator[str]:
    name = f"empty_{uuid4().hex}"
    yield await postgres.create_database(admin_url, name)
    await postgres.drop_database(admin_url, name)


@pytest.fixture
async def migrated_url(admin_url: str) -> AsyncIterator[str]:
    async with fresh_database(admin_url) as url:
        yield url


def settings(url: str, **changes: object) -> DeploySettings:
    return DeploySettings(database_url=url, role_secret=ROLE_SECRET, **changes)


async def test_a_process_without_schema_ends_with_the_command_that_makes_it(empty_url: str, tmp_path: Path):
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "deploy", "serve", "orders", cwd=Path(__file__).parents[3],
        env=os.environ | {
            "BACKOFFICE_DATABASE_URL": empty_url, "BACKOFFICE_ROLE_SECRET": "x", "BACKOFFICE_BOOT_SECONDS": "1.5",
            "BACKOFFICE_DATA_DIR": str(tmp_path), "BACKOFFICE_PORT": str(free_port()),
            "BACKOFFICE_BLOBS_URL": tmp_path.as_uri(),
        },
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    out, log = await process.communicate()

    assert process.returncode == 1
    assert b"Run `backoffice migrate`" in out, out
    assert b'"event":"waiting"' in log, log


async def test_a_schema_older_than_the_program_is_refused_and_a_newer_one_is_not(migrated_url: str):
    await schema_ready(ORDERS, settings(migrated_url))
    sql = await asyncpg.connect(migrated_url)
    head = await sql.fetchval("select version_num from orders.alembic_version")

    await sql.execute("update orders.alembic_version set version_num = 'orders_9999'")
    await schema_ready(ORDERS, settings(migrated_url))
    await sql.execute("update orders.alembic_version set version_num = 'orders_0001'")
    with pytest.raises(NotReady, match=f"is at orders_0001, and this program needs {head}. Run `backoffice"):
        await schema_ready(ORDERS, settings(migrated_url))
    await sql.close()


async def test_a_wrong_role_secret_is_named(migrated_url: str, admin_url: str):
    wrong = DeploySettings(database_url=migrated_url, role_secret="wrong")
    async with asking_for_passwords(admin_url, app_role("orders"), migrated_url):

        async def refusal() -> str:
            try:
                await schema_ready(ORDERS, wrong)
            except NotReady as error:
                return str(error)
            return ""

        sentence = await eventually(refusal)  # once the server has read its rules again
        await schema_ready(ORDERS, settings(migrated_url))

    assert "password authentication failed" in sentence
    assert "BACKOFFICE_ROLE_SECRET" in sentence


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"role_secret": ROLE_SECRET}, "BACKOFFICE_DATABASE_URL is not set"),
        ({"database_url": "postgresql://db/x", "role_secret": "x"}, "BACKOFFICE_BLOBS_URL is not set"),
    ],
)
def test_what_a_process_cannot_do_without_is_named(given: dict[str, str], sentence: str):
    with pytest.raises(Misconfigured, match=sentence):
        DeploySettings(**given).for_processes()


@pytest.mark.parametrize(
    "given", ["", "orders", "orders=orders:8000", "a=http://x,a=http://y", "a=https://x"]
)
def test_upstreams_that_mean_nothing_are_refused(given: str):
    with pytest.raises(Misconfigured, match="BACKOFFICE_UPSTREAMS"):
        DeploySettings(upstreams=given).upstream_urls()


def test_upstreams_are_named_urls():
    found = DeploySettings(upstreams="orders=http://orders:8000, billing=http://10.0.0.1:80").upstream_urls()

    assert found == {"orders": "http://orders:8000", "billing": "http://10.0.0.1:80"}


async def test_a_start_that_is_told_to_stop_stops():
    stopping = asyncio.Event()

    async def away() -> None:
        stopping.set()
        raise NotReady("nobody there")

    with pytest.raises(Stopped):
        await unless(stopping, patiently("something", away))


async def test_what_is_not_there_in_time_is_the_last_word():
    async def away() -> None:
        raise ConnectionRefusedError("nobody listens")

    with pytest.raises(NotReady, match="something is not ready after 0 s: nobody listens"):
        await patiently("something", away, seconds=0)


async def test_every_consumer_is_bound_before_it_has_started(migrated_url: str):
    sql = await asyncpg.connect(migrated_url)
    rows = await sql.fetch(
        "select queue, array_agg(type order by type) as types from bus.bindings group by 1"
    )
    await sql.close()

    assert {row["queue"]: row["types"] for row in rows} == bindings()
    assert {"orders", "billing"} <= set(bindings())


async def test_a_service_stands_without_the_gateway_and_a_tenant_is_finished_when_the_last_one_comes(
    migrated_url: str, tmp_path: Path
):
    slow = {"BACKOFFICE_LEAVE_SECONDS": "4"}
    two = ("orders", "billing")
    suite = planned(
        migrated_url, role_secret=ROLE_SECRET, folder=tmp_path, preloaded=True, services=two, **slow
    )
    try:
        await suite["orders-api-1"].start()
        async with httpx.AsyncClient(base_url=suite["orders-api-1"].url, trust_env=False) as http:
            ready = await http.get("/readyz")
            asked = await http.get("/v1/orders", headers={"x-internal-token": "whoever"})
        suite["gateway-1"].spawn()
        async with httpx.AsyncClient(base_url=suite.url, trust_env=False) as http:
            await eventually(lambda: _answers(http), within=30)
            not_ready = await http.get("/readyz")
            unknown = await http.get("/v1/invoices")
        async with operator_of(suite.url) as operator:
            tenant = await registered(operator)
            await suite["billing-api-1"].start()

            async def active() -> bool:
                return (await operator.get(f"/v1/tenants/{tenant['id']}")).json()["state"] == "active"

            await eventually(active, within=30)
            async with client_of(operator, tenant) as company:
                assert (await company.get("/v1/invoices")).status_code == 200
        await suite.all_ready()
        seen_off = await _seen_off(suite["gateway-1"])
    finally:
        suite.kill_everything()

    assert seen_off == (0, 503, ["this process is stopping"], 200, "close")
    assert ready.status_code == 200
    assert (asked.status_code, asked.json()["code"]) == (503, "unavailable")
    assert "keys" in asked.json()["detail"]
    assert (not_ready.status_code, unknown.status_code) == (503, 503)
    assert "billing is away" in not_ready.json()["complaints"]
    assert "routes of billing" in unknown.json()["detail"]
    assert tenant["state"] == "provisioning"


async def _seen_off(process: Process) -> tuple[int, int, list[str], int, str | None]:
    """Stop a process; returns its exit status, and what it told of itself while it was leaving."""
    async with httpx.AsyncClient(base_url=process.url, trust_env=False) as http:
        process.signal(signal.SIGTERM)

        async def leaving() -> httpx.Response | None:
            answer = await http.get("/readyz?only=self")
            return answer if answer.status_code == 503 else None

        ready = await eventually(leaving)
        alive = await http.get("/livez")
        return (
            await process.ended(),
            ready.status_code,
            ready.json()["complaints"],
            alive.status_code,
            alive.headers.get("connection"),
        )


async def _answers(http: httpx.AsyncClient) -> bool:
    try:
        return (await http.get("/.well-known/jwks.json")).status_code == 200
    except httpx.TransportError:
        return False
