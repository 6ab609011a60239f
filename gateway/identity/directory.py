"""Who calls, and for which tenant: credentials and tenants from the database, remembered for a few seconds.

What is remembered is a `Grant`: one credential acting for one tenant, complete with the internal tokens already
made for it. A request with a known grant touches neither database nor cryptography. Changes made through this
process are forgotten at once (`forget`), changes of another gateway process after `credential_cache_seconds`.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

import asyncpg

from gateway.identity import access_tokens, scopes
from gateway.identity.faults import BadCredentials, TenantNotGranted
from gateway.identity.secrets import key_hash
from gateway.identity.signing import KeyRing, fingerprint
from gateway.settings import GatewaySettings
from gateway.tenants.rules import told_state
from shared.context.ctx import Actor, TenantFacts
from shared.database.pool import Database
from shared.http import internal_token
from shared.values.faults import Malformed, NotFound, Unauthenticated

CLIENT = """
select client_id as actor, tenant_id, scopes, secret_hash from clients where client_id = $1 and revoked_at is null
"""
KEY = "select prefix as actor, tenant_id, scopes from api_keys where key_hash = $1 and revoked_at is null"
TENANT = "select * from registered_tenants where tenant_id = $1"
MOST_GRANTS = 20_000
TOKEN_SECONDS = 45
KEY_PREFIXES = (b"bo_live_", b"bo_test_")
LONGEST_CREDENTIAL = 8192


@dataclass(slots=True)
class Grant:
    """One credential acting for one tenant."""

    owner_id: UUID
    actor: Actor
    tenant: TenantFacts
    state: str
    services: frozenset[str]
    scopes: frozenset[str]
    chosen: bool
    limit_key: str
    until: float
    _tokens: dict[str, tuple[bytes, float]] = field(default_factory=dict)

    def token(self, audience: str, keys: KeyRing) -> bytes:
        """The internal token for one service, made anew every 45 seconds."""
        known = self._tokens.get(audience)
        now = time.monotonic()
        if known is not None and known[1] > now:
            return known[0]
        held = scopes.for_gateway(self.scopes, self.actor.kind) if audience == "gateway" else self.scopes
        made = internal_token.mint(
            keys.internal, audience=audience, tenant=self.tenant, actor=self.actor, scopes=held
        ).encode()
        self._tokens[audience] = (made, now + TOKEN_SECONDS)
        return made


class Directory:
    """Looks callers up. `known_scopes` are the scopes that any operation needs: what `*` stands for."""

    def __init__(
        self,
        worker_db: Database,
        keys: KeyRing,
        settings: GatewaySettings,
        known_scopes: Callable[[], frozenset[str]],
    ) -> None:
        """Start with an empty memory."""
        self._db = worker_db
        self._keys = keys
        self._seconds = settings.credential_cache_seconds
        self._known_scopes = known_scopes
        self._grants: dict[bytes, Grant] = {}
        self._generation = 0

    def remembered(self, caller: bytes) -> Grant | None:
        """The grant of a caller, by the fingerprint of its credentials and tenant, seen within the last seconds."""
        grant = self._grants.get(caller)
        return grant if grant is not None and grant.until > time.monotonic() else None

    def forget(self, tenant_id: UUID) -> None:
        """Drop what is remembered of a tenant and its credentials; look-ups in flight are not kept either."""
        self._generation += 1
        self._grants = {k: g for k, g in self._grants.items() if tenant_id not in (g.owner_id, g.tenant.id)}

    async def grant(self, authorization: bytes | None, tenant: bytes | None) -> Grant:
        """Establish who calls and for which tenant, or refuse."""
        generation = self._generation
        credential = _bearer(authorization)
        async with self._db.transaction(None) as tx:
            if credential.startswith(KEY_PREFIXES):
                row, held, expires = await self._by_key(tx.sql, credential)
            else:
                row, held, expires = await self._by_token(tx.sql, credential)
            grant = await self._for_tenant(tx.sql, row, held, tenant)
        grant.until = time.monotonic() + max(0.0, min(self._seconds, expires - time.time()))
        if generation == self._generation:
            self._remember(fingerprint(authorization, tenant), grant)
        return grant

    async def client(self, client_id: str) -> asyncpg.Record | None:
        """A client that may sign in, with its tenant's kind; ids are ours and unique, two of one are refused."""
        async with self._db.transaction(None) as tx:
            rows = await tx.sql.fetch(CLIENT, client_id)
        return rows[0] if len(rows) == 1 else None

    async def tenant_kind(self, tenant_id: UUID) -> str:
        """`operator` for credentials of the provider, `client` for all others."""
        async with self._db.transaction(None) as tx:
            row = await tx.sql.fetchrow(TENANT, tenant_id)
        return _kind(row)

    async def _by_key(self, sql: asyncpg.Connection, key: bytes) -> tuple[Any, frozenset[str], float]:
        row = await sql.fetchrow(KEY, key_hash(key))
        if row is None:
            raise BadCredentials("The API key is not valid.")
        return row, scopes.expanded(row["scopes"], self._known_scopes()), float("inf")

    async def _by_token(self, sql: asyncpg.Connection, token: bytes) -> tuple[Any, frozenset[str], float]:
        content = access_tokens.read(token, self._keys.access_keys)
        if content is None and await self._keys.read_again():
            content = access_tokens.read(token, self._keys.access_keys)
        if content is None:
            raise BadCredentials("The access token is not valid.")
        rows = await sql.fetch(CLIENT, content.client_id)
        if len(rows) != 1 or rows[0]["tenant_id"] != content.tenant_id:
            raise BadCredentials("The access token is not valid.")
        allowed = scopes.expanded(rows[0]["scopes"], self._known_scopes())
        held = content.scopes if scopes.EVERYTHING in allowed else content.scopes & allowed
        return rows[0], scopes.expanded(held, self._known_scopes()), content.expires_at

    async def _for_tenant(
        self, sql: asyncpg.Connection, row: asyncpg.Record, held: frozenset[str], named: bytes | None
    ) -> Grant:
        owner = await sql.fetchrow(TENANT, row["tenant_id"])
        actor = Actor(row["actor"], _kind(owner))
        wanted = _tenant_id(named) if named is not None else row["tenant_id"]
        found = owner
        if wanted != row["tenant_id"]:
            if actor.kind != "operator":
                raise TenantNotGranted("These credentials act for their own tenant only.")
            found = await sql.fetchrow(TENANT, wanted)
            if found is None:
                raise NotFound("tenant", wanted)
        return Grant(
            owner_id=owner["tenant_id"],
            actor=actor,
            tenant=_facts(found),
            state=found["state"],
            services=frozenset(found["services"]),
            scopes=held,
            chosen=named is not None or actor.kind == "client",
            limit_key=str(wanted),
            until=0.0,
        )

    def _remember(self, key: bytes, grant: Grant) -> None:
        if len(self._grants) >= MOST_GRANTS:
            now = time.monotonic()
            self._grants = {k: g for k, g in self._grants.items() if g.until > now}
            if len(self._grants) >= MOST_GRANTS:
                self._grants.clear()
        self._grants[key] = grant


def _kind(owner: asyncpg.Record) -> str:
    return "operator" if owner["kind"] == "provider" else "client"


def _facts(row: asyncpg.Record) -> TenantFacts:
    facts = TenantFacts.of(row)
    return replace(facts, state=told_state(facts.state))


def _bearer(authorization: bytes | None) -> bytes:
    if authorization is None:
        raise Unauthenticated("Send `Authorization: Bearer …` with an access token or an API key.")
    scheme, _, credential = authorization.partition(b" ")
    if scheme.lower() != b"bearer" or not credential or len(credential) > LONGEST_CREDENTIAL:
        raise BadCredentials("Send `Authorization: Bearer …` with an access token or an API key.")
    return credential.strip()


def _tenant_id(named: bytes) -> UUID:
    try:
        return UUID(named.decode("ascii"))
    except ValueError as error:
        raise Malformed("Backoffice-Tenant must be a tenant's id.") from error
