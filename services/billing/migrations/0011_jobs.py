"""The kernel's jobs: taken in turn, resumed at a checkpoint, with a result."""

from shared.database import kernel_tables
from shared.database.alembic import run

revision = "billing_0011"
down_revision = "billing_0010"


def upgrade() -> None:
    """Add their columns and indexes."""
    run(kernel_tables.upgrade("billing", since=5, to=6))
