"""What shipments stated of each tax rate: a rate that changes between two of them has a sum of its own.

Until now every shipment of an order had the rates agreed on, so that the lines tell what was stated.
"""

from shared.database.alembic import run
from shared.database.rls import over_all_tenants

revision = "orders_0012"
down_revision = "orders_0011"

COLUMN = "alter table orders add column shipped_tax jsonb not null default '[]';"
STATED = """
update orders o set shipped_tax = s.groups
from (
  select tenant_id, order_id, jsonb_agg(jsonb_build_array(tax_code, rate, tax_category, base, tax, since)) as groups
  from (
    select l.tenant_id, l.order_id, l.tax_code, trim_scale(l.tax_rate)::text as rate, l.tax_category,
      sum(l.shipped_net_minor)::bigint as base, sum(l.shipped_tax_minor)::bigint as tax,
      (select coalesce(min(f.shipped_at), now())::date from fulfilments f
        where f.tenant_id = l.tenant_id and f.order_id = l.order_id) as since
    from order_lines l where l.shipped > 0 group by 1, 2, 3, 4, 5
  ) g group by 1, 2
) s
where (o.tenant_id, o.id) = (s.tenant_id, s.order_id);
"""


def upgrade() -> None:
    """Add the column, and fill it from the lines of orders that were shipped in part or whole."""
    run(COLUMN)
    statements = STATED
    for table in ("fulfilments", "order_lines", "orders"):
        statements = over_all_tenants(table, statements)
    run(statements)
