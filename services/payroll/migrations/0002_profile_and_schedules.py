"""The employer's profile, and pay schedules."""

from shared.database.alembic import run
from shared.database.rls import protect

revision = "payroll_0002"
down_revision = "payroll_0001"

TABLES = """
create table payroll_profiles (
  tenant_id uuid not null,
  id uuid not null check (id = tenant_id),
  version bigint not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  bank_account bytea,
  bacs_service_user_number text check (bacs_service_user_number ~ '^[0-9]{6}$'),
  nacha jsonb,
  gb jsonb,
  us jsonb,
  primary key (tenant_id, id)
);

create table pay_schedules (
  tenant_id uuid not null,
  id uuid not null,
  version bigint not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  name text not null,
  pack text not null,
  frequency text not null check (frequency in ('weekly', 'biweekly', 'four_weekly', 'semimonthly', 'monthly')),
  anchor date not null,
  second_anchor date,
  pay_day_rule text not null check (pay_day_rule in ('before', 'after')),
  cut_off_days integer check (cut_off_days between 0 and 31),
  workweek_starts text not null check (workweek_starts in ('mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun')),
  primary key (tenant_id, id),
  constraint pay_schedules_name_key unique (tenant_id, name),
  check ((frequency = 'semimonthly') = (second_anchor is not null))
);
"""


def upgrade() -> None:
    """Create the tables under row-level security."""
    run(TABLES)
    run(protect("payroll", "payroll_profiles", grants="select, insert, update"))
    run(protect("payroll", "pay_schedules", grants="select, insert, update"))
