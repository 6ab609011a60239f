"""Access tokens: JWTs of fifteen minutes that clients get for their secret."""

import time
from dataclasses import dataclass
from uuid import UUID, uuid4

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, OKPKey

from shared.http.internal_token import ALGORITHM

ISSUER = "backoffice"
AUDIENCE = "backoffice"
TYPE = "at+jwt"
_CLAIMS = jwt.JWTClaimsRegistry(
    leeway=0,
    iss={"essential": True, "value": ISSUER},
    aud={"essential": True, "value": AUDIENCE},
    sub={"essential": True},
    tid={"essential": True},
    exp={"essential": True},
    scope={"essential": True},
)


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A verified token's content."""

    client_id: str
    tenant_id: UUID
    scopes: frozenset[str]
    expires_at: float


def issue(
    key: OKPKey, *, client_id: str, tenant_id: UUID, kind: str, scopes: frozenset[str], seconds: int
) -> str:
    """Sign an access token."""
    now = int(time.time())
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": client_id,
        "tid": str(tenant_id),
        "knd": kind,
        "scope": " ".join(sorted(scopes)),
        "jti": uuid4().hex,
        "iat": now,
        "exp": now + seconds,
    }
    return jwt.encode({"alg": ALGORITHM, "kid": key.kid, "typ": TYPE}, claims, key, algorithms=[ALGORITHM])


def read(token: bytes, keys: KeySet) -> AccessToken | None:
    """The content of a token that we signed for clients and that has not expired; None for anything else."""
    try:
        decoded = jwt.decode(token.decode("ascii"), keys, algorithms=[ALGORITHM])
        if decoded.header.get("typ") != TYPE:
            return None
        _CLAIMS.validate(decoded.claims)
        claims = decoded.claims
        return AccessToken(
            str(claims["sub"]), UUID(claims["tid"]), frozenset(claims["scope"].split()), float(claims["exp"])
        )
    except (JoseError, ValueError, KeyError, TypeError, AttributeError, ArithmeticError, RecursionError):
        return None
