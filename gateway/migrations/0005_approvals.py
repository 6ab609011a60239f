"""The kernel's tables of approvals."""

from shared.database import kernel_tables
from shared.database.alembic import run

revision = "gateway_0005"
down_revision = "gateway_0004"


def upgrade() -> None:
    """Create them."""
    run(kernel_tables.upgrade("gateway", since=3, to=4))
