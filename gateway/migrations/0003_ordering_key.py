"""The kernel's tables say ordering key."""

from shared.database import kernel_tables
from shared.database.alembic import run

revision = "gateway_0003"
down_revision = "gateway_0002"


def upgrade() -> None:
    """Rename the columns."""
    run(kernel_tables.upgrade("gateway", since=1, to=2))
