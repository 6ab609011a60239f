"""The kernel's table of files, and the logo of the seller's documents."""

from shared.database import kernel_tables
from shared.database.alembic import run

revision = "billing_0010"
down_revision = "billing_0009"

LOGO = "alter table sellers add column logo_id uuid;"


def upgrade() -> None:
    """Create both."""
    run(kernel_tables.upgrade("billing", since=4, to=5))
    run(LOGO)
