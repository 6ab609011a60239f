"""Internal tokens: only what the gateway signed for this service, now, is a caller."""

import base64
import hmac
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import KeySet, OKPKey

from shared.context.ctx import Actor, TenantFacts
from shared.http import internal_token
from shared.http.internal_token import TokenVerifier
from shared.values.faults import Unauthenticated, Unavailable
from shared.values.ids import new_id
from tests.kit.suite import Suite

KEY = internal_token.new_key()
TENANT = TenantFacts(new_id(), "Acme", "Acme Ltd", "GB", "GBP", "Europe/London")
PUBLIC = KeySet([OKPKey.import_key(KEY.as_dict(private=False))])


def claims(**changes: Any) -> dict[str, Any]:
    good = internal_token.mint(
        KEY, audience="probe", tenant=TENANT, actor=Actor("me"), scopes=frozenset({"probe:read"})
    )
    found = orjson.loads(base64.urlsafe_b64decode(good.split(".")[1] + "=="))
    return {k: v for k, v in (found | changes).items() if v is not None}


def signed(key: OKPKey = KEY, kid: str | None = None, **changes: Any) -> str:
    header = {"alg": "Ed25519", "kid": kid or KEY.kid}
    return jwt.encode(header, claims(**changes), key, algorithms=["Ed25519"])


def part(value: object) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(value)).decode().rstrip("=")


def unsigned() -> str:
    return f"{part({'alg': 'none', 'kid': KEY.kid})}.{part(claims())}."


def with_public_key_as_secret() -> str:
    head = f"{part({'alg': 'HS256', 'kid': KEY.kid})}.{part(claims())}"
    secret = KEY.as_pem(private=False)
    signature = base64.urlsafe_b64encode(hmac.digest(secret, head.encode(), "sha256")).decode().rstrip("=")
    return f"{head}.{signature}"


def tampered() -> str:
    head, _, signature = signed().split(".")
    return f"{head}.{part(claims(scope='probe:write'))}.{signature}"


NOW = int(time.time())
FORGERIES: dict[str, Callable[[], str]] = {
    "signed by another key under our key id": lambda: signed(internal_token.new_key()),
    "an unknown key id": lambda: signed(internal_token.new_key(), kid="unknown"),
    "expired": lambda: signed(iat=NOW - 200, exp=NOW - 100),
    "for another service": lambda: signed(aud="orders"),
    "for several services but not this one": lambda: signed(aud=["orders", "billing"]),
    "of another issuer": lambda: signed(iss="somebody"),
    "algorithm none": unsigned,
    "HS256 with the public key as its secret": with_public_key_as_secret,
    "claims changed after signing": tampered,
    "without tenant": lambda: signed(tid=None),
    "without expiry": lambda: signed(exp=None),
    "without audience": lambda: signed(aud=None),
    "without subject": lambda: signed(sub=None),
    "with a tenant that is no id": lambda: signed(tid="1; drop table notes"),
    "without the tenant's facts": lambda: signed(tn=None),
    "with broken facts": lambda: signed(tn=[]),
    "with an absurd clock": lambda: signed(tn=claims()["tn"] | {"clk": 1e300}),
    "garbage": lambda: "garbage",
    "dots only": lambda: "....",
    "three empty parts": lambda: "..",
    "not ascii": lambda: "é.é.é",
    "very long": lambda: "a" * 100_000,
    "a bearer prefix": lambda: f"Bearer {signed()}",
}


async def keys() -> KeySet:
    return PUBLIC


@pytest.mark.parametrize("name", FORGERIES)
async def test_a_forged_token_is_no_caller(name: str):
    with pytest.raises(Unauthenticated):
        await TokenVerifier("probe", keys).verify(FORGERIES[name]().encode("latin-1"))


async def test_a_good_token_names_its_caller():
    caller = await TokenVerifier("probe", keys).verify(signed(act={"sub": "a partner"}).encode())

    assert (caller.tenant, caller.actor, caller.scopes) == (
        TENANT, Actor("me", "client", "a partner"), frozenset({"probe:read"}),
    )  # fmt: skip


async def test_a_remembered_token_expires():
    verifier = TokenVerifier("probe", keys)
    token = signed(exp=int(time.time()) + 1).encode()
    caller = await verifier.verify(token)
    verifier._claims.leeway = 0
    verifier._seen[token] = internal_token.Caller(caller.tenant, caller.actor, caller.scopes, time.time() - 1)
    stale = signed(iat=NOW - 100, exp=NOW - 50).encode()
    verifier._seen[stale] = internal_token.Caller(caller.tenant, caller.actor, caller.scopes, time.time() - 1)

    with pytest.raises(Unauthenticated):
        await verifier.verify(stale)


async def test_the_memory_for_tokens_is_bounded(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(internal_token, "CACHE_SIZE", 10)
    verifier = TokenVerifier("probe", keys)

    for _ in range(35):
        await verifier.verify(signed(jti=uuid4().hex).encode())

    assert len(verifier._seen) <= 10


@given(st.binary(max_size=200))
@settings(max_examples=300, deadline=None)
async def test_no_bytes_at_all_make_the_verifier_fail(raw: bytes):
    with pytest.raises(Unauthenticated):
        await TokenVerifier("probe", keys).verify(raw)


async def test_a_rotated_key_is_fetched_once_for_many_callers():
    new = internal_token.new_key()
    fetched = 0

    async def rotating() -> KeySet:
        nonlocal fetched
        fetched += 1
        return (
            PUBLIC if fetched == 1 else KeySet([*PUBLIC.keys, OKPKey.import_key(new.as_dict(private=False))])
        )

    verifier = TokenVerifier("probe", rotating)
    await verifier.verify(signed().encode())
    verifier._fetched_at = float("-inf")
    caller = await verifier.verify(signed(new, kid=new.kid).encode())
    for _ in range(5):
        with pytest.raises(Unauthenticated):
            await verifier.verify(signed(internal_token.new_key(), kid=uuid4().hex).encode())

    assert caller.tenant == TENANT
    assert fetched == 2


async def test_while_the_gateways_keys_cannot_be_read_known_keys_stay_good():
    answers = [PUBLIC]

    async def failing() -> KeySet:
        return answers.pop()

    verifier = TokenVerifier("probe", failing)
    await verifier.verify(signed().encode())
    verifier._fetched_at = float("-inf")

    with pytest.raises(Unauthenticated):
        await verifier.verify(signed(internal_token.new_key(), kid="unknown").encode())
    assert (await verifier.verify(signed(jti="another").encode())).tenant == TENANT
    with pytest.raises(Unavailable):
        await TokenVerifier("probe", failing).verify(signed().encode())


async def test_while_there_are_no_keys_callers_do_not_queue_up_for_them():
    asked = 0

    async def away() -> KeySet:
        nonlocal asked
        asked += 1
        raise OSError("no gateway")

    verifier = TokenVerifier("probe", away)
    for _ in range(20):
        with pytest.raises(Unavailable):
            await verifier.verify(signed().encode())

    assert asked == 1


async def test_the_edge_answers_401_and_403_as_problems(kernel: Suite, owner: TenantFacts):
    nobody = await kernel.anonymous("probe").get("/v1/notes")
    forged = await kernel.anonymous("probe").get("/v1/notes", headers={"x-internal-token": signed()})
    poor = await kernel.client("probe", owner, scopes={"probe:write"}).get("/v1/notes")
    bare = await kernel.anonymous("probe").get("/v1/notes", headers={"x-tenant-id": str(owner.id)})

    assert [a.status_code for a in (nobody, forged, bare)] == [401] * 3
    assert nobody.headers["www-authenticate"] == "Bearer"
    assert (poor.status_code, poor.json()["code"], poor.json()["scope"]) == (
        403,
        "missing_scope",
        "probe:read",
    )
    assert isinstance(nobody, httpx.Response)
