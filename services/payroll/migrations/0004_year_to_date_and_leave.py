"""What was paid and withheld in a tax year, as a ledger; and days away."""

from shared.database.alembic import run
from shared.database.rls import protect

revision = "payroll_0004"
down_revision = "payroll_0003"

TABLES = """
create table year_to_date (
  tenant_id uuid not null,
  id uuid not null,
  created_at timestamptz not null default now(),
  payee_id uuid not null,
  tax_year integer not null check (tax_year between 1990 and 2200),
  measure text not null,
  amount numeric not null,
  pay_on date not null,
  source_kind text not null check (source_kind in ('opening', 'run', 'reversal')),
  source_id uuid not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, payee_id) references payees (tenant_id, id),
  constraint year_to_date_source_key unique (tenant_id, source_kind, source_id, payee_id, measure)
);
create index year_to_date_payee on year_to_date (tenant_id, payee_id, tax_year, pay_on);

create table payee_leaves (
  tenant_id uuid not null,
  id uuid not null,
  version bigint not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  payee_id uuid not null,
  leave_request_id uuid not null,
  leave_version bigint not null,
  pay_code text not null,
  cancelled boolean not null,
  first_day_sick date,
  expected_week_of_birth date,
  qualifying_days integer[] not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, payee_id) references payees (tenant_id, id),
  constraint payee_leaves_request_key unique (tenant_id, leave_request_id)
);

create table leave_days (
  tenant_id uuid not null,
  leave_id uuid not null,
  day date not null,
  payee_id uuid not null,
  hours numeric not null check (hours >= 0),
  primary key (tenant_id, leave_id, day),
  foreign key (tenant_id, leave_id) references payee_leaves (tenant_id, id)
);
create index leave_days_payee on leave_days (tenant_id, payee_id, day);
"""


def upgrade() -> None:
    """Create the tables under row-level security; the ledger only grows."""
    run(TABLES)
    run(protect("payroll", "year_to_date", grants="select, insert"))
    run(protect("payroll", "payee_leaves", grants="select, insert, update"))
    run(protect("payroll", "leave_days"))
