"""Where goods go stays with the order; a count may find less than is promised, and what waits is served first.

An order in work that named no destination gets its customer's as it is now; those that are over stay as they are. What
lies free beside lines that wait for it is owed to them, and shared out once a worker runs.
"""

from shared.database.alembic import run
from shared.database.rls import over_all_tenants

revision = "orders_0014"
down_revision = "orders_0013"

# More may be promised than is there only where a count said so, and then by no more than it left short.
COLUMNS = """
alter table fulfilments add column redirected_to jsonb;
alter table stock_items add column short numeric not null default 0 check (short >= 0);
alter table stock_items add column owed boolean not null default false;
alter table stock_items drop constraint stock_items_not_oversold;
alter table stock_items add constraint stock_items_not_oversold check (on_hand + short >= reserved);
create index order_lines_promised on order_lines (tenant_id, product_id, id) where reserved > 0;
"""
DESTINATIONS = """
update orders o set ship_to = coalesce(c.shipping_address, c.billing_address) from customers c
where c.tenant_id = o.tenant_id and c.id = o.customer_id and o.ship_to is null
  and o.state in ('confirmed', 'processing');
"""
STRANDED = """
with stranded as (
  select s.tenant_id, s.product_id from stock_items s
  where exists (select from order_lines l
    where l.tenant_id = s.tenant_id and l.product_id = s.product_id and l.backordered > 0)
  group by 1, 2 having sum(s.on_hand - s.reserved) > 0
), marked as (
  update stock_items s set owed = true from stranded x, warehouses w
  where s.tenant_id = x.tenant_id and s.product_id = x.product_id
    and w.tenant_id = x.tenant_id and w.id = s.warehouse_id and w.code = 'MAIN'
)
insert into due_times (tenant_id, kind, subject_id, due_at)
select tenant_id, 'stock.arrived', product_id, now() from stranded on conflict do nothing;
"""
READ = ("customers", "orders", "order_lines", "stock_items", "warehouses", "due_times")


def upgrade() -> None:
    """Add what is kept, the index that finds the youngest promises, and bring orders in work up to it."""
    run(COLUMNS)
    change = DESTINATIONS + STRANDED
    for table in READ:
        change = over_all_tenants(table, change)
    run(change)
