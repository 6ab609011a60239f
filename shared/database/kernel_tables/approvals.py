"""Version 4: approvals."""

from shared.database.rls import protect

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


def create(service: str) -> str:
    """What was asked for, what was decided on it, and who decides in whose place."""
    return "\n".join(
        [
            APPROVALS,
            protect(service, "approvals", grants="select, insert, update"),
            protect(service, "approval_decisions", grants="select, insert"),
            protect(service, "approval_delegations", grants="select, insert, update"),
        ]
    )
