"""The kernel's tables, created in each service's schema by its first migration and changed by later ones.

A version that has been released is never edited: a change is a further version here, and a revision in every service
that runs it (`upgrade("orders", since=1, to=2)`). A new service begins with all of them (`upgrade("hr", to=2)`).
"""

from collections.abc import Callable

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

SEALING_KEYS = """
create table sealing_keys (
  tenant_id uuid not null,
  key_id text not null,
  since timestamptz not null default now(),
  primary key (tenant_id, key_id)
);
"""

# What a decision refers to is the approval *and* who asked for it, so that four eyes are a constraint.
APPROVALS = """
create table approvals (
  tenant_id uuid not null,
  id uuid not null,
  version bigint not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  kind text not null,
  subject_id uuid not null,
  subject text not null,
  state text not null check (state in ('pending', 'approved', 'rejected', 'withdrawn', 'expired', 'superseded')),
  command jsonb not null,
  facts jsonb not null,
  snapshot_hash text not null,
  steps jsonb not null,
  step integer not null check (step >= 0),
  amount_minor bigint,
  currency text,
  reason text,
  requested_by text not null,
  requested_on_behalf_of text,
  expires_at timestamptz not null,
  decided_at timestamptz,
  primary key (tenant_id, id),
  constraint approvals_requester_key unique (tenant_id, id, requested_by),
  constraint approvals_amount check ((amount_minor is null) = (currency is null)),
  constraint approvals_decided check ((state = 'pending') = (decided_at is null))
);
create unique index approvals_pending_key on approvals (tenant_id, kind, subject_id) where state = 'pending';
create index approvals_by_state on approvals (tenant_id, state, id);
create index approvals_by_subject on approvals (tenant_id, subject_id, id);
create table approval_decisions (
  tenant_id uuid not null,
  id uuid not null,
  approval_id uuid not null,
  requested_by text not null,
  step integer not null,
  decision text not null check (decision in ('approved', 'rejected')),
  decided_by text not null,
  decided_kind text not null check (decided_kind <> 'system'),
  on_behalf_of text,
  in_place_of text not null,
  comment text,
  at timestamptz not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, approval_id, requested_by) references approvals (tenant_id, id, requested_by),
  constraint approval_decisions_by_key unique (tenant_id, approval_id, decided_by),
  constraint approval_decisions_place_key unique (tenant_id, approval_id, in_place_of),
  constraint approval_decisions_four_eyes check (requested_by <> decided_by and requested_by <> in_place_of
    and requested_by is distinct from on_behalf_of)
);
create table approval_delegations (
  tenant_id uuid not null,
  id uuid not null,
  version bigint not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  delegator text not null,
  delegate text not null check (delegate <> delegator),
  starts_at timestamptz not null,
  ends_at timestamptz not null check (ends_at > starts_at),
  created_by text not null,
  reason text,
  revoked_at timestamptz,
  primary key (tenant_id, id)
);
create index approval_delegations_to on approval_delegations (tenant_id, delegate, ends_at);
"""

NAMES = frozenset(
    {
        "tenants", "outbox", "inbox", "unreadable_messages", "idempotency_keys", "history", "audit",
        "due_times", "jobs", "number_series", "sealing_keys", "alembic_version", "approvals", "approval_decisions",
        "approval_delegations",
    }
)  # fmt: skip


def _first(service: str) -> str:
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


def _ordering_key(_: str) -> str:
    """The column that gives facts of one aggregate their order takes its name from what it is."""
    return """
alter table outbox rename column lane to ordering_key;
alter table inbox rename column lane to ordering_key;
"""


def _sealing_keys(service: str) -> str:
    """Which keys have sealed something of which tenant."""
    return SEALING_KEYS + protect(service, "sealing_keys", worker="select")


def _approvals(service: str) -> str:
    """What was asked for, what was decided on it, and who decides in whose place."""
    return "\n".join(
        [
            APPROVALS,
            protect(service, "approvals", grants="select, insert, update"),
            protect(service, "approval_decisions", grants="select, insert"),
            protect(service, "approval_delegations", grants="select, insert, update"),
        ]
    )


VERSIONS: tuple[Callable[[str], str], ...] = (_first, _ordering_key, _sealing_keys, _approvals)


def upgrade(service: str, *, since: int = 0, to: int) -> str:
    """SQL that brings the kernel's tables of a service from one version to another; 0 is before the first."""
    return "\n".join(version(service) for version in VERSIONS[since:to])
