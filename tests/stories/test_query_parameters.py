"""Every route of every service refuses query parameters that it does not declare, and so does the gateway itself."""

import re
import sys
from collections.abc import Callable
from uuid import uuid4

import httpx
import pytest

from shared.base import telemetry
from tests.architecture.test_openapi import OPERATIONS
from tests.gateway.world import World

ROUTES = [label for label in OPERATIONS if not label.endswith("/oauth/token")]


@pytest.fixture(scope="module")
async def operator(open_world: World) -> httpx.AsyncClient:
    return await open_world.operator((await open_world.given_tenant())["id"])


@pytest.mark.parametrize("label", ROUTES)
async def test_a_route_refuses_what_it_does_not_declare_and_names_what_it_does(
    label: str, operator: httpx.AsyncClient
):
    method, path = label.split(" ")
    url = re.sub(r"\{[^}]+\}", lambda _: str(uuid4()), path)
    query = {p["name"]: p["schema"] for p in OPERATIONS[label].get("parameters", []) if p["in"] == "query"}

    answer = await operator.request(method, f"{url}?nonsense=1")
    again = {
        name: await operator.request(method, f"{url}?{name}=1&{name}=1")
        for name, schema in query.items()
        if "array" not in str(schema)
    }

    assert (answer.status_code, answer.json()["code"]) == (422, "unknown_parameter"), answer.text
    assert answer.json()["errors"][0]["pointer"] == "/query/nonsense"
    assert answer.json()["known"] == sorted(query)
    assert {name: a.json()["code"] for name, a in again.items()} == dict.fromkeys(again, "repeated_parameter")


@pytest.mark.parametrize(
    ("path", "known"),
    [
        ("/openapi.json", []),
        ("/.well-known/jwks.json", []),
        ("/livez", []),
        ("/readyz", ["only"]),
        ("/metrics", []),
    ],
)
async def test_what_the_gateway_answers_itself_refuses_them_too(
    path: str, known: list[str], open_world: World
):
    answer = await open_world.anonymous().get(f"{path}?nonsense=1")

    assert (answer.status_code, answer.json()["code"], answer.json()["known"]) == (
        422,
        "unknown_parameter",
        known,
    )


async def test_credentials_in_the_query_of_the_token_endpoint_are_refused_and_not_repeated(open_world: World):
    answer = await open_world.anonymous().post("/oauth/token?client_secret=hush", data={"grant_type": "x"})

    assert answer.status_code == 422
    assert "hush" not in answer.text


async def test_a_link_to_a_page_may_have_what_others_put_there(open_world: World):
    answer = await open_world.anonymous().get("/docs?utm_source=mail")

    assert answer.status_code == 200


async def test_what_is_searched_for_is_written_into_no_log(
    open_world: World, operator: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
):
    """A name, an e-mail address or a telephone number is nobody's business who reads logs."""
    lines: list[str] = []

    class Log:
        def __getattr__(self, _: str) -> Callable[..., None]:
            return lambda *args, **facts: lines.append(repr((args, facts)))

    for name, module in list(sys.modules.items()):
        if name.startswith(("gateway", "services", "shared")) and hasattr(module, "log"):
            monkeypatch.setattr(module, "log", Log())
    monkeypatch.setattr(telemetry, "_access", True)
    for path in ("/v1/customers", "/v1/orders", "/v1/invoices", "/v1/payments"):
        for query in ("", "&nonsense=1", "&limit=0", "&cursor=x"):
            await operator.get(f"{path}?q=jane.secret%40example.com{query}")
    open_world.switches["orders"].away = True
    await operator.get("/v1/orders?q=jane.secret%40example.com")
    open_world.switches["orders"].away = False

    assert len(lines) >= 17
    assert [line for line in lines if "secret" in line] == []
