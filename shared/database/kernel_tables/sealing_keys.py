"""Version 3: which keys have sealed something."""

from shared.database.rls import protect

SEALING_KEYS = """
create table sealing_keys (
  tenant_id uuid not null,
  key_id text not null,
  since timestamptz not null default now(),
  primary key (tenant_id, key_id)
);
"""


def create(service: str) -> str:
    """Which keys have sealed something of which tenant."""
    return SEALING_KEYS + protect(service, "sealing_keys", worker="select")
