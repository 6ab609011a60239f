"""Tokens, keys and credentials: who is let in, and who is not."""

import base64
import hmac
import time
from datetime import timedelta

import httpx
import orjson
import pytest
from joserfc import jwt
from joserfc.jwk import OKPKey

from gateway.identity import access_tokens
from shared.context.ctx import Actor, TenantFacts
from shared.http import internal_token
from tests.gateway.world import ADMIN, Caller, World


async def test_a_client_gets_a_token_for_its_secret_and_may_work_with_it(world: World, acme: Caller):
    answer = await world.anonymous().post(
        "/oauth/token",
        data={"grant_type": "client_credentials", "client_id": acme.client_id, "client_secret": acme.secret},
    )

    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json()
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 900)
    assert "orders:write" in body["scope"].split()
    caller = world.anonymous(authorization=f"Bearer {body['access_token']}")
    made = await caller.post("/v1/customers", json={"name": "Jane"})
    assert made.status_code == 201, made.text
    assert made.headers["location"] == f"/v1/customers/{made.json()['id']}"


async def test_a_narrowed_token_may_do_only_what_was_asked_for(world: World, acme: Caller):
    token = await world.token(acme.client_id, acme.secret, scope="orders:read")

    caller = world.anonymous(authorization=f"Bearer {token}")

    assert (await caller.get("/v1/customers")).status_code == 200
    refused = await caller.post("/v1/customers", json={"name": "Jane"})
    assert (refused.status_code, refused.json()["code"]) == (403, "missing_scope")


@pytest.mark.parametrize(
    ("form", "auth_pair", "status", "error"),
    [
        ({"grant_type": "client_credentials"}, ("nobody", "x"), 401, "invalid_client"),
        ({"grant_type": "client_credentials"}, (ADMIN[0], "wrong"), 401, "invalid_client"),
        ({"grant_type": "client_credentials"}, None, 401, "invalid_client"),
        ({"grant_type": "password"}, ADMIN, 400, "unsupported_grant_type"),
        ({"scope": "orders:read"}, ADMIN, 400, "invalid_request"),
        ({"grant_type": "client_credentials", "scope": "no such scope"}, ADMIN, 400, "invalid_scope"),
        ({"grant_type": "client_credentials", "client_secret": "x"}, ADMIN, 400, "invalid_request"),
        (
            {"grant_type": "client_credentials", "client_id": "a\0b", "client_secret": "x"},
            None,
            401,
            "invalid_client",
        ),
    ],
)
async def test_a_wrong_token_request_is_refused_in_oauths_words(world: World, form, auth_pair, status, error):
    answer = await world.anonymous().post("/oauth/token", data=form, auth=auth_pair)

    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert answer.headers["cache-control"] == "no-store"
    assert status != 401 or answer.headers["www-authenticate"].startswith("Basic")


async def test_only_forms_are_read_at_the_token_endpoint(world: World):
    json = await world.anonymous().post("/oauth/token", json={"grant_type": "client_credentials"}, auth=ADMIN)
    get = await world.anonymous().get("/oauth/token")
    huge = await world.anonymous().post(
        "/oauth/token",
        content=b"a" * 20_000,
        headers={"content-type": "application/x-www-form-urlencoded"},
    )

    assert (json.status_code, json.json()["error"]) == (400, "invalid_request")
    assert (get.status_code, get.headers["allow"]) == (405, "POST")
    assert huge.status_code == 413


async def test_guessing_a_secret_is_slowed_down_for_the_guesser_alone(world: World, acme: Caller):
    guesser = world.anonymous()
    form = {"grant_type": "client_credentials"}

    answers = [await guesser.post("/oauth/token", data=form, auth=(acme.client_id, "no")) for _ in range(30)]

    refused = [a.status_code for a in answers]
    assert refused[:20] == [401] * 20
    assert 429 in refused[20:]  # a slow machine regains an attempt every three seconds
    assert int(answers[refused.index(429)].headers["retry-after"]) >= 1
    assert await world.token(acme.client_id, acme.secret)


async def test_an_api_key_works_until_it_is_revoked(world: World, acme: Caller):
    key = await world.given_key(acme.tenant, "orders:read")
    caller = world.anonymous(authorization=f"Bearer {key['key']}")
    path = f"/v1/tenants/{acme.tenant['id']}/api-keys"
    operator = await world.operator()

    assert key["key"].startswith("bo_test_")
    assert (await caller.get("/v1/customers")).status_code == 200
    listed = (await operator.get(path)).json()["items"]
    assert [k["prefix"] for k in listed] == [key["prefix"]]
    assert key["key"] not in str(listed)
    assert (await operator.delete(f"{path}/{key['id']}")).status_code == 204
    refused = await caller.get("/v1/customers")
    assert (refused.status_code, refused.json()["code"]) == (401, "invalid_credentials")
    assert (await operator.delete(f"{path}/{key['id']}")).status_code == 404


async def test_a_live_tenants_key_says_so(world: World):
    tenant = await world.given_tenant(kind="live")

    assert (await world.given_key(tenant, "orders:read"))["key"].startswith("bo_live_")


async def test_a_revoked_client_and_its_tokens_are_refused_at_once(world: World, acme: Caller):
    operator = await world.operator()
    path = f"/v1/tenants/{acme.tenant['id']}/clients"
    (client,) = (await operator.get(path)).json()["items"]
    assert (await acme.http.get("/v1/customers")).status_code == 200

    assert (await operator.delete(f"{path}/{client['id']}")).status_code == 204

    assert (await acme.http.get("/v1/customers")).status_code == 401
    again = await world.anonymous().post(
        "/oauth/token", data={"grant_type": "client_credentials"}, auth=(acme.client_id, acme.secret)
    )
    assert (again.status_code, again.json()["error"]) == (401, "invalid_client")


async def test_a_rotated_secret_replaces_the_old_one(world: World, acme: Caller):
    operator = await world.operator()
    path = f"/v1/tenants/{acme.tenant['id']}/clients"
    (client,) = (await operator.get(path)).json()["items"]

    rotated = (await operator.post(f"{path}/{client['id']}/rotate-secret")).json()

    assert rotated["client_secret"] != acme.secret
    assert await world.token(acme.client_id, rotated["client_secret"])
    old = await world.anonymous().post(
        "/oauth/token", data={"grant_type": "client_credentials"}, auth=(acme.client_id, acme.secret)
    )
    assert old.status_code == 401


async def test_a_replayed_answer_does_not_show_the_secret_again(world: World, acme: Caller):
    operator = await world.operator()
    path = f"/v1/tenants/{acme.tenant['id']}/clients"
    headers = {"idempotency-key": "once"}
    first = await operator.post(path, json={"name": "x", "scopes": ["orders:read"]}, headers=headers)

    second = await operator.post(path, json={"name": "x", "scopes": ["orders:read"]}, headers=headers)

    assert "x-internal-once" not in first.headers
    assert second.headers["idempotency-replayed"] == "true"
    assert second.json() == first.json() | {"client_secret": None}


def _claims(acme: Caller, **changes: object) -> dict[str, object]:
    claims: dict[str, object] = {
        "iss": access_tokens.ISSUER,
        "aud": access_tokens.AUDIENCE,
        "sub": acme.client_id,
        "tid": acme.tenant["id"],
        "knd": "client",
        "scope": "orders:read",
        "jti": "x",
        "exp": int(time.time()) + 600,
    }
    return claims | changes


def _signed(world: World, claims: dict[str, object], key: OKPKey | None = None, **header: object) -> str:
    key = key or world.gateway.keys.access
    head = {"alg": "Ed25519", "kid": key.kid, "typ": "at+jwt", **header}
    return jwt.encode(head, claims, key, algorithms=["Ed25519"])


def _part(value: object) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(value)).rstrip(b"=").decode()


def _hmac_signed(key: OKPKey, claims: dict[str, object]) -> str:
    """The classic confusion: our public key taken for a shared secret."""
    text = f"{_part({'alg': 'HS256', 'kid': key.kid, 'typ': 'at+jwt'})}.{_part(claims)}"
    mac = hmac.digest(key.as_bytes(private=False), text.encode(), "sha256")
    return f"{text}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


async def test_forged_expired_and_foreign_tokens_are_refused(world: World, acme: Caller):
    ring = world.gateway.keys
    good = _claims(acme)
    tenant = TenantFacts(world.first.provider_id, "P", "P", "DE", "EUR", "UTC", "provider")
    signed = _signed(world, good)
    head, body, signature = signed.split(".")
    bad = {
        "another key": _signed(world, good, internal_token.new_key()),
        "another key under our id": _signed(world, good, internal_token.new_key(), kid=ring.access.kid),
        "the key of internal tokens": _signed(world, good, ring.internal),
        "expired": _signed(world, _claims(acme, exp=int(time.time()) - 1)),
        "no expiry": _signed(world, {k: v for k, v in good.items() if k != "exp"}),
        "another audience": _signed(world, _claims(acme, aud="orders")),
        "another issuer": _signed(world, _claims(acme, iss="backoffice-gateway")),
        "another tenant": _signed(world, _claims(acme, tid=str(world.first.provider_id))),
        "unknown client": _signed(world, _claims(acme, sub="nobody")),
        "another type": _signed(world, good, typ="JWT"),
        "no signature": f"{_part({'alg': 'none', 'typ': 'at+jwt'})}.{body}.",
        "stripped signature": f"{head}.{body}.",
        "changed body": f"{head}.{_part(_claims(acme, scope='*'))}.{signature}",
        "hmac with the public key": _hmac_signed(ring.access, good),
        "an internal token": internal_token.mint(
            ring.internal, audience="orders", tenant=tenant, actor=Actor("x", "operator"), scopes=frozenset("*")
        ),
        "rubbish": "rubbish",
        "a key of nobody": "bo_live_" + "0" * 48,
    }  # fmt: skip

    answers = {
        name: await world.anonymous(authorization=f"Bearer {token}").get("/v1/customers")
        for name, token in bad.items()
    }

    assert {name: a.status_code for name, a in answers.items()} == dict.fromkeys(bad, 401)
    assert all(a.headers["www-authenticate"].startswith("Bearer") for a in answers.values())
    assert (await world.anonymous(authorization=f"Bearer {signed}").get("/v1/customers")).status_code == 200


async def test_scopes_beyond_the_clients_own_are_worth_nothing_even_when_signed(world: World, acme: Caller):
    token = _signed(world, _claims(acme, scope="orders:read tenants:admin payroll:approve"))

    me = (await world.anonymous(authorization=f"Bearer {token}").get("/v1/me")).json()

    assert "tenants:admin" not in me["scopes"]
    assert "payroll:approve" not in me["scopes"]


async def test_without_credentials_there_is_nothing(world: World):
    answer = await world.anonymous().get("/v1/customers")
    basic = await world.anonymous().get("/v1/customers", auth=ADMIN)

    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    assert answer.headers["www-authenticate"] == "Bearer"
    assert basic.status_code == 401


async def test_what_is_refused_too_often_has_to_wait_and_valid_callers_of_the_address_do_not(
    world: World, acme: Caller
):
    key = await world.given_key(acme.tenant, "orders:read")
    async with world.another_gateway(address_failures_per_minute=5) as gateway:
        address = world.anonymous(gateway)

        async def me(credential: str) -> httpx.Response:
            return await address.get("/v1/me", headers={"authorization": f"Bearer {credential}"})

        answers = [await me("bo_live_wrong") for _ in range(6)]
        assert [a.status_code for a in answers] == [401] * 5 + [429]
        assert answers[-1].json()["code"] == "too_many_requests"
        assert int(answers[-1].headers["retry-after"]) >= 1
        assert (await me(acme.http.headers["authorization"].removeprefix("Bearer "))).status_code == 200
        assert (await me(key["key"])).status_code == 200


async def test_keys_survive_a_restart_and_tokens_of_one_gateway_hold_at_another(world: World, acme: Caller):
    async with world.another_gateway() as gateway:
        caller = world.anonymous(gateway, authorization=acme.http.headers["authorization"])

        assert (await caller.get("/v1/customers")).status_code == 200
        assert gateway.keys.access.kid == world.gateway.keys.access.kid
    jwks = (await world.anonymous().get("/.well-known/jwks.json")).json()
    assert {k["kid"] for k in jwks["keys"]} >= {gateway.keys.access.kid, gateway.keys.internal.kid}
    assert all("d" not in key for key in jwks["keys"])


async def test_an_old_signing_key_is_replaced_and_still_believed_for_a_while(world: World, acme: Caller):
    ring = world.gateway.keys
    before = ring.access.kid
    aged = "update signing_keys set created_at = now() - $2::interval where kid = $1"
    async with world.gateway.running.worker_db.transaction(None) as tx:
        await tx.sql.execute(aged, before, timedelta(days=91))

    await ring.renew(world.first.provider_id)
    published = [k["kid"] for k in ring.jwks()["keys"]]  # type: ignore[attr-defined]
    signing_while_others_learn = ring.access.kid
    async with world.gateway.running.worker_db.transaction(None) as tx:
        await tx.sql.execute(aged, published[-1], timedelta(minutes=3))
    await ring.renew(world.first.provider_id)

    assert signing_while_others_learn == before
    assert ring.access.kid == published[-1] != before
    assert {str(before), str(ring.access.kid)} <= {k["kid"] for k in ring.jwks()["keys"]}  # type: ignore[attr-defined]
    assert (await acme.http.get("/v1/me")).status_code == 200
    fresh = await world.token(acme.client_id, acme.secret)
    assert (await world.anonymous(authorization=f"Bearer {fresh}").get("/v1/customers")).status_code == 200


async def test_stored_signing_keys_are_sealed(world: World):
    async with world.gateway.running.worker_db.transaction(None) as tx:
        rows = await tx.sql.fetch("select sealed from signing_keys")

    assert rows
    assert all(b'"d"' not in row["sealed"] for row in rows)


async def test_a_client_cannot_grant_what_it_does_not_hold(world: World, acme: Caller):
    manager = await world.given_client(acme.tenant, "tenants:admin", "orders:read")
    path = f"/v1/tenants/{acme.tenant['id']}/clients"

    allowed = await manager.http.post(path, json={"name": "x", "scopes": ["orders:read"]})
    refused = await manager.http.post(path, json={"name": "x", "scopes": ["orders:read", "billing:write"]})
    everything = await manager.http.post(path, json={"name": "x", "scopes": ["*"]})
    typo = await manager.http.post(path, json={"name": "x", "scopes": ["orders:wirte"]})
    strong = next(
        c for c in (await manager.http.get(path)).json()["items"] if c["client_id"] == acme.client_id
    )
    taken = await manager.http.post(f"{path}/{strong['id']}/rotate-secret")

    assert allowed.status_code == 201
    assert (refused.status_code, refused.json()["scopes"]) == (403, ["billing:write"])
    assert everything.status_code == 422
    assert (typo.status_code, typo.json()["code"]) == (422, "unknown_scope")
    assert taken.status_code == 403
    other = f"/v1/tenants/{world.first.provider_id}/clients"
    assert (await manager.http.post(other, json={"name": "x", "scopes": ["orders:read"]})).status_code == 404


async def test_me_tells_who_i_am(world: World, acme: Caller):
    me: httpx.Response = await acme.http.get("/v1/me")
    operator = await (await world.operator()).get("/v1/me")

    assert me.json()["client_id"] == acme.client_id
    assert (me.json()["kind"], me.json()["tenant"]["id"]) == ("client", acme.tenant["id"])
    assert (operator.json()["kind"], operator.json()["tenant"]["kind"]) == ("operator", "provider")
