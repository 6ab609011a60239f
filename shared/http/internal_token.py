"""Internal tokens: how a service knows who calls. A 60-second JWT, Ed25519, made by the gateway alone.

Claims: `iss`, `aud` (the service), `sub` (client), `tid` (tenant), `scope`, `jti`, `iat`, `exp`, `knd` (actor
kind), `act` (party on whose behalf) and `tn`, the tenant's facts (currency, zone, clock), so that a request
needs no look-up. A service trusts no bare header.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

import structlog
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, OKPKey

from shared.base.error_text import error_text
from shared.context.ctx import Actor, TenantFacts
from shared.values.faults import Unauthenticated, Unavailable

ISSUER = "backoffice-gateway"
ALGORITHM = "Ed25519"
HEADER = b"x-internal-token"
LIFETIME_SECONDS = 60
LEEWAY_SECONDS = 5
CACHE_SIZE = 4096
REFETCH_SECONDS = 10.0
FIRST_FETCH_SECONDS = (
    0.5  # while there are no keys at all, callers must not queue up behind a gateway that is away
)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Caller:
    """A verified caller of one service."""

    tenant: TenantFacts
    actor: Actor
    scopes: frozenset[str]
    expires_at: float


def mint(key: OKPKey, *, audience: str, tenant: TenantFacts, actor: Actor, scopes: frozenset[str]) -> str:
    """Sign an internal token for one service."""
    now = int(time.time())
    claims = {
        "iss": ISSUER,
        "aud": audience,
        "sub": actor.id,
        "tid": str(tenant.id),
        "scope": " ".join(sorted(scopes)),
        "jti": uuid4().hex,
        "iat": now,
        "exp": now + LIFETIME_SECONDS,
        "knd": actor.kind,
        "tn": {
            "name": tenant.name,
            "legal": tenant.legal_name,
            "cc": tenant.country,
            "cur": tenant.currency,
            "tz": tenant.time_zone,
            "kind": tenant.kind,
            "state": tenant.state,
            "clk": tenant.clock_offset.total_seconds(),
            "v": tenant.version,
        },
    }
    if actor.on_behalf_of:
        claims["act"] = {"sub": actor.on_behalf_of}
    return jwt.encode({"alg": ALGORITHM, "kid": key.kid}, claims, key, algorithms=[ALGORITHM])


class TokenVerifier:
    """Verifies internal tokens for one service and remembers those it has seen until they expire.

    `fetch_keys` answers the gateway's public keys; an unknown key id makes it fetch again, at most every
    ten seconds, so that keys can be rotated without a restart.
    """

    def __init__(self, service: str, fetch_keys: Callable[[], Awaitable[KeySet]]) -> None:
        self._service = service
        self._fetch_keys = fetch_keys
        self._keys: KeySet | None = None
        self._fetched_at = float("-inf")
        self._fetching = asyncio.Lock()
        self._seen: dict[bytes, Caller] = {}
        self._claims = jwt.JWTClaimsRegistry(
            leeway=LEEWAY_SECONDS,
            iss={"essential": True, "value": ISSUER},
            aud={"essential": True, "value": service},
            sub={"essential": True},
            tid={"essential": True},
            exp={"essential": True},
            iat={"essential": True},
        )

    async def verify(self, token: bytes | None) -> Caller:
        """The caller a token speaks for; raises Unauthenticated for anything not signed for this service now."""
        if not token:
            raise Unauthenticated("This service answers the gateway only.")
        known = self._seen.get(token)
        if known is not None and known.expires_at > time.time():
            return known
        caller = self._read(token, await self._current_keys())
        if caller is None:
            caller = self._read(token, await self._current_keys(again=True))
        if caller is None:
            raise Unauthenticated("The internal token is not valid here.")
        self._remember(token, caller)
        return caller

    async def _current_keys(self, *, again: bool = False) -> KeySet:
        async with self._fetching:  # many callers with one new key ask the gateway once
            since = time.monotonic() - self._fetched_at
            if (again and since > REFETCH_SECONDS) or (self._keys is None and since > FIRST_FETCH_SECONDS):
                await self._fetch()
                self._fetched_at = time.monotonic()
            if self._keys is None:
                raise Unavailable("The gateway's keys, which prove callers, cannot be read now; try again.")
            return self._keys

    async def _fetch(self) -> None:
        """Read the keys; those we have stay good while the gateway is away."""
        try:
            self._keys = await self._fetch_keys()
        except Exception as error:  # noqa: BLE001 - however it failed, there are no new keys now
            log.warning("the gateway's keys cannot be read", service=self._service, error=error_text(error))

    def _read(self, token: bytes, keys: KeySet) -> Caller | None:
        try:
            decoded = jwt.decode(token.decode("ascii"), keys, algorithms=[ALGORITHM])
            self._claims.validate(decoded.claims)
            return _caller(decoded.claims)
        except (JoseError, ValueError, KeyError, TypeError, AttributeError, ArithmeticError, RecursionError):
            return None  # whatever is odd about it, it is not a token of the gateway's

    def _remember(self, token: bytes, caller: Caller) -> None:
        if len(self._seen) >= CACHE_SIZE:
            now = time.time()
            self._seen = {t: c for t, c in self._seen.items() if c.expires_at > now}
            if len(self._seen) >= CACHE_SIZE:
                self._seen.clear()
        self._seen[token] = caller


def _caller(claims: dict[str, object]) -> Caller:
    facts = claims["tn"]
    act = claims.get("act")
    if not isinstance(facts, dict):
        raise TypeError("tn")
    return Caller(
        tenant=TenantFacts(
            id=UUID(str(claims["tid"])),
            name=facts["name"],
            legal_name=facts["legal"],
            country=facts["cc"],
            currency=facts["cur"],
            time_zone=facts["tz"],
            kind=facts["kind"],
            state=facts["state"],
            clock_offset=timedelta(seconds=facts["clk"]),
            version=facts["v"],
        ),
        actor=Actor(str(claims["sub"]), str(claims["knd"]), act["sub"] if isinstance(act, dict) else None),
        scopes=frozenset(str(claims["scope"]).split()),
        expires_at=float(str(claims["exp"])),
    )


def new_key() -> OKPKey:
    """A fresh signing key with its thumbprint as id."""
    key = OKPKey.generate_key("Ed25519", {"use": "sig", "alg": ALGORITHM}, private=True)
    key.ensure_kid()
    return key
