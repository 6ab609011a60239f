"""The public door, step by step."""

import asyncio
import io
import re
from typing import Any
from uuid import UUID, uuid4

import httpx
import orjson
import pytest
import structlog
from prometheus_client import REGISTRY

from gateway.routes.table import METHODS
from gateway.upstream.errors import (
    ShareOfUpstreamUsedUp,
    UpstreamAborted,
    UpstreamBusy,
    UpstreamProtocolError,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from shared.base import telemetry
from tests.gateway.world import ADMIN, Caller, World
from tests.kit.suite import test_settings as kernel_settings


def headers_of(answer: httpx.Response) -> dict[str, list[str]]:
    """What the echo was sent, by header name."""
    found: dict[str, list[str]] = {}
    for name, value in answer.json()["headers"]:
        found.setdefault(name, []).append(value)
    return found


async def test_nothing_a_client_says_of_itself_reaches_a_service(world: World, acme: Caller):
    forged = {
        "x-internal-token": "forged",
        "X-Internal-Anything": "1",
        "x-tenant-id": str(uuid4()),
        "x_tenant_id": str(uuid4()),
        "x-actor-kind": "operator",
        "x-forwarded-for": "1.2.3.4",
        "forwarded": "for=1.2.3.4",
        "traceparent": "00-" + "1" * 32 + "-" + "2" * 16 + "-01",
        "connection": "x-request-id, x-internal-token",
    }

    sent = headers_of(await acme.http.get("/v1/echoes", headers=forged))

    assert len(sent["x-internal-token"]) == 1
    assert sent["x-internal-token"] != ["forged"]
    assert not {"x-internal-anything", "x-tenant-id", "x_tenant_id", "x-actor-kind", "x-forwarded-for"} & set(
        sent
    )
    assert not {"forwarded", "authorization", "backoffice-tenant"} & set(sent)
    assert "1" * 32 not in sent["traceparent"][0]


async def test_forged_internal_headers_impersonate_nobody(world: World, acme: Caller):
    other = await world.given_client(await world.given_tenant(), "orders:read", "orders:write")
    await other.http.post("/v1/customers", json={"name": "Secret"})
    stolen = headers_of(
        await (await world.given_client(other.tenant, "helpdesk:read")).http.get("/v1/echoes")
    )

    answer = await acme.http.get(
        "/v1/customers",
        headers={"x-internal-token": stolen["x-internal-token"][0], "x-tenant-id": other.tenant["id"]},
    )

    assert answer.json() == {"items": [], "next": None}


async def test_internal_headers_of_a_service_do_not_reach_the_client(acme: Caller):
    answer = await acme.http.get("/v1/echoes")

    assert "x-internal-secret" not in answer.headers
    assert answer.headers.get_list("x-request-id") != ["mine"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"


async def test_a_request_id_is_taken_over_when_it_is_a_uuid(acme: Caller):
    given = str(uuid4())

    kept = await acme.http.get("/v1/echoes", headers={"x-request-id": given})
    replaced = await acme.http.get("/v1/echoes", headers={"x-request-id": "'; drop table"})

    assert kept.headers["x-request-id"] == given
    assert headers_of(kept)["x-request-id"] == [given]
    assert UUID(replaced.headers["x-request-id"])


@pytest.mark.parametrize(
    ("method", "path", "status", "allow"),
    [
        ("GET", "/v1/nothing", 404, None),
        ("GET", "/v1/echoes/1/2", 404, None),
        ("GET", "/v1//echoes", 404, None),
        ("GET", "/v1/echoes/", 404, None),
        ("GET", "/internal/tenants", 404, None),
        ("PUT", "/internal/tenants", 404, None),
        ("GET", "/v1/../internal/tenants", 404, None),
        ("GET", "/nothing", 404, None),
        ("DELETE", "/v1/echoes", 405, "GET, POST"),
        ("POST", "/v1/echoes/7", 405, "GET, PATCH"),
        ("TRACE", "/v1/echoes", 405, "GET, POST"),
        ("POST", "/docs", 405, "GET, HEAD"),
        ("DELETE", "/v1/orders", 405, "GET, POST"),
    ],
)
async def test_unknown_paths_are_404_and_unknown_methods_405_with_allow(
    world: World, method, path, status, allow
):
    client = world.anonymous()
    answer = await client.send(client.build_request(method, f"http://gateway{path}"))

    assert answer.status_code == status, answer.text
    assert answer.headers.get("allow") == allow
    assert answer.headers["content-type"] == "application/problem+json"
    assert UUID(answer.headers["x-request-id"])


async def test_ambiguous_framing_is_refused(world: World, acme: Caller):
    both = [
        ("content-length", "3"),
        ("transfer-encoding", "chunked"),
        ("authorization", acme.http.headers["authorization"]),
    ]

    answer = await world.anonymous().post("/v1/echoes", content=b"abc", headers=both)

    assert (answer.status_code, answer.json()["code"]) == (400, "malformed")


async def test_a_client_company_cannot_act_for_another(world: World, acme: Caller):
    other = await world.given_tenant()

    refused = await acme.http.get("/v1/customers", headers={"backoffice-tenant": other["id"]})
    own = await acme.http.get("/v1/customers", headers={"backoffice-tenant": acme.tenant["id"]})
    unreadable = await acme.http.get("/v1/customers", headers={"backoffice-tenant": "acme"})

    assert (refused.status_code, refused.json()["code"]) == (403, "tenant_not_granted")
    assert own.status_code == 200
    assert unreadable.status_code == 400


async def test_an_operator_acts_for_a_tenant_and_the_audit_says_who(world: World, acme: Caller):
    operator = await world.operator(acme.tenant["id"])

    made = await operator.post("/v1/customers", json={"name": "Jane"})

    assert made.status_code == 201, made.text
    seen = (await acme.http.get("/v1/customers")).json()["items"]
    assert [c["name"] for c in seen] == ["Jane"]
    async with world.services["orders"].app_db.transaction(UUID(acme.tenant["id"])) as tx:
        rows = await tx.sql.fetch(
            "select actor_id, actor_kind, request_id from audit where action = 'create_customer'"
        )
    assert [tuple(r) for r in rows] == [(ADMIN[0], "operator", made.headers["x-request-id"])]


async def test_an_operator_for_one_tenant_sees_no_other(world: World, acme: Caller):
    other = await world.given_client(await world.given_tenant(), "orders:read", "orders:write")
    customer = (await other.http.post("/v1/customers", json={"name": "Secret"})).json()

    operator = await world.operator(acme.tenant["id"])

    assert (await operator.get(f"/v1/customers/{customer['id']}")).status_code == 404
    assert (await operator.get("/v1/customers")).json()["items"] == []
    assert (await operator.get(f"/v1/tenants/{other.tenant['id']}")).status_code == 404
    listed = (await operator.get("/v1/tenants")).json()["items"]
    assert [t["id"] for t in listed] == [acme.tenant["id"]]
    assert (await operator.post(f"/v1/tenants/{acme.tenant['id']}/suspend")).json()[
        "code"
    ] == "operators_only"


async def test_an_operator_must_name_a_tenant_that_exists(world: World):
    operator = await world.operator()

    without = await operator.get("/v1/customers")
    unknown = await operator.get("/v1/customers", headers={"backoffice-tenant": str(uuid4())})
    provider = await operator.get("/v1/accounts", headers={"backoffice-tenant": str(world.first.provider_id)})

    assert (without.status_code, without.json()["code"]) == (400, "tenant_required")
    assert unknown.status_code == 404
    assert provider.status_code in (200, 404), provider.text


async def test_a_suspended_tenants_calls_are_refused_at_once_until_resumed(world: World, acme: Caller):
    operator = await world.operator()
    path = f"/v1/tenants/{acme.tenant['id']}"
    assert (await acme.http.get("/v1/customers")).status_code == 200

    suspended = await operator.post(f"{path}/suspend", json={"reason": "did not pay"})

    assert (suspended.status_code, suspended.json()["state"]) == (200, "suspended")
    for caller in (acme.http, await world.operator(acme.tenant["id"])):
        refused = await caller.get("/v1/customers")
        assert (refused.status_code, refused.json()["code"]) == (403, "tenant_suspended")
    assert (await operator.get(path)).json()["allowed_actions"] == ["resume", "close"]
    assert (await operator.post(f"{path}/resume")).status_code == 200
    assert (await acme.http.get("/v1/customers")).status_code == 200
    timeline = (await operator.get(f"{path}/timeline")).json()["items"]
    assert [e["verb"] for e in timeline] == ["resume", "suspend", "activate", "create"]
    assert (timeline[1]["why"], timeline[1]["actor_id"]) == ("did not pay", ADMIN[0])


async def test_a_closed_tenant_stays_closed(world: World, acme: Caller):
    operator = await world.operator()
    path = f"/v1/tenants/{acme.tenant['id']}"

    assert (await operator.post(f"{path}/close")).status_code == 200

    refused = await acme.http.get("/v1/customers")
    assert (refused.status_code, refused.json()["code"]) == (403, "tenant_closed")
    again = await operator.post(f"{path}/resume")
    assert (again.status_code, again.json()["code"]) == (409, "illegal_transition")
    changed = await operator.patch(
        path, json={"name": "x"}, headers={"if-match": str((await operator.get(path)).json()["version"])}
    )
    assert changed.status_code == 409


async def test_a_service_that_is_not_subscribed_is_refused(world: World):
    tenant = await world.given_tenant(services=["billing"])
    caller = await world.given_client(tenant, "orders:read", "billing:read")

    refused = await caller.http.get("/v1/customers")
    operator = await world.operator()
    change = await operator.patch(
        f"/v1/tenants/{tenant['id']}",
        json={"services": ["orders", "billing"]},
        headers={"if-match": str(tenant["version"])},
    )
    allowed = await caller.http.get("/v1/customers")

    assert (refused.status_code, refused.json()["code"]) == (403, "service_not_subscribed")
    assert change.status_code == 200, change.text
    assert allowed.status_code == 200


async def test_each_answer_tells_the_rate_and_too_many_are_429(world: World, acme: Caller):
    async with world.another_gateway(tenant_rate_per_minute=60, tenant_burst=3) as gateway:
        caller = world.anonymous(gateway, authorization=acme.http.headers["authorization"])
        answers = [await caller.get("/v1/echoes") for _ in range(4)]
        other = await world.given_client(await world.given_tenant(), "helpdesk:read")
        neighbour = world.anonymous(gateway, authorization=other.http.headers["authorization"])
        unharmed = await neighbour.get("/v1/echoes")

    assert [a.status_code for a in answers] == [200, 200, 200, 429]
    assert all(a.headers["ratelimit-policy"] == '"tenant";q=3;w=3' for a in answers)
    assert [re.search(r"r=(\d+)", a.headers["ratelimit"]).group(1) for a in answers] == ["2", "1", "0", "0"]  # type: ignore[union-attr]
    assert answers[3].headers["retry-after"] == "1"
    assert answers[3].json()["code"] == "rate_limited"
    assert unharmed.status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "limit"),
    [("PATCH", "/v1/echoes/1", 4096), ("POST", "/v1/echoes", 1 << 20), ("POST", "/v1/echo-files", 3 << 20)],
)
async def test_a_body_beyond_what_its_operation_declares_is_413_announced_or_not(
    acme: Caller, method: str, path: str, limit: int
):
    async def chunks():
        for _ in range(5):
            yield b"a" * (limit // 4)

    announced = await acme.http.request(method, path, content=b"a" * (limit + 1))
    streamed = await acme.http.request(method, path, content=chunks())
    largest = await acme.http.request(method, path, content=b"a" * limit)

    for refused in (announced, streamed):
        assert (refused.status_code, refused.json()["code"]) == (413, "body_too_large")
        assert refused.json()["limit"] == limit
    assert largest.json()["size"] == limit


@pytest.mark.parametrize(
    ("failure", "status", "code"),
    [
        (UpstreamUnavailable("gone"), 503, "service_unavailable"),
        (UpstreamBusy("full"), 503, "overloaded"),
        (ShareOfUpstreamUsedUp("full"), 429, "too_many_at_once"),
        (UpstreamTimeout("slow"), 504, "upstream_timeout"),
        (UpstreamProtocolError("odd"), 502, "bad_gateway"),
    ],
)
async def test_a_service_that_is_away_is_a_problem_document(
    world: World, acme: Caller, failure, status, code
):
    world.switches["orders"].away, world.switches["orders"].failure = True, failure

    answer = await acme.http.get("/v1/customers")

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert str(failure) not in answer.text
    assert (status in (429, 503)) == ("retry-after" in answer.headers)
    assert (await acme.http.get("/v1/echoes")).status_code == 200


async def test_an_answer_that_breaks_off_is_not_made_to_look_whole(world: World, acme: Caller):
    async def breaks(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"10")]})
        await send({"type": "http.response.body", "body": b"half", "more_body": True})
        raise UpstreamAborted("lost")

    kept, world.switches["helpdesk"].upstream = world.switches["helpdesk"].upstream, breaks
    try:
        with pytest.raises(UpstreamAborted):
            await acme.http.get("/v1/echoes")
    finally:
        world.switches["helpdesk"].upstream = kept


async def test_a_slow_service_is_given_up_at_the_deadline(world: World, acme: Caller):
    async def stuck(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.Event().wait()

    from gateway.upstream.local import LocalUpstream

    async with world.another_gateway(request_seconds=0.1) as gateway:
        kept, world.switches["helpdesk"].upstream = world.switches["helpdesk"].upstream, LocalUpstream(stuck)
        try:
            caller = world.anonymous(gateway, authorization=acme.http.headers["authorization"])
            answer = await caller.get("/v1/echoes")
        finally:
            world.switches["helpdesk"].upstream = kept
    assert (answer.status_code, answer.json()["code"]) == (504, "upstream_timeout")


async def test_a_failure_of_our_own_tells_nothing(world: World, acme: Caller):
    async def broken(scope: Any, receive: Any, send: Any) -> None:
        raise ZeroDivisionError("select * from secrets")

    kept, world.switches["helpdesk"].upstream = world.switches["helpdesk"].upstream, broken
    try:
        answer = await acme.http.get("/v1/echoes")
    finally:
        world.switches["helpdesk"].upstream = kept

    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert "secrets" not in answer.text


async def test_every_operation_without_its_scope_is_refused(world: World):
    tenant = await world.given_tenant()
    everybodys = {"self:read", "tenants:read", "sandbox:read", "sandbox:write"}
    caller = (await world.given_client(tenant, "nothing:read")).http
    provider = await world.operator(scope="nothing:read")
    acting = await world.operator(tenant["id"], scope="nothing:read")
    document = (await world.gateway.catalog.shown()).document
    tried, wrong = 0, []

    for path, item in document["paths"].items():
        for method, operation in item.items():
            scope = operation.get("x-required-scope")
            if method not in METHODS or scope is None or operation["x-service"] == "helpdesk":
                continue
            concrete = re.sub(r"\{[^}]+\}", str(uuid4()), path)
            callers = [acting if operation["x-service"] != "gateway" else provider]
            callers += [] if scope in everybodys else [caller]
            for who in callers:
                answer = await who.request(method, concrete, headers={"if-match": "1"}, json={})
                tried += 1
                if scope == "self:read":
                    assert answer.status_code == 200
                elif (answer.status_code, answer.json().get("code")) != (403, "missing_scope"):
                    wrong.append((method, path, scope, answer.status_code))

    assert wrong == []
    assert tried > 30


async def test_every_operation_is_401_for_nobody(world: World):
    wrong = []
    document = (await world.gateway.catalog.shown()).document
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method in METHODS and operation.get("security") != []:
                concrete = re.sub(r"\{[^}]+\}", str(uuid4()), path)
                answer = await world.anonymous().request(method, concrete)
                if answer.status_code != 401:
                    wrong.append((method, path, answer.status_code))

    assert wrong == []


async def test_nothing_secret_is_logged_and_requests_are(
    world: World, acme: Caller, monkeypatch: pytest.MonkeyPatch
):
    stream = io.StringIO()
    telemetry.configure_logs(kernel_settings(log_level="DEBUG"))
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(stream))
    try:
        token = await world.token(acme.client_id, acme.secret)
        key = await world.given_key(acme.tenant, "orders:read")
        fresh = await world.given_client(acme.tenant, "orders:read")
        answer = await world.anonymous(authorization=f"Bearer {key['key']}").get(
            "/v1/customers?email=jane@example.com"
        )
        await world.anonymous(authorization="Bearer bo_live_wrongwrong").get("/v1/customers")
    finally:
        telemetry.configure_logs(kernel_settings())

    logged = stream.getvalue()
    for secret in (
        token,
        key["key"],
        fresh.secret,
        acme.secret,
        ADMIN[1],
        "bo_live_wrongwrong",
        "jane@example.com",
    ):
        assert secret not in logged
    lines = [orjson.loads(line) for line in logged.splitlines()]
    (line,) = [x for x in lines if x.get("request_id") == answer.headers["x-request-id"]]
    assert line["event"] == "request"
    assert (line["method"], line["route"], line["status"]) == ("GET", "/v1/customers", 200)
    assert (line["tenant"], line["client"]) == (acme.tenant["id"], key["prefix"])
    assert len(line["trace_id"]) == 32


async def test_requests_are_counted_by_route_template(world: World, acme: Caller):
    def counted() -> float:
        labels = {"service": "edge", "route": "/v1/echoes/{id}", "status": "2xx"}
        return REGISTRY.get_sample_value("backoffice_request_seconds_count", labels) or 0.0

    before = counted()
    await acme.http.get("/v1/echoes/1")
    await acme.http.get("/v1/echoes/2")

    assert counted() == before + 2
    assert "backoffice_gateway_in_flight" in (await world.anonymous().get("/metrics")).text


async def test_warm_requests_ask_no_database(world: World, acme: Caller, monkeypatch: pytest.MonkeyPatch):
    await acme.http.get("/v1/echoes")

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a warm request asked the database")

    for way in ("transaction", "repeatable"):
        monkeypatch.setattr(world.gateway.running.worker_db, way, refuse)
    monkeypatch.setattr("shared.http.internal_token.mint", refuse)
    assert (await acme.http.get("/v1/echoes")).status_code == 200
