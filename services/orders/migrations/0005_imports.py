"""Order imports: the job's face to its client, the file, and what became of each row."""

from shared.database.alembic import run
from shared.database.rls import protect

revision = "orders_0005"
down_revision = "orders_0004"

TABLES = """
create table order_imports (
  tenant_id uuid not null,
  id uuid not null,
  version bigint not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  state text not null check (state in ('pending', 'running', 'done', 'failed', 'cancelled')),
  file_name text not null,
  options jsonb not null,
  rows_total bigint not null default 0,
  rows_done bigint not null default 0,
  rows_failed bigint not null default 0,
  rows_skipped bigint not null default 0,
  orders_created bigint not null default 0,
  orders_failed bigint not null default 0,
  orders_skipped bigint not null default 0,
  error_code text,
  error_message text,
  primary key (tenant_id, id)
);
create table order_import_files (
  tenant_id uuid not null,
  id uuid not null,
  content bytea not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, id) references order_imports (tenant_id, id)
);
create table order_import_rows (
  tenant_id uuid not null,
  id uuid not null,
  import_id uuid not null,
  row bigint not null,
  order_ref text,
  status text not null check (status in ('imported', 'failed', 'skipped')),
  code text,
  message text,
  order_id uuid,
  primary key (tenant_id, id),
  constraint order_import_rows_row_key unique (tenant_id, import_id, row),
  foreign key (tenant_id, import_id) references order_imports (tenant_id, id)
);
create index order_import_rows_by_status on order_import_rows (tenant_id, import_id, status, row);
"""


def upgrade() -> None:
    """Create the tables under row-level security; a file and a row's outcome never change."""
    run(TABLES)
    run(protect("orders", "order_imports"))
    run(protect("orders", "order_import_files", grants="select, insert"))
    run(protect("orders", "order_import_rows", grants="select, insert"))
