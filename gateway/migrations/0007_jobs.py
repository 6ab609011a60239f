"""The kernel's jobs: taken in turn, resumed at a checkpoint, with a result."""

from shared.database import kernel_tables
from shared.database.alembic import run

revision = "gateway_0007"
down_revision = "gateway_0006"


def upgrade() -> None:
    """Add their columns and indexes."""
    run(kernel_tables.upgrade("gateway", since=5, to=6))
