"""The inbox's SQL: who may take an event now, who has to wait, what is due."""

# Which of some events are taken now; of each ordering key at most one is asked for.
TAKE = """
with given as (
  select * from unnest($3::uuid[], $4::text[], $5::text[]) as g(event_id, ordering_key, type)
), held as (
  select distinct ordering_key from inbox where tenant_id = $1 and consumer = $2 and ordering_key = any($4::text[])
  and state in ('retry', 'waiting', 'dead')
), taken as (
  insert into inbox (tenant_id, consumer, event_id, ordering_key, type, state, attempts, done_at)
  select $1, $2, event_id, ordering_key, type, 'done', 1, now() from given
  where ordering_key not in (select ordering_key from held)
  on conflict do nothing returning event_id
)
select g.event_id, g.event_id in (select event_id from taken) as taken,
  g.ordering_key in (select ordering_key from held) as held
from given g
"""

HOLD = """
insert into inbox (tenant_id, consumer, event_id, ordering_key, type, state, attempts, next_at, error, envelope)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) on conflict do nothing
"""

TAKE_AGAIN = """
insert into inbox (tenant_id, consumer, event_id, ordering_key, type, state, next_at, error, envelope)
select $1, $2, $3, $4, $5, case when held then 'waiting' else 'retry' end,
  case when held then null else now() end, case when held then null else $6::text end, $7
from (select exists (select from inbox where tenant_id = $1 and consumer = $2 and ordering_key = $4
  and state in ('retry', 'waiting', 'dead')) as held) as ordering_key
on conflict do nothing
"""

NOTHING_BEFORE = """not exists (
   select from inbox e where e.tenant_id = i.tenant_id and e.consumer = i.consumer and e.ordering_key = i.ordering_key
   and e.state in ('retry', 'waiting', 'dead') and e.seq < i.seq)"""

# What may be tried now, and in how many seconds the next one is due; that is told even if nothing may be tried.
DUE = f"""
with due as (
  (select * from inbox i where consumer = $1 and state = 'retry' and next_at <= now() and {NOTHING_BEFORE}
   order by seq limit $2)
  union all
  (select * from inbox i where consumer = $1 and state = 'waiting' and {NOTHING_BEFORE} order by seq limit $2)
), later as (
  select extract(epoch from min(next_at) - now())::float8 as next_due from inbox
  where consumer = $1 and state = 'retry' and next_at > now()
)
select later.next_due, due.* from later left join due on true
"""  # noqa: S608 - no input in it

# A try in flight holds its row's lock (it has marked it done, not yet committed): others pass it by. What is written
# as the error stands until the try has ended: who finds it later knows that the process died meanwhile.
COUNT = """
update inbox set state = 'retry', attempts = $5, next_at = $6, error = $7
where ctid = (select ctid from inbox where tenant_id = $1 and consumer = $2 and event_id = $3 and attempts = $4
  and state in ('retry', 'waiting') for update skip locked)
and tenant_id = $1 and consumer = $2 and event_id = $3
returning 1
"""

DONE = """
update inbox set state = 'done', done_at = now(), envelope = null, error = null, next_at = null
where tenant_id = $1 and consumer = $2 and event_id = $3 and state = 'retry' returning 1
"""

HELD = """
select state, count(*) as n, coalesce(extract(epoch from now() - min(received_at)), 0)::float8 as age
from inbox where consumer = $1 and state in ('retry', 'waiting', 'dead') group by state
"""
