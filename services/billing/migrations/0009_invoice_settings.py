"""What a tenant wants done with invoices: above which amount a void needs approval."""

from shared.database.alembic import run
from shared.database.rls import protect

revision = "billing_0009"
down_revision = "billing_0008"

TABLES = """
create table invoice_settings (
  tenant_id uuid not null,
  id uuid not null,
  version bigint not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  void_limit_minor bigint check (void_limit_minor >= 0),
  void_limit_currency text,
  primary key (tenant_id, id),
  constraint invoice_settings_void_limit check ((void_limit_minor is null) = (void_limit_currency is null))
);
"""


def upgrade() -> None:
    """Create the table under row-level security."""
    run(TABLES)
    run(protect("billing", "invoice_settings"))
