"""Version 1: tenants, outbox, inbox, idempotency keys, history, audit, due times, jobs, number series."""

from shared.database.rls import protect

TENANTS = """
create table tenants (
  tenant_id uuid primary key,
  version bigint not null,
  name text not null,
  legal_name text not null,
  country text not null,
  currency text not null,
  time_zone text not null,
  kind text not null check (kind in ('live', 'sandbox', 'provider')),
  state text not null,
  clock_offset interval not null default '0' check (clock_offset >= '0'),
  updated_at timestamptz not null default now()
);
"""

OUTBOX = """
create table outbox (
  seq bigint generated always as identity primary key,
  tenant_id uuid not null,
  id uuid not null,
  part smallint not null check (part between 0 and 15),
  lane text not null,
  type text not null,
  envelope text not null,
  created_at timestamptz not null default now(),
  published_at timestamptz
);
create index outbox_unpublished on outbox (part, seq) where published_at is null;
create index outbox_published on outbox (published_at) where published_at is not null;
create index outbox_by_tenant on outbox (tenant_id, seq);
"""

INBOX = """
create table inbox (
  tenant_id uuid not null,
  consumer text not null,
  event_id uuid not null,
  seq bigint generated always as identity,
  lane text not null,
  type text not null,
  state text not null check (state in ('done', 'retry', 'waiting', 'dead', 'discarded')),
  attempts integer not null default 0,
  next_at timestamptz,
  error text,
  envelope text,
  received_at timestamptz not null default now(),
  done_at timestamptz,
  primary key (tenant_id, consumer, event_id)
);
create index inbox_held on inbox (tenant_id, consumer, lane, seq) where state in ('retry', 'waiting', 'dead');
create index inbox_due on inbox (consumer, next_at) where state = 'retry';
create index inbox_waiting on inbox (consumer, seq) where state = 'waiting';
create index inbox_dead on inbox (tenant_id, consumer, event_id) where state = 'dead';
create index inbox_done on inbox (done_at) where state in ('done', 'discarded');
create table unreadable_messages (
  tenant_id uuid,
  id uuid primary key,
  consumer text not null,
  body text not null,
  error text not null,
  received_at timestamptz not null default now()
);
"""

IDEMPOTENCY = """
create table idempotency_keys (
  tenant_id uuid not null,
  client_id text not null,
  key text not null,
  request_hash bytea not null,
  status integer not null,
  headers text not null,
  body bytea not null,
  created_at timestamptz not null default now(),
  primary key (tenant_id, client_id, key)
);
create index idempotency_keys_age on idempotency_keys (created_at);
"""

HISTORY = """
create table history (
  tenant_id uuid not null,
  id uuid not null,
  aggregate text not null,
  aggregate_id uuid not null,
  verb text not null,
  from_state text,
  to_state text not null,
  why text,
  actor_id text not null,
  actor_kind text not null,
  on_behalf_of text,
  at timestamptz not null,
  primary key (tenant_id, id)
);
create index history_of_aggregate on history (tenant_id, aggregate, aggregate_id, id);
create table audit (
  tenant_id uuid not null,
  id uuid not null,
  action text not null,
  subject text not null,
  actor_id text not null,
  actor_kind text not null,
  on_behalf_of text,
  request_id text not null,
  at timestamptz not null,
  primary key (tenant_id, id)
);
"""

SCHEDULE = """
create table due_times (
  tenant_id uuid not null,
  kind text not null,
  subject_id uuid not null,
  due_at timestamptz not null,
  attempts integer not null default 0,
  next_try_at timestamptz,
  error text,
  state text not null default 'due' check (state in ('due', 'failed')),
  primary key (tenant_id, kind, subject_id)
);
create index due_times_due on due_times (due_at) where state = 'due';
create index due_times_by_tenant on due_times (tenant_id, due_at) where state = 'due';
create table jobs (
  tenant_id uuid not null,
  id uuid not null,
  kind text not null,
  state text not null default 'pending' check (state in ('pending', 'running', 'done', 'failed', 'cancelled')),
  done bigint not null default 0,
  total bigint,
  attempts integer not null default 0,
  lease_until timestamptz,
  error text,
  actor_id text not null,
  actor_kind text not null,
  request_id text not null,
  traceparent text not null,
  created_at timestamptz not null default now(),
  finished_at timestamptz,
  primary key (tenant_id, id)
);
create index jobs_open on jobs (created_at) where state in ('pending', 'running');
create table number_series (
  tenant_id uuid not null,
  series text not null,
  year integer not null,
  next bigint not null check (next > 0),
  primary key (tenant_id, series, year)
);
"""


def create(service: str) -> str:
    """All tables with their protection."""
    append = "select, insert"
    return "\n".join(
        [
            TENANTS, OUTBOX, INBOX, IDEMPOTENCY, HISTORY, SCHEDULE,
            protect(service, "tenants", grants="select, insert, update", worker="select"),
            protect(service, "outbox", grants=append, worker="select, update, delete"),
            protect(service, "inbox", grants="select, insert, update", worker="select, insert, update, delete"),
            protect(service, "unreadable_messages", grants="select", worker="select, insert, delete"),
            protect(service, "idempotency_keys", grants=append, worker="select, delete"),
            protect(service, "history", grants=append),
            protect(service, "audit", grants=append),
            protect(service, "due_times", worker="select, update"),
            protect(service, "jobs", worker="select, update"),
            protect(service, "number_series", grants="select, insert, update"),
        ]
    )  # fmt: skip
