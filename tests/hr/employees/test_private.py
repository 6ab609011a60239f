"""What is private of people: in clear nowhere but where somebody who may see it looks, and that leaves a trace."""

import io
from collections.abc import AsyncIterator, Iterator
from typing import Any

import asyncpg
import httpx
import pytest

from services.hr.service import SERVICE
from shared.base import telemetry
from shared.context.ctx import TenantFacts
from shared.http.router import Operation
from tests.hr.conftest import PRIVATE_SCOPES
from tests.hr.given import PRIVATE, given_change, given_employee, person, shown, terms, verb
from tests.kit.canaries import held_of, planted_in, reads_of_sealed
from tests.kit.suite import Suite
from tests.kit.suite import test_settings as settings_with

OTHER = {
    "birth_date": "1988-07-06",
    "gender": "canary gender",
    "address": PRIVATE["address"] | {"line1": "78 Canary Row"},
    "tax_ids": {"ssn": "536904399", "utr": "1955839661"},
    "bank_account": {
        "holder": "K Canary",
        "routing_number": "021000021",
        "account_number": "987612345",
        "kind": "checking",
    },
    "compensation": {"kind": "hourly", "amount": {"amount": "98765.43", "currency": "GBP"}, "per": "hour"},
}
CANARIES = (
    "1987-06-05", "77 Canary Row", "AB123456C", "GB33BUKB20201555555555", "J Canary", "43217.00",
    "1988-07-06", "canary gender", "78 Canary Row", "536904399", "1955839661", "021000021", "987612345", "K Canary",
    "98765.43", "4321700", "9876543",
)  # fmt: skip


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """Everything that is logged, at every level."""
    stream = io.StringIO()
    with monkeypatch.context() as patch:
        patch.setattr("sys.stderr", stream)
        telemetry.configure_logs(settings_with(log_level="DEBUG"))
    yield stream
    telemetry.configure_logs(settings_with())


@pytest.fixture
async def database(suite: Suite) -> AsyncIterator[asyncpg.Connection]:
    sql = await asyncpg.connect(suite.url)
    yield sql
    await sql.close()


async def audited(sql: asyncpg.Connection, tenant: TenantFacts) -> list[str]:
    return [read.partition("#")[2] for read in await reads_of_sealed(sql, tenant, "hr")]


async def whole_life(hr: httpx.AsyncClient, second: httpx.AsyncClient) -> dict[str, Any]:
    """Hired under a key, changed in all that is private, approved, ended, engaged again; and much that is refused."""
    headers = {"idempotency-key": "hired"}
    body = person(**PRIVATE, number="L-1")
    first = await hr.post("/v1/employees", json=body, headers=headers)
    again = await hr.post("/v1/employees", json=body, headers=headers)
    assert (first.status_code, again.headers["idempotency-replayed"]) == (201, "true"), first.text
    assert first.json() == again.json()
    employee: dict[str, Any] = first.json()
    assert (await hr.post("/v1/employees", json=body)).status_code == 409
    change = await given_change(hr, employee, "2026-03-01", **OTHER)
    assert planted_in(str(change), CANARIES) == []
    approved = await second.post(f"/v1/employees/{employee['id']}/changes/{change['id']}/approve")
    assert approved.status_code == 200, approved.text
    for name, value in {
        "bank_account": PRIVATE["bank_account"] | {"sort_code": "201555"},
        "tax_ids": {"nino": "AB123456CX"},
        "birth_date": "1987-06-05T00:00:00",
        "compensation": OTHER["compensation"] | {"per": "year"},
        "address": OTHER["address"] | {"country": "XX"},
        "gender": "canary gender\x00",
    }.items():
        body = {"effective_on": "2026-04-01", "fields": {name: value}, "reason": "wrong"}
        headers = {"idempotency-key": f"wrong {name}"}
        refused = await hr.post(f"/v1/employees/{employee['id']}/changes", json=body, headers=headers)
        assert refused.status_code == 422, (name, refused.text)
        assert planted_in(refused.text, CANARIES) == [], name
    await given_change(hr, employee, "2026-05-01", family_name="Roe", department="Lab")
    assert (await verb(hr, employee, "terminate", last_day="2026-06-30")).status_code == 200
    employments = f"/v1/employees/{employee['id']}/employments"
    assert (await hr.post(employments, json=terms(hire_on="2026-08-01"))).status_code == 201
    await hr.post("/v1/positions", json={"code": "clerk", "title": "Clerk"})
    return employee


def reads() -> list[Operation]:
    routes = [route for router in SERVICE.routers() for route in router.routes]
    return [r for r in routes if isinstance(r, Operation) and r.methods == {"GET"}]


async def read_all(client: httpx.AsyncClient) -> dict[str, str]:
    """What every GET route says, of every resource that a list shows."""
    ids: dict[str, list[str]] = {}
    found: dict[str, str] = {}
    for route in sorted(reads(), key=lambda r: r.path.count("{")):
        prefix, _, rest = route.path.partition("/{")
        paths = [route.path]
        if rest:
            paths = [f"{prefix}/{i}/{rest.partition('}/')[2]}".rstrip("/") for i in ids.get(prefix, ())]
        for path in [p for p in paths if "{" not in p]:
            answer = await client.get(path)
            found[path] = answer.text + str(answer.headers)
            if answer.status_code == 200 and "items" in answer.json():
                ids[path] = [item["id"] for item in answer.json()["items"][:3] if "id" in item]
    return found


async def test_nothing_private_is_in_clear_in_any_row_event_log_reply_or_answer(
    suite: Suite,
    tenant: TenantFacts,
    hr: httpx.AsyncClient,
    second: httpx.AsyncClient,
    insider: httpx.AsyncClient,
    database: asyncpg.Connection,
    logged: io.StringIO,
):
    employee = await whole_life(hr, second)
    clerk, may = await read_all(hr), await read_all(insider)
    await suite.settled()

    path = f"/v1/employees/{employee['id']}"
    assert {p for p, text in clerk.items() if planted_in(text, CANARIES)} == set()
    assert {p for p, text in may.items() if planted_in(text, CANARIES)} == {path}
    assert f"{path}/changes" in clerk
    held = await held_of(database, tenant)
    assert employee["number"] in held
    assert planted_in(held, CANARIES) == []
    assert (
        planted_in("\n".join(row["envelope"] for row in await suite.outbox("hr", tenant.id)), CANARIES) == []
    )
    assert planted_in(logged.getvalue(), CANARIES) == []


async def test_who_sees_what_is_private_leaves_a_trace_and_only_of_what_they_saw(
    suite: Suite, tenant: TenantFacts, hr: httpx.AsyncClient, database: asyncpg.Connection
):
    employee = await given_employee(hr, **PRIVATE)
    await shown(hr, employee)
    await hr.get("/v1/employees")
    assert await audited(database, tenant) == []

    for scope in sorted(PRIVATE_SCOPES):
        await shown(suite.client("hr", tenant, scopes={"hr:read", scope}), employee)

    seen = await audited(database, tenant)
    assert seen == ["bank_account", "compensation", "birth_date", "gender", "address", "tax_ids"]


async def test_a_change_never_reveals_whoever_makes_it(insider: httpx.AsyncClient):
    employee = await given_employee(insider, **PRIVATE)

    suspended = (await verb(insider, employee, "suspend")).json()

    assert employee["birth_date"] == suspended["birth_date"] == "********"
