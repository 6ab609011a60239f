"""The copy of customers has what documents need of them; the kernel's table of mails."""

from shared.database import kernel_tables
from shared.database.alembic import run

revision = "billing_0015"
down_revision = "billing_0014"

COLUMNS = """
alter table customers
  add column phone text,
  add column external_ref text,
  add column shipping_address jsonb,
  add column language text,
  add column registration_number text,
  add column buyer_reference text,
  add column electronic_address text,
  add column payment_terms_days integer,
  add column e_invoice text not null default 'none',
  add column delivery text not null default 'none';
"""


def upgrade() -> None:
    """Add columns and table; the columns are filled as orders tells of customers."""
    run(COLUMNS)
    run(kernel_tables.upgrade("billing", since=6, to=7))
