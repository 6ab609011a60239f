"""What it costs to find out that a credential is nobody's, and who is served meanwhile."""

import asyncio
import base64
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from uuid import uuid4

import httpx
import pytest

from gateway.app import Gateway
from gateway.identity import lookups
from gateway.identity.secrets import new_api_key
from shared.database.pool import Database
from tests.gateway.world import Caller, World
from tests.kit.suite import eventually


class Statements:
    """The look-ups that reach a database, held back while `let` is not set."""

    def __init__(self) -> None:
        self.begun: list[int] = []
        self.at_once = self.most_at_once = 0
        self.let = asyncio.Event()
        self.let.set()


@contextmanager
def watched(database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[Statements]:
    """What a gateway's look-ups ask of its database; its loops do not count."""
    seen, ask = Statements(), database.repeatable

    async def counted(statement: str, *values: object) -> object:
        if statement not in lookups.STATEMENTS.values():
            return await ask(statement, *values)
        seen.begun.append(len(values[0]))  # type: ignore[arg-type]
        seen.at_once += 1
        seen.most_at_once = max(seen.most_at_once, seen.at_once)
        try:
            await seen.let.wait()
            return await ask(statement, *values)
        finally:
            seen.at_once -= 1

    with monkeypatch.context() as patch:
        patch.setattr(database, "repeatable", counted)
        yield seen


@asynccontextmanager
async def watched_gateway(
    world: World, monkeypatch: pytest.MonkeyPatch, **settings: object
) -> AsyncIterator[tuple[Gateway, Statements]]:
    async with world.another_gateway(**settings) as gateway:
        with watched(gateway.running.worker_db, monkeypatch) as statements:
            yield gateway, statements


def unknown_key() -> str:
    return new_api_key("live")[0]


async def me(http: httpx.AsyncClient, credential: str, **headers: str) -> httpx.Response:
    return await http.get("/v1/me", headers={"authorization": f"Bearer {credential}", **headers})


def nested() -> str:
    """A token whose head is ten thousand lists, one in the other."""
    return base64.urlsafe_b64encode(b"[" * 5000).decode().rstrip("=") + ".e30.x"


@pytest.mark.parametrize(
    "credential",
    [
        "bo_live_short",
        "bo_live_" + "g" * 48,
        "bo_live_" + "0" * 49,
        "bo_test_" + "A" * 48,
        "a.b.c",
        "x" * 9000,
        nested(),
    ],
)
async def test_what_has_not_the_form_of_a_credential_asks_no_database(
    world: World, monkeypatch: pytest.MonkeyPatch, credential: str
):
    async with watched_gateway(world, monkeypatch) as (gateway, statements):
        answer = await me(world.anonymous(gateway), credential)

    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_credentials")
    assert statements.begun == []


async def test_a_token_with_a_wrong_signature_asks_no_database(
    world: World, acme: Caller, monkeypatch: pytest.MonkeyPatch
):
    head, body, signature = acme.http.headers["authorization"].removeprefix("Bearer ").split(".")
    async with watched_gateway(world, monkeypatch) as (gateway, statements):
        answer = await me(world.anonymous(gateway), f"{head}.{body}.{signature[:-8]}AAAAAAAA")

    assert answer.status_code == 401
    assert statements.begun == []


async def test_many_unknown_keys_share_statements_and_a_good_key_among_them_is_served(
    world: World, acme: Caller, monkeypatch: pytest.MonkeyPatch
):
    key = (await world.given_key(acme.tenant, "orders:read"))["key"]
    async with watched_gateway(world, monkeypatch, worker_pool_size=2) as (gateway, statements):
        address = world.anonymous(gateway)
        statements.let.clear()
        bad = [asyncio.create_task(me(address, unknown_key())) for _ in range(300)]
        good = asyncio.create_task(me(address, key))
        await eventually(lambda: _true(statements.begun))
        assert not good.done()
        statements.let.set()
        answers = [answer.status_code for answer in await asyncio.gather(*bad)]
        served = await good

    assert served.status_code == 200, served.text
    assert answers == [401] * 300
    assert sum(statements.begun) == 301
    assert len(statements.begun) <= 5
    assert statements.most_at_once == 1, "of two connections one is left to all else"


async def _true(value: object) -> bool:
    return bool(value)


async def test_an_unknown_key_is_remembered_for_a_moment(world: World, monkeypatch: pytest.MonkeyPatch):
    async with watched_gateway(world, monkeypatch) as (gateway, statements):
        address, key = world.anonymous(gateway), unknown_key()
        for _ in range(5):
            assert (await me(address, key)).status_code == 401
        assert statements.begun == [1]

        gateway.directory.forget(uuid4())
        assert (await me(address, key)).status_code == 401
        assert statements.begun == [1, 1], "whatever changes in credentials is a reason to look again"

        monkeypatch.setattr(lookups, "UNKNOWN_SECONDS", 0.0)
        gateway.directory.forget(uuid4())
        await me(address, key)
        await me(address, key)
        assert statements.begun == [1, 1, 1, 1], "and so is the end of that moment"


async def test_unknown_keys_take_a_bounded_memory(world: World, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(lookups, "MOST_UNKNOWN", 10)
    async with watched_gateway(world, monkeypatch) as (gateway, statements):
        address, first = world.anonymous(gateway), unknown_key()
        await me(address, first)
        await asyncio.gather(*(me(address, unknown_key()) for _ in range(30)))
        before = sum(statements.begun)
        await me(address, first)

    assert sum(statements.begun) == before + 1, "the oldest has made room"


async def test_other_spellings_of_a_credential_find_what_is_remembered(
    world: World, acme: Caller, monkeypatch: pytest.MonkeyPatch
):
    key, tenant = (await world.given_key(acme.tenant, "orders:read"))["key"], acme.tenant["id"]
    async with watched_gateway(world, monkeypatch) as (gateway, statements):
        address = world.anonymous(gateway)
        for scheme in ("Bearer ", "bearer ", "BEARER  ", "Bearer    "):
            for named in ({}, {"backoffice-tenant": tenant}, {"backoffice-tenant": tenant.upper()},
                          {"backoffice-tenant": f"{{{tenant}}}"}):  # fmt: skip
                answer = await address.get("/v1/me", headers={"authorization": scheme + key, **named})
                assert answer.status_code == 200, answer.text

    assert statements.begun == [1]


async def test_a_client_that_names_tenants_at_random_is_refused_without_a_look(
    world: World, acme: Caller, monkeypatch: pytest.MonkeyPatch
):
    key = (await world.given_key(acme.tenant, "orders:read"))["key"]
    async with watched_gateway(world, monkeypatch) as (gateway, statements):
        address = world.anonymous(gateway)
        answers = [await me(address, key, **{"backoffice-tenant": str(uuid4())}) for _ in range(20)]

    assert {(a.status_code, a.json()["code"]) for a in answers} == {(403, "tenant_not_granted")}
    assert statements.begun == [1]
