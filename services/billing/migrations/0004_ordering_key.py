"""The kernel's tables say ordering key."""

from shared.database import kernel_tables
from shared.database.alembic import run

revision = "billing_0004"
down_revision = "billing_0003"


def upgrade() -> None:
    """Rename the columns."""
    run(kernel_tables.upgrade("billing", since=1, to=2))
