"""Tenants, their credentials, what services have been told of them, and the signing keys.

Rows belong to the tenant they describe. Beside the policy `tenant` each table has a policy `provider`, which
holds for operators who act for no client company. Credentials are looked up before it is known whose they are:
that is the worker role's SELECT. Signing keys (encrypted) are the worker role's alone.
"""

from shared.database.alembic import run
from shared.database.rls import app_role, protect, worker_role

revision = "gateway_0002"
down_revision = "gateway_0001"

TABLES = """
create table registered_tenants (
  tenant_id uuid not null,
  id uuid not null check (id = tenant_id),
  version bigint not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  name text not null,
  legal_name text not null,
  country text not null,
  currency text not null,
  time_zone text not null,
  kind text not null check (kind in ('live', 'sandbox', 'provider')),
  state text not null check (state in ('provisioning', 'active', 'suspended', 'closed')),
  services text[] not null,
  clock_offset interval not null default '0' check (clock_offset >= '0'),
  primary key (tenant_id, id),
  constraint only_sandboxes_have_a_clock check (kind = 'sandbox' or clock_offset = '0')
);
create table tenant_sync (
  tenant_id uuid not null,
  service text not null,
  wanted_version bigint not null,
  synced_version bigint not null default 0,
  attempts integer not null default 0,
  next_try_at timestamptz not null default now(),
  error text,
  primary key (tenant_id, service)
);
create index tenant_sync_open on tenant_sync (next_try_at) where synced_version < wanted_version;
create table clients (
  tenant_id uuid not null,
  id uuid not null,
  version bigint not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  client_id text not null,
  name text not null,
  scopes text[] not null,
  secret_hash text not null,
  revoked_at timestamptz,
  primary key (tenant_id, id),
  constraint clients_client_id_key unique (tenant_id, client_id)
);
create index clients_by_client_id on clients (client_id);
create table api_keys (
  tenant_id uuid not null,
  id uuid not null,
  version bigint not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  name text not null,
  prefix text not null,
  scopes text[] not null,
  key_hash bytea not null,
  revoked_at timestamptz,
  primary key (tenant_id, id),
  constraint api_keys_key_hash_key unique (tenant_id, key_hash)
);
create index api_keys_by_hash on api_keys (key_hash);
create table signing_keys (
  tenant_id uuid not null,
  id uuid not null,
  purpose text not null check (purpose in ('access', 'internal')),
  kid text not null,
  sealed bytea not null,
  created_at timestamptz not null default now(),
  retire_at timestamptz,
  primary key (tenant_id, id)
);
"""

SIGNING_KEYS = f"""
alter table signing_keys enable row level security;
alter table signing_keys force row level security;
create policy tenant on signing_keys to {app_role("gateway")} using (false) with check (false);
create policy worker on signing_keys to {worker_role("gateway")} using (true) with check (true);
grant select, insert, update, delete on signing_keys to {worker_role("gateway")};
"""


def provider_policy(table: str, rights: str = "all") -> str:
    """The policy by which an operator sees all tenants' rows of a control-plane table."""
    check = "" if rights == "select" else " with check ((select app.provider()))"
    return (
        f"create policy provider on {table} for {rights} to {app_role('gateway')} "
        f"using ((select app.provider())){check};"
    )


def upgrade() -> None:
    """Create the tables under row-level security."""
    run(TABLES)
    for table in ("registered_tenants", "tenant_sync", "clients", "api_keys"):
        run(protect("gateway", table, grants="select, insert, update", worker="select"))
        run(provider_policy(table))
    run(provider_policy("history", "select"))
    run(SIGNING_KEYS)
