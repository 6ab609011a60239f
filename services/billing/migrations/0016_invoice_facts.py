"""What invoices say more: finer unit prices, units of measure, the buyer's purchase order."""

from shared.database.alembic import run

revision = "billing_0016"
down_revision = "billing_0015"

# A trigger names the column in its condition, so that it must be made anew.
FINER_PRICES = """
drop trigger invoice_line_guarded on invoice_lines;
alter table invoice_lines alter column unit_price_minor type numeric;
create trigger invoice_line_guarded before update on invoice_lines for each row
  when ((old.description, old.quantity, old.unit_price_minor, old.discount_minor, old.tax_code, old.tax_category,
    old.tax_rate, old.net_minor, old.tax_minor, old.gross_minor) is distinct from (new.description, new.quantity,
    new.unit_price_minor, new.discount_minor, new.tax_code, new.tax_category, new.tax_rate, new.net_minor,
    new.tax_minor, new.gross_minor)) execute function guard_invoice_line();
"""

FACTS = """
alter table invoices add column purchase_order text;
alter table invoice_lines add column unit text not null default 'C62' check (unit ~ '^[A-Z0-9]{2,3}$'),
  add column order_discount_minor bigint not null default 0 check (order_discount_minor >= 0),
  add column kind text not null default 'item' check (kind in ('item', 'shipping', 'handling', 'other')),
  drop constraint invoice_lines_unit_price_minor_check;
"""


def upgrade() -> None:
    """Let unit prices be finer than their currency, and add what documents name."""
    run(FINER_PRICES)
    run(FACTS)
