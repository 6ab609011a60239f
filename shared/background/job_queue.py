"""The queue of jobs: whose turn it is, who has which, and what the metrics tell of it. Over all tenants, as the worker.

Tenants take turns: the one with the fewest jobs at work, then the one that was served longest ago, then the one whose
job waits longest. Of each tenant only the oldest jobs are looked at, by index, so neither a long queue nor the jobs
that are over cost anything. Processes may look at the same moment: a row that one has just locked is passed over by
the others, and so is one that a step holds, however long its lease is over.
"""

from collections.abc import Collection, Sequence
from uuid import UUID

import asyncpg

from shared.base import telemetry
from shared.database.pool import Database

LOOK = """
select exists (select from jobs where state = 'pending' and kind = any($1))
    or exists (select from jobs where state = 'running' and lease_until < now() and kind = any($1)) as waiting,
  (select extract(epoch from min(lease_until) - now())::float8 from jobs
   where state = 'running' and lease_until >= now() and kind = any($1)) as next_lapse
"""

# Of one tenant the four oldest, and eight in all, since as many processes may be taking one up at this moment; each
# further one of a tenant counts as if those before it were at work.
CLAIM = """
with recursive waiting as (
  (select tenant_id from jobs where state = 'pending' order by tenant_id limit 1)
  union all
  select (select j.tenant_id from jobs j where j.state = 'pending' and j.tenant_id > w.tenant_id
          order by j.tenant_id limit 1)
  from waiting w where w.tenant_id is not null
), lapsed as (
  select tenant_id, id, created_at from jobs where state = 'running' and lease_until < now() and kind = any($2)
), at_work as (
  select tenant_id, count(*) as jobs from jobs where state = 'running' and lease_until >= now() group by tenant_id
), tenants as materialized (
  select t.tenant_id, coalesce(a.jobs, 0) as jobs, served.at as served_at
  from (select tenant_id from waiting union select tenant_id from lapsed) t left join at_work a using (tenant_id)
  left join lateral (
    select s.started_at as at from jobs s where s.tenant_id = t.tenant_id and s.started_at is not null
    order by s.started_at desc limit 1) served on true
  where t.tenant_id <> all($3)
), heads as (
  select oldest.*, row_number() over (partition by oldest.tenant_id order by oldest.created_at, oldest.id) - 1 as before
  from tenants t cross join lateral (
    select j.tenant_id, j.id, j.created_at from jobs j
    where j.tenant_id = t.tenant_id and j.state = 'pending' and j.kind = any($2)
    order by j.created_at, j.id limit 4) oldest
  union all
  select tenant_id, id, created_at, 0 from lapsed
), turn as materialized (
  select tenant_id, id,
    row_number() over (order by jobs + before, served_at nulls first, created_at, id) as place
  from heads join tenants using (tenant_id) order by place limit 8
), next as materialized (
  select j.tenant_id, j.id from turn join jobs j on j.tenant_id = turn.tenant_id and j.id = turn.id
  where j.state = 'pending' or (j.state = 'running' and j.lease_until < now())
  order by turn.place limit 1 for update of j skip locked
)
update jobs set state = 'running', attempts = attempts + 1, lease_until = now() + make_interval(secs => $1),
  started_at = coalesce(started_at, now())
from next where jobs.tenant_id = next.tenant_id and jobs.id = next.id
returning jobs.*
"""

RENEW = """
update jobs set lease_until = clock_timestamp() + make_interval(secs => $4)
where tenant_id = $1 and id = $2 and state = 'running' and attempts = $3 returning true
"""

# A stop of the process is no failure of the job: the try does not count.
GIVE_BACK = """
update jobs set state = 'pending', given_back = given_back + 1, lease_until = null
where tenant_id = $1 and id = $2 and state = 'running' and attempts = $3 returning true
"""

# Nor is that something it needs was away; its lease runs out before it is tried again.
EXCUSE = """
update jobs set given_back = given_back + 1
where tenant_id = $1 and id = $2 and state = 'running' and attempts = $3 returning true
"""

DONE = """
update jobs set state = 'done', finished_at = now()
where tenant_id = $1 and id = $2 and state = 'running' and attempts = $3 returning true
"""

FAIL = """
update jobs set state = 'failed', finished_at = now(), error_code = $4, error = $5
where tenant_id = $1 and id = $2 and state = 'running' and attempts = $3 returning true
"""

OPEN = """
select p.jobs as pending, coalesce(extract(epoch from now() - p.oldest), 0)::float8 as waiting_age,
  r.jobs as running, coalesce(extract(epoch from now() - r.oldest), 0)::float8 as running_age
from (select count(*) as jobs, min(created_at) as oldest from jobs where state = 'pending') p,
  (select count(*) as jobs, min(coalesce(started_at, created_at)) as oldest from jobs where state = 'running') r
"""


async def look(worker: Database, kinds: Collection[str]) -> tuple[bool, float | None]:
    """Whether a job of these kinds may be taken up, and in how many seconds the next lease runs out."""
    (found,) = await worker.repeatable(LOOK, list(kinds))
    return found["waiting"], found["next_lapse"]


async def claim(
    worker: Database, kinds: Collection[str], *, but_of: Sequence[UUID], seconds: float
) -> asyncpg.Record | None:
    """Take up the job whose turn it is, of tenants other than these, under a lease; None when there is none."""
    async with worker.transaction(None) as tx:
        return await tx.sql.fetchrow(CLAIM, seconds, list(kinds), but_of)


async def change(worker: Database, statement: str, row: asyncpg.Record, *values: object) -> bool:
    """Change a claimed job; returns whether it is still ours."""
    async with worker.transaction(None) as tx:
        return bool(await tx.sql.fetchval(statement, row["tenant_id"], row["id"], row["attempts"], *values))


async def report(worker: Database, service: str) -> None:
    """Publish how many jobs are open and since when the oldest of them wait and run."""
    (found,) = await worker.repeatable(OPEN)
    for state in ("pending", "running"):
        telemetry.JOBS_OPEN.labels(service, state).set(found[state])
    telemetry.JOBS_WAITING_AGE.labels(service).set(found["waiting_age"])
    telemetry.JOBS_RUNNING_AGE.labels(service).set(found["running_age"])
