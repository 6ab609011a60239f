"""Orders with their lines and holds, fulfilments, and what of each order was invoiced."""

from shared.database.alembic import run
from shared.database.rls import protect

revision = "orders_0004"
down_revision = "orders_0003"

TABLES = """
create table orders (
  tenant_id uuid not null,
  id uuid not null,
  version bigint not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  number text,
  customer_id uuid not null,
  channel text not null check (channel in ('api', 'phone', 'email', 'web', 'import')),
  external_ref text,
  currency text not null,
  prices text not null check (prices in ('net', 'gross')),
  rounding text not null check (rounding in ('document', 'line')),
  state text not null check (state in ('draft', 'confirmed', 'processing', 'completed', 'cancelled', 'expired')),
  fulfilment_status text not null check (fulfilment_status in ('unfulfilled', 'partially_shipped', 'shipped',
    'partially_delivered', 'delivered')),
  payment_status text not null check (payment_status in ('unpaid', 'part_paid', 'paid')),
  backorder text not null check (backorder in ('reject', 'allow')),
  ship_to jsonb,
  payment_terms_days integer not null check (payment_terms_days between 0 and 365),
  net_minor bigint not null,
  tax_minor bigint not null,
  gross_minor bigint not null,
  tax_breakdown jsonb not null,
  revision integer not null,
  ordered_at timestamptz not null,
  confirmed_at timestamptz,
  invoiced_minor bigint not null default 0,
  paid_minor bigint not null default 0,
  primary key (tenant_id, id),
  constraint orders_external_ref_key unique (tenant_id, external_ref),
  constraint orders_number_key unique (tenant_id, number),
  constraint orders_totals check (gross_minor = net_minor + tax_minor),
  constraint orders_numbered check (state in ('draft', 'cancelled', 'expired') or number is not null),
  constraint orders_customer_fkey foreign key (tenant_id, customer_id) references customers (tenant_id, id)
);
create index orders_by_customer on orders (tenant_id, customer_id, id);
create index orders_by_state on orders (tenant_id, state, id);
create table order_lines (
  tenant_id uuid not null,
  id uuid not null,
  order_id uuid not null,
  position integer not null check (position > 0),
  product_id uuid not null,
  sku text not null,
  description text not null,
  tracked boolean not null,
  quantity numeric not null check (quantity > 0),
  currency text not null,
  unit_price_minor bigint not null check (unit_price_minor >= 0),
  discount_percent numeric not null check (discount_percent between 0 and 100),
  discount_minor bigint not null,
  tax_code text not null,
  tax_category text not null,
  tax_rate numeric not null,
  net_minor bigint not null,
  tax_minor bigint not null,
  gross_minor bigint not null,
  reserved numeric not null default 0 check (reserved >= 0),
  backordered numeric not null default 0 check (backordered >= 0),
  shipped numeric not null default 0 check (shipped >= 0),
  cancelled numeric not null default 0 check (cancelled >= 0),
  returned numeric not null default 0 check (returned >= 0 and returned <= shipped),
  shipped_net_minor bigint not null default 0,
  shipped_tax_minor bigint not null default 0,
  shipped_discount_minor bigint not null default 0,
  primary key (tenant_id, id),
  constraint order_lines_position_key unique (tenant_id, order_id, position),
  constraint order_lines_totals check (gross_minor = net_minor + tax_minor),
  constraint order_lines_accounted check (reserved + backordered + shipped + cancelled <= quantity),
  foreign key (tenant_id, order_id) references orders (tenant_id, id),
  foreign key (tenant_id, product_id) references products (tenant_id, id)
);
create index order_lines_backordered on order_lines (tenant_id, product_id, id) where backordered > 0;
create table order_holds (
  tenant_id uuid not null,
  id uuid not null,
  order_id uuid not null,
  reason text not null,
  source text not null,
  placed_by text not null,
  placed_at timestamptz not null,
  released_by text,
  released_at timestamptz,
  release_reason text,
  primary key (tenant_id, id),
  foreign key (tenant_id, order_id) references orders (tenant_id, id)
);
create index order_holds_active on order_holds (tenant_id, order_id, id) where released_at is null;
create table fulfilments (
  tenant_id uuid not null,
  id uuid not null,
  version bigint not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  order_id uuid not null,
  warehouse_id uuid not null,
  state text not null check (state in ('backordered', 'open', 'released', 'picking', 'packed', 'shipped',
    'delivered', 'cancelled')),
  parcels jsonb not null default '[]',
  shipped_at timestamptz,
  primary key (tenant_id, id),
  foreign key (tenant_id, order_id) references orders (tenant_id, id),
  foreign key (tenant_id, warehouse_id) references warehouses (tenant_id, id)
);
create index fulfilments_of_order on fulfilments (tenant_id, order_id, id);
create index fulfilments_by_state on fulfilments (tenant_id, state, id);
create table fulfilment_lines (
  tenant_id uuid not null,
  id uuid not null,
  fulfilment_id uuid not null,
  order_line_id uuid not null,
  quantity numeric not null check (quantity > 0),
  primary key (tenant_id, id),
  constraint fulfilment_lines_line_key unique (tenant_id, fulfilment_id, order_line_id),
  foreign key (tenant_id, fulfilment_id) references fulfilments (tenant_id, id),
  foreign key (tenant_id, order_line_id) references order_lines (tenant_id, id)
);
create index fulfilment_lines_of_order_line on fulfilment_lines (tenant_id, order_line_id);
-- An invoice of an order as billing's facts tell it, in whatever order they arrive: a payment may come before
-- the invoice's gross is known.
create table order_invoices (
  tenant_id uuid not null,
  id uuid not null,
  order_id uuid not null,
  gross_minor bigint,
  paid_minor bigint not null default 0,
  settled boolean not null default false,
  voided boolean not null default false,
  primary key (tenant_id, id),
  foreign key (tenant_id, order_id) references orders (tenant_id, id)
);
create index order_invoices_of_order on order_invoices (tenant_id, order_id, id);
"""


def upgrade() -> None:
    """Create the tables under row-level security."""
    run(TABLES)
    for table in (
        "orders",
        "order_lines",
        "order_holds",
        "fulfilments",
        "fulfilment_lines",
        "order_invoices",
    ):
        run(protect("orders", table))
