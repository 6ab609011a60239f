"""The kernel's tables of approvals."""

from shared.database import kernel_tables
from shared.database.alembic import run

revision = "orders_0008"
down_revision = "orders_0007"


def upgrade() -> None:
    """Create them."""
    run(kernel_tables.upgrade("orders", since=3, to=4))
