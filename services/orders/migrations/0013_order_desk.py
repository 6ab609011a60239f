"""What an order desk says of an order: finer unit prices, …"""

from shared.database.alembic import run

revision = "orders_0013"
down_revision = "orders_0012"

FINER_PRICES = """
alter table products alter column unit_price_minor type numeric;
alter table order_lines alter column unit_price_minor type numeric;
"""


def upgrade() -> None:
    """Let unit prices be finer than their currency."""
    run(FINER_PRICES)
