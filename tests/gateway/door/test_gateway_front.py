"""What the gateway answers itself: document, pages, probes, first start."""

import asyncio
import re
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from gateway.door.exchange import IN_FLIGHT
from gateway.first_start import FILE, prepare
from gateway.identity.secrets import SecretKeeper
from gateway.routes.merged_openapi import merged
from gateway.routes.table import METHODS, RouteClash, RouteTable
from gateway.upstream.errors import UpstreamUnavailable
from shared.http.router import GUEST_KEY
from shared.httpserver.asgi import Receive, Scope, Send
from tests.gateway.world import ADMIN, World, settings
from tests.kit.suite import eventually


def references(part: Any) -> set[str]:
    """All references in a document."""
    if isinstance(part, dict):
        own = {part["$ref"]} if isinstance(part.get("$ref"), str) else set()
        return own.union(*(references(value) for value in part.values()))
    if isinstance(part, list):
        return set().union(*(references(value) for value in part))
    return set()


def resolve(document: Any, reference: str) -> Any:
    """What a reference points at."""
    for part in reference.removeprefix("#/").split("/"):
        document = document[part.replace("~1", "/").replace("~0", "~")]
    return document


async def test_the_merged_document_covers_every_route_and_its_references_resolve(world: World):
    answer = await world.anonymous().get("/openapi.json")

    document = answer.json()
    assert document["openapi"] == "3.1.0"
    assert all(resolve(document, reference) for reference in references(document))
    services = [running.service for running in world.services.values()] + [world.gateway.running.service]
    routes = [route for service in services for router in service.routers() for route in router.routes]
    assert len(routes) > 30
    for route in routes:
        for method in route.methods:
            assert method.lower() in document["paths"][route.path], (method, route.path)
    operations = [o for item in document["paths"].values() for m, o in item.items() if m in METHODS]
    ids = [o["operationId"] for o in operations]
    assert len(ids) == len(set(ids))
    for operation in operations:
        assert operation["responses"]
        for need in operation.get("security", []):
            assert set(need) <= set(document["components"]["securitySchemes"])
    flow = document["components"]["securitySchemes"]["client"]["flows"]["clientCredentials"]
    scopes = {o["x-required-scope"] for o in operations if "x-required-scope" in o}
    scopes |= {scope for o in operations for scope in o.get("x-sealed-scopes", ())}
    assert scopes - {"helpdesk:read"} == set(flow["scopes"])
    for path, item in document["paths"].items():
        for operation in (o for m, o in item.items() if m in METHODS):
            named = {p["name"] for p in operation.get("parameters", []) if p["in"] == "path"}
            if operation["x-service" if "x-service" in operation else "operationId"] != "helpdesk":
                assert named == set(re.findall(r"\{([^}]+)\}", path)), path
    assert "/oauth/token" in document["paths"]


async def test_the_document_is_compressed_and_revalidated(world: World):
    client = world.anonymous()
    first = await client.get("/openapi.json")

    again = await client.get("/openapi.json", headers={"if-none-match": first.headers["etag"]})

    assert first.headers["content-encoding"] == "gzip"
    assert (again.status_code, again.content) == (304, b"")


def _document(path: str, schemas: dict[str, Any]) -> dict[str, Any]:
    answer = {
        "200": {
            "description": "x",
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Out"}}},
        }
    }
    return {
        "paths": {path: {"get": {"operationId": path, "responses": answer, "x-required-scope": "a:read"}}},
        "components": {"schemas": schemas},
    }


def test_equal_schemas_are_shared_and_different_ones_prefixed_with_their_users():
    money = {"type": "object", "title": "Money"}
    inner = {
        "a": {"type": "object", "properties": {"x": {}}},
        "b": {"type": "object", "properties": {"y": {}}},
    }
    out = {"type": "object", "properties": {"inner": {"$ref": "#/components/schemas/Inner"}}}

    document = merged(
        {
            "a": _document("/v1/as", {"Money": money, "Inner": inner["a"], "Out": out}),
            "b": _document("/v1/bs", {"Money": money, "Inner": inner["b"], "Out": out}),
        }
    )

    schemas = document["components"]["schemas"]
    assert {"Money", "AInner", "BInner", "AOut", "BOut"} <= set(schemas)
    assert schemas["BOut"]["properties"]["inner"]["$ref"] == "#/components/schemas/BInner"
    assert all(resolve(document, reference) for reference in references(document))


def test_two_services_with_one_resource_name_fail_the_build():
    with pytest.raises(RouteClash, match="a and b both claim /v1/things"):
        RouteTable({"a": _document("/v1/things", {}), "b": _document("/v1/things/{id}", {})})
    with pytest.raises(RouteClash):
        RouteTable({"a": _document("/internal/things", {})})


def test_a_guest_stands_below_anothers_resource_and_claims_nothing():
    guest = {"paths": {"/v1/things/{id}/balance": {"get": {GUEST_KEY: True}}}}
    owner = {"paths": {"/v1/things": {"get": {}}, "/v1/things/{id}": {"get": {}}}}

    for table in (RouteTable({"a": owner, "b": guest}), RouteTable({"b": guest, "a": owner})):
        assert table.owners == {"things": "a"}
        assert table.find("GET", "/v1/things/7").service == "a"
        assert table.find("GET", "/v1/things/7/balance").service == "b"
    with pytest.raises(RouteClash, match="both declare"):
        RouteTable({"a": owner, "b": {"paths": {"/v1/things/{id}": {"get": {GUEST_KEY: True}}}}})


def test_a_literal_segment_wins_over_a_parameter_and_methods_add_up():
    paths = {
        "/v1/a/{id}": {"get": {}, "patch": {}},
        "/v1/a/search": {"post": {}},
        "/v1/a/{id}/x": {"get": {}},
    }

    table = RouteTable({"s": {"paths": paths}})

    assert table.find("POST", "/v1/a/search").template == "/v1/a/search"
    assert table.find("GET", "/v1/a/search").template == "/v1/a/{id}"
    assert table.find("GET", "/v1/a/search/x").template == "/v1/a/{id}/x"


async def test_the_pages_are_served_and_load_nothing_foreign(world: World):
    client = world.anonymous()

    root = await client.get("/")
    page = await client.get("/docs")
    parts = re.findall(r'(?:src|href)="([^"#]+)"', page.text)

    assert (root.status_code, root.headers["location"]) == (307, "/docs")
    assert page.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert {"/docs/page.js", "/docs/page.css", "/openapi.json", "/docs/problems"} <= set(parts)
    for part in parts:
        assert part.startswith("/")
        assert (await client.get(part)).status_code == 200
    assert "http://" not in page.text + (await client.get("/docs/page.js")).text
    listed = (await client.get("/docs/problems")).text
    for code in ("tenant_suspended", "illegal_transition", "version_mismatch"):
        assert f'id="{code}"' in listed


async def test_readiness_says_which_service_is_away(world: World):
    client = world.anonymous()
    good = await client.get("/readyz")
    world.switches["billing"].away = True

    async def not_ready() -> httpx.Response | None:
        answer = await client.get("/readyz")
        return answer if answer.status_code == 503 else None

    bad = await eventually(not_ready)
    own = await client.get("/readyz?only=self")

    assert (good.status_code, good.json()["complaints"]) == (200, [])
    assert bad.json()["services"]["billing"] == "away"
    assert bad.json()["complaints"] == ["billing is away"]
    assert own.status_code == 200
    assert (await client.get("/livez")).json() == {"status": "alive"}


async def test_however_many_ask_for_readiness_the_services_are_asked_once(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("gateway.door.front.READY_SECONDS", 60.0)
    asked = 0
    upstream = world.switches["billing"].upstream

    async def counting(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal asked
        asked += scope["path"] == "/readyz"
        await upstream(scope, receive, send)

    async with world.another_gateway() as gateway:
        monkeypatch.setattr(world.switches["billing"], "upstream", counting)
        client = world.anonymous(gateway)
        answers = await asyncio.gather(*(client.get("/readyz") for _ in range(50)))

    assert {answer.status_code for answer in answers} == {200}
    assert asked == 1


@pytest.mark.parametrize(
    ("peer", "headers", "status"),
    [
        ("127.0.0.1", {}, 200),
        ("10.1.2.3", {}, 200),
        ("::ffff:192.168.7.7", {}, 200),
        ("fd00::1", {}, 200),
        ("203.0.113.9", {}, 404),
        ("2001:db8::1", {}, 404),
        ("10.1.2.3", {"x-forwarded-for": "203.0.113.9"}, 404),
        ("10.1.2.3", {"forwarded": "for=10.1.2.4"}, 404),
        ("10.1.2.3", {"x-forwarded-proto": "https"}, 404),
        ("10.1.2.3", {"via": "1.1 proxy"}, 404),
    ],
)
async def test_metrics_are_for_who_asks_directly_from_a_network_of_ours(
    world: World, peer: str, headers: dict[str, str], status: int
):
    transport = httpx.ASGITransport(app=world.gateway.asgi, client=(peer, 1234))
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
        answer = await client.get("/metrics", headers=headers)
        unknown = await client.get("/metricsss")

    assert answer.status_code == status
    if status == 404:
        assert answer.json()["code"] == unknown.json()["code"]
        assert answer.json()["detail"] == unknown.json()["detail"].replace("/metricsss", "/metrics")


async def test_a_service_that_is_away_at_the_start_is_taken_up_when_it_comes(world: World):
    world.switches["billing"].away = True
    async with world.another_gateway(upstream_start_seconds=0) as gateway:
        client = world.anonymous(gateway)
        assert (await client.get("/v1/accounts")).status_code == 503
        assert "the routes of billing are not known" in (await client.get("/readyz")).json()["complaints"]
        world.switches["billing"].away = False
        await gateway.catalog.refresh()
        assert gateway.catalog.missing == []
        assert "billing" in gateway.catalog.routes.owners.values()


async def test_the_document_keeps_what_a_service_said_before_it_went_away(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("gateway.routes.catalog.FRESH_SECONDS", 0.0)
    client = world.anonymous()
    whole = (await client.get("/openapi.json")).json()
    world.switches["billing"].away = True

    assert (await client.get("/openapi.json")).json() == whole

    async with world.another_gateway(upstream_start_seconds=0) as gateway:
        other = world.anonymous(gateway)
        assert "/v1/accounts" not in (await other.get("/openapi.json")).json()["paths"]
        world.switches["billing"].away = False
        await gateway.catalog.refresh()
        assert (await other.get("/openapi.json")).json() == whole


async def test_there_is_no_document_until_every_service_with_known_routes_has_described_them(world: World):
    async with world.another_gateway() as gateway:
        client = world.anonymous(gateway)
        assert gateway.catalog.missing == []
        world.switches["billing"].away = True

        refused = await client.get("/openapi.json")

        assert refused.status_code == 503
        assert "billing" in refused.json()["detail"]
        world.switches["billing"].away = False
        assert "/v1/accounts" in (await client.get("/openapi.json")).json()["paths"]


async def test_however_many_want_a_document_that_there_is_not_a_silent_service_is_asked_twice_at_most(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    asked = 0
    silent = asyncio.Event()
    upstream = world.switches["billing"].upstream

    async def counting(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal asked
        if scope["path"] == "/openapi.json":
            asked += 1
            await silent.wait()
            raise UpstreamUnavailable("says nothing")
        await upstream(scope, receive, send)

    async with world.another_gateway() as gateway:
        monkeypatch.setattr(world.switches["billing"], "upstream", counting)
        client = world.anonymous(gateway)
        asking = [asyncio.create_task(client.get("/openapi.json")) for _ in range(30)]
        await eventually(lambda: _in_flight(30))
        silent.set()
        answers = {answer.status_code for answer in await asyncio.gather(*asking)}

    assert answers == {503}
    assert asked <= 2


async def _in_flight(requests: int) -> bool:
    (family,) = IN_FLIGHT.collect()
    return family.samples[0].value >= requests


async def test_the_routes_are_those_of_the_document(world: World):
    document = (await world.gateway.catalog.shown()).document
    found = {
        (path, method.upper(), operation["x-service"], operation.get("x-required-scope"))
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if method in METHODS and "x-service" in operation
    }

    for path, method, service, scope in found:
        route = world.gateway.catalog.route(method, path)
        assert (route.service, route.template) == (service, path)
        assert scope in world.gateway.catalog.routes.scopes
    assert len(found) > 100


async def test_a_new_secret_in_the_environment_replaces_the_old_one(world: World):
    async with world.another_gateway(admin_client_id="second-operator", admin_client_secret="one"):
        assert await world.token("second-operator", "one")
    async with world.another_gateway(admin_client_id="second-operator", admin_client_secret="two"):
        assert await world.token("second-operator", "two")

    answer = await world.anonymous().post(
        "/oauth/token", data={"grant_type": "client_credentials"}, auth=("second-operator", "one")
    )
    assert answer.status_code == 401
    assert await world.token(*ADMIN)


async def test_without_a_secret_one_is_made_up_once_for_the_owners_eyes(world: World, tmp_path: Path):
    running = world.gateway.running
    chosen = settings(admin_client_id="", admin_client_secret="")

    whose = running.app_db, running.worker_db, SecretKeeper(), chosen, tmp_path / "data"

    first = await prepare(*whose, services=["orders"])
    second = await prepare(*whose, services=["orders"])

    file = tmp_path / "data" / FILE
    assert (first.client_id, first.credentials_file, first.made_now) == ("admin", file, True)
    assert (second.credentials_file, second.made_now) == (file, False)
    assert file.stat().st_mode & 0o777 == 0o600
    credentials = orjson.loads(file.read_bytes())
    assert await world.token(credentials["client_id"], credentials["client_secret"])


async def test_gateways_started_again_and_again_keep_one_provider(world: World):
    async with world.gateway.running.worker_db.transaction(None) as tx:
        providers = await tx.sql.fetchval("select count(*) from registered_tenants where kind = 'provider'")

    assert providers == 1


async def test_a_service_that_joins_later_is_the_providers_too(world: World, tmp_path: Path):
    running, operator = world.gateway.running, await world.operator()
    path = f"/v1/tenants/{world.first.provider_id}"
    before = (await operator.get(path)).json()

    whose = running.app_db, running.worker_db, SecretKeeper(), settings(), tmp_path
    for _ in range(2):
        await prepare(*whose, services=[*world.switches, "laundry"])

    after = (await operator.get(path)).json()
    assert before["services"] == [*world.switches]
    assert after["services"] == [*world.switches, "laundry"]
    assert after["version"] == before["version"] + 1
    assert after["provisioning"]["laundry"] == "waiting"
