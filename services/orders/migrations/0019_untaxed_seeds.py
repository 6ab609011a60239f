"""Tax codes of countries whose rate we do not know are out of scope, as billing has them (billing_0014)."""

from shared.database.alembic import run
from shared.database.rls import over_all_tenants

revision = "orders_0019"
down_revision = "orders_0017"

UNTAXED = """
update tax_codes set category = 'O', version = version + 1, updated_at = now()
where category = 'S' and rate = 0 and valid_from = date '2000-01-01' and (code, name) in (
  ('standard', 'Standard (no national sales tax: set state tax)'), ('standard', 'Standard (rate not known: set it)'),
  ('reduced', 'Reduced (no national sales tax: set state tax)'), ('reduced', 'Reduced (rate not known: set it)'));
"""


def upgrade() -> None:
    """Change what is as it was seeded."""
    run(over_all_tenants("tax_codes", UNTAXED))
