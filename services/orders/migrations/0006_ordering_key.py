"""The kernel's tables say ordering key."""

from shared.database import kernel_tables
from shared.database.alembic import run

revision = "orders_0006"
down_revision = "orders_0005"


def upgrade() -> None:
    """Rename the columns."""
    run(kernel_tables.upgrade("orders", since=1, to=2))
