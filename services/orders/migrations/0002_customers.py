"""Customers: the buyers of a client company."""

from shared.database.alembic import run
from shared.database.rls import protect

revision = "orders_0002"
down_revision = "orders_0001"

TABLES = """
create table customers (
  tenant_id uuid not null,
  id uuid not null,
  version bigint not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  name text not null,
  email text,
  phone text,
  tax_id text,
  external_ref text,
  billing_address jsonb,
  shipping_address jsonb,
  primary key (tenant_id, id),
  constraint customers_external_ref_key unique (tenant_id, external_ref)
);
create index customers_email on customers (tenant_id, email, id);
"""


def upgrade() -> None:
    """Create the table under row-level security."""
    run(TABLES)
    run(protect("orders", "customers"))
