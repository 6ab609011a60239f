"""Sealed columns in a service: what the database holds, who sees what, and how keys come and go."""

import asyncio
import io
import secrets
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest
from sqlalchemy.exc import StatementError

from shared.base import telemetry
from shared.context.ctx import SYSTEM, Ctx, TenantFacts
from shared.context.sealed_fields import seal
from shared.database import resealing
from shared.database.pool import Database, Transaction
from shared.database.rls import app_role, role_password, worker_role
from shared.database.sealing import DoesNotOpen, Keyring, Place, Sealed, SealingKeysWrong, sealed_columns
from shared.values.ids import new_id
from tests.kit.suite import ROLE_SECRET, SEALING_KEYS, Suite, eventually, running_suite
from tests.kit.suite import test_settings as settings_with
from tests.shared.given_notes import execute, rows
from tests.shared.probe.service import PROBE
from tests.shared.probe.vaults.actions import get_vault
from tests.shared.probe.vaults.models import Vault

IBAN, HOLDER, CODE = "GB33BUKB20201555555555", "Canary Holdings Ltd", "QQ987654C"
ACCOUNT = {"holder": HOLDER, "iban": IBAN, "bic": None}
MASKED = {"holder": "********", "iban": "GB** **** **** 5555", "bic": None}
BODY = {"name": "first", "account": {"holder": HOLDER, "iban": IBAN}, "code": CODE}
SEES_ACCOUNTS = {"probe:read", "probe:write", "probe.accounts:read"}
COLUMNS = sealed_columns(PROBE.metadatas())


async def given_vault(probe: httpx.AsyncClient, **changes: Any) -> dict[str, Any]:
    answer = await probe.post("/v1/vaults", json=BODY | changes)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


@pytest.fixture
def teller(kernel: Suite, owner: TenantFacts) -> httpx.AsyncClient:
    """Somebody who may see accounts, but no codes."""
    return kernel.client("probe", owner, scopes=SEES_ACCOUNTS)


async def everything(url: str) -> str:
    """All rows of all tables of the probe, as text."""
    sql = await asyncpg.connect(url)
    try:
        tables = await sql.fetch("select tablename from pg_tables where schemaname = 'probe'")
        found = [await sql.fetch(f"select t::text from probe.{table['tablename']} t") for table in tables]
    finally:
        await sql.close()
    return "\n".join(row[0] for part in found for row in part)


async def audited(kernel: Suite, owner: TenantFacts) -> list[asyncpg.Record]:
    return await rows(kernel.url, "probe", "audit", tenant_id=owner.id, action="read_sealed")


async def test_the_database_holds_nothing_in_clear(kernel: Suite, probe: httpx.AsyncClient):
    answer = await probe.post("/v1/vaults", json=BODY, headers={"idempotency-key": "a key"})

    held = await everything(kernel.url)
    assert answer.status_code == 201
    assert answer.json()["id"] in held
    for canary in (IBAN, HOLDER, CODE):
        assert canary not in held
        assert canary.encode().hex() not in held


async def test_without_the_scope_values_are_masked_and_nothing_is_recorded(
    kernel: Suite, owner: TenantFacts, probe: httpx.AsyncClient
):
    vault = await given_vault(probe)

    one = (await probe.get(f"/v1/vaults/{vault['id']}")).json()
    (listed,) = (await probe.get("/v1/vaults")).json()["items"]

    assert one == listed == vault
    assert (one["account"], one["code"]) == (MASKED, "****54C")
    assert await audited(kernel, owner) == []


async def test_a_read_in_full_leaves_a_row_for_each_record_and_field(
    kernel: Suite, owner: TenantFacts, probe: httpx.AsyncClient, teller: httpx.AsyncClient
):
    vaults = [await given_vault(probe, name=name) for name in ("first", "second")]

    listed = (await teller.get("/v1/vaults", headers={"x-request-id": "asked once"})).json()["items"]

    assert [(v["account"], v["code"]) for v in listed] == [(ACCOUNT, "****54C")] * 2
    found = await audited(kernel, owner)
    assert {row["subject"] for row in found} == {f"vaults/{v['id']}#account" for v in vaults}
    assert {(row["actor_id"], row["request_id"]) for row in found} == {("client-of-a-test", "asked once")}


async def test_what_is_not_told_after_all_is_not_recorded_either(
    kernel: Suite, owner: TenantFacts, probe: httpx.AsyncClient, teller: httpx.AsyncClient
):
    vault = await given_vault(probe)

    refused = await teller.get(f"/v1/vaults/{vault['id']}/stumble")

    assert refused.status_code == 409
    assert IBAN not in refused.text
    assert await audited(kernel, owner) == []


async def test_an_empty_field_is_shown_empty_and_not_recorded(
    kernel: Suite, owner: TenantFacts, probe: httpx.AsyncClient, teller: httpx.AsyncClient
):
    vault = await given_vault(probe, account=None)

    assert (await teller.get(f"/v1/vaults/{vault['id']}")).json()["account"] is None
    assert await audited(kernel, owner) == []


async def test_the_masked_form_sent_back_is_refused_and_overwrites_nothing(
    probe: httpx.AsyncClient, teller: httpx.AsyncClient
):
    vault = await given_vault(probe)
    back = {
        "name": "renamed",
        "account": {"holder": HOLDER, "iban": vault["account"]["iban"]},
        "code": vault["code"],
    }

    refused = await probe.patch(f"/v1/vaults/{vault['id']}", json=back, headers={"if-match": "1"})

    assert refused.status_code == 422
    assert {(e["pointer"], e["code"]) for e in refused.json()["errors"]} == {
        ("/account/iban", "masked_value"), ("/code", "masked_value"),
    }  # fmt: skip
    assert (await teller.get(f"/v1/vaults/{vault['id']}")).json()["account"] == ACCOUNT


async def test_the_answer_to_a_change_is_masked_and_its_replay_is_the_same(
    kernel: Suite, owner: TenantFacts, teller: httpx.AsyncClient
):
    first = await teller.post("/v1/vaults", json=BODY, headers={"idempotency-key": "once"})
    again = await teller.post("/v1/vaults", json=BODY, headers={"idempotency-key": "once"})
    other = await teller.post(
        "/v1/vaults", json=BODY | {"code": "QQ111111C"}, headers={"idempotency-key": "once"}
    )

    assert first.json()["account"] == MASKED
    assert (again.json(), again.headers["idempotency-replayed"]) == (first.json(), "true")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_mismatch")
    assert await audited(kernel, owner) == []


async def test_an_answer_under_a_key_never_shows_values_in_full(
    probe: httpx.AsyncClient, teller: httpx.AsyncClient
):
    vault = await given_vault(probe)

    answer = await teller.post(f"/v1/vaults/{vault['id']}/reveal", headers={"idempotency-key": "kept"})

    assert answer.status_code == 500
    assert IBAN not in answer.text


async def test_the_hash_of_a_request_cannot_be_tried_out(
    kernel: Suite, owner: TenantFacts, probe: httpx.AsyncClient
):
    """Who reads the table must not be able to find an account number by hashing all there are."""
    body = b'{"name":"x","code":"QQ987654C"}'
    headers = {"idempotency-key": "hashed", "content-type": "application/json"}
    answer = await probe.post("/v1/vaults", content=body, headers=headers)

    (kept,) = await rows(kernel.url, "probe", "idempotency_keys", tenant_id=owner.id, key="hashed")
    assert answer.status_code == 201
    assert len(kept["request_hash"]) == 32
    assert kept["request_hash"] != sha256(b"POST /v1/vaults?\n" + body).digest()


async def test_an_answer_kept_before_the_keys_came_is_still_found(
    kernel: Suite, owner: TenantFacts, probe: httpx.AsyncClient
):
    body = b'{"name":"x"}'
    headers = {"idempotency-key": "before", "content-type": "application/json"}
    first = await probe.post("/v1/vaults", content=body, headers=headers)
    await execute(
        kernel.url, "update probe.idempotency_keys set request_hash = $1 where tenant_id = $2",
        sha256(b"POST /v1/vaults?\n" + body).digest(), owner.id,
    )  # fmt: skip

    again = await probe.post("/v1/vaults", content=body, headers=headers)

    assert again.json() == first.json()


async def test_a_masked_field_cannot_be_filled_in_clear(probe: httpx.AsyncClient):
    vault = await given_vault(probe)

    answer = await probe.get(f"/v1/vaults/{vault['id']}/careless")

    assert answer.status_code == 500
    assert "QQ123456C" not in answer.text


@pytest.mark.parametrize(
    "swap",
    [
        "update probe.vaults v set account = o.account from probe.vaults o where o.id = $2 and v.id = $1",
        "update probe.vaults set code = account where id in ($1, $2)",
    ],
)
async def test_a_ciphertext_moved_in_the_database_is_not_shown(
    kernel: Suite, probe: httpx.AsyncClient, teller: httpx.AsyncClient, swap: str
):
    mine, theirs = await given_vault(probe), await given_vault(probe, name="theirs")
    await execute(kernel.url, swap, mine["id"], theirs["id"])

    answers = [await teller.get(f"/v1/vaults/{vault['id']}") for vault in (mine, theirs)]

    assert 500 in {answer.status_code for answer in answers}


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """Everything that is logged, at every level."""
    stream = io.StringIO()
    with monkeypatch.context() as patch:
        patch.setattr("sys.stderr", stream)
        telemetry.configure_logs(settings_with(log_level="DEBUG"))
    yield stream
    telemetry.configure_logs(settings_with())


async def test_neither_refusals_nor_logs_repeat_what_was_sent(probe: httpx.AsyncClient, logged: io.StringIO):
    wrong = {"holder": HOLDER + "\x00", "iban": IBAN + "5", "bic": CODE}
    sent: list[dict[str, Any]] = [
        {"json": BODY | {"account": wrong, "code": CODE * 60}},
        {"json": BODY | {"account": IBAN}},
        {"json": BODY | {"code": [CODE]}},
        {"json": {"account": {"iban": IBAN, "more": HOLDER}}},
        {"content": f'{{"code": "{CODE}"', "headers": {"content-type": "application/json"}},
    ]

    answers = [await probe.post("/v1/vaults", **each) for each in sent]

    assert [a.status_code for a in answers] == [422, 422, 422, 422, 400]
    told = logged.getvalue() + "\n".join(a.text for a in answers)
    assert [canary for canary in (IBAN, HOLDER, CODE) if canary in told] == []


async def test_a_bug_is_logged_without_the_values_it_met(
    probe: httpx.AsyncClient, teller: httpx.AsyncClient, logged: io.StringIO
):
    vault = await given_vault(probe)
    for path in ("reveal", "careless"):
        method = teller.post if path == "reveal" else teller.get
        await method(f"/v1/vaults/{vault['id']}/{path}", headers={"idempotency-key": "a bug"})

    told = logged.getvalue()

    assert told.count("request failed") == 2
    assert [canary for canary in (IBAN, HOLDER, CODE) if canary in told] == []


async def test_a_clear_value_put_into_a_sealed_column_is_refused_without_being_told(
    kernel: Suite, owner: TenantFacts
):
    with pytest.raises((StatementError, TypeError)) as refused:  # noqa: PT012 - the block is what is tested
        async with kernel["probe"].app_db.transaction(owner.id) as tx:
            tx.session.add(Vault(tenant_id=owner.id, name="clear", account=IBAN))  # type: ignore[arg-type]
            await tx.flush()

    assert "nothing else" in str(refused.value)
    assert IBAN not in str(refused.value)


# Keys: they come, go and get lost.


def databases(url: str, keyring: Keyring) -> tuple[Database, Database]:
    """The probe's database by its two roles."""
    app, worker = (
        Database(url, user=role, password=role_password(ROLE_SECRET, role), size=1, application_name="test")
        for role in (app_role("probe"), worker_role("probe"))
    )
    app.keyring = keyring
    return app, worker


def keys(*texts: str) -> Keyring:
    return Keyring.parse(" ".join(texts), service="probe")


async def test_a_rotation_leaves_nothing_under_the_old_key_and_every_value_as_it_was(fresh_url: str):
    new = secrets.token_urlsafe(32)
    async with running_suite(fresh_url, [PROBE]) as before:
        tenants = [await before.new_tenant() for _ in range(2)]
        vaults = [
            await given_vault(before.client("probe", t), name=str(n)) for t in tenants for n in range(3)
        ]
    ring = keys(new, SEALING_KEYS)
    app, worker = databases(fresh_url, ring)

    count = await resealing.reseal(app, worker, COLUMNS, ring)
    again = await resealing.reseal(app, worker, COLUMNS, ring)
    used = await resealing.keys_in_use(worker)
    await app.close()
    await worker.close()

    assert (count, again, used) == (12, 0, {ring.newest: 2})
    async with running_suite(fresh_url, [PROBE], settings=settings_with(sealing_keys=new)) as after:
        clients = [after.client("probe", t, scopes=SEES_ACCOUNTS) for t in tenants]
        shown = [v for c in clients for v in (await c.get("/v1/vaults")).json()["items"]]
    assert [v["account"] for v in shown] == [ACCOUNT] * 6
    assert {(v["id"], v["version"]) for v in shown} == {(v["id"], v["version"]) for v in vaults}


async def test_who_seals_with_the_old_key_meanwhile_is_waited_for(fresh_url: str):
    """A process that has not got the new key yet: what it seals is found by the rotation, or says so afterwards."""
    ring = keys(secrets.token_urlsafe(32), SEALING_KEYS)
    async with running_suite(fresh_url, [PROBE]) as old:
        tenant = await old.new_tenant()
        vault = await given_vault(old.client("probe", tenant))
        app, worker = databases(fresh_url, ring)
        async with old["probe"].app_db.transaction(tenant.id) as tx:
            ctx = ctx_of(tx, tenant)
            row = await get_vault(ctx, UUID(vault["id"]))
            await seal(ctx, row, code="QQ111111C")
            rotation = asyncio.create_task(resealing.reseal(app, worker, COLUMNS, ring))
            await eventually(partial(_waits_for_a_lock, fresh_url))
        assert await rotation == 2
        code = ring.open(Place(tenant.id, "vaults", "code", row.id), Sealed(await _held_code(fresh_url)))
        used = await resealing.keys_in_use(worker)
        await app.close()
        await worker.close()

    assert (code, used) == ("QQ111111C", {ring.newest: 1})


async def _waits_for_a_lock(url: str) -> bool:
    sql = await asyncpg.connect(url)
    try:
        waits: bool = await sql.fetchval(
            "select exists (select from pg_stat_activity where datname = current_database() "
            "and wait_event_type = 'Lock' and query like '%sealing_keys%')"
        )
        return waits
    finally:
        await sql.close()


async def _held_code(url: str) -> bytes:
    (row,) = await rows(url, "probe", "vaults")
    held: bytes = row["code"]
    return held


def ctx_of(tx: Transaction, tenant: TenantFacts) -> Ctx:
    """The ctx of a transaction that no request opened."""
    return Ctx(
        service="probe", tx=tx, tenant=tenant, actor=SYSTEM, scopes=frozenset(), now=datetime.now(UTC),
        request_id="a test", traceparent="",
    )  # fmt: skip


async def test_a_process_without_a_key_that_is_in_use_does_not_start(fresh_url: str):
    async with running_suite(fresh_url, [PROBE]) as before:
        await given_vault(before.client("probe", await before.new_tenant()))

    with pytest.raises(SealingKeysWrong) as refused:
        async with running_suite(
            fresh_url, [PROBE], settings=settings_with(sealing_keys=secrets.token_urlsafe(32))
        ):
            pass

    assert keys(SEALING_KEYS).newest in str(refused.value)
    assert "1 tenants" in str(refused.value)


async def test_a_service_with_sealed_columns_does_not_start_without_keys(fresh_url: str):
    with pytest.raises(SealingKeysWrong) as refused:
        async with running_suite(fresh_url, [PROBE], settings=settings_with(sealing_keys="")):
            pass

    assert "probe has sealed columns (vaults.account, vaults.code)" in str(refused.value)


async def test_what_a_lost_key_sealed_can_be_given_up(fresh_url: str):
    lost, new = keys(SEALING_KEYS).newest, secrets.token_urlsafe(32)
    async with running_suite(fresh_url, [PROBE]) as before:
        tenant = await before.new_tenant()
        await given_vault(before.client("probe", tenant))
    app, worker = databases(fresh_url, keys(new))

    count = await resealing.forget(app, worker, COLUMNS, lost)
    await app.close()
    await worker.close()

    assert count == 2
    async with running_suite(fresh_url, [PROBE], settings=settings_with(sealing_keys=new)) as after:
        (vault,) = (await after.client("probe", tenant).get("/v1/vaults")).json()["items"]
        assert (vault["account"], vault["code"]) == (None, None)
        assert (await after.client("probe", tenant).post("/v1/vaults", json=BODY)).status_code == 201


async def test_a_service_seals_with_the_keyring_that_its_manifest_names(fresh_url: str):
    """Who shares the keyring opens what was handed over; the services' other keys do not."""
    people, billing = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    hr = replace(PROBE, shared_keyring="people")
    given = settings_with(sealing_keys="", keyrings={"people": people, "billing": billing})

    async with running_suite(fresh_url, [hr], settings=given) as suite:
        keyring = suite["probe"].keyring
        assert keyring is not None
        assert keyring.newest == keys(people).newest
    place = Place(new_id(), "vaults", "account", new_id())
    sealed = keyring.seal(place, ACCOUNT)
    assert keys(people).open(place, sealed) == ACCOUNT
    with pytest.raises(DoesNotOpen):
        keys(billing).open(place, sealed)
    with pytest.raises(SealingKeysWrong, match="BACKOFFICE_SEALING_KEYS_PEOPLE"):
        async with running_suite(fresh_url, [hr], settings=settings_with(sealing_keys="")):
            pass
