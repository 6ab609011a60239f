"""The kernel's tables."""

from shared.database import kernel_tables
from shared.database.alembic import run

revision = "hr_0001"
down_revision = None


def upgrade() -> None:
    """Create them."""
    run(kernel_tables.upgrade("hr", to=7))
