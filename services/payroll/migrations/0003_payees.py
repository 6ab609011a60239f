"""Payees: who is paid, what hr told of each day, and what payroll knows besides."""

from shared.database.alembic import run
from shared.database.effective_dates import no_overlap
from shared.database.rls import protect

revision = "payroll_0003"
down_revision = "payroll_0002"

TABLES = """
create table payees (
  tenant_id uuid not null,
  id uuid not null,
  version bigint not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  employee_id uuid not null,
  employment_id uuid not null,
  number text,
  name text,
  kind text check (kind in ('employee', 'contractor')),
  hire_on date,
  facts_version bigint not null default 0,
  last_day date,
  final_pay_on date,
  unused_leave_hours numeric,
  start_cancelled boolean not null default false,
  end_version bigint not null default 0,
  primary key (tenant_id, id),
  constraint payees_employment_key unique (tenant_id, employment_id),
  check ((facts_version > 0) = (number is not null and name is not null and kind is not null and hire_on is not null))
);
create index payees_employee on payees (tenant_id, employee_id);
create index payees_number on payees (tenant_id, number);

create table payee_facts (
  tenant_id uuid not null,
  id uuid not null,
  version bigint not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  payee_id uuid not null,
  fact_version bigint not null,
  effective_on date not null,
  effective_until date,
  number text not null,
  name text not null,
  kind text not null check (kind in ('employee', 'contractor')),
  position text,
  department text,
  cost_centre text,
  work_country text not null,
  work_subdivision text,
  weekly_hours numeric,
  compensation bytea,
  bank_account bytea,
  tax_ids bytea,
  birth_date bytea,
  primary key (tenant_id, id),
  foreign key (tenant_id, payee_id) references payees (tenant_id, id),
  constraint payee_facts_version_key unique (tenant_id, payee_id, fact_version, effective_on),
  check (effective_until is null or effective_until >= effective_on)
);

create table payee_stretches (
  tenant_id uuid not null,
  id uuid not null,
  version bigint not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  payee_id uuid not null,
  valid_from date not null,
  valid_to date,
  fact_id uuid not null,
  fact_version bigint not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, payee_id) references payees (tenant_id, id),
  foreign key (tenant_id, fact_id) references payee_facts (tenant_id, id),
  check (valid_to is null or valid_to >= valid_from)
);
create index payee_stretches_day on payee_stretches (tenant_id, payee_id, valid_from);

create table payee_schedules (
  tenant_id uuid not null,
  id uuid not null,
  version bigint not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  payee_id uuid not null,
  valid_from date not null,
  pay_schedule_id uuid,
  primary key (tenant_id, id),
  foreign key (tenant_id, payee_id) references payees (tenant_id, id),
  foreign key (tenant_id, pay_schedule_id) references pay_schedules (tenant_id, id),
  constraint payee_schedules_day_key unique (tenant_id, payee_id, valid_from)
);
create index payee_schedules_schedule on payee_schedules (tenant_id, pay_schedule_id, payee_id);

create table payee_declarations (
  tenant_id uuid not null,
  id uuid not null,
  version bigint not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  payee_id uuid not null,
  valid_from date not null,
  pack text not null,
  declared bytea,
  primary key (tenant_id, id),
  foreign key (tenant_id, payee_id) references payees (tenant_id, id),
  constraint payee_declarations_day_key unique (tenant_id, payee_id, valid_from)
);
"""


def upgrade() -> None:
    """Create the tables under row-level security; what hr told is never altered, except for its sealing key."""
    run(TABLES)
    run(no_overlap("payee_stretches", key={"payee_id": "uuid"}))
    run(protect("payroll", "payees", grants="select, insert, update"))
    run(protect("payroll", "payee_facts", grants="select, insert, update"))
    run(protect("payroll", "payee_stretches"))
    run(protect("payroll", "payee_schedules", grants="select, insert, update"))
    run(protect("payroll", "payee_declarations", grants="select, insert, update"))
