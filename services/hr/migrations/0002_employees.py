"""Employees, their employments, and what holds of both by day and by what was known when."""

from shared.database.alembic import run
from shared.database.effective_dates import no_overlap
from shared.database.rls import protect

revision = "hr_0002"
down_revision = "hr_0001"

ROW = """
  tenant_id uuid not null,
  id uuid not null,
  version bigint not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (tenant_id, id),
"""
RECORDED = """
  valid_from date not null,
  valid_to date,
  recorded_at timestamptz not null,
  superseded_at timestamptz,
"""

EMPLOYEES = f"""
create table employees ({ROW}
  number text collate "C" not null,
  constraint employees_number_key unique (tenant_id, number)
);
create table employments ({ROW}
  employee_id uuid not null,
  kind text not null check (kind in ('employee', 'contractor')),
  state text not null check (state in ('pending', 'active', 'on_leave', 'suspended', 'terminated', 'cancelled')),
  hire_on date not null,
  last_day date check (last_day >= hire_on),
  access_end_at timestamptz,
  final_pay_on date,
  away boolean not null default false,
  check ((last_day is null) = (access_end_at is null)),
  check (state <> 'terminated' or last_day is not null),
  constraint employments_employee_fkey foreign key (tenant_id, employee_id) references employees (tenant_id, id)
);
create index employments_employee on employments (tenant_id, employee_id, hire_on);
create table employee_private ({ROW}
  employee_id uuid not null,
  birth_date bytea,
  gender bytea,
  address bytea,
  tax_ids bytea,
  bank_account bytea,
  compensation bytea,
  constraint employee_private_employee_fkey foreign key (tenant_id, employee_id) references employees (tenant_id, id)
);
"""
PERSON = f"""
create table person_facts ({ROW}{RECORDED}
  employee_id uuid not null,
  given_name text not null,
  family_name text not null,
  email text not null,
  birth_date_id uuid,
  gender_id uuid,
  address_id uuid,
  tax_ids_id uuid,
  bank_account_id uuid,
  stated text[] not null,
  constraint person_facts_employee_fkey foreign key (tenant_id, employee_id) references employees (tenant_id, id)
);
create index person_facts_employee on person_facts (tenant_id, employee_id, valid_from);
{no_overlap("person_facts", key={"employee_id": "uuid"}, recorded=True)}
"""
TERMS = f"""
create table employment_terms ({ROW}{RECORDED}
  employment_id uuid not null,
  employee_id uuid not null,
  position text not null,
  department text not null,
  cost_centre text,
  manager_id uuid,
  country text not null,
  subdivision text,
  weekly_hours numeric not null check (weekly_hours > 0 and weekly_hours <= 168),
  work_days text[] not null,
  compensation_id uuid not null,
  stated text[] not null,
  check (manager_id <> employee_id),
  constraint employment_terms_employment_fkey foreign key (tenant_id, employment_id)
    references employments (tenant_id, id),
  constraint employment_terms_manager_fkey foreign key (tenant_id, manager_id) references employees (tenant_id, id)
);
create index employment_terms_employment on employment_terms (tenant_id, employment_id, valid_from);
create index employment_terms_employee on employment_terms (tenant_id, employee_id, valid_from);
create index employment_terms_department on employment_terms (tenant_id, department, employee_id);
create index employment_terms_manager on employment_terms (tenant_id, manager_id, employee_id);
create index employment_terms_position on employment_terms (tenant_id, position, employee_id);
{no_overlap("employment_terms", key={"employment_id": "uuid"}, recorded=True)}
create table employment_stages ({ROW}{RECORDED}
  employment_id uuid not null,
  employee_id uuid not null,
  state text not null check (state in ('pending', 'active', 'on_leave', 'suspended', 'terminated', 'cancelled')),
  constraint employment_stages_employment_fkey foreign key (tenant_id, employment_id)
    references employments (tenant_id, id)
);
create index employment_stages_employment on employment_stages (tenant_id, employment_id, valid_from);
create index employment_stages_state on employment_stages (tenant_id, state, employee_id);
{no_overlap("employment_stages", key={"employment_id": "uuid"}, recorded=True)}
"""
CHANGES = f"""
create table employee_changes ({ROW}
  employee_id uuid not null,
  employment_id uuid,
  effective_on date not null,
  fields text[] not null check (cardinality(fields) > 0),
  facts jsonb not null,
  private_id uuid,
  reason text not null,
  actor_id text not null,
  on_behalf_of text,
  approval_id uuid,
  applied_at timestamptz,
  check (approval_id is not null or applied_at is not null),
  constraint employee_changes_employee_fkey foreign key (tenant_id, employee_id) references employees (tenant_id, id)
);
create index employee_changes_employee on employee_changes (tenant_id, employee_id, id);
"""
TABLES = (
    "employees",
    "employments",
    "employee_private",
    "person_facts",
    "employment_terms",
    "employment_stages",
    "employee_changes",
)


def upgrade() -> None:
    """Create the tables under row-level security."""
    for tables in (EMPLOYEES, PERSON, TERMS, CHANGES):
        run(tables)
    for table in TABLES:
        run(protect("hr", table, grants="select, insert, update"))
