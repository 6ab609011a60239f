"""The kernel's jobs: taken in turn, resumed at a checkpoint, with a result."""

from shared.database import kernel_tables
from shared.database.alembic import run

revision = "orders_0010"
down_revision = "orders_0009"


def upgrade() -> None:
    """Add their columns and indexes."""
    run(kernel_tables.upgrade("orders", since=5, to=6))
