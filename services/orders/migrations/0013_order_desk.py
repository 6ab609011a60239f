"""What an order desk says: finer prices, units, purchase order, notes, requested day, a discount on the whole."""

from shared.database.alembic import run

revision = "orders_0013"
down_revision = "orders_0012"

FINER_PRICES = """
alter table products alter column unit_price_minor type numeric;
alter table order_lines alter column unit_price_minor type numeric;
"""
UNITS = """
alter table products add column unit text not null default 'C62' check (unit ~ '^[A-Z0-9]{2,3}$');
alter table order_lines add column unit text not null default 'C62' check (unit ~ '^[A-Z0-9]{2,3}$');
"""
FACTS = """
alter table orders add column purchase_order text, add column notes text, add column requested_on date;
"""
DISCOUNTS = """
alter table orders add column discount_percent numeric check (discount_percent between 0 and 100),
  add column discount_minor bigint not null default 0 check (discount_minor >= 0);
alter table order_lines add column order_discount_minor bigint not null default 0 check (order_discount_minor >= 0);
"""


def upgrade() -> None:
    """Let unit prices be finer than their currency, and add what is said of orders and of quantities."""
    run(FINER_PRICES)
    run(UNITS)
    run(FACTS)
    run(DISCOUNTS)
