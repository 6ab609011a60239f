"""Where goods go stays with the order; a count may find less than is promised, and what waits is served first.

An order in work that named no destination gets its customer's as it is now; those that are over stay as they are.
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
DESTINATIONS = over_all_tenants(
    "customers",
    over_all_tenants(
        "orders",
        """
update orders o set ship_to = coalesce(c.shipping_address, c.billing_address) from customers c
where c.tenant_id = o.tenant_id and c.id = o.customer_id and o.ship_to is null
  and o.state in ('confirmed', 'processing');
""",
    ),
)


def upgrade() -> None:
    """Add what is kept, the index that finds the youngest promises, and the destinations of orders in work."""
    run(COLUMNS)
    run(DESTINATIONS)
