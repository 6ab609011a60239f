"""Signing keys: kept in the gateway's database so that a restart keeps tokens valid, sealed for the gateway alone.

There are two purposes with keys of their own, so that a token made for clients can never be mistaken for one made
for services. A key is replaced when it is old; the replaced one stays published for a day, so that whatever it
signed (access tokens: 15 minutes, internal ones: one minute) is still believed.

A new key is published before it signs: other gateway processes, and services that ask those, must know it by then.
"""

import asyncio
import base64
import binascii
import hashlib
import os
import time
from datetime import UTC, datetime, timedelta
from uuid import UUID

import orjson
import structlog
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from joserfc.jwk import KeySet, OKPKey

from gateway.settings import GatewaySettings
from shared.base.settings import SecretMissing
from shared.database.pool import Database
from shared.http.internal_token import new_key
from shared.values.ids import new_id

log = structlog.get_logger()
PURPOSES = ("access", "internal")
READ_PAUSE = 5.0
KEPT_AFTER = timedelta(days=1)
LOCK = "select pg_advisory_xact_lock(hashtextextended('gateway signing keys', 0))"
FIND = """
select purpose, kid, sealed, created_at, created_at <= now() - $1::interval as settled from signing_keys
where retire_at is null or retire_at > now()
order by created_at, id
"""
ADD = "insert into signing_keys (tenant_id, id, purpose, kid, sealed) values ($1, $2, $3, $4, $5)"
RETIRE = (
    "update signing_keys set retire_at = now() + $2 where purpose = $1 and retire_at is null and kid <> $3"
)
PURGE = "delete from signing_keys where retire_at < now()"


SETTING = "BACKOFFICE_SIGNING_SEAL"
SEAL_BYTES = 32


def derived_seal(role_secret: str) -> str:
    """The seal that belongs to a role secret, as it is set; the role secret cannot be found from it (HKDF)."""
    derived = HKDF(SHA256(), SEAL_BYTES, salt=None, info=b"backoffice gateway signing keys")
    return base64.urlsafe_b64encode(derived.derive(role_secret.encode())).decode().rstrip("=")


def seal_of(settings: GatewaySettings) -> bytes:
    """What signing keys are sealed with: the seal that was given, else that of the role secret."""
    role_secret = settings.role_secret.get_secret_value()
    text = settings.signing_seal.get_secret_value() or (derived_seal(role_secret) if role_secret else "")
    try:
        seal = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        seal = b""
    if len(seal) != SEAL_BYTES:
        raise SecretMissing(
            f"{SETTING} is not {SEAL_BYTES} bytes in URL-safe base64. The gateway needs it to open its signing keys "
            "(docs/operations.md, Secrets of a process)."
        )
    return seal


class KeyRing:
    """The keys by which this deployment signs, and the public ones by which others check."""

    def __init__(
        self, worker_db: Database, seal: bytes, *, max_age: timedelta, published_first: timedelta
    ) -> None:
        """Keys are sealed with AES-256-GCM under the key `seal`.

        `published_first` must be longer than another gateway process may take to read the keys again.
        """
        self._db = worker_db
        self._seal = AESGCM(seal)
        self._max_age = max_age
        self._published_first = published_first
        self._signing: dict[str, OKPKey] = {}
        self.access_keys = KeySet([])
        self._public = KeySet([])
        self._reading = asyncio.Lock()
        self._read_at = float("-inf")

    @property
    def access(self) -> OKPKey:
        """The key that signs access tokens now."""
        return self._signing["access"]

    @property
    def internal(self) -> OKPKey:
        """The key that signs internal tokens now."""
        return self._signing["internal"]

    async def public_keys(self) -> KeySet:
        """What services verify with; this is their `fetch_keys` when they run in this process."""
        if not self._signing:
            await self.read()
        return self._public

    def jwks(self) -> dict[str, object]:
        """The published key set."""
        return {"keys": [key.as_dict(private=False) for key in self._public.keys]}

    async def renew(self, owner_id: UUID) -> None:
        """Make keys where there are none, replace old ones, drop those that nothing relies on any more."""
        async with self._db.transaction(None) as tx:
            await tx.sql.execute(LOCK)
            await tx.sql.execute(PURGE)
            rows = await tx.sql.fetch(FIND, self._published_first)
            for purpose in PURPOSES:
                young = datetime.now(UTC) - self._max_age
                usable = [r for r in rows if r["purpose"] == purpose and r["created_at"] > young]
                if any(self._opened(r["kid"], r["sealed"]) for r in usable):
                    continue
                key = new_key()
                await tx.sql.execute(ADD, owner_id, new_id(), purpose, key.kid, self._sealed(key))
                await tx.sql.execute(RETIRE, purpose, KEPT_AFTER, key.kid)
        await self.read()

    async def read_again(self) -> bool:
        """Read once more because a token names an unknown key; at most every five seconds."""
        if time.monotonic() - self._read_at < READ_PAUSE:
            return False
        await self.read()
        return True

    async def read(self) -> None:
        """Take up what is in the database: another process may have replaced keys."""
        async with self._reading:
            self._read_at = time.monotonic()
            async with self._db.transaction(None) as tx:
                rows = await tx.sql.fetch(FIND, self._published_first)
            found = [(r, key) for r in rows if (key := self._opened(r["kid"], r["sealed"]))]
            signing: dict[str, OKPKey] = {}
            for row, key in found:  # oldest first
                if row["settled"] or row["purpose"] not in signing:
                    signing[row["purpose"]] = key
            self._signing = signing
            self._public = KeySet([_public(key) for _, key in found])
            self.access_keys = KeySet([_public(key) for row, key in found if row["purpose"] == "access"])

    def _sealed(self, key: OKPKey) -> bytes:
        nonce = os.urandom(12)
        kid = str(key.kid).encode()
        return nonce + self._seal.encrypt(nonce, orjson.dumps(key.as_dict(private=True)), kid)

    def _opened(self, kid: str, sealed: bytes) -> OKPKey | None:
        try:
            plain = self._seal.decrypt(sealed[:12], sealed[12:], kid.encode())
        except InvalidTag:  # the seal was changed: what was under it is lost, and replaced
            log.warning("a signing key does not open with this seal", kid=kid)
            return None
        return OKPKey.import_key(orjson.loads(plain))


def _public(key: OKPKey) -> OKPKey:
    return OKPKey.import_key(key.as_dict(private=False))


def fingerprint(*parts: bytes | None) -> bytes:
    """What credentials are remembered under, so that none of them stays in memory as a key."""
    return hashlib.blake2b(b"\0".join([part or b"" for part in parts]), digest_size=16).digest()
