"""Which keys have sealed something of which tenant."""

from shared.database import kernel_tables
from shared.database.alembic import run

revision = "gateway_0004"
down_revision = "gateway_0003"


def upgrade() -> None:
    """Create the table."""
    run(kernel_tables.upgrade("gateway", since=2, to=3))
