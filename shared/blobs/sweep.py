"""The sweep: erases files that nobody keeps, in small batches, the file first and its row after it.

A process that dies in between leaves the row, and the next round finds the file gone already. Each round may be run by
several workers at once: to erase a file twice does no harm.
"""

import asyncio

import structlog

from shared.base import telemetry
from shared.blobs.refs import BlobKey
from shared.blobs.store import Blobs, StoreAway
from shared.context.unit_of_work import Runtime

log = structlog.get_logger()
EVERY_SECONDS = 60.0
BATCH = 100
AT_ONCE = 8
# A store may still be finishing the write that was just broken off.
GRACE_SECONDS = 60.0

GIVE_UP = """
update blobs set state = 'abandoned', changed_at = now()
where state = 'pending' and changed_at < now() - $1 * interval '1 hour'
"""
ERASABLE = """
select tenant_id, id from blobs
where (state = 'abandoned' and changed_at < now() - $1 * interval '1 second')
   or (state = 'deleted' and changed_at < now() - $2 * interval '1 hour')
order by changed_at limit $3
"""
GONE = """
delete from blobs using unnest($1::uuid[], $2::uuid[]) as gone(tenant_id, id)
where blobs.tenant_id = gone.tenant_id and blobs.id = gone.id and blobs.state in ('abandoned', 'deleted')
"""
UNERASED = """
select coalesce(extract(epoch from now() - min(due)), 0)::float8 from (
  select changed_at as due from blobs where state = 'abandoned'
  union all select changed_at + $1 * interval '1 hour' from blobs where state = 'deleted') as all_due
where due < now()
"""


async def sweep_blobs(runtime: Runtime) -> bool:
    """One round; returns whether more may be left."""
    settings, worker = runtime.settings, runtime.worker_db
    async with worker.transaction(None) as tx:
        await tx.sql.execute(GIVE_UP, settings.blobs_pending_hours)
        found = await tx.sql.fetch(ERASABLE, GRACE_SECONDS, settings.blobs_deleted_hours, BATCH)
    keys = [BlobKey(row["tenant_id"], runtime.name, row["id"]) for row in found]
    gone = await _erased(runtime.ports.get(Blobs), keys)
    async with worker.transaction(None) as tx:
        if gone:
            await tx.sql.execute(GONE, [key.tenant_id for key in gone], [key.id for key in gone])
        age = await tx.sql.fetchval(UNERASED, settings.blobs_deleted_hours)
    telemetry.BLOBS_UNERASED_AGE.labels(runtime.name).set(age)
    return len(gone) == BATCH


async def _erased(blobs: Blobs, keys: list[BlobKey]) -> list[BlobKey]:
    """Erase some files at a time; returns those that are gone, and leaves the others for the next round."""
    turns = asyncio.Semaphore(AT_ONCE)

    async def erase(key: BlobKey) -> BlobKey | None:
        async with turns:
            try:
                await blobs.erase(key)
            except StoreAway:  # told in the log where it was met
                return None
        return key

    return [key for key in await asyncio.gather(*map(erase, keys)) if key is not None]


async def blobs_reachable(runtime: Runtime) -> str | None:
    """Readiness: what keeps files from being read, if anything does."""
    if await runtime.ports.get(Blobs).reachable():
        return None
    return "the file store holds something else where its probe should be"
