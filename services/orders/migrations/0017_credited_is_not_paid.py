"""What of an order's invoices was paid, credited and lost is counted apart: `credited` is not `paid`.

Whether an invoice is settled follows from these amounts alone, which facts may add and take back in any order. What was
noted before counts as paid: which of it was credit nobody wrote down. The mark `settled` stays for processes of the
release before; nothing reads it any more.
"""

from shared.database.alembic import run

revision = "orders_0017"
down_revision = "orders_0016"

COLUMNS = """
alter table orders add column credited_minor bigint not null default 0,
  add column lost_minor bigint not null default 0,
  add column taken_back_minor bigint not null default 0,
  drop constraint orders_payment_status_check,
  add constraint orders_payment_status_check
    check (payment_status in ('unpaid', 'part_paid', 'paid', 'credited'));
alter table order_invoices add column credited_minor bigint not null default 0,
  add column lost_minor bigint not null default 0,
  add column taken_back_minor bigint not null default 0;
"""


def upgrade() -> None:
    """Add the columns."""
    run(COLUMNS)
