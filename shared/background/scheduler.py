"""Scheduled work: a table of due times, driven by each tenant's clock.

`ctx.schedule(kind, subject_id, due_at)` adds one, `@on_due(kind)` says what to do. Several processes share the
work through SKIP LOCKED. A sandbox tenant's test clock makes months of it due at once; its work is then done in
order of time and *at its time* (`ctx.now` is the due instant), so that a chain of reminders, each scheduled a
week after the one before, runs through to the end. Tenants' work is done side by side, a tenant's own in its order;
whose work takes long is left to it, and the others' next look does not wait for that.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from uuid import UUID

import asyncpg
import structlog

from shared.base import telemetry
from shared.base.error_text import error_text
from shared.base.loops import REPORT_SECONDS, Seldom, repeat
from shared.context.ctx import SYSTEM, Actor, Ctx
from shared.context.unit_of_work import Runtime, open_work
from shared.database.pool import DatabaseAway

LATE_SECONDS = 1.0  # how late scheduled work may begin: nothing wakes the scheduler
ROUND_SECONDS = 1.0  # after which a tenant's further work is for the next look
PATIENCE_SECONDS = 5.0  # with what takes long, before the next look
AT_ONCE = 6  # tenants in one look
log = structlog.get_logger()
DueFunction = Callable[[Ctx, UUID], Awaitable[object]]

# Of a sandbox only the earliest: what it schedules in turn may be due before the next one of the list.
DUE = """
(select false as at_its_time, d.tenant_id, d.kind, d.subject_id, d.due_at from due_times d
 where d.state = 'due' and d.due_at <= now() and d.kind = any($2) and coalesce(d.next_try_at <= now(), true)
 and not exists (select from tenants t where t.tenant_id = d.tenant_id and t.clock_offset > '0')
 order by d.due_at limit $1)
union all
(select true as at_its_time, d.tenant_id, d.kind, d.subject_id, d.due_at from tenants t cross join lateral (
   select * from due_times d where d.tenant_id = t.tenant_id and d.state = 'due'
   and d.due_at <= now() + t.clock_offset and d.kind = any($2) and coalesce(d.next_try_at <= now(), true)
   order by d.due_at limit 1) d
 where t.clock_offset > '0' order by d.due_at limit $1)
"""
AGE = """
select coalesce(extract(epoch from now() - min(due_at)), 0)::float8 as age from due_times
where state = 'due' and due_at <= now()
"""

CLAIM = """
select attempts from due_times where tenant_id = $1 and kind = $2 and subject_id = $3 and due_at = $4
and state = 'due' for update skip locked
"""

DONE = "delete from due_times where tenant_id = $1 and kind = $2 and subject_id = $3"

FAILED = """
update due_times set attempts = attempts + 1, error = $4,
  next_try_at = now() + make_interval(secs => least(3600, 2 ^ least(attempts, 11))),
  state = case when attempts + 1 >= $5 then 'failed' else 'due' end
where tenant_id = $1 and kind = $2 and subject_id = $3
"""


class Scheduler:
    """Does one service's scheduled work."""

    def __init__(self, runtime: Runtime, functions: Mapping[str, DueFunction]) -> None:
        self._runtime = runtime
        self._service = runtime.name
        self._functions = functions
        self._at_work: dict[UUID, asyncio.Task[int]] = {}

    @property
    def kinds(self) -> Collection[str]:
        """What may come due."""
        return self._functions.keys()

    async def run_due(self, limit: int = 100) -> int:
        """Do what is due now, but for tenants whose earlier work still goes on; returns how many were taken up."""
        rows = await self._runtime.worker_db.repeatable(DUE, limit, list(self._functions))
        by_tenant: dict[UUID, list[asyncpg.Record]] = {}
        for row in rows:
            by_tenant.setdefault(row["tenant_id"], []).append(row)
        gate, begun = asyncio.Semaphore(AT_ONCE), []
        for tenant_id, its_rows in by_tenant.items():
            if tenant_id not in self._at_work:
                self._at_work[tenant_id] = asyncio.create_task(self._run_some(its_rows, gate))
                begun.append(self._at_work[tenant_id])
        if begun:
            await asyncio.wait(begun, timeout=PATIENCE_SECONDS)
        ended = {tenant: task for tenant, task in self._at_work.items() if task.done()}
        self._at_work = {tenant: task for tenant, task in self._at_work.items() if tenant not in ended}
        return sum([task.result() for task in ended.values()])

    async def settle(self) -> None:
        """Wait for what still goes on."""
        await asyncio.gather(*self._at_work.values(), return_exceptions=True)

    async def break_off(self) -> None:
        """End what still goes on; undone, it is due for whoever looks next."""
        for task in self._at_work.values():
            task.cancel()
        await self.settle()

    async def _run_some(self, rows: Sequence[asyncpg.Record], gate: asyncio.Semaphore) -> int:
        """A tenant's work in the order of its times, as much as a round has time for; returns how much was taken up."""
        taken = 0
        async with gate:
            until = asyncio.get_running_loop().time() + ROUND_SECONDS
            for row in rows:
                taken += await self._run_one(row)
                if asyncio.get_running_loop().time() > until:
                    break
        return taken

    async def _run_one(self, row: asyncpg.Record) -> bool:
        """Do one piece of work; returns whether it fell to this process."""
        tenant_id, kind, subject_id = row["tenant_id"], row["kind"], row["subject_id"]
        try:
            function = self._functions[kind]
            async with open_work(self._runtime, tenant_id, patient=True) as unit:
                if await unit.tx.sql.fetchval(CLAIM, tenant_id, kind, subject_id, row["due_at"]) is None:
                    return False
                await unit.tx.sql.execute(DONE, tenant_id, kind, subject_id)
                with telemetry.span(f"due {kind}") as traceparent:
                    ctx = unit.context(
                        await unit.tenant(tenant_id),
                        Actor(f"system:{self._service}", SYSTEM.kind),
                        now=row["due_at"] if row["at_its_time"] else None,
                        request_id=f"due:{kind}:{subject_id}",
                        traceparent=traceparent,
                    )
                    await function(ctx, subject_id)
                    await unit.write()  # within the span
        except DatabaseAway:
            raise  # that is not the work's fault: it is done when the database is back
        except Exception as error:  # noqa: BLE001 - one failing subject must not stop the others; it stays listed
            log.warning("scheduled work failed", service=self._service, kind=kind, subject_id=str(subject_id),
                        tenant_id=str(tenant_id), error=error_text(error))  # fmt: skip
            async with self._runtime.app_db.transaction(tenant_id, patient=True) as tx:
                await tx.sql.execute(
                    FAILED, tenant_id, kind, subject_id, error_text(error),
                    self._runtime.settings.consumer_attempts,
                )  # fmt: skip
        return True

    async def report(self) -> None:
        """Publish how late the oldest due work is."""
        (row,) = await self._runtime.worker_db.repeatable(AGE)
        telemetry.DUE_AGE.labels(self._service).set(row["age"])


async def run_scheduler(scheduler: Scheduler, stopping: asyncio.Event, poll_seconds: float) -> None:
    """Do scheduled work until told to stop."""
    reporting = Seldom(REPORT_SECONDS)

    async def look() -> bool:
        taken = await scheduler.run_due()
        if reporting.due():
            await scheduler.report()
        return taken > 0

    late = LATE_SECONDS if scheduler.kinds else poll_seconds
    try:
        await repeat("scheduler", look, stopping, max(min(poll_seconds, late), 0.5))
        await scheduler.settle()
    finally:
        await scheduler.break_off()
