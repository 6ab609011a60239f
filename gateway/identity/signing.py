"""Signing keys: kept in the gateway's database so that a restart keeps tokens valid, sealed with the role secret.

There are two purposes with keys of their own, so that a token made for clients can never be mistaken for one made
for services. A key is replaced when it is old; the replaced one stays published for a day, so that whatever it
signed (access tokens: 15 minutes, internal ones: one minute) is still believed.

A new key is published before it signs: other gateway processes, and services that ask those, must know it by then.
"""

import asyncio
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


class KeyRing:
    """The keys by which this deployment signs, and the public ones by which others check."""

    def __init__(
        self, worker_db: Database, role_secret: str, *, max_age: timedelta, published_first: timedelta
    ) -> None:
        """Keys are sealed with AES-256-GCM under a key derived (HKDF) from the role secret.

        `published_first` must be longer than another gateway process may take to read the keys again.
        """
        self._db = worker_db
        derived = HKDF(SHA256(), 32, salt=None, info=b"backoffice gateway signing keys")
        self._seal = AESGCM(derived.derive(role_secret.encode()))
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
        except InvalidTag:  # the role secret was changed: what it sealed is lost, and replaced
            log.warning("a signing key cannot be opened with this role secret", kid=kid)
            return None
        return OKPKey.import_key(orjson.loads(plain))


def _public(key: OKPKey) -> OKPKey:
    return OKPKey.import_key(key.as_dict(private=False))


def fingerprint(*parts: bytes | None) -> bytes:
    """What credentials are remembered under, so that none of them stays in memory as a key."""
    return hashlib.blake2b(b"\0".join([part or b"" for part in parts]), digest_size=16).digest()
