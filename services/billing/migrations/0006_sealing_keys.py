"""Which keys have sealed something of which tenant."""

from shared.database import kernel_tables
from shared.database.alembic import run

revision = "billing_0006"
down_revision = "billing_0005"


def upgrade() -> None:
    """Create the table."""
    run(kernel_tables.upgrade("billing", since=2, to=3))
