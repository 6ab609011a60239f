"""No row, event, log or answer of payroll shows planted private facts in clear, but to who may read them."""

import io
from collections.abc import AsyncIterator, Iterator

import asyncpg
import httpx
import pytest

from services.payroll.service import SERVICE
from shared.base import telemetry
from shared.context.ctx import TenantFacts
from shared.contracts.hr import EmployeeChanged
from shared.http.router import Operation
from tests.kit.canaries import held_of, planted_in
from tests.kit.suite import Suite
from tests.kit.suite import test_settings as settings_with
from tests.payroll.given import SALARY, changed, delivered, given_item, given_schedule, money, payee_of, told

PAY, ACCOUNT, NINO, BORN, CODE, IBAN = (
    "47110.15", "55779911", "AB471147C", "1987-06-05", "1147L", "GB33BUKB20201555555555",
)  # fmt: skip
CANARIES = (PAY, ACCOUNT, NINO, BORN, CODE, IBAN)
PRIVATE = {
    "compensation": SALARY | {"amount": money(PAY)},
    "bank_account": {"holder": "Jane", "sort_code": "200000", "account_number": ACCOUNT},
    "tax_ids": {"nino": NINO},
    "birth_date": BORN,
}


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


def reads() -> list[str]:
    routes = [
        route for router in SERVICE.routers() for route in router.routes if isinstance(route, Operation)
    ]
    return [r.path for r in routes if r.methods == {"GET"} and r.path.count("{") <= 1]


async def read_all(client: httpx.AsyncClient, ids: dict[str, str]) -> dict[str, str]:
    """What the GET routes of the resources here say."""
    found: dict[str, str] = {}
    for path in reads():
        resource = path.split("/")[2]
        if "{" in path and resource not in ids:
            continue
        start = path.find("{")
        full = path if start < 0 else path[:start] + ids[resource] + path[path.index("}") + 1 :]
        answer = await client.get(full)
        assert answer.status_code in (200, 403), (full, answer.text)
        found[path] = answer.text
    return found


async def given_everything(suite: Suite, tenant: TenantFacts, payroll: httpx.AsyncClient) -> dict[str, str]:
    """One of each resource, its private facts also sent under a key, sent twice, and refused."""
    hired = await told(suite, tenant, private=PRIVATE)
    again = await told(
        suite, tenant, EmployeeChanged, private=PRIVATE, version=2,
        employee_id=hired.employee_id, employment_id=hired.employment_id,
    )  # fmt: skip
    broken = again.model_copy(update={"private": again.private[:-8] + "AAAAAAAA", "version": 3})
    await delivered(suite, tenant, hired, again, broken)
    payee, schedule = await payee_of(payroll, hired.employment_id), await given_schedule(payroll)
    path, body = f"/v1/payees/{payee['id']}", {"pack": "uk", "declarations": {"tax_code": CODE}}
    headers = {"if-match": str(payee["version"]), "idempotency-key": "declared"}
    for replayed in (None, "true"):
        answer = await payroll.patch(path, json=body, headers=headers)
        assert (answer.status_code, answer.headers.get("idempotency-replayed")) == (200, replayed), (
            answer.text
        )
    wrong = {"declarations": {"tax_code": CODE, "basis": BORN}, "bank_account": PRIVATE["bank_account"]}
    assert (await payroll.patch(path, json=wrong, headers={"if-match": "9"})).status_code == 422
    only = {"pack": "uk", "declarations": {"tax_code": CODE, "pension": NINO}}
    headers = {"if-match": str(answer.json()["version"]), "idempotency-key": "wrong"}
    assert (await payroll.patch(path, json=only, headers=headers)).status_code == 422
    assert (await changed(payroll, payee, pay_schedule_id=schedule["id"])).status_code == 200
    profile = {"bank_account": {"holder": "Acme", "iban": IBAN}}
    for number in (1, 2):
        headers = {"if-match": "1", "idempotency-key": f"profile {number}"}
        await payroll.patch("/v1/payroll-profile", json=profile, headers=headers)
    item = await given_item(payroll, payee)
    return {"payees": payee["id"], "pay-schedules": schedule["id"], "pay-items": item["id"]}


async def test_no_row_event_log_or_answer_shows_planted_private_facts(
    suite: Suite,
    tenant: TenantFacts,
    payroll: httpx.AsyncClient,
    clerk: httpx.AsyncClient,
    database: asyncpg.Connection,
    logged: io.StringIO,
):
    ids = await given_everything(suite, tenant, payroll)

    shown = {who: await read_all(client, ids) for who, client in (("all", payroll), ("clerk", clerk))}

    by_path = {
        who: {path: planted_in(text, CANARIES) for path, text in found.items()}
        for who, found in shown.items()
    }
    assert {path for path, found in by_path["clerk"].items() if found} == set()
    assert {path: found for path, found in by_path["all"].items() if found} == {
        "/v1/payees/{payee_id}": [PAY, ACCOUNT, NINO, BORN, CODE],
        "/v1/payroll-profile": [IBAN],
    }
    held = await held_of(database, tenant)
    assert "Jane Payee" in held
    assert planted_in(held, CANARIES) == []
    assert (
        planted_in("\n".join(row["envelope"] for row in await suite.outbox("payroll", tenant.id)), CANARIES)
        == []
    )
    assert planted_in(logged.getvalue(), CANARIES) == []


async def test_each_reading_in_full_is_recorded_and_a_masked_one_is_not(
    suite: Suite,
    tenant: TenantFacts,
    payroll: httpx.AsyncClient,
    clerk: httpx.AsyncClient,
    database: asyncpg.Connection,
):
    ids = await given_everything(suite, tenant, payroll)

    async def audited() -> list[str]:
        rows = await database.fetch(
            "select subject from payroll.audit where tenant_id = $1 and action = 'read_sealed' order by id",
            tenant.id,
        )
        return sorted(row["subject"].partition("#")[2] for row in rows)

    before = await audited()  # what a change begins with: it reads the version
    for path in ("/v1/payees", f"/v1/payees/{ids['payees']}"):
        await clerk.get(path)
    await payroll.get("/v1/payees")
    masked = await audited()
    await payroll.get(f"/v1/payees/{ids['payees']}")

    assert masked == before
    more = ["bank_account", "birth_date", "compensation", "declared", "tax_ids"]
    assert await audited() == sorted([*before, *more])


async def test_a_fact_whose_seal_does_not_open_waits_as_a_dead_letter_and_says_nothing(
    suite: Suite, tenant: TenantFacts, payroll: httpx.AsyncClient, database: asyncpg.Connection
):
    hired = await told(suite, tenant, private=PRIVATE)
    other = await told(suite, tenant, private=PRIVATE)

    await delivered(suite, tenant, hired.model_copy(update={"private": other.private}))

    assert (await payroll.get("/v1/payees")).json()["items"] == []
    rows = await database.fetch("select error from payroll.inbox where tenant_id = $1", tenant.id)
    assert ["DoesNotOpen" in row["error"] for row in rows] == [True]
