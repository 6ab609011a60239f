"""The kernel's table of files."""

from shared.database import kernel_tables
from shared.database.alembic import run

revision = "gateway_0006"
down_revision = "gateway_0005"


def upgrade() -> None:
    """Create it."""
    run(kernel_tables.upgrade("gateway", since=4, to=5))
