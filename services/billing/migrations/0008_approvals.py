"""The kernel's tables of approvals."""

from shared.database import kernel_tables
from shared.database.alembic import run

revision = "billing_0008"
down_revision = "billing_0007"


def upgrade() -> None:
    """Create them."""
    run(kernel_tables.upgrade("billing", since=3, to=4))
