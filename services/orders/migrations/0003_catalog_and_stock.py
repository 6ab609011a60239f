"""Products, the copy of billing's tax codes, warehouses, stock and its movements."""

from shared.database.alembic import run
from shared.database.rls import protect

revision = "orders_0003"
down_revision = "orders_0002"

TABLES = """
create table tax_codes (
  tenant_id uuid not null,
  id uuid not null,
  version bigint not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  code text not null,
  name text not null,
  category text not null,
  rate numeric not null check (rate between 0 and 100),
  valid_from date not null,
  valid_to date,
  primary key (tenant_id, id),
  constraint tax_codes_code_key unique (tenant_id, code, valid_from)
);
create table products (
  tenant_id uuid not null,
  id uuid not null,
  version bigint not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  sku text not null,
  name text not null,
  unit_price_minor bigint not null check (unit_price_minor >= 0),
  currency text not null,
  tax_code text not null,
  tracked boolean not null default true,
  primary key (tenant_id, id),
  constraint products_sku_key unique (tenant_id, sku)
);
create table warehouses (
  tenant_id uuid not null,
  id uuid not null,
  version bigint not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  code text not null,
  name text not null,
  primary key (tenant_id, id),
  constraint warehouses_code_key unique (tenant_id, code)
);
create table stock_items (
  tenant_id uuid not null,
  product_id uuid not null,
  warehouse_id uuid not null,
  on_hand numeric not null default 0 check (on_hand >= 0),
  reserved numeric not null default 0 check (reserved >= 0),
  updated_at timestamptz not null default now(),
  primary key (tenant_id, product_id, warehouse_id),
  constraint stock_items_not_oversold check (on_hand >= reserved),
  foreign key (tenant_id, product_id) references products (tenant_id, id),
  foreign key (tenant_id, warehouse_id) references warehouses (tenant_id, id)
);
create table stock_movements (
  tenant_id uuid not null,
  id uuid not null,
  created_at timestamptz not null default now(),
  product_id uuid not null,
  warehouse_id uuid not null,
  kind text not null check (kind in ('adjustment', 'shipment')),
  delta numeric not null check (delta <> 0),
  on_hand_after numeric not null check (on_hand_after >= 0),
  reason text,
  reference_id uuid,
  actor_id text not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, product_id, warehouse_id) references stock_items (tenant_id, product_id, warehouse_id)
);
create index stock_movements_of_product on stock_movements (tenant_id, product_id, id);
"""


def upgrade() -> None:
    """Create the tables under row-level security; stock movements are append-only."""
    run(TABLES)
    for table in ("tax_codes", "products", "warehouses", "stock_items"):
        run(protect("orders", table))
    run(protect("orders", "stock_movements", grants="select, insert"))
