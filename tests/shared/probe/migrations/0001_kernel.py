"""The kernel's tables and the probe's own."""

from shared.database import kernel_tables
from shared.database.alembic import run
from shared.database.effective_dates import no_overlap
from shared.database.rls import protect

revision = "probe_0001"
down_revision = None

TABLES = """
create table notes (
  tenant_id uuid not null,
  id uuid not null,
  version bigint not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  title text not null,
  state text not null check (state in ('draft', 'published', 'archived')),
  primary key (tenant_id, id),
  constraint notes_title_key unique (tenant_id, title)
);
create table effects (
  tenant_id uuid not null,
  id uuid not null,
  seq bigint generated always as identity,
  note_id uuid not null,
  what text not null,
  at timestamptz not null,
  primary key (tenant_id, id)
);
create index effects_order on effects (tenant_id, seq);
create table links (
  tenant_id uuid not null,
  id uuid not null,
  note_id uuid not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, note_id) references notes (tenant_id, id) deferrable initially deferred
);
create table wages (
  tenant_id uuid not null,
  id uuid not null,
  version bigint not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  person_id uuid not null,
  grade text not null,
  valid_from date not null,
  valid_to date check (valid_to >= valid_from),
  recorded_at timestamptz not null,
  superseded_at timestamptz check (superseded_at >= recorded_at),
  primary key (tenant_id, id)
);
create index wages_as_of on wages (tenant_id, person_id, valid_from);
create table vaults (
  tenant_id uuid not null,
  id uuid not null,
  version bigint not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  name text not null,
  account bytea,
  code bytea,
  primary key (tenant_id, id)
);
"""


def upgrade() -> None:
    """Create them."""
    run(kernel_tables.upgrade("probe", to=len(kernel_tables.VERSIONS)))
    run(TABLES)
    run(protect("probe", "notes"))
    run(protect("probe", "effects", grants="select, insert"))
    run(protect("probe", "links"))
    run(protect("probe", "wages"))
    run(no_overlap("wages", key={"person_id": "uuid"}, recorded=True))
    run(protect("probe", "vaults"))
