"""Which keys have sealed something of which tenant."""

from shared.database import kernel_tables
from shared.database.alembic import run

revision = "orders_0007"
down_revision = "orders_0006"


def upgrade() -> None:
    """Create the table."""
    run(kernel_tables.upgrade("orders", since=2, to=3))
