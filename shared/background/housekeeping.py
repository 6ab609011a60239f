"""Housekeeping: published facts, settled inbox rows, old idempotency keys and ended jobs leave in small batches."""

import asyncio

from shared.base.loops import repeat
from shared.base.settings import KernelSettings
from shared.database.pool import Database

BATCH = 2000
EVERY_SECONDS = 60.0

SWEEPS = (
    "delete from outbox where seq in (select seq from outbox where published_at < now() - make_interval(hours => $1) "
    "limit $2)",
    "delete from inbox where ctid = any(array(select ctid from inbox where state in ('done', 'discarded') "
    "and done_at < now() - 4 * make_interval(hours => $1) limit $2))",
)
KEYS = (
    "delete from idempotency_keys where ctid = any(array(select ctid from idempotency_keys "
    "where created_at < now() - make_interval(hours => $1) limit $2))"
)

# With a job its result is let go of, and erased like any deleted file.
JOBS = """
with old as (
  select tenant_id, id, result_id from jobs
  where state in ('done', 'failed', 'cancelled') and finished_at < now() - make_interval(hours => $1)
  order by finished_at limit $2
), let_go as (
  update blobs set state = 'deleted', changed_at = now() from old
  where blobs.tenant_id = old.tenant_id and blobs.id = old.result_id and blobs.state = 'kept'
)
delete from jobs using old where jobs.tenant_id = old.tenant_id and jobs.id = old.id
"""


async def sweep(worker: Database, settings: KernelSettings) -> int:
    """Remove one batch of each kind; returns how many rows went."""
    removed = 0
    for statement, hours in (
        *((s, settings.published_retention_hours) for s in SWEEPS),
        (KEYS, settings.idempotency_hours),
        (JOBS, settings.job_retention_hours),
    ):
        async with worker.transaction(None) as tx:
            removed += int((await tx.sql.execute(statement, hours, BATCH)).split()[-1])
    return removed


async def run_housekeeping(worker: Database, settings: KernelSettings, stopping: asyncio.Event) -> None:
    """Sweep until told to stop; again at once while batches are full."""

    async def clean() -> bool:
        return await sweep(worker, settings) >= BATCH

    await repeat("housekeeping", clean, stopping, EVERY_SECONDS)
