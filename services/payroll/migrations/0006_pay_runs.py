"""Pay runs, and what hinders somebody from being paid in one."""

from shared.database.alembic import run
from shared.database.rls import protect

revision = "payroll_0006"
down_revision = "payroll_0005"

TABLES = """
create table pay_runs (
  tenant_id uuid not null,
  id uuid not null,
  version bigint not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  number text not null,
  kind text not null check (kind in ('regular', 'off_cycle', 'correction', 'reversal')),
  state text not null check (state in ('draft', 'calculating', 'calculated', 'submitted', 'approved', 'paid', 'closed',
    'failed', 'cancelled', 'reversed')),
  schedule_id uuid not null,
  pack text not null,
  currency text not null,
  frequency text not null,
  basic_pay boolean not null,
  period_number integer not null check (period_number between 1 and 366),
  period_start date not null,
  period_end date not null,
  tax_year integer not null,
  pay_on date not null,
  tax_on date not null,
  payee_ids uuid[],
  excluded uuid[] not null default '{}',
  reverses uuid,
  job_id uuid,
  error_code text,
  error_message text,
  inputs_stamp text,
  payslips integer not null default 0,
  totals jsonb,
  missing jsonb not null default '[]',
  posting jsonb,
  input_hash text,
  result_hash text,
  submitted_by text,
  approved_by text,
  paid_on date,
  primary key (tenant_id, id),
  constraint pay_runs_number_key unique (tenant_id, number),
  foreign key (tenant_id, schedule_id) references pay_schedules (tenant_id, id),
  foreign key (tenant_id, reverses) references pay_runs (tenant_id, id),
  check (period_end >= period_start),
  check (pay_on >= period_start),
  check ((kind = 'reversal') = (reverses is not null)),
  check (kind <> 'regular' or basic_pay),
  check (state not in ('calculated', 'submitted', 'approved', 'paid', 'closed', 'reversed') or result_hash is not null),
  check (state not in ('approved', 'paid', 'closed', 'reversed')
    or (approved_by is not null and approved_by <> submitted_by)),
  check (state not in ('paid', 'closed') or paid_on is not null)
);
create index pay_runs_period on pay_runs (tenant_id, schedule_id, period_start);
create index pay_runs_state on pay_runs (tenant_id, state, id);
create unique index pay_runs_job on pay_runs (tenant_id, job_id);
create unique index pay_runs_reverses on pay_runs (tenant_id, reverses) where state <> 'cancelled';

create table pay_run_problems (
  tenant_id uuid not null,
  id uuid not null,
  version bigint not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  run_id uuid not null,
  payee_id uuid not null,
  number text not null,
  name text not null,
  severity text not null check (severity in ('blocker', 'warning')),
  code text not null,
  message text not null,
  rule text not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, run_id) references pay_runs (tenant_id, id),
  foreign key (tenant_id, payee_id) references payees (tenant_id, id)
);
create index pay_run_problems_run on pay_run_problems (tenant_id, run_id, severity, id);
"""


def upgrade() -> None:
    """Create the tables under row-level security."""
    run(TABLES)
    run(protect("payroll", "pay_runs", grants="select, insert, update"))
    run(protect("payroll", "pay_run_problems", grants="select, insert, delete"))
