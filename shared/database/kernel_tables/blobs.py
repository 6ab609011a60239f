"""Version 5: files and what becomes of them."""

from shared.database.rls import protect

BLOBS = """
create table blobs (
  tenant_id uuid not null,
  id uuid not null,
  state text not null check (state in ('pending', 'kept', 'deleted', 'abandoned')),
  size bigint check (size >= 0),
  sha256 bytea check (length(sha256) = 32),
  media_type text,
  claimed_type text,
  file_name text,
  created_at timestamptz not null default now(),
  changed_at timestamptz not null default now(),
  primary key (tenant_id, id),
  constraint blobs_kept_is_measured check (
    state in ('pending', 'abandoned')
    or num_nulls(size, sha256, media_type, claimed_type, file_name) = 0)
);
create index blobs_to_erase on blobs (state, changed_at) where state <> 'kept';
"""


def create(service: str) -> str:
    """The table of files; only the sweep, under the worker role, takes rows out."""
    return BLOBS + protect(service, "blobs", grants="select, insert, update", worker="select, update, delete")
