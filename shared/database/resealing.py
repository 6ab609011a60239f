"""Rotation of sealing keys: old values sealed anew, keys called unused, and keys that are lost given up.

Goes tenant by tenant as the app role, each in a transaction of its own, so it may run beside the service, be stopped
and be run again. Rows keep their version: what they say has not changed.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

from shared.database.pool import Database, Transaction
from shared.database.sealing import KEY_ID_SQL, USED, Keyring, Place, Sealed

ROWS = 500  # at a time

TENANTS = "select distinct tenant_id from sealing_keys where key_id <> $1 order by tenant_id"
TENANTS_WITH = "select tenant_id from sealing_keys where key_id = $1 order by tenant_id"
# Whoever seals holds its key's row shared: locked here, nothing is sealed with the old key until we have committed.
HOLD_OLD = "select key_id from sealing_keys where tenant_id = $1 and key_id <> $2 order by key_id for update"
HOLD_KEY = "select true from sealing_keys where tenant_id = $1 and key_id = $2 for update"
REGISTER = "insert into sealing_keys (tenant_id, key_id) values ($1, $2) on conflict do nothing"
RELEASE = "delete from sealing_keys where tenant_id = $1 and key_id = any($2::text[])"


async def keys_in_use(worker: Database) -> dict[str, int]:
    """For how many tenants each key has sealed something."""
    return {row["key_id"]: row["tenants"] for row in await worker.repeatable(USED)}


async def reseal(
    app: Database, worker: Database, columns: Mapping[str, Sequence[str]], keyring: Keyring
) -> int:
    """Seal with the newest key whatever another one has sealed; returns how many values that were."""
    count = 0
    for row in await worker.repeatable(TENANTS, keyring.newest):
        async with app.transaction(row["tenant_id"]) as tx:
            count += await _reseal_tenant(tx, row["tenant_id"], columns, keyring)
    return count


async def _reseal_tenant(
    tx: Transaction, tenant_id: UUID, columns: Mapping[str, Sequence[str]], keyring: Keyring
) -> int:
    old = [row["key_id"] for row in await tx.sql.fetch(HOLD_OLD, tenant_id, keyring.newest)]
    await tx.sql.execute(REGISTER, tenant_id, keyring.newest)
    count = 0
    for table, names in columns.items():
        for column in names:
            while done := await _reseal_some(tx, tenant_id, table, column, keyring):
                count += done
    await tx.sql.execute(RELEASE, tenant_id, old)
    return count


async def _reseal_some(tx: Transaction, tenant_id: UUID, table: str, column: str, keyring: Keyring) -> int:
    """The next rows of a column; none when all are under the newest key."""
    rows = await tx.sql.fetch(
        f"select id, {column} as sealed from {table} where tenant_id = $1 and {KEY_ID_SQL.format(column)} <> $2 "  # noqa: S608 - names from our models
        f"order by id limit {ROWS} for no key update",
        tenant_id,
        keyring.newest,
    )
    anew = []
    for row in rows:
        place = Place(tenant_id, table, column, row["id"])
        anew.append(keyring.seal(place, keyring.open(place, Sealed(row["sealed"]))))
    await tx.sql.execute(
        f"update {table} t set {column} = new.sealed from unnest($2::uuid[], $3::bytea[]) as new(id, sealed) "  # noqa: S608
        "where t.tenant_id = $1 and t.id = new.id",
        tenant_id,
        [row["id"] for row in rows],
        anew,
    )
    return len(rows)


async def forget(app: Database, worker: Database, columns: Mapping[str, Sequence[str]], key_id: str) -> int:
    """Give up what a lost key has sealed: the values become null; returns how many."""
    count = 0
    for row in await worker.repeatable(TENANTS_WITH, key_id):
        tenant_id = row["tenant_id"]
        async with app.transaction(tenant_id) as tx:
            await tx.sql.fetchval(HOLD_KEY, tenant_id, key_id)
            for table, names in columns.items():
                for column in names:
                    done: str = await tx.sql.execute(
                        f"update {table} set {column} = null where tenant_id = $1 "  # noqa: S608 - names from our models
                        f"and {KEY_ID_SQL.format(column)} = $2",
                        tenant_id,
                        key_id,
                    )
                    count += int(done.rpartition(" ")[2])
            await tx.sql.execute(RELEASE, tenant_id, [key_id])
    return count
