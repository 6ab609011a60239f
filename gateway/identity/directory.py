"""Who calls, and for which tenant: credentials and tenants from the database, remembered for a few seconds.

What is remembered is a `Grant`: one credential acting for one tenant, complete with the internal tokens already
made for it. A request with a known grant touches neither database nor cryptography. Changes made through this
process are forgotten at once (`forget`), changes of another gateway process after `credential_cache_seconds`.

A grant is remembered under one spelling of its credential and tenant, so that nobody fills the memory with
spellings of his own; any other is understood as well, and finds the same grant a little later.

What is not valid costs little: a key of the wrong form nothing, a token that we did not sign its signature, and an
unknown key a part of a statement that many share (`Lookups`).
"""

import re
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from uuid import UUID

import asyncpg

from gateway.identity import access_tokens, scopes
from gateway.identity.faults import BadCredentials, TenantNotGranted
from gateway.identity.lookups import Kind, Lookups
from gateway.identity.secrets import is_api_key, key_hash
from gateway.identity.signing import KeyRing, fingerprint
from gateway.settings import GatewaySettings
from gateway.tenants.rules import told_state
from shared.context.ctx import Actor, TenantFacts
from shared.database.pool import Database
from shared.http import internal_token
from shared.values.faults import Malformed, NotFound, Unauthenticated

MOST_GRANTS = 20_000
TOKEN_SECONDS = 45
KEY_PREFIXES = (b"bo_live_", b"bo_test_")
LONGEST_CREDENTIAL = 8192
LONGEST_CLIENT_ID = 200
_CREDENTIAL = re.compile(rb"[A-Za-z0-9._~+/-]+=*")  # RFC 6750, section 2.1


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
        self._lookups = Lookups(worker_db, at_once=settings.worker_pool_size - 1)
        self._keys = keys
        self._seconds = settings.credential_cache_seconds
        self._known_scopes = known_scopes
        self._grants: OrderedDict[bytes, Grant] = OrderedDict()  # the oldest first
        self._generation = 0

    def remembered(self, caller: bytes) -> Grant | None:
        """The grant of a caller, by the fingerprint of its credentials and tenant, seen within the last seconds."""
        grant = self._grants.get(caller)
        return grant if grant is not None and grant.until > time.monotonic() else None

    def forget(self, tenant_id: UUID) -> None:
        """Drop what is remembered of a tenant and its credentials; look-ups in flight are not kept either.

        A key that was unknown may be one of its new ones: all of those are looked up anew.
        """
        self._generation += 1
        self._lookups.forget()
        kept = ((k, g) for k, g in self._grants.items() if tenant_id not in (g.owner_id, g.tenant.id))
        self._grants = OrderedDict(kept)

    async def grant(self, authorization: bytes | None, tenant: bytes | None) -> Grant:
        """Establish who calls and for which tenant, or refuse."""
        generation = self._generation
        credential = _bearer(authorization)
        caller = _caller(credential, None)
        own = self.remembered(caller)
        if own is None:
            own = await self._established(credential)
            self._remember(caller, own, generation)
        if tenant is None:
            return own
        wanted = _tenant_id(tenant)
        caller = _caller(credential, wanted)
        grant = self.remembered(caller) or await self._for_tenant(own, wanted)
        self._remember(caller, grant, generation)
        return grant

    async def client(self, client_id: str) -> asyncpg.Record | None:
        """A client that may sign in, with its tenant's facts; ids are ours and unique, two of one are refused."""
        if len(client_id) > LONGEST_CLIENT_ID or not client_id.isprintable():
            return None
        return await self._lookups.find(Kind.CLIENT, client_id)

    async def _established(self, credential: bytes) -> Grant:
        """What a credential stands for by itself: its owner acting for its own tenant."""
        if credential.startswith(KEY_PREFIXES):
            row, held, expires = await self._by_key(credential)
        else:
            row, held, expires = await self._by_token(credential)
        tenant, kind = _facts(row), kind_of(row)
        return Grant(
            owner_id=tenant.id,
            actor=Actor(row["actor"], kind),
            tenant=tenant,
            state=row["state"],
            services=frozenset(row["services"]),
            scopes=held,
            chosen=kind == "client",
            limit_key=str(tenant.id),
            until=time.monotonic() + max(0.0, min(self._seconds, expires - time.time())),
        )

    async def _by_key(self, key: bytes) -> tuple[asyncpg.Record, frozenset[str], float]:
        row = await self._lookups.find(Kind.KEY, key_hash(key)) if is_api_key(key) else None
        if row is None:
            raise BadCredentials("The API key is not valid.")
        return row, scopes.expanded(row["scopes"], self._known_scopes()), float("inf")

    async def _by_token(self, token: bytes) -> tuple[asyncpg.Record, frozenset[str], float]:
        content = access_tokens.read(token, self._keys.access_keys)
        if content is None and await self._keys.read_again():
            content = access_tokens.read(token, self._keys.access_keys)
        row = await self.client(content.client_id) if content is not None else None
        if content is None or row is None or row["tenant_id"] != content.tenant_id:
            raise BadCredentials("The access token is not valid.")
        allowed = scopes.expanded(row["scopes"], self._known_scopes())
        held = content.scopes if scopes.EVERYTHING in allowed else content.scopes & allowed
        return row, scopes.expanded(held, self._known_scopes()), content.expires_at

    async def _for_tenant(self, own: Grant, wanted: UUID) -> Grant:
        """The same credential acting for the tenant it names: an operator for any, others for their own."""
        if own.actor.kind != "operator":
            if wanted != own.owner_id:
                raise TenantNotGranted("These credentials act for their own tenant only.")
            return own
        row = await self._lookups.find(Kind.TENANT, wanted)
        if row is None:
            raise NotFound("tenant", wanted)
        return replace(
            own,
            tenant=_facts(row),
            state=row["state"],
            services=frozenset(row["services"]),
            chosen=True,
            limit_key=str(wanted),
            _tokens={},
        )

    def _remember(self, caller: bytes, grant: Grant, generation: int) -> None:
        """Keep a grant unless something was forgotten since its look-up began; the oldest makes room."""
        if generation != self._generation:
            return
        self._grants[caller] = grant
        self._grants.move_to_end(caller)
        if len(self._grants) > MOST_GRANTS:
            self._grants.popitem(last=False)


def kind_of(row: asyncpg.Record) -> str:
    """`operator` for credentials of the provider, `client` for all others."""
    return "operator" if row["kind"] == "provider" else "client"


def _facts(row: asyncpg.Record) -> TenantFacts:
    facts = TenantFacts.of(row)
    return replace(facts, state=told_state(facts.state))


def _caller(credential: bytes, tenant_id: UUID | None) -> bytes:
    """What a caller is remembered under: the fingerprint of its headers as nearly everybody spells them."""
    return fingerprint(b"Bearer " + credential, str(tenant_id).encode() if tenant_id is not None else None)


def _bearer(authorization: bytes | None) -> bytes:
    if authorization is None:
        raise Unauthenticated("Send `Authorization: Bearer …` with an access token or an API key.")
    scheme, _, rest = authorization.partition(b" ")
    credential = rest.strip()
    if (
        scheme.lower() != b"bearer"
        or len(credential) > LONGEST_CREDENTIAL
        or not _CREDENTIAL.fullmatch(credential)
    ):
        raise BadCredentials("Send `Authorization: Bearer …` with an access token or an API key.")
    return credential


def _tenant_id(named: bytes) -> UUID:
    try:
        return UUID(named.decode("ascii"))
    except ValueError as error:
        raise Malformed("Backoffice-Tenant must be a tenant's id.") from error
