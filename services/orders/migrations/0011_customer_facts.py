"""What documents need of a customer, how they reach it, and the kernel's table of mails."""

from shared.database import kernel_tables
from shared.database.alembic import run

revision = "orders_0011"
down_revision = "orders_0010"

COLUMNS = """
alter table customers
  add column language text check (language ~ '^[a-z]{2}$'),
  add column registration_number text,
  add column buyer_reference text,
  add column electronic_address text check (electronic_address ~ '^([0-9]{4}|[A-Z]{2}):.'),
  add column payment_terms_days integer check (payment_terms_days between 0 and 365),
  add column e_invoice text not null default 'none' check (e_invoice in ('none', 'factur_x', 'xrechnung')),
  add column delivery text not null default 'none' check (delivery in ('none', 'mail')),
  add constraint customers_reachable check (delivery <> 'mail' or email is not null);
"""


def upgrade() -> None:
    """Add columns and table; customers so far have none of it."""
    run(COLUMNS)
    run(kernel_tables.upgrade("orders", since=6, to=7))
