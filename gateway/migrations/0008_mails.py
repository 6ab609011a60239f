"""The kernel's table of mails."""

from shared.database import kernel_tables
from shared.database.alembic import run

revision = "gateway_0008"
down_revision = "gateway_0007"


def upgrade() -> None:
    """Create it."""
    run(kernel_tables.upgrade("gateway", since=6, to=7))
