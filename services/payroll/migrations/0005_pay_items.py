"""Pay items, and the benefit elections that make some of them."""

from shared.database.alembic import run
from shared.database.rls import protect

revision = "payroll_0005"
down_revision = "payroll_0004"

TABLES = """
create table benefit_elections (
  tenant_id uuid not null,
  id uuid not null,
  version bigint not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  payee_id uuid not null,
  election_id uuid not null,
  elected_version bigint not null default 0,
  terms jsonb,
  ended_version bigint not null default 0,
  last_day date,
  primary key (tenant_id, id),
  foreign key (tenant_id, payee_id) references payees (tenant_id, id),
  constraint benefit_elections_election_key unique (tenant_id, election_id),
  check ((elected_version > 0) = (terms is not null)),
  check ((ended_version > 0) = (last_day is not null))
);

create table pay_items (
  tenant_id uuid not null,
  id uuid not null,
  version bigint not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  payee_id uuid not null,
  kind text not null
    check (kind in ('bonus', 'commission', 'expense', 'deduction', 'garnishment', 'employer_contribution')),
  code text not null,
  description text,
  recurring boolean not null,
  starts_on date not null,
  ends_on date,
  amount numeric,
  currency text,
  percent numeric check (percent > 0 and percent <= 100),
  treatment text,
  order_terms bytea,
  state text not null check (state in ('active', 'settled', 'cancelled')),
  settled_by uuid,
  election_id uuid,
  primary key (tenant_id, id),
  foreign key (tenant_id, payee_id) references payees (tenant_id, id),
  constraint pay_items_election_key unique (tenant_id, election_id, kind),
  check (ends_on is null or ends_on >= starts_on),
  check ((amount is null) = (currency is null)),
  check (amount > 0 and (amount <= 1000000000 or election_id is not null)),
  check (kind = 'garnishment' or (amount is null) <> (percent is null)),
  check ((kind = 'deduction') = (treatment is not null)),
  check ((kind = 'garnishment') = (order_terms is not null)),
  check ((state = 'settled') = (settled_by is not null))
);
create index pay_items_payee on pay_items (tenant_id, payee_id, state, starts_on);
create index pay_items_settled on pay_items (tenant_id, settled_by) where settled_by is not null;
"""


def upgrade() -> None:
    """Create the tables under row-level security."""
    run(TABLES)
    run(protect("payroll", "benefit_elections", grants="select, insert, update"))
    run(protect("payroll", "pay_items", grants="select, insert, update"))
