"""Jobs and approvals of all services as one list: newest first, nothing lost, whoever is missing is named."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from gateway.upstream.errors import UpstreamTimeout
from shared.values.ids import new_id
from tests.gateway.overviews.helpdesk import Helpdesk
from tests.gateway.world import Caller, World
from tests.kit.suite import eventually

SCOPES = (
    "orders:read",
    "orders:write",
    "billing:read",
    "billing:write",
    "billing:approve",
    "hr:read",
    "payroll:read",
    "helpdesk:read",
)


@dataclass
class Desk:
    """A company behind a gateway that knows a second service with jobs."""

    caller: Caller
    http: httpx.AsyncClient
    helpdesk: Helpdesk

    async def imported(self) -> str:
        """A job of orders; answers its id."""
        file = {"file": ("orders.csv", b"order_ref,sku,quantity\nA,S,1\n", "text/csv")}
        answer = await self.caller.http.post("/v1/order-imports", files=file)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["id"])

    async def page(self, query: str = "") -> dict[str, Any]:
        answer = await self.http.get(f"/v1/jobs{query}")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def pages(self, limit: int) -> list[list[str]]:
        """The ids of each page, to the end."""
        found, query = [], f"?limit={limit}"
        while True:
            page = await self.page(query)
            found.append([job["id"] for job in page["items"]])
            if page["next"] is None:
                return found
            query = f"?limit={limit}&cursor={page['next']}"


@pytest.fixture
async def desk(world: World) -> AsyncIterator[Desk]:
    helpdesk = Helpdesk()
    switch = world.switches["helpdesk"]
    before, switch.upstream = switch.upstream, helpdesk
    try:
        async with world.another_gateway() as gateway:
            caller = await world.given_client(await world.given_tenant(), *SCOPES)
            token = await world.token(caller.client_id, caller.secret)
            yield Desk(caller, world.anonymous(gateway, authorization=f"Bearer {token}"), helpdesk)
    finally:
        switch.upstream = before


async def test_jobs_of_all_services_come_newest_first_page_by_page(desk: Desk):
    wanted = []
    for _ in range(3):
        wanted += [await desk.imported(), str(new_id())]
        desk.helpdesk.jobs.insert(0, wanted[-1])

    whole = await desk.page()
    pages = await desk.pages(2)

    assert [job["id"] for job in whole["items"]] == wanted[::-1]
    assert [job["service"] for job in whole["items"]] == ["helpdesk", "orders"] * 3
    assert (whole["next"], whole["missing"]) == (None, [])
    assert pages == [wanted[5:3:-1], wanted[3:1:-1], wanted[1::-1]]


async def test_a_service_that_is_away_is_named_and_its_jobs_come_once_it_is_back(world: World, desk: Desk):
    ours = [await desk.imported() for _ in range(2)]
    theirs = str(new_id())
    desk.helpdesk.jobs = [theirs]
    world.switches["helpdesk"].away = True

    without = await desk.page("?limit=1")
    world.switches["helpdesk"].away = False
    afterwards = await desk.page(f"?limit=2&cursor={without['next']}")

    assert [job["id"] for job in without["items"]] == [ours[1]]
    assert without["missing"] == [{"service": "helpdesk", "code": "service_unavailable"}]
    assert [job["id"] for job in afterwards["items"]] == [theirs, ours[0]]
    assert afterwards["missing"] == []


async def test_a_service_that_is_too_slow_or_answers_nonsense_is_named(world: World, desk: Desk):
    job = await desk.imported()
    world.switches["helpdesk"].away, world.switches["helpdesk"].failure = True, UpstreamTimeout("for a test")
    slow = await desk.page()
    world.switches["helpdesk"].away = False
    desk.helpdesk.answer = (200, b"not json")
    nonsense = await desk.page()
    desk.helpdesk.answer = (500, {"code": "internal_error"})
    broken = await desk.page()

    codes = [page["missing"] for page in (slow, nonsense, broken)]
    assert codes == [
        [{"service": "helpdesk", "code": code}]
        for code in ("upstream_timeout", "bad_gateway", "internal_error")
    ]
    assert [[j["id"] for j in page["items"]] for page in (slow, nonsense, broken)] == [[job]] * 3


async def test_a_service_that_the_caller_may_not_read_is_named(world: World, desk: Desk):
    await desk.imported()
    narrow = await world.given_client(desk.caller.tenant, "helpdesk:read")

    page = (await narrow.http.get("/v1/jobs")).json()

    assert page["items"] == []
    assert page["missing"] == [
        {"service": service, "code": "missing_scope"} for service in ("orders", "payroll")
    ]


async def test_services_that_the_company_has_not_subscribed_are_not_asked(world: World, desk: Desk):
    tenant = await world.given_tenant(services=["orders"])
    caller = await world.given_client(tenant, *SCOPES)
    desk.helpdesk.asked.clear()
    token = await world.token(caller.client_id, caller.secret)

    desk.http.headers["authorization"] = f"Bearer {token}"
    page = await desk.page()

    assert (page["missing"], desk.helpdesk.asked) == ([], [])


async def test_filters_go_along_and_a_cursor_holds_for_them_alone(desk: Desk):
    for _ in range(2):
        desk.helpdesk.jobs.insert(0, str(new_id()))

    page = await desk.page("?limit=1&state=done&kind=migration")
    on = await desk.http.get(f"/v1/jobs?limit=1&state=done&kind=migration&cursor={page['next']}")
    elsewhere = await desk.http.get(f"/v1/jobs?limit=1&cursor={page['next']}")
    odd = await desk.http.get("/v1/jobs?state=odd")

    assert (desk.helpdesk.asked[0]["state"], desk.helpdesk.asked[0]["kind"]) == ("done", "migration")
    assert on.status_code == 200, on.text
    assert [a.json().get("code") for a in (elsewhere, odd)] == ["invalid_cursor", "invalid"]


async def test_nobody_sees_another_companys_jobs(world: World, desk: Desk):
    job = await desk.imported()
    other = await world.given_client(await world.given_tenant(), *SCOPES)

    theirs = (await other.http.get("/v1/jobs")).json()
    operators = (await (await world.operator(desk.caller.tenant["id"])).get("/v1/jobs")).json()
    anonymous = await world.anonymous().get("/v1/jobs")

    assert theirs["items"] == []
    assert [j["id"] for j in operators["items"]] == [job]
    assert anonymous.status_code == 401


async def test_a_suspended_companys_jobs_are_shown_to_nobody(world: World, desk: Desk):
    operator = await world.operator()
    suspended = await operator.post(
        f"/v1/tenants/{desk.caller.tenant['id']}/suspend", json={"reason": "unpaid"}
    )
    assert suspended.status_code == 200, suspended.text

    answer = await (await world.operator(desk.caller.tenant["id"])).get("/v1/jobs")

    assert (answer.status_code, answer.json()["code"]) == (403, "tenant_suspended")


async def test_approvals_are_one_list_too(world: World, acme: Caller):
    caller = await world.given_client(acme.tenant, *SCOPES)
    api = caller.http
    customer = (await api.post("/v1/customers", json={"name": "Jane Buyer"})).json()["id"]
    limit = {"void_approval_limit": {"amount": "0.00", "currency": "GBP"}}
    changed = await api.patch("/v1/invoice-settings", json=limit, headers={"if-match": "1"})
    assert changed.status_code == 200, changed.text
    line = {"description": "Advice", "quantity": 1, "unit_price": {"amount": "9.00", "currency": "GBP"}}
    body = {"customer_id": customer, "lines": [line | {"tax_code": "standard"}]}

    async def drafted() -> dict[str, Any] | None:
        answer = await api.post("/v1/invoices", json=body)
        return answer.json() if answer.status_code == 201 else None

    invoice = (await eventually(drafted))["id"]
    await api.post(f"/v1/invoices/{invoice}/finalize")
    asked = await api.post(f"/v1/invoices/{invoice}/void")
    assert asked.status_code == 202, asked.text

    page = (await api.get("/v1/approvals?state=pending")).json()

    assert [(a["id"], a["service"], a["state"]) for a in page["items"]] == [
        (asked.json()["id"], "billing", "pending")
    ]
    assert page["missing"] == []


async def test_the_document_tells_of_both_lists(world: World):
    document = (await world.anonymous().get("/openapi.json")).json()

    for path, item in (("/v1/jobs", "ServiceJobOut"), ("/v1/approvals", "ServiceApprovalOut")):
        operation = document["paths"][path]["get"]
        assert operation["x-service"] == "gateway"
        assert any(item in name for name in document["components"]["schemas"])
