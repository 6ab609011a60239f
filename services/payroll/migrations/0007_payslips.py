"""Payslips and their lines; what was approved is never altered."""

from shared.database.alembic import run
from shared.database.owner_functions import guard_functions
from shared.database.rls import protect

revision = "payroll_0007"
down_revision = "payroll_0006"

TABLES = """
create table payslips (
  tenant_id uuid not null,
  id uuid not null,
  version bigint not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  run_id uuid not null,
  payee_id uuid not null,
  employee_id uuid not null,
  employment_id uuid not null,
  number text not null,
  name text not null,
  kind text not null check (kind in ('employee', 'contractor')),
  cost_centre text,
  currency text not null,
  period_start date not null,
  period_end date not null,
  tax_year integer not null,
  pay_on date not null,
  tax_on date not null,
  pays_period boolean not null,
  posted boolean not null default false,
  void boolean not null default false,
  issued_at timestamptz,
  reverses uuid,
  gross numeric not null,
  reimbursed numeric not null,
  deductions numeric not null,
  taxes numeric not null,
  net numeric not null,
  employer_cost numeric not null,
  measures jsonb not null,
  item_ids uuid[] not null,
  input_hash text not null,
  result_hash text not null,
  record bytea,
  primary key (tenant_id, id),
  constraint payslips_payee_key unique (tenant_id, run_id, payee_id),
  foreign key (tenant_id, run_id) references pay_runs (tenant_id, id),
  foreign key (tenant_id, payee_id) references payees (tenant_id, id),
  foreign key (tenant_id, reverses) references payslips (tenant_id, id),
  check (net = gross + reimbursed - deductions - taxes),
  check (net >= 0 or reverses is not null),
  check ((record is null) = (reverses is not null))
);
create unique index payslips_period on payslips (tenant_id, employment_id, period_start, period_end)
  where pays_period and not void;
create index payslips_run on payslips (tenant_id, run_id, id);
create index payslips_payee on payslips (tenant_id, payee_id, tax_year);
create index payslips_employment on payslips (tenant_id, employment_id, id);
create index payslips_unissued on payslips (tenant_id, run_id, id) where issued_at is null and posted;

create table payslip_lines (
  tenant_id uuid not null,
  payslip_id uuid not null,
  position integer not null check (position > 0),
  code text not null,
  kind text not null check (kind in ('earning', 'reimbursement', 'deduction', 'sacrifice', 'tax', 'employer')),
  role text not null check (role in ('wages', 'contractor', 'expense', 'withholding', 'social', 'pension',
    'garnishment', 'other_deduction')),
  item_id uuid,
  basis numeric,
  rate numeric,
  amount numeric not null,
  year_to_date numeric not null,
  rule text not null,
  primary key (tenant_id, payslip_id, position),
  foreign key (tenant_id, payslip_id) references payslips (tenant_id, id)
);

create function payslip_fixed() returns trigger language plpgsql as $$
declare moves text[] := '{version,updated_at,void,pays_period,issued_at,record}';
begin
  if old.posted and (tg_op = 'DELETE' or (to_jsonb(new) - moves) is distinct from (to_jsonb(old) - moves)) then
    raise exception using errcode = 'BO001', message = 'payslip_fixed',
      detail = format('Payslip %s was approved: it is reversed, never altered or removed.', old.id);
  end if;
  return case tg_op when 'DELETE' then old else new end;
end $$;

create function payslip_lines_fixed() returns trigger language plpgsql as $$
begin
  if exists (select from gone g join payslips p on p.tenant_id = g.tenant_id and p.id = g.payslip_id and p.posted) then
    raise exception using errcode = 'BO001', message = 'payslip_fixed',
      detail = 'Lines of an approved payslip are never removed.';
  end if;
  return null;
end $$;

create trigger fixed before update or delete on payslips for each row execute function payslip_fixed();
create trigger fixed after delete on payslip_lines referencing old table as gone
  for each statement execute function payslip_lines_fixed();
"""


def upgrade() -> None:
    """Create the tables under row-level security; a line is never altered."""
    run(TABLES)
    run(protect("payroll", "payslips"))
    run(protect("payroll", "payslip_lines", grants="select, insert, delete"))
    run(guard_functions("payroll"))
