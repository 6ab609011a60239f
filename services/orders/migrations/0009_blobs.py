"""The kernel's table of files; a file of orders is one of them, where `order_import_files` held its bytes before.

Imports that began before this keep their bytes where they are and are read from there.
"""

from shared.database import kernel_tables
from shared.database.alembic import run

revision = "orders_0009"
down_revision = "orders_0008"

FILE = "alter table order_imports add column blob_id uuid;"


def upgrade() -> None:
    """Create both."""
    run(kernel_tables.upgrade("orders", since=4, to=5))
    run(FILE)
