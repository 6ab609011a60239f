"""What an order desk says: finer prices, units, purchase order, notes, requested day, discounts, charges."""

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
# Lines with a price below zero are deposits and vouchers; the order as a whole is never below zero.
CHARGES = """
alter table orders add column charges jsonb not null default '[]',
  add constraint orders_not_negative check (gross_minor >= 0);
alter table order_lines drop constraint order_lines_unit_price_minor_check,
  add constraint order_lines_deducts check (unit_price_minor >= 0 or not tracked);
"""


def upgrade() -> None:
    """Let unit prices be finer than their currency, and add what is said of orders and of quantities."""
    run(FINER_PRICES)
    run(UNITS)
    run(FACTS)
    run(DISCOUNTS)
    run(CHARGES)
