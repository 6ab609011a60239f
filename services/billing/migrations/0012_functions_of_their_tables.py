"""What runs with the owner's rights serves the table it was made for; no trigger finds names of its caller's making.

A trigger that runs as the owner believes the rows it is handed: on any other table than its own they would be its
caller's invention. Names that a trigger looks up are those of this schema, whatever the caller's search path says. The
app role may call the one function that a trigger calls with the caller's rights; PUBLIC loses them all
(`shared.database.migrations`).
"""

from shared.database.alembic import run
from shared.database.owner_functions import guard_functions
from shared.database.rls import app_role

revision = "billing_0012"
down_revision = "billing_0011"


def upgrade() -> None:
    """Guard them, fix their names, and grant what a role needs."""
    run(guard_functions("billing"))
    run(f"grant execute on function ledger_month_key(uuid, date) to {app_role('billing')};")
