"""Positions that the company has, filled or not."""

from shared.database.alembic import run
from shared.database.rls import protect

revision = "hr_0004"
down_revision = "hr_0003"

POSITIONS = """
create table positions (
  tenant_id uuid not null,
  id uuid not null,
  version bigint not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  code text not null,
  title text not null,
  department text,
  reports_to uuid,
  headcount integer not null check (headcount between 0 and 100000),
  primary key (tenant_id, id),
  constraint positions_code_key unique (tenant_id, code),
  constraint positions_reports_to_fkey foreign key (tenant_id, reports_to) references positions (tenant_id, id),
  check (reports_to <> id)
);
create index positions_reports_to on positions (tenant_id, reports_to, id);
"""


def upgrade() -> None:
    """Create the table under row-level security."""
    run(POSITIONS)
    run(protect("hr", "positions", grants="select, insert, update"))
