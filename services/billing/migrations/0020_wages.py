"""Wages in the books: pay runs and their lines as payroll told them, what was remitted; an account for each role.

Whoever has the standard chart gets the accounts that it lacks, unless there is one of that code.
"""

from alembic import op
from sqlalchemy import text

from shared.database.alembic import run
from shared.database.rls import protect
from shared.values.ids import new_id

revision = "billing_0020"
down_revision = "billing_0019"

TABLES = """
create table wage_postings (
  tenant_id uuid not null,
  id uuid not null,
  version bigint not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  state text not null check (state in ('waiting', 'posted', 'paid', 'reversed')),
  number text,
  kind text check (kind in ('regular', 'off_cycle', 'correction')),
  currency text not null,
  pay_on date,
  effective_on date,
  paid_on date,
  reversed_on date,
  entry_id uuid,
  payment_entry_id uuid,
  reversal_entry_id uuid,
  primary key (tenant_id, id),
  constraint wage_postings_approved check (state = 'waiting'
    or (number is not null and kind is not null and pay_on is not null and effective_on is not null)),
  constraint wage_postings_waiting check (state <> 'waiting'
    or (entry_id is null and paid_on is null and reversed_on is null)),
  constraint wage_postings_paid check (state <> 'paid' or paid_on is not null),
  constraint wage_postings_not_paid check (state <> 'posted' or paid_on is null),
  constraint wage_postings_reversed check ((state = 'reversed') = (reversed_on is not null)),
  constraint wage_postings_payment check (payment_entry_id is null or paid_on is not null),
  constraint wage_postings_reversal check (reversal_entry_id is null or reversed_on is not null),
  constraint wage_postings_entry_fkey foreign key (tenant_id, entry_id) references journal_entries (tenant_id, id),
  constraint wage_postings_payment_entry_fkey foreign key (tenant_id, payment_entry_id)
    references journal_entries (tenant_id, id),
  constraint wage_postings_reversal_entry_fkey foreign key (tenant_id, reversal_entry_id)
    references journal_entries (tenant_id, id)
);
create index wage_postings_by_state on wage_postings (tenant_id, state, id);
create index wage_postings_by_number on wage_postings (tenant_id, number) where number is not null;
create table wage_posting_lines (
  tenant_id uuid not null,
  id uuid not null,
  version bigint not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  run_id uuid not null,
  line integer not null check (line > 0),
  role text not null check (role in ('wages', 'employer_contribution', 'contractor', 'expense', 'withholding', 'social',
    'pension', 'garnishment', 'other_deduction', 'net_pay')),
  cost_centre text,
  debit_minor bigint not null check (debit_minor >= 0),
  credit_minor bigint not null check (credit_minor >= 0),
  cleared_minor bigint not null default 0,
  primary key (tenant_id, id),
  constraint wage_posting_lines_line_key unique (tenant_id, run_id, line),
  constraint wage_posting_lines_one_side check ((debit_minor = 0) <> (credit_minor = 0)),
  constraint wage_posting_lines_cleared check (cleared_minor = 0
    or (role = 'net_pay' and cleared_minor = credit_minor - debit_minor)),
  constraint wage_posting_lines_run_fkey foreign key (tenant_id, run_id) references wage_postings (tenant_id, id)
);
create table wage_facts (
  tenant_id uuid not null,
  id uuid not null,
  version bigint not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  run_id uuid not null,
  kind text not null check (kind in ('approved', 'paid', 'reversed')),
  event_id uuid not null,
  facts jsonb not null,
  primary key (tenant_id, id),
  constraint wage_facts_kind_key unique (tenant_id, run_id, kind),
  constraint wage_facts_run_fkey foreign key (tenant_id, run_id) references wage_postings (tenant_id, id)
);
create table wage_remittances (
  tenant_id uuid not null,
  id uuid not null,
  version bigint not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  role text not null check (role in ('withholding', 'social', 'pension', 'garnishment', 'other_deduction')),
  currency text not null,
  amount_minor bigint not null check (amount_minor > 0),
  remitted_on date not null,
  entry_id uuid not null,
  primary key (tenant_id, id),
  constraint wage_remittances_entry_fkey foreign key (tenant_id, entry_id) references journal_entries (tenant_id, id)
);
"""
GRANTS = {
    "wage_postings": "select, insert, update",
    "wage_posting_lines": "select, insert, update (cleared_minor, version, updated_at)",
    "wage_facts": "select, insert",
    "wage_remittances": "select, insert",
}
LACKING = """
select tenant_id from accounts group by 1
having bool_or(code = '6000') and not bool_or(code = :code)
"""
ADD = """
insert into accounts (tenant_id, id, code, name, type) values (:tenant_id, :id, :code, :name, :type)
"""
ACCOUNTS = (
    ("2330", "Pension contributions payable", "liability"),
    ("2340", "Garnishments payable", "liability"),
    ("2350", "Other payroll deductions payable", "liability"),
    ("6050", "Contractor pay", "expense"),
    ("6250", "Reimbursed expenses", "expense"),
)


def upgrade() -> None:
    """Add the tables and the accounts."""
    run(TABLES)
    for table, grants in GRANTS.items():
        run(protect("billing", table, grants=grants))
    connection = op.get_bind()
    for code, name, type_ in ACCOUNTS:
        for (tenant_id,) in connection.execute(text(LACKING), {"code": code}).all():
            facts = {"tenant_id": tenant_id, "id": new_id(), "code": code, "name": name, "type": type_}
            connection.execute(text(ADD), facts)
