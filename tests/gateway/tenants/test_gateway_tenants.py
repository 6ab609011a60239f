"""Tenants: registered, set up everywhere, kept equal, and their test clocks."""

import asyncio
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import asyncpg
import pytest

from tests.gateway.world import Caller, World
from tests.kit.suite import eventually

BODY = {
    "name": "Acme",
    "legal_name": "Acme Ltd",
    "country": "GB",
    "currency": "GBP",
    "time_zone": "Europe/London",
}


async def known_to(world: World, service: str, tenant_id: str) -> dict | None:
    """What a service knows of a tenant."""
    async with world.services[service].app_db.transaction(UUID(tenant_id)) as tx:
        row = await tx.sql.fetchrow("select * from tenants where tenant_id = $1", UUID(tenant_id))
    return dict(row) if row is not None else None


async def test_a_new_tenant_is_usable_at_once(world: World):
    made = await (await world.operator()).post("/v1/tenants", json=BODY)

    tenant = made.json()
    assert made.status_code == 201, made.text
    assert made.headers["location"] == f"/v1/tenants/{tenant['id']}"
    assert tenant["state"] == "active"
    assert (tenant["kind"], tenant["services"]) == ("live", [*world.switches])
    assert tenant["provisioning"] == dict.fromkeys(world.switches, "done")
    assert tenant["allowed_actions"] == ["suspend", "close"]
    assert (await known_to(world, "billing", tenant["id"]))["legal_name"] == "Acme Ltd"
    caller = await world.given_client(tenant, "orders:read", "orders:write")
    assert (await caller.http.post("/v1/customers", json={"name": "Jane"})).status_code == 201


async def test_the_same_key_registers_one_tenant_and_answers_the_same(world: World):
    operator = await world.operator()
    headers = {"idempotency-key": str(uuid4())}

    first = await operator.post("/v1/tenants", json=BODY, headers=headers)
    second = await operator.post("/v1/tenants", json=BODY, headers=headers)

    assert second.json() == first.json()
    assert second.headers["idempotency-replayed"] == "true"


async def test_a_tenant_finishes_by_itself_when_a_service_comes_back(world: World):
    world.switches["billing"].away = True
    operator = await world.operator()

    made = await operator.post("/v1/tenants", json=BODY | {"services": ["orders", "billing"]})

    tenant = made.json()
    assert (made.status_code, tenant["state"]) == (201, "provisioning")
    assert tenant["provisioning"] == {"orders": "done", "billing": "waiting"}
    caller = await world.given_client(tenant, "orders:read")
    early = await caller.http.get("/v1/customers")
    assert (early.status_code, early.json()["code"]) == (503, "tenant_provisioning")
    assert early.headers["retry-after"] == "1"
    assert (await caller.http.get(f"/v1/tenants/{tenant['id']}")).json()["state"] == "provisioning"

    world.switches["billing"].away = False

    async def active() -> bool:
        return (await operator.get(f"/v1/tenants/{tenant['id']}")).json()["state"] == "active"

    await eventually(active, within=10)
    assert (await known_to(world, "billing", tenant["id"])) is not None
    assert (await caller.http.get("/v1/customers")).status_code == 200
    verbs = [e["verb"] for e in (await operator.get(f"/v1/tenants/{tenant['id']}/timeline")).json()["items"]]
    assert verbs == ["activate", "create"]


async def test_a_change_reaches_a_service_that_was_away(world: World, acme: Caller):
    world.switches["billing"].away = True
    operator = await world.operator()
    path = f"/v1/tenants/{acme.tenant['id']}"

    changed = await operator.patch(
        path, json={"legal_name": "Acme plc"}, headers={"if-match": str(acme.tenant["version"])}
    )

    assert changed.status_code == 200, changed.text
    assert (await known_to(world, "orders", acme.tenant["id"]))["legal_name"] == "Acme plc"
    assert (await known_to(world, "billing", acme.tenant["id"]))["legal_name"] == "Acme Ltd"
    assert (await operator.get(path)).json()["provisioning"]["billing"] == "waiting"
    world.switches["billing"].away = False

    async def told() -> bool:
        return (await known_to(world, "billing", acme.tenant["id"]))["legal_name"] == "Acme plc"

    await eventually(told)


async def test_services_are_told_of_a_suspension(world: World, acme: Caller):
    await (await world.operator()).post(f"/v1/tenants/{acme.tenant['id']}/suspend")

    assert (await known_to(world, "orders", acme.tenant["id"]))["state"] == "suspended"


async def test_a_change_needs_the_version_it_is_based_on(world: World, acme: Caller):
    operator = await world.operator()
    path = f"/v1/tenants/{acme.tenant['id']}"

    assert (await operator.patch(path, json={"name": "A"})).status_code == 428
    assert (await operator.patch(path, json={"name": "A"}, headers={"if-match": "999"})).status_code == 412


async def test_two_changes_at_once_do_not_overwrite_each_other(world: World, acme: Caller):
    operators = [await world.operator() for _ in range(6)]
    headers = {"if-match": str(acme.tenant["version"])}

    answers = await asyncio.gather(
        *(
            operator.patch(f"/v1/tenants/{acme.tenant['id']}", json={"name": f"A{n}"}, headers=headers)
            for n, operator in enumerate(operators)
        )
    )

    assert sorted(a.status_code for a in answers) == [200, 412, 412, 412, 412, 412]
    (won,) = [a.json()["name"] for a in answers if a.status_code == 200]
    assert (await known_to(world, "orders", acme.tenant["id"]))["name"] == won


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"currency": "XXX"}, "/currency"),
        ({"country": "Britain"}, "/country"),
        ({"time_zone": "Mars/Base"}, "/time_zone"),
        ({"kind": "provider"}, "/kind"),
        ({"services": ["orders", "laundry"]}, "/services/1"),
        ({"state": "active"}, "/state"),
    ],
)
async def test_bad_input_names_the_field_and_stores_nothing(world: World, change, pointer):
    operator = await world.operator()
    before = (await operator.get("/v1/tenants?limit=1")).json()["items"]

    answer = await operator.post("/v1/tenants", json=BODY | change)

    assert answer.status_code == 422
    assert [e["pointer"] for e in answer.json()["errors"]] == [pointer]
    assert (await operator.get("/v1/tenants?limit=1")).json()["items"] == before


async def test_a_tenant_subscribes_to_what_is_behind_the_gateway_and_to_nothing_else(world: World):
    operator = await world.operator()
    tenant = (await operator.post("/v1/tenants", json=BODY | {"services": ["billing"]})).json()
    path, headers = f"/v1/tenants/{tenant['id']}", {"if-match": str(tenant["version"])}

    refused = await operator.patch(path, json={"services": ["billing", "laundry"]}, headers=headers)
    taken = await operator.patch(path, json={"services": ["billing", "orders"]}, headers=headers)

    (error,) = refused.json()["errors"]
    assert (refused.status_code, error["pointer"], error["code"]) == (422, "/services/1", "unknown_service")
    assert f"there are {', '.join(world.switches)}" in error["message"]
    assert (taken.status_code, taken.json()["services"]) == (200, ["orders", "billing"])


async def test_a_client_company_sees_itself_and_manages_nothing(world: World, acme: Caller):
    other = await world.given_tenant()
    own = f"/v1/tenants/{acme.tenant['id']}"

    assert (await acme.http.get(own)).json()["id"] == acme.tenant["id"]
    assert (await acme.http.get(f"/v1/tenants/{other['id']}")).status_code == 404
    assert (await acme.http.get(f"/v1/tenants/{other['id']}/timeline")).status_code == 404
    assert [t["id"] for t in (await acme.http.get("/v1/tenants")).json()["items"]] == [acme.tenant["id"]]
    for path in (f"{own}/suspend", f"{own}/close", f"{own}/clients", f"{own}/api-keys", "/v1/tenants"):
        assert (await acme.http.post(path, json={})).status_code == 403
    manager = await world.given_client(acme.tenant, "tenants:admin")
    assert (await manager.http.post(f"{own}/suspend")).json()["code"] == "operators_only"
    assert (await manager.http.post("/v1/tenants", json=BODY)).json()["code"] == "operators_only"
    assert (await manager.http.get(f"/v1/tenants/{other['id']}/clients")).status_code == 404
    assert (await manager.http.post(f"/v1/tenants/{other['id']}/suspend")).status_code == 404


async def test_row_level_security_alone_keeps_tenants_apart_in_the_control_plane(world: World, acme: Caller):
    db = world.gateway.running.app_db
    for tenant in (acme.tenant, await world.given_tenant()):
        await world.given_key(tenant, "orders:read")

    for table in ("registered_tenants", "clients", "api_keys", "tenant_sync"):
        async with db.transaction(UUID(acme.tenant["id"])) as tx:
            seen = await tx.sql.fetch(f"select distinct tenant_id from {table}")
        assert {row["tenant_id"] for row in seen} <= {UUID(acme.tenant["id"])}, table
        async with db.transaction(world.first.provider_id, provider=True) as tx:
            assert await tx.sql.fetchval(f"select count(distinct tenant_id) from {table}") > 1, table
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with db.transaction(UUID(acme.tenant["id"])) as tx:
            await tx.sql.fetch("select * from signing_keys")


async def test_the_provider_cannot_close_itself(world: World):
    operator = await world.operator()

    answer = await operator.post(f"/v1/tenants/{world.first.provider_id}/close")

    assert (answer.status_code, answer.json()["code"]) == (409, "provider_stays")


async def test_tenants_are_listed_in_pages(world: World):
    made = [(await world.given_tenant(name=f"T{n}"))["id"] for n in range(3)]
    operator = await world.operator()

    first = (await operator.get("/v1/tenants?limit=2")).json()
    second = (await operator.get("/v1/tenants", params={"limit": 2, "cursor": first["next"]})).json()

    assert [t["id"] for t in first["items"] + second["items"]][:3] == made[::-1]


async def test_a_test_clock_moves_the_time_of_its_tenant_in_every_service(world: World, acme: Caller):
    before = (await acme.http.get("/v1/sandbox/clock")).json()

    moved = await acme.http.post("/v1/sandbox/clock", json={"advance_seconds": 90 * 86_400})

    assert moved.status_code == 200, moved.text
    assert (before["ahead_seconds"], moved.json()["ahead_seconds"]) == (0, 90 * 86_400)
    customer = (await acme.http.post("/v1/customers", json={"name": "Jane"})).json()
    later = datetime.fromisoformat(customer["created_at"]) - datetime.fromisoformat(before["now"])
    assert timedelta(days=90) <= later < timedelta(days=90, minutes=1)
    for service in ("orders", "billing"):
        assert (await known_to(world, service, acme.tenant["id"]))["clock_offset"] == timedelta(days=90)
    me = (await acme.http.get("/v1/me")).json()
    assert me["now"] > before["now"][:4]


async def test_a_test_clock_never_goes_back(world: World, acme: Caller):
    target = "2031-01-01T00:00:00Z"

    first = await acme.http.post("/v1/sandbox/clock", json={"advance_to": target})
    back = await acme.http.post("/v1/sandbox/clock", json={"advance_to": "2030-01-01T00:00:00Z"})
    negative = await acme.http.post("/v1/sandbox/clock", json={"advance_seconds": -1})
    both = await acme.http.post("/v1/sandbox/clock", json={"advance_seconds": 1, "advance_to": target})
    neither = await acme.http.post("/v1/sandbox/clock", json={})
    far = await acme.http.post("/v1/sandbox/clock", json={"advance_to": "2099-01-01T00:00:00Z"})

    assert first.json()["now"].startswith("2031-01-01T00:00:0")
    assert (back.status_code, back.json()["code"]) == (409, "clock_goes_forward")
    assert {a.status_code for a in (negative, both, neither, far)} == {422}
    assert {a.json()["errors"][0]["code"] for a in (both, neither)} == {"seconds_or_instant"}


async def test_a_live_tenant_has_no_test_clock(world: World):
    caller = await world.given_client(await world.given_tenant(kind="live"), "orders:read")

    answer = await caller.http.post("/v1/sandbox/clock", json={"advance_seconds": 1})

    assert (answer.status_code, answer.json()["code"]) == (409, "not_a_sandbox")


async def test_advancing_a_clock_at_the_same_time_adds_up(world: World, acme: Caller):
    answers = await asyncio.gather(
        *(acme.http.post("/v1/sandbox/clock", json={"advance_seconds": 3600}) for _ in range(5))
    )

    assert {a.status_code for a in answers} == {200}, [a.text for a in answers]
    assert (await acme.http.get("/v1/sandbox/clock")).json()["ahead_seconds"] == 5 * 3600
    assert (await known_to(world, "orders", acme.tenant["id"]))["clock_offset"] == timedelta(hours=5)
