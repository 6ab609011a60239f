"""Every route: declared completely, closed to strangers, deaf to other tenants' ids."""

import inspect
import re
from collections import defaultdict
from uuid import uuid4

import httpx
import pytest

from services.all import SERVICES
from shared.context.ctx import TenantFacts
from shared.http.router import Operation
from tests.architecture.foreign_ids import BUILDERS
from tests.kit.suite import Suite

ROUTES = [(s.name, r) for s in SERVICES for router in s.routers() for r in router.routes]
SCOPE = re.compile(r"^[a-z]+(\.[a-z]+)?:(read|write|approve)$")


def ids(routes: list[tuple[str, Operation]]) -> list[str]:
    return [f"{sorted(r.methods)[0]} {r.path}" for _, r in routes]


WITH_ID = [(s, r) for s, r in ROUTES if "{" in r.path]


@pytest.mark.parametrize(("service", "route"), ROUTES, ids=ids(ROUTES))
def test_a_route_is_declared_completely(service: str, route: Operation):
    assert isinstance(route, Operation)
    assert route.path.startswith("/v1/")
    assert SCOPE.match(route.needed_scope), route.needed_scope
    assert (inspect.getdoc(route.endpoint) or "").strip(), "say what it does"
    assert re.match(r"^/v1/[a-z][a-z0-9-]*(/(\{[a-z_]+_id\}|[a-z][a-z0-9-]*))*$", route.path), route.path
    documented = [c for c in (route.responses or {}).values() if "content" in c]
    assert route.response_model is not None or route.status_code == 204 or documented, (
        "declare what it answers"
    )


def test_two_services_never_claim_one_resource():
    owners: dict[str, set[str]] = defaultdict(set)
    for service, route in ROUTES:
        if not route.guest:
            owners[route.path.split("/")[2]].add(service)

    assert {name: found for name, found in owners.items() if len(found) > 1} == {}


def test_a_path_and_method_is_declared_once():
    seen = [(m, re.sub(r"\{[^}]+\}", "{}", r.path)) for _, r in ROUTES for m in r.methods]

    assert sorted(set(seen)) == sorted(seen)


@pytest.mark.parametrize(("service", "route"), ROUTES, ids=ids(ROUTES))
async def test_anonymous_callers_get_401(suite: Suite, service: str, route: Operation):
    answer = await call(suite.anonymous(service), route, defaultdict(lambda: str(uuid4())))

    assert answer.status_code == 401


@pytest.mark.parametrize(("service", "route"), ROUTES, ids=ids(ROUTES))
async def test_callers_without_the_scope_get_403(
    suite: Suite, tenant: TenantFacts, service: str, route: Operation
):
    client = suite.client(service, tenant, scopes=suite.all_scopes - {route.needed_scope})

    answer = await call(client, route, defaultdict(lambda: str(uuid4())))

    assert (answer.status_code, answer.json()["code"]) == (403, "missing_scope")


def resource_of(route: Operation) -> str:
    return route.path.split("/")[2]


def test_there_is_a_builder_for_every_resource_with_ids():
    wanted = {resource_of(r) for _, r in WITH_ID}

    assert wanted - BUILDERS.keys() == set()
    assert BUILDERS.keys() - wanted == set(), "no longer there"


@pytest.mark.parametrize(("service", "route"), WITH_ID, ids=ids(WITH_ID))
async def test_an_id_that_is_nowhere_is_404(
    suite: Suite, tenant: TenantFacts, service: str, route: Operation
):
    answer = await call(suite.client(service, tenant), route, defaultdict(lambda: str(uuid4())))

    assert_absent(answer, route)


@pytest.mark.parametrize(("service", "route"), WITH_ID, ids=ids(WITH_ID))
async def test_an_id_of_another_tenant_is_404(
    suite: Suite, tenant: TenantFacts, stranger: TenantFacts, service: str, route: Operation
):
    theirs = await BUILDERS[resource_of(route)](suite, stranger)
    places = defaultdict(lambda: theirs)
    reads = [
        r
        for its, r in WITH_ID
        if its == service
        and resource_of(r) == resource_of(route)
        and r.methods == {"GET"}
        and r.path.count("/") == 3
    ]

    known = [await call(suite.client(service, stranger), r, places) for r in reads]
    answer = await call(suite.client(service, tenant), route, places)

    assert [a.status_code for a in known] == [200] * len(known), (
        "the builder made nothing that its owner can read"
    )
    assert_absent(answer, route)


def assert_absent(answer: httpx.Response, route: Operation) -> None:
    """404; a body that is refused before anything is looked up says nothing about the id either."""
    takes_body = route.body_field is not None and route.methods & {"POST", "PATCH"}
    allowed = {404, 422} if takes_body else {404}
    assert answer.status_code in allowed, f"{answer.status_code} {answer.text}"
    if answer.status_code == 422:
        assert all(not e["pointer"].startswith("/path") for e in answer.json().get("errors", []))


async def call(
    client: httpx.AsyncClient, route: Operation, places: "defaultdict[str, str]"
) -> httpx.Response:
    path = re.sub(r"\{([^}]+)\}", lambda m: places[m.group(1)], route.path)
    method = sorted(route.methods)[0]
    headers = {"if-match": "1"} if method in ("PATCH", "DELETE") else {}
    body = (
        {"json": {}}
        if method in ("POST", "PATCH") and route.body_field is not None and not route.reads_form
        else {}
    )
    return await client.request(method, path, headers=headers, **body)
