"""Version 7: mails that wait, were sent, or came to nothing."""

from shared.database.rls import protect

# `queued_at` is of the real clock, as the metrics and the retries are; `created_at` and `finished_at` of the tenant's.
MAILS = """
create table mails (
  tenant_id uuid not null,
  id uuid not null,
  created_at timestamptz not null default now(),
  kind text not null,
  aggregate text not null,
  aggregate_id uuid not null,
  number text,
  recipient text not null,
  copies text[] not null default '{}' check (cardinality(copies) <= 10),
  message text not null default '',
  state text not null check (state in ('queued', 'sent', 'bounced')),
  attempts integer not null default 0,
  queued_at timestamptz not null default now(),
  next_try_at timestamptz not null default now(),
  reason_code text,
  reason text,
  finished_at timestamptz,
  primary key (tenant_id, id),
  constraint mails_reasons check (state <> 'bounced' or num_nulls(reason_code, reason, finished_at) = 0),
  constraint mails_over check ((finished_at is null) = (state = 'queued'))
);
create index mails_queued on mails (tenant_id, next_try_at, id) where state = 'queued';
create index mails_of_document on mails (tenant_id, aggregate_id, id);
create index mails_by_state on mails (tenant_id, state, id);
"""

# Who looks for mails over all tenants sees when they are due, not whom they are for or what they say.
LOOKS = (
    "select (tenant_id, id, kind, state, attempts, queued_at, next_try_at), update (attempts, next_try_at)"
)


def create(service: str) -> str:
    """The table of mails; what was sent stays as the proof that it was."""
    return MAILS + protect(service, "mails", grants="select, insert, update", worker=LOOKS)
