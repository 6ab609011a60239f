"""The first start: the provider becomes a tenant of every service, and the first operator client comes to be.

With `BACKOFFICE_ADMIN_CLIENT_ID` and `…_SECRET` set, that client exists after each start and has that secret.
Without them a client `admin` with a random secret is made once, and written to a file that only its owner can
read. Both hold all scopes. Several gateways may start at the same time: a lock lets one after the other in. Of
those with data folders of their own, only the one that made the secret has it in its file.
"""

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import asyncpg
import orjson

from gateway.identity.scopes import EVERYTHING
from gateway.identity.secrets import SecretKeeper, new_secret
from gateway.settings import GatewaySettings
from gateway.tenants.rules import TenantState
from shared.database.pool import Database
from shared.values.ids import new_id

FILE = "admin-credentials.json"
LOCK = "select pg_advisory_xact_lock(hashtextextended('gateway first start', 0))"
PROVIDER = "select tenant_id from registered_tenants where kind = 'provider'"
REGISTER = """
insert into registered_tenants (tenant_id, id, name, legal_name, country, currency, time_zone, kind, state, services)
values ($1, $1, $2, $3, $4, $5, $6, 'provider', $7, '{}')
"""
BEGUN = """
insert into history (tenant_id, id, aggregate, aggregate_id, verb, from_state, to_state, actor_id, actor_kind, at)
values ($1, $2, 'tenant', $1, 'create', null, $3, 'system', 'system', now())
"""
# A service that joins the suite later is the provider's, too.
SUBSCRIBE = """
update registered_tenants set services = services || $2::text[], version = version + 1, updated_at = now()
where tenant_id = $1
"""
WANT = """
insert into tenant_sync (tenant_id, service, wanted_version) select $1, unnest($2::text[]), 1
on conflict (tenant_id, service) do nothing
"""
FIND_CLIENT = "select id, secret_hash, revoked_at from clients where tenant_id = $1 and client_id = $2"
ADD_CLIENT = """
insert into clients (tenant_id, id, client_id, name, scopes, secret_hash) values ($1, $2, $3, 'First operator', $4, $5)
"""
RESTORE = """
update clients set secret_hash = $3, revoked_at = null, version = version + 1, updated_at = now()
where tenant_id = $1 and id = $2
"""


class NoPlaceForSecret(RuntimeError):  # noqa: N818 - a refusal named by its reason
    """A secret would be made up that nobody could ever read."""


@dataclass(frozen=True, slots=True)
class FirstStart:
    """What the start-up message tells: the operator's client id, and the file when a secret was made up."""

    provider_id: UUID
    client_id: str
    credentials_file: Path | None
    made_now: bool


async def prepare(
    app_db: Database,
    worker_db: Database,
    keeper: SecretKeeper,
    settings: GatewaySettings,
    data_dir: Path,
    *,
    services: Sequence[str],
) -> FirstStart:
    """See to the provider, its services and its first operator client; safe to repeat at each start."""
    async with worker_db.transaction(None) as tx:
        known: UUID | None = await tx.sql.fetchval(PROVIDER)
    provider_id = known or new_id()
    async with app_db.transaction(provider_id, provider=True) as tx:
        await tx.sql.execute(LOCK)
        provider_id = await tx.sql.fetchval(PROVIDER) or await _register(tx.sql, provider_id, settings)
        await _subscribe(tx.sql, provider_id, services)
    if settings.admin_client_secret:
        client_id = settings.admin_client_id or "admin"
        made = await _given_client(app_db, provider_id, client_id, settings.admin_client_secret, keeper)
        return FirstStart(provider_id, client_id, None, made)
    client_id = settings.admin_client_id or "admin"
    file = data_dir / FILE
    made = await _made_up_client(app_db, provider_id, client_id, file, keeper)
    holds = made or await _is_in_file(app_db, provider_id, client_id, file, keeper)
    return FirstStart(provider_id, client_id, file if holds else None, made)


async def _register(sql: asyncpg.Connection, provider_id: UUID, settings: GatewaySettings) -> UUID:
    state = TenantState.ACTIVE
    await sql.execute(
        REGISTER, provider_id, settings.provider_name, settings.provider_legal_name, settings.provider_country,
        settings.provider_currency, settings.provider_time_zone, state,
    )  # fmt: skip
    await sql.execute(BEGUN, provider_id, new_id(), state)
    return provider_id


async def _subscribe(sql: asyncpg.Connection, provider_id: UUID, services: Sequence[str]) -> None:
    known = await sql.fetchval("select services from registered_tenants where tenant_id = $1", provider_id)
    if missing := [service for service in services if service not in known]:
        await sql.execute(SUBSCRIBE, provider_id, missing)
        await sql.execute(WANT, provider_id, missing)


async def _given_client(
    app_db: Database, provider_id: UUID, client_id: str, secret: str, keeper: SecretKeeper
) -> bool:
    """The client of the environment, with the secret of the environment."""
    async with app_db.transaction(provider_id) as tx:
        await tx.sql.execute(LOCK)
        row = await tx.sql.fetchrow(FIND_CLIENT, provider_id, client_id)
        if row is None:
            hashed = await keeper.hash(secret)
            await tx.sql.execute(ADD_CLIENT, provider_id, new_id(), client_id, [EVERYTHING], hashed)
            return True
        if row["revoked_at"] is not None or not await keeper.matches(row["secret_hash"], secret):
            await tx.sql.execute(RESTORE, provider_id, row["id"], await keeper.hash(secret))
        return False


async def _made_up_client(
    app_db: Database, provider_id: UUID, client_id: str, file: Path, keeper: SecretKeeper
) -> bool:
    """A client with a secret of our own making; the file is written before the client counts."""
    async with app_db.transaction(provider_id) as tx:
        await tx.sql.execute(LOCK)
        if await tx.sql.fetchrow(FIND_CLIENT, provider_id, client_id) is not None:
            return False
        secret = new_secret()
        try:
            _write_private(file, {"client_id": client_id, "client_secret": secret})
        except OSError as error:
            raise NoPlaceForSecret(
                f"The first operator's secret cannot be written to {file} ({error.strerror}). Set "
                "BACKOFFICE_ADMIN_CLIENT_SECRET, or BACKOFFICE_DATA_DIR to a folder that may be written to."
            ) from error
        await tx.sql.execute(
            ADD_CLIENT, provider_id, new_id(), client_id, [EVERYTHING], await keeper.hash(secret)
        )
        return True


async def _is_in_file(
    app_db: Database, provider_id: UUID, client_id: str, file: Path, keeper: SecretKeeper
) -> bool:
    """Whether the file has the secret that counts: another gateway may have made it, or it was changed since."""
    try:
        kept = orjson.loads(await asyncio.to_thread(file.read_bytes))
    except (OSError, orjson.JSONDecodeError):
        return False
    async with app_db.transaction(provider_id) as tx:
        row = await tx.sql.fetchrow(FIND_CLIENT, provider_id, client_id)
    return bool(
        kept.get("client_id") == client_id
        and row is not None
        and await keeper.matches(row["secret_hash"], str(kept.get("client_secret")))
    )


def _write_private(file: Path, content: dict[str, str]) -> None:
    """Write a file that nobody else can read at any moment of its life."""
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as stream:
        stream.write(orjson.dumps(content, option=orjson.OPT_INDENT_2) + b"\n")
    fresh.replace(file)
